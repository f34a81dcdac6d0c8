"""Sources of a handful of rows, and what comes out of them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline import config, ingest, records


class Read:
    """All that `read_sources` yields for one config section."""

    def __init__(self, batches: Sequence[ingest.Batch]) -> None:
        for batch in batches:
            assert batch.articles.schema == records.ARTICLES
        tables = [batch.articles for batch in batches]
        self.rows: list[dict[str, Any]] = pa.concat_tables(tables).to_pylist() if tables else []
        self.rejects = [reject for batch in batches for reject in batch.rejects]
        self.texts = [row["text"] for row in self.rows]
        self.reasons = [(reject.place, reject.reason) for reject in self.rejects]


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Read]:
    """Return a function that reads the sources below `tmp_path`."""

    def read(
        *sources: str | dict[str, Any], stdin: Any = None, keep_extra: bool = True, **section: Any
    ) -> Read:
        listed = [{"path": source} if isinstance(source, str) else source for source in sources]
        parsed = config.Ingest.model_validate({"root": tmp_path, "sources": listed, **section})
        return Read(list(ingest.read_sources(parsed, keep_extra=keep_extra, stdin=stdin)))

    return read

"""Write the articles of a run as they stream in, and then once more with their stories."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.artifacts import COMPRESSION
from pipeline.config import Stories
from pipeline.ingest import StoryTeller, Told
from pipeline.records import ARTICLES

# The draft is read once and thrown away.
_DRAFT_COMPRESSION: Final = "lz4"


def article_writer(
    section: Stories | None, articles: Path, copies: Path
) -> "PlainWriter | StoriedWriter":
    """Return what writes articles to `articles`, and what was left out to `copies`."""
    copies.touch()
    return PlainWriter(articles) if section is None else StoriedWriter(section, articles, copies)


class PlainWriter(ExitStack):
    """Writes articles as they come."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._writer = self.enter_context(_parquet(path, COMPRESSION))

    def add(self, articles: pa.Table) -> None:
        """Write the next articles."""
        self._writer.write_table(articles)

    def finish(self) -> int:
        """Close the file; return how many articles were left out as copies."""
        self._writer.close()
        return 0


class StoriedWriter(ExitStack):
    """Writes a draft as the articles come, and the articles with their stories at the end.

    The draft and the scratch file of the search lie beside the articles, and are gone at the end.
    """

    def __init__(self, section: Stories, articles: Path, copies: Path) -> None:
        super().__init__()
        self._path, self._copies = articles, copies
        self._draft = articles.with_name(f"{articles.name}.draft")
        self._scratch_path = articles.with_name(f"{articles.name}.scratch")
        self.callback(self._draft.unlink, missing_ok=True)
        self.callback(self._scratch_path.unlink, missing_ok=True)
        self._writer = self.enter_context(_parquet(self._draft, _DRAFT_COMPRESSION))
        scratch = self.enter_context(self._scratch_path.open("w+b"))
        self._teller = StoryTeller(section, scratch)

    def add(self, articles: pa.Table) -> None:
        """Take the next articles."""
        self._writer.write_table(articles)
        self._teller.add(articles)

    def finish(self) -> int:
        """Write the articles; return how many were left out as copies."""
        self._writer.close()
        told = self._teller.tell()
        with pq.ParquetFile(self._draft) as draft:
            names = _names(draft, told)
            with _parquet(self._path, COMPRESSION) as writer, self._copies.open("wb") as copies:
                for start, table in _groups(draft):
                    storied, left_out = _parted(table, start, told, names)
                    if len(storied):
                        writer.write_table(storied)
                    copies.writelines(left_out)
        return int((~told.is_kept).sum())


def _parquet(path: Path, compression: str) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, ARTICLES, compression=compression)


def _groups(draft: pq.ParquetFile) -> Iterator[tuple[int, pa.Table]]:
    """Yield the articles as they were added, and the position of the first among all."""
    start = 0
    for number in range(draft.num_row_groups):
        table = draft.read_row_group(number)
        yield start, table
        start += len(table)


def _names(draft: pq.ParquetFile, told: Told) -> dict[int, str]:
    """Return the ids of the articles that others are named after, by their position."""
    positions = np.arange(len(told.stays), dtype=np.int32)
    wanted = np.union1d(
        told.earliest[told.earliest != positions], told.stays[told.stays != positions]
    )
    names: dict[int, str] = {}
    start = 0
    for batch in draft.iter_batches(columns=["id"]):
        here = wanted[np.searchsorted(wanted, start) :]
        here = here[: np.searchsorted(here, start + len(batch))]
        ids = batch["id"].take(pa.array(here - start)).to_pylist()
        names.update(zip(here.tolist(), ids, strict=True))
        start += len(batch)
    return names


def _parted(
    table: pa.Table, start: int, told: Told, names: dict[int, str]
) -> tuple[pa.Table, Iterator[bytes]]:
    """Return the articles that stay, with their stories, and a line for each that does not."""
    ids = table["id"].to_pylist()
    earliest = told.earliest[start : start + len(table)].tolist()
    stories = [names.get(first, own) for first, own in zip(earliest, ids, strict=True)]
    column = table.schema.get_field_index("story")
    table = table.set_column(column, ARTICLES.field("story"), pa.array(stories, pa.string()))
    is_kept = pa.array(told.is_kept[start : start + len(table)])
    gone = table.select(["id", "source", "place", "story"]).append_column(
        "article", pa.array(range(start, start + len(table)))
    )
    return table.filter(is_kept), (
        _line(row, told, names) for row in gone.filter(pc.invert(is_kept)).to_pylist()
    )


def _line(row: dict[str, object], told: Told, names: dict[int, str]) -> bytes:
    article = row.pop("article")
    assert isinstance(article, int)
    kept = {"kept": names[int(told.stays[article])], "reason": told.reason(article)}
    return orjson.dumps(row | kept, option=orjson.OPT_APPEND_NEWLINE)

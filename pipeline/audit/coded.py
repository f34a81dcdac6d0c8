"""The coded articles of a run, and which of them a test side may not resemble."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.audit.findings import Finding, Severity, share
from pipeline.groups import field_values, group_keys, iso_day
from pipeline.records import is_test


@dataclass(frozen=True)
class Coded:
    """Articles that have a coded example, with their side; and those examples."""

    articles: pa.Table
    """records.ARTICLES, those on a side."""
    sides: list[str]
    """The side of each article."""
    stories: list[str]
    """The story of each article, as the split has it."""
    examples: pa.Table
    """records.EXAMPLES with `side`, those with gold."""

    @classmethod
    def of(cls, articles: pa.Table, splits: pa.Table, examples: pa.Table) -> "Coded":
        """Join the tables of a run; articles without a coded example or a side are left out."""
        examples = examples.filter(pc.is_valid(examples["gold"]))
        at = pc.index_in(examples["article_id"], splits["article_id"].combine_chunks())
        examples = examples.append_column("side", splits["side"].take(at))
        examples = examples.filter(pc.is_valid(examples["side"]))
        articles = articles.filter(pc.is_in(articles["id"], pc.unique(examples["article_id"])))
        at = pc.index_in(articles["id"], splits["article_id"].combine_chunks())
        placed = splits.take(at)
        return cls(articles, placed["side"].to_pylist(), placed["story"].to_pylist(), examples)

    @cached_property
    def ids(self) -> list[str]:
        """The id of each article."""
        found: list[str] = self.articles["id"].to_pylist()
        return found

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """Which articles the model learns from, or is chosen by: train and dev."""
        return np.array([not is_test(side) for side in self.sides], np.bool_)

    @cached_property
    def test_sides(self) -> list[str]:
        """The names of the test sides, sorted."""
        return sorted({side for side in self.sides if is_test(side)})

    def on(self, side: str) -> NDArray[np.int64]:
        """Return the places of the articles on a side."""
        return np.flatnonzero(np.array([each == side for each in self.sides], np.bool_))

    def values(self, field: str) -> list[str | None]:
        """Return a field of each article as text."""
        return field_values(self.articles, field)

    @cached_property
    def ingest_stories(self) -> list[str | None]:
        """The story of each article as ingest found it; None where nobody looked for stories."""
        return self.values("story")

    @cached_property
    def days(self) -> list[str | None]:
        """The day of publication of each article; None where it is no ISO date."""
        return [iso_day(text or "") for text in self.values("published")]

    def groups(self, field: str) -> list[str | None]:
        """Return the key of each article's group."""
        return group_keys(self.articles, field)

    def where(self, place: int) -> dict[str, Any]:
        """Return how a person finds an article again."""
        row = self.articles.slice(place, 1).select(["id", "source", "place"]).to_pylist()[0]
        return {"article": row["id"], "place": f"{row['source']}:{row['place']}"}

    def touching(
        self,
        check: str,
        side: str,
        touched: Mapping[int, Mapping[str, Any]],
        severity: Severity,
        said: str,
        of: int | None = None,
    ) -> Finding:
        """Return the finding that these places of a side are `said`, with what stands in each row.

        It is of no weight where there are none. `of` is how many were looked at: all of the side.
        """
        n = len(self.on(side)) if of is None else of
        return Finding(
            check, severity if touched else Severity.INFO,
            f"{share(len(touched), n)} of the {said}",
            side, numbers={"n": len(touched), "of": n},
            rows=[{**self.where(place), **row} for place, row in touched.items()],
            articles=[self.ids[place] for place in touched],
        )  # fmt: skip

    def answers(self, task: str) -> Iterator[tuple[int, str, frozenset[str]]]:
        """Yield the article's place, the side and the gold labels of each example of a task."""
        rows = self.examples.filter(pc.equal(self.examples["task"], task))
        places: Mapping[str, int] = {article: place for place, article in enumerate(self.ids)}
        for article, side, gold in zip(
            *(rows[name].to_pylist() for name in ("article_id", "side", "gold")), strict=True
        ):
            yield places[article], side, frozenset(gold)

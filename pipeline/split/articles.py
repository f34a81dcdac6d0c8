"""Put each article on a side, by what it wishes for and what has to stay together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline import records
from pipeline.config import GivenSplit, SplitSection
from pipeline.duplicates.near_duplicates import find_near_duplicates
from pipeline.errors import DataError
from pipeline.split.account import account_of
from pipeline.split.placement import Place, keep_apart, place_articles
from pipeline.split.sides import check_sides
from pipeline.split.stories import stories_of
from pipeline.split.wishes import joins_stories, wishes_for


@dataclass(frozen=True)
class Split:
    """The sides of all articles, and an account of how they came about."""

    splits: pa.Table
    """records.SPLITS, in the order of the articles."""
    account: dict[str, Any]
    """JSON-ready: counts by side and reason, what was set aside, stories of several articles."""


def split_articles(
    articles: pa.Table, section: SplitSection, earlier: pa.Table | None = None
) -> Split:
    """Split `articles` (records.ARTICLES) by what the section says.

    No two near-duplicates come to stand on different sides: the later one follows (by story) or is
    set aside. By story and folds, no two articles of a story of ingest do either. What shares an
    outlet, or whatever else the section keeps apart, with an article on another side is set aside
    too. Two exceptions: test sides that the sources name stay whole, and articles that are in
    `earlier` (records.SPLITS of a former run) stay where they were. DataError where a row does not
    tell its side, or a side is empty.
    """
    if articles.num_rows == 0:
        raise DataError("split: there are no articles to split; look at ingest.sources")
    wishes = wishes_for(articles, section)
    ids = articles["id"].to_pylist()
    kept = _kept(earlier)
    sides = [
        kept[each].side if each in kept else wish.side
        for each, wish in zip(ids, wishes, strict=True)
    ]
    near = find_near_duplicates(articles["text"], section.near_duplicate, sides)
    known = articles["story"].to_pylist() if joins_stories(section) else []
    places = place_articles(ids, wishes, near, kept, known)
    if isinstance(section, GivenSplit) and section.apart is not None:
        places = keep_apart(places, section.apart)
    check_sides(places, section)
    stories = stories_of(near, known)
    return Split(_table(ids, places, stories), account_of(section.by, ids, places, stories))


def _kept(earlier: pa.Table | None) -> dict[str, Place]:
    if earlier is None:
        return {}
    return {
        row["article_id"]: Place(row["side"], row["group"], row["reason"])
        for row in earlier.select(["article_id", "side", "group", "reason"]).to_pylist()
    }


def _table(ids: Sequence[str], places: Sequence[Place], stories: Sequence[int]) -> pa.Table:
    columns = {
        "article_id": ids,
        "side": [place.side for place in places],
        "group": [place.group for place in places],
        "story": [ids[story] for story in stories],
        "reason": [place.reason for place in places],
    }
    return pa.table(columns, schema=records.SPLITS)

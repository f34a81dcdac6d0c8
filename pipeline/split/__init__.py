"""Put each article on the train, dev or test side, so that no story is on two of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline import records
from pipeline.config import FoldSplit, GivenSplit, HashSplit, SplitSection, TimeSplit
from pipeline.duplicates.near_duplicates import find_near_duplicates
from pipeline.errors import DataError
from pipeline.records import Side, is_test
from pipeline.split.account import account_of
from pipeline.split.placement import Place, keep_apart, place_articles
from pipeline.split.stories import stories_of
from pipeline.split.wishes import grouped_by, joins_stories, wishes_for

__all__ = ["Split", "grouped_by", "split_articles"]


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
    _check_sides(places, section)
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


def _check_sides(places: Sequence[Place], section: SplitSection) -> None:
    """Raise DataError if a side that is needed has no article."""
    sides = [place.side for place in places if place.side is not None]
    empty = []
    if Side.TRAIN not in sides:
        empty.append(Side.TRAIN)
    if Side.DEV not in sides and (isinstance(section, TimeSplit) or section.dev > 0):
        empty.append(Side.DEV)
    needs_test = not isinstance(section, HashSplit) or section.test > 0
    if needs_test and not any(map(is_test, sides)):
        empty.append(Side.TEST)
    if empty:
        counts = ", ".join(f"{side} {sides.count(side)}" for side in dict.fromkeys(sides))
        aside = len(places) - len(sides)
        raise DataError(
            f"split.by: {section.by}: the {empty[0]} side is empty "
            f"({counts or 'no side has articles'}; {aside} of {len(places)} set aside); "
            f"{_cure(empty[0], section)}{_or_not_apart(section)}"
        )


def _or_not_apart(section: SplitSection) -> str:
    if isinstance(section, HashSplit) or section.apart is None:
        return ""
    return f", or set split.apart to null (it is {section.apart})"


def _cure(side: Side, section: SplitSection) -> str:
    match section, side:
        case TimeSplit(), Side.TRAIN:
            return f"move split.dev_from ({section.dev_from}) to a later date"
        case TimeSplit(), Side.DEV:
            return "move split.dev_from and split.test_from apart, or add articles from between"
        case TimeSplit(), _:
            return f"move split.test_from ({section.test_from}) to an earlier date"
        case GivenSplit(), Side.DEV:
            return "name a source with 'split: dev', raise split.dev, or set it to 0 for none"
        case GivenSplit(), _:
            return f"name a source with 'split: {side}'"
        case FoldSplit(), Side.DEV:
            return f"raise split.dev (it is {section.dev}), set it to 0 for none, or add articles"
        case FoldSplit(), _:
            return f"lower split.folds (it is {section.folds}), or add articles"
        case HashSplit(), Side.TRAIN:
            return "lower split.dev and split.test, or add articles"
        case HashSplit(), _:
            share = section.dev if side is Side.DEV else section.test
            return f"raise split.{side} (it is {share}), set it to 0 for none, or add articles"

"""What to do where a side that is needed has no article."""

from collections.abc import Sequence

from pipeline.config import FoldSplit, GivenSplit, HashSplit, SplitSection, TimeSplit
from pipeline.errors import DataError
from pipeline.records import Side, is_test
from pipeline.split.placement import Place


def check_sides(places: Sequence[Place], section: SplitSection) -> None:
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

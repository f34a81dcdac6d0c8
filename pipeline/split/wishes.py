"""The side that each article would be on if it were nobody's near-duplicate."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import islice

import pyarrow as pa

from pipeline.config import FoldSplit, GivenSplit, HashSplit, SplitSection, TimeSplit
from pipeline.errors import DataError
from pipeline.groups import OUTLET, group_keys, iso_day
from pipeline.records import Side, is_test

SHOWN = 3


@dataclass(frozen=True)
class Wish:
    """Where one article would stand; its side is None where the split has no place for it."""

    side: str | None
    group: str
    reason: str
    follows: Collection[str] = ()
    """Sides to which a near-duplicate that is there already draws it."""
    rank: int = 0
    """Articles of a lower rank are placed first."""
    fixed: bool = False
    """Placed whatever its near-duplicates do."""


def grouped_by(section: SplitSection) -> str | None:
    """Return the field whose values are not divided between sides; None for stories alone."""
    return section.group if isinstance(section, HashSplit) else section.apart


def joins_stories(section: SplitSection) -> bool:
    """Tell whether the stories of ingest are what the section keeps on one side.

    Where the sides come from elsewhere (the sources, dates, outlets, ids), they stay as they are,
    and the audit tells of the stories that they divide. Dev that is drawn from a train side of the
    sources is drawn by story.
    """
    return isinstance(section, FoldSplit) or section.by == "story"


def wishes_for(articles: pa.Table, section: SplitSection) -> list[Wish]:
    """Return the wish of each article, in order; DataError where its row does not tell."""
    match section:
        case GivenSplit():
            return _given(articles, section)
        case TimeSplit():
            return _by_time(articles, section)
        case HashSplit(group=str(field)):
            keys = _groups(articles, field, f"split.by: {section.by}")
            return [Wish(_hash_side(key, section), key, "hash") for key in keys]
        case HashSplit():
            follows = list(Side) if section.by == "story" else []
            ids = articles["id"].to_pylist()
            return [Wish(_hash_side(key, section), key, "hash", follows) for key in ids]
        case FoldSplit(apart=str(field)):
            keys = _groups(articles, field, "split.apart")
            return [Wish(_fold_side(key, section), key, "fold") for key in keys]
        case FoldSplit():
            ids = articles["id"].to_pylist()
            return [Wish(_fold_side(key, section), key, "fold", list(Side)) for key in ids]


def fraction(salt: str, key: str) -> float:
    """Return a number in [0, 1) that depends on nothing but the two texts."""
    digest = blake2b(f"{salt}\0{key}".encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**48


def _hash_side(key: str, section: HashSplit) -> str:
    return _drawn_side(key, section.salt, section.dev, section.test)


def _drawn_side(key: str, salt: str, dev: float, test: float) -> str:
    place = fraction(salt, key)
    if place < test:
        return Side.TEST.value
    return (Side.DEV if place < test + dev else Side.TRAIN).value


def _fold_side(key: str, section: FoldSplit) -> str:
    if int(fraction(section.salt, key) * section.folds) == section.fold:
        return Side.TEST.value
    is_dev = fraction(f"{section.salt}\0dev", key) < section.dev
    return (Side.DEV if is_dev else Side.TRAIN).value


def _groups(articles: pa.Table, field: str, key: str) -> list[str]:
    keys = group_keys(articles, field)
    named = [value for value in keys if value is not None]
    if missing := len(keys) - len(named):
        where = f"name its field in ingest.fields.{field}" if field == OUTLET else "mend the rows"
        raise DataError(
            f"{key}: {missing} of {len(keys)} articles name no {field}, the first is "
            f"{_where(articles, keys.index(None))}; {where}, or split by story"
        )
    return named


def _given(articles: pa.Table, section: GivenSplit) -> list[Wish]:
    sides = articles["given_split"].to_pylist()
    _refuse(
        articles,
        [index for index, side in enumerate(sides) if not side],
        "split.by: given: {} name no side: {}; give their source a 'split' "
        "(train, dev, test or test_…), name the field in ingest.fields.split, or split by story",
    )
    _refuse(
        articles,
        [i for i, side in enumerate(sides) if side not in list(Side) and not is_test(side)],
        "split.by: given: {} name a side that is not train, dev, test or test_…: {}",
        sides,
    )
    draws_dev = section.dev > 0 and Side.DEV not in sides
    share = section.dev if draws_dev else 0
    ids = articles["id"].to_pylist()
    if section.apart is None:
        # By the story of ingest, so that dev is drawn from whole stories.
        stories = articles["story"].to_pylist()
        keys = [story or each for story, each in zip(stories, ids, strict=True)]
        return [_given_or_drawn(*each, share) for each in zip(ids, keys, sides, strict=True)]
    keys = _groups(articles, section.apart, "split.apart")
    # None follows its near-duplicate: its outlet might be on two sides then.
    wishes = [_given_or_drawn(*each, share, ()) for each in zip(ids, keys, sides, strict=True)]
    return [replace(wish, group=key) for wish, key in zip(wishes, keys, strict=True)]


def _as_given(article_id: str, side: str) -> Wish:
    if is_test(side):
        # Test sides stay whole, so that published numbers stay comparable.
        return Wish(side, article_id, "given", fixed=True)
    return Wish(side, article_id, "given", rank=1 if side == Side.DEV else 2)


def _given_or_drawn(
    article_id: str,
    key: str,
    side: str,
    share: float,
    follows: Collection[str] = (Side.TRAIN, Side.DEV),
) -> Wish:
    """Leave an article where its source has it, but draw dev from train by the key."""
    if side != Side.TRAIN or not share:
        return _as_given(article_id, side)
    drawn = fraction("", key) < share
    reason = "hash" if drawn else "given"
    to = (Side.DEV if drawn else Side.TRAIN).value
    return Wish(to, article_id, reason, follows, rank=2)


def _by_time(articles: pa.Table, section: TimeSplit) -> list[Wish]:
    dev_from = _boundary(section.dev_from, "dev_from")
    test_from = _boundary(section.test_from, "test_from")
    if dev_from >= test_from:
        raise DataError(
            f"split: dev_from ({dev_from}) must be before test_from ({test_from}); move one of them"
        )
    written = articles["published"].to_pylist()
    dates = [iso_day(text or "") for text in written]
    _refuse(
        articles,
        [index for index, day in enumerate(dates) if day is None],
        "split.by: time: {} have no date of publication as YYYY-MM-DD: {}; "
        "name its field in ingest.fields.published, or split by story",
        written,
    )
    wishes = [_by_date(day, dev_from, test_from) for day in dates if day is not None]
    if section.apart is None:
        return wishes
    keys = _groups(articles, section.apart, "split.apart")
    return [_drawn_too(*each, section) for each in zip(wishes, keys, strict=True)]


def _drawn_too(wish: Wish, key: str, section: TimeSplit) -> Wish:
    """Leave an article on its date's side only if its outlet, or whatever it is, is drawn there."""
    side = _drawn_side(key, section.salt, section.apart_dev, section.apart_test)
    if side == wish.side:
        return replace(wish, group=key)
    return Wish(None, key, f"{section.apart} on {side}")


def _by_date(day: str, dev_from: str, test_from: str) -> Wish:
    if day < dev_from:
        return Wish(Side.TRAIN.value, day, "time")
    return Wish((Side.DEV if day < test_from else Side.TEST).value, day, "time")


def _boundary(text: str, key: str) -> str:
    day = iso_day(text)
    if day is None or len(text) > len(day):
        raise DataError(f"split.{key}: must be a date such as 2024-01-31; it is {text!r}")
    return day


def _refuse(
    articles: pa.Table, rows: Sequence[int], message: str, values: Sequence[object] = ()
) -> None:
    """Raise DataError if there are any such rows; `message` takes how many and the first few."""
    if not rows:
        return
    shown = ", ".join(islice(_shown(articles, rows, values), SHOWN))
    more = ", …" if len(rows) > SHOWN else ""
    count = f"{len(rows)} of {articles.num_rows} articles"
    raise DataError(message.format(count, shown + more))


def _shown(articles: pa.Table, rows: Iterable[int], values: Sequence[object]) -> Iterator[str]:
    for row in rows:
        value = f" has {values[row]!r}" if values and values[row] is not None else ""
        yield f"{_where(articles, row)}{value}"


def _where(articles: pa.Table, row: int) -> str:
    article_id, source, place = (articles[name][row].as_py() for name in ("id", "source", "place"))
    return f"{source}:{place} ({article_id!r})"

"""Put each article on a side, and none beside its near-duplicate on another."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.duplicates.near_duplicates import NearDuplicates
from pipeline.records import Side, is_test
from pipeline.split.wishes import Wish


@dataclass(frozen=True)
class Twin:
    """An article's near-duplicate, or another article of its story, that was placed before it."""

    article: int
    side: str
    similarity: float | None
    """None where nothing but the story that ingest found tells that they belong together."""

    @property
    def link(self) -> str:
        """What joins the two, in words."""
        return "story" if self.similarity is None else "near-duplicate"


@dataclass(frozen=True)
class Place:
    """Where an article came to stand; its side is None if it was set aside."""

    side: str | None
    group: str
    reason: str
    twin: Twin | None = None


def place_articles(
    ids: Sequence[str],
    wishes: Sequence[Wish],
    near: NearDuplicates,
    kept: Mapping[str, Place],
    known: Sequence[str | None] = (),
) -> list[Place]:
    """Return the place of each article; those in `kept` (by id) are there before all others.

    Articles of one `known` story count as near-duplicates; empty where no stories are known.

    An article gives way to those before it and never moves one, so that articles which are added
    at the end change nothing.
    """
    board = _Board(near, known)
    places: dict[int, Place] = {}
    for article, article_id in enumerate(ids):
        if article_id in kept:
            places[article] = board.put(article, kept[article_id])
    order = sorted(range(len(ids)), key=lambda article: wishes[article].rank)
    for article in order:
        if article not in places:
            twins = board.twins(article)
            place = _place(wishes[article], twins, ids, places)
            places[article] = board.put(article, place)
    return [places[article] for article in range(len(ids))]


class _Board:
    """The first article on each side, by the text that they share and by their known story."""

    def __init__(self, near: NearDuplicates, known: Sequence[str | None]) -> None:
        self._near = near
        self._known = known
        self._placed: dict[int, dict[str, int]] = {}
        self._told: dict[str, dict[str, int]] = {}

    def put(self, article: int, place: Place) -> Place:
        if place.side is not None:
            text = self._near.first[article]
            self._placed.setdefault(text, {}).setdefault(place.side, article)
            if (story := self._story(article)) is not None:
                self._told.setdefault(story, {}).setdefault(place.side, article)
        return place

    def _story(self, article: int) -> str | None:
        return self._known[article] if self._known else None

    def twins(self, article: int) -> list[Twin]:
        """Return the first near-duplicate on each side, in the order of the articles.

        Where a side has none, it is the first article of the same story.
        """
        found: dict[str, Twin] = {}
        by_text_first = sorted(
            self._all_twins(article), key=lambda twin: (twin.similarity is None, twin.article)
        )
        for twin in by_text_first:
            found.setdefault(twin.side, twin)
        return list(found.values())

    def _all_twins(self, article: int) -> Iterator[Twin]:
        for text, similarity in self._near.of(article):
            for side, other in self._placed.get(text, {}).items():
                yield Twin(other, side, similarity)
        story = self._story(article)
        if story is not None:
            for side, other in self._told.get(story, {}).items():
                yield Twin(other, side, None)


def _place(
    wish: Wish, twins: Sequence[Twin], ids: Sequence[str], places: Mapping[int, Place]
) -> Place:
    own = Place(wish.side, wish.group, wish.reason)
    if wish.fixed or not twins:
        return own
    if len(twins) == 1 and twins[0].side in wish.follows:
        twin = twins[0]
        reason = f"{twin.link} of {ids[twin.article]}"
        return Place(twin.side, places[twin.article].group, reason, twin)
    others = [twin for twin in twins if twin.side != wish.side]
    if not others:
        return own
    # A test side is what matters most to whoever reads why.
    twin = min(others, key=lambda twin: not is_test(twin.side))
    reason = f"{twin.link} of {ids[twin.article]} on {twin.side}"
    return Place(None, wish.group, reason, twin)


def keep_apart(places: Sequence[Place], field: str) -> list[Place]:
    """Set aside what shares its group with an article on test, and of train with one on dev."""
    first: dict[str, str] = {}
    for place in sorted(places, key=_rank):
        if place.side is not None:
            first.setdefault(place.group, place.side)
    return [
        place
        if place.side is None or is_test(place.side) or first[place.group] == place.side
        else Place(None, place.group, f"{field} on {first[place.group]}")
        for place in places
    ]


def _rank(place: Place) -> tuple[bool, bool]:
    return not is_test(place.side or ""), place.side != Side.DEV

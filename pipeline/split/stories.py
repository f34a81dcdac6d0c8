"""Group near-duplicates, and what ingest found to be one story, into stories."""

from collections.abc import Sequence

from pipeline.duplicates.near_duplicates import NearDuplicates


def stories_of(near: NearDuplicates, known: Sequence[str | None] = ()) -> list[int]:
    """Return, for each article, the first article of its story.

    A story holds all that are linked by near-duplicates or by a `known` story, whether or not they
    are all similar to one another. An article whose known story is None is linked by none.
    """
    parents = list(near.first)
    for article, similar in near.similar.items():
        for other, _ in similar:
            _join(parents, article, other)
    told: dict[str, int] = {}
    for article, story in enumerate(known):
        if story is not None:
            _join(parents, article, told.setdefault(story, article))
    return [_root(parents, article) for article in range(len(parents))]


def _join(parents: list[int], article: int, other: int) -> None:
    one, two = _root(parents, article), _root(parents, other)
    parents[max(one, two)] = min(one, two)


def _root(parents: list[int], article: int) -> int:
    while parents[article] != article:
        # Halving the path on the way keeps later walks short.
        parents[article] = parents[parents[article]]
        article = parents[article]
    return article

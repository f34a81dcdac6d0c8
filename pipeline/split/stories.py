"""Group near-duplicates into stories."""

from pipeline.near_duplicates import NearDuplicates


def stories_of(near: NearDuplicates) -> list[int]:
    """Return, for each article, the first article of its story.

    A story holds all that are linked by near-duplicates, whether or not they are all similar to
    one another.
    """
    parents = list(near.first)
    for article, similar in near.similar.items():
        for other, _ in similar:
            one, two = _root(parents, article), _root(parents, other)
            parents[max(one, two)] = min(one, two)
    return [_root(parents, article) for article in range(len(parents))]


def _root(parents: list[int], article: int) -> int:
    while parents[article] != article:
        # Halving the path on the way keeps later walks short.
        parents[article] = parents[parents[article]]
        article = parents[article]
    return article

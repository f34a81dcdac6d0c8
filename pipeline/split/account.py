"""What the split did, for people to check: counts, what was set aside, and the stories."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from pipeline.split.placement import Place

STORY_ARTICLES_SHOWN: Final = 20
SET_ASIDE: Final = "set aside"


def account_of(by: str, ids: Sequence[str], places: Sequence[Place], stories: Sequence[int]) -> Any:
    """Return a JSON-ready account of the split, in the order of the articles."""
    return {
        "by": by,
        "articles": len(ids),
        "counts": _counts(places),
        "set_aside": _set_aside(ids, places),
        "stories": len(set(stories)),
        "near_duplicate_stories": _near_duplicate_stories(ids, places, stories),
    }


def _counts(places: Sequence[Place]) -> dict[str, dict[str, int]]:
    """Count the articles by side and reason, whichever article the reason names."""
    counts: dict[str, Counter[str]] = {}
    for place in places:
        reason = place.reason.partition(" of ")[0]
        counts.setdefault(place.side or SET_ASIDE, Counter())[reason] += 1
    return {side: dict(sorted(counts[side].items())) for side in sorted(counts)}


def _set_aside(ids: Sequence[str], places: Sequence[Place]) -> list[dict[str, Any]]:
    return [
        {"article": article_id, **_why(place, ids)}
        for article_id, place in zip(ids, places, strict=True)
        if place.side is None
    ]


def _why(place: Place, ids: Sequence[str]) -> dict[str, Any]:
    if place.twin is None:
        return {"reason": place.reason}
    twin = {"twin": ids[place.twin.article], "twin_side": place.twin.side}
    if place.twin.similarity is None:
        return {"reason": place.reason, **twin}
    return {**twin, "similarity": round(place.twin.similarity, 4)}


def _near_duplicate_stories(
    ids: Sequence[str], places: Sequence[Place], stories: Sequence[int]
) -> list[dict[str, Any]]:
    members: dict[int, list[int]] = {}
    for article, story in enumerate(stories):
        members.setdefault(story, []).append(article)
    return [
        {
            "story": ids[story],
            "size": len(articles),
            "sides": dict(sorted(Counter(places[a].side or SET_ASIDE for a in articles).items())),
            "articles": [ids[article] for article in articles[:STORY_ARTICLES_SHOWN]],
        }
        for story, articles in members.items()
        if len(articles) > 1
    ]

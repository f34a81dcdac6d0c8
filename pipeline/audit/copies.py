"""Test articles that are in train or dev already: copied, edited, or under the same headline."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pipeline.audit.coded import Coded
from pipeline.audit.findings import Finding, Severity
from pipeline.duplicates.near_duplicates import NearDuplicates, find_near_duplicates

# From here on two texts are the same story (split.near_duplicate); below, one was edited.
COPY: Final = 0.8
# A share of copies that moves scores by more than their last digit.
MANY: Final = 0.01
_SHORTEST_HEADLINE: Final = 4  # words: "Editorial" and "Letters to the editor" are no copies


def copies(coded: Coded, threshold: float) -> Iterator[Finding]:
    """Find test articles whose text is, or nearly is, that of an article in train or dev."""
    near = find_near_duplicates(coded.articles["text"], min(threshold, COPY), coded.sides)
    members: dict[int, list[int]] = {}
    for place, first in enumerate(near.first):
        members.setdefault(first, []).append(place)
    for side in coded.test_sides:
        on_side = coded.on(side).tolist()
        found: dict[int, dict[str, Any]] = {}
        for place in on_side:
            twin = _twin(place, near, members, coded)
            if twin is not None:
                found[place] = twin
        found = dict(sorted(found.items(), key=lambda item: -item[1]["similarity"]))
        copied = {at: _shown(row) for at, row in found.items() if row["similarity"] >= COPY}
        edited = {at: _shown(row) for at, row in found.items() if at not in copied}
        is_much = len(copied) >= MANY * len(on_side)
        as_bad = Severity.ERROR if is_much else Severity.WARNING
        said = "articles are copies of training articles"
        yield coded.touching("copies", side, copied, as_bad, said)
        said = "articles are edited copies of training articles"
        yield coded.touching("edited_copies", side, edited, Severity.WARNING, said)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "similarity": round(row["similarity"], 3)}


def _twin(
    place: int, near: NearDuplicates, members: Mapping[int, list[int]], coded: Coded
) -> dict[str, Any] | None:
    """Return the most similar article that the model learns from."""
    best: tuple[float, int] | None = None
    for first, similarity in near.of(place):
        for other in members[first]:
            if coded.seen[other] and (best is None or similarity > best[0]):
                best = similarity, other
    if best is None:
        return None
    twin = coded.where(best[1])
    return {
        "twin": twin["article"],
        "twin_place": twin["place"],
        "twin_side": coded.sides[best[1]],
        "similarity": best[0],
    }


def headlines(coded: Coded) -> Iterator[Finding]:
    """Find test articles under a headline or an address of an article in train or dev."""
    titles = [_headline(title) for title in coded.values("title")]
    for name, keys in (("headline", titles), ("address", coded.values("url"))):
        seen: dict[str, int] = {}
        for place, key in enumerate(keys):
            if key is not None and coded.seen[place]:
                seen.setdefault(key, place)
        if not any(keys):
            continue
        for side in coded.test_sides:
            touched = {
                place: {name: key, "twin": coded.ids[seen[key]]}
                for place in coded.on(side).tolist()
                if (key := keys[place]) in seen and key is not None
            }
            said = f"articles have the {name} of a training article"
            yield coded.touching(f"same_{name}", side, touched, Severity.WARNING, said)


def _headline(title: str | None) -> str | None:
    words = (title or "").casefold().split()
    return " ".join(words) if len(words) >= _SHORTEST_HEADLINE else None

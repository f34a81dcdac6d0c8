"""Test articles that are in train or dev already: copied, edited, or under the same headline."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

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
    known = by_first(near, np.flatnonzero(coded.seen).tolist())
    for side in coded.test_sides:
        on_side = coded.on(side).tolist()
        found: dict[int, dict[str, Any]] = {}
        for place in on_side:
            if (twin := likest(place, near, known)) is not None:
                other, similarity = twin
                found[place] = {
                    **shown_twin(coded, other),
                    "twin_side": coded.sides[other],
                    "similarity": similarity,
                }
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


def by_first(near: NearDuplicates, places: Iterable[int]) -> dict[int, list[int]]:
    """Return these places by the first article with their text."""
    found: dict[int, list[int]] = {}
    for place in places:
        found.setdefault(near.first[place], []).append(place)
    return found


def likest(
    place: int, near: NearDuplicates, known: Mapping[int, Sequence[int]]
) -> tuple[int, float] | None:
    """Return the most similar of the `known` places, given `by_first`, and how similar it is."""
    best: tuple[int, float] | None = None
    for first, similarity in near.of(place):
        for other in known.get(first, ()):
            if best is None or similarity > best[1]:
                best = other, similarity
    return best


def shown_twin(coded: Coded, place: int) -> dict[str, Any]:
    """Return how a person finds the article that another one is a copy of."""
    where = coded.where(place)
    return {"twin": where["article"], "twin_place": where["place"]}


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

"""Test articles that are in train or dev already: copied, edited, or under the same headline."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pipeline.audit.coded import Coded
from pipeline.audit.findings import Finding, Severity, share
from pipeline.near_duplicates import NearDuplicates, find_near_duplicates

# From here on two texts are the same story (split.near_duplicate); below, one was edited.
COPY: Final = 0.8
# A share of copies that moves scores by more than their last digit.
MANY: Final = 0.01
_SHORTEST_HEADLINE: Final = 4  # words: "Editorial" and "Letters to the editor" are no copies


def copies(coded: Coded, threshold: float) -> Iterator[Finding]:
    """Find test articles whose text is, or nearly is, that of an article in train or dev."""
    near = find_near_duplicates(coded.articles["text"], threshold)
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
        yield _finding(coded, side, found, len(on_side), COPY, 1.01)
        yield _finding(coded, side, found, len(on_side), threshold, COPY)


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
        **coded.where(place),
        "twin": twin["article"],
        "twin_place": twin["place"],
        "twin_side": coded.sides[best[1]],
        "similarity": round(best[0], 3),
    }


def _finding(
    coded: Coded, side: str, found: Mapping[int, dict[str, Any]], n: int, least: float, below: float
) -> Finding:
    touched = {place: row for place, row in found.items() if least <= row["similarity"] < below}
    is_copy = least >= COPY
    check, what = ("copies", "copies") if is_copy else ("edited_copies", "edited copies")
    if not touched:
        severity = Severity.INFO
    elif is_copy and len(touched) >= MANY * n:
        severity = Severity.ERROR
    else:
        severity = Severity.WARNING
    return Finding(
        check, severity,
        f"{share(len(touched), n)} of the articles are {what} of training articles",
        side, numbers={"n": len(touched), "of": n},
        rows=sorted(touched.values(), key=lambda row: -row["similarity"]),
        articles=[coded.ids[place] for place in touched],
    )  # fmt: skip


def headlines(coded: Coded) -> Iterator[Finding]:
    """Find test articles under a headline or an address of an article in train or dev."""
    for field, name, least in (("title", "headline", _SHORTEST_HEADLINE), ("url", "address", 1)):
        keys = [
            key if key and len(key.split()) >= least else None
            for key in (_plain(value) for value in coded.values(field))
        ]
        seen: dict[str, int] = {}
        for place, key in enumerate(keys):
            if key is not None and coded.seen[place]:
                seen.setdefault(key, place)
        if not any(keys):
            continue
        for side in coded.test_sides:
            on_side = coded.on(side).tolist()
            touched = [place for place in on_side if keys[place] in seen]
            yield Finding(
                f"same_{name}",
                Severity.WARNING if touched else Severity.INFO,
                f"{share(len(touched), len(on_side))} of the articles have the {name} of a "
                "training article",
                side,
                numbers={"n": len(touched), "of": len(on_side)},
                rows=[
                    {
                        **coded.where(place),
                        name: keys[place],
                        "twin": coded.ids[seen[str(keys[place])]],
                    }
                    for place in touched
                ],
                articles=[coded.ids[place] for place in touched],
            )


def _plain(text: str | None) -> str | None:
    return " ".join(text.casefold().split()) if text else None

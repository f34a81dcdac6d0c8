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
    near = find_near_duplicates(coded.articles["text"], min(threshold, COPY))
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
        copied = {place: row for place, row in found.items() if row["similarity"] >= COPY}
        edited = {place: row for place, row in found.items() if place not in copied}
        is_much = len(copied) >= MANY * len(on_side)
        as_bad = Severity.ERROR if is_much else Severity.WARNING
        yield _finding("copies", as_bad, coded, side, copied, len(on_side))
        yield _finding("edited_copies", Severity.WARNING, coded, side, edited, len(on_side))


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
        "similarity": best[0],
    }


def _finding(
    check: str,
    severity: Severity,
    coded: Coded,
    side: str,
    found: Mapping[int, dict[str, Any]],
    n: int,
) -> Finding:
    rows = sorted(found.values(), key=lambda row: -row["similarity"])
    return Finding(
        check, severity if found else Severity.INFO,
        f"{share(len(found), n)} of the articles are {check.replace('_', ' ')} of training "
        "articles",
        side, numbers={"n": len(found), "of": n},
        rows=[{**row, "similarity": round(row["similarity"], 3)} for row in rows],
        articles=[coded.ids[place] for place in found],
    )  # fmt: skip


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


def _headline(title: str | None) -> str | None:
    words = (title or "").casefold().split()
    return " ".join(words) if len(words) >= _SHORTEST_HEADLINE else None

"""Test articles that the encoder learned from in another run, before this one began."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa

from pipeline.audit.coded import Coded
from pipeline.audit.copies import COPY, MANY, by_first, likest, shown_twin
from pipeline.audit.findings import Finding, Severity
from pipeline.duplicates.near_duplicates import find_near_duplicates

_ADVICE: Final = "; leave them out of test, or train that model without them"


def learned_before(coded: Coded, begun: Mapping[str, Coded]) -> Iterator[Finding]:
    """Find test articles that are copies of what a run behind `features.model` learned from.

    `begun` has those runs by the name of their model. What is only part of an article there, or has
    one for a part, is not found: a sentence of it is another text. Costs one more search for
    near-duplicates for each of them.
    """
    if not begun or not coded.test_sides:
        return
    found: dict[int, dict[str, Any]] = {}
    for model, other in begun.items():
        for place, row in _copied(coded, other).items():
            if place not in found or row["similarity"] > found[place]["similarity"]:
                found[place] = {"model": model, **row}
    for side in coded.test_sides:
        on_side = coded.on(side).tolist()
        touched = {place: found[place] for place in on_side if place in found}
        touched = dict(sorted(touched.items(), key=lambda item: -item[1]["similarity"]))
        is_much = len(touched) >= MANY * len(on_side)
        yield coded.touching(
            "learned_before", side, touched, Severity.ERROR if is_much else Severity.WARNING,
            f"articles are copies of what {' and '.join(sorted(begun))} learned from or was chosen "
            f"by{_ADVICE if touched else ''}",
        )  # fmt: skip


def _copied(coded: Coded, other: Coded) -> dict[int, dict[str, Any]]:
    """Return the test articles that are copies of what `other` knows, with the likest one."""
    tested, known = np.flatnonzero(~coded.seen), np.flatnonzero(other.seen)
    mine, theirs = coded.articles["text"].take(tested), other.articles["text"].take(known)
    texts = pa.chunked_array([*mine.chunks, *theirs.chunks], mine.type)
    sides = ["tested"] * len(tested) + ["known"] * len(known)
    near = find_near_duplicates(texts, COPY, sides)
    rows = by_first(near, range(len(tested), len(texts)))
    found: dict[int, dict[str, Any]] = {}
    for place, at in enumerate(tested.tolist()):
        if (twin := likest(place, near, rows)) is not None:
            row, similarity = twin
            shown = shown_twin(other, int(known[row - len(tested)]))
            found[at] = {**shown, "similarity": round(similarity, 3)}
    return found

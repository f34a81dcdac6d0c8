"""What to code first, when there is no model: a list that is spread over all there is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.review.alike import group_texts

# Words from which on a text is of the next length.
LENGTHS = (50, 150, 400, 1000)


@dataclass(frozen=True)
class Facts:
    """What is known of n articles without reading them."""

    outlets: Sequence[str | None]
    published: Sequence[str | None]  # ISO 8601
    texts: Sequence[str]


def first_list(facts: Facts, size: int, seed: int) -> tuple[list[int], list[str]]:
    """Return `size` places, and of each why: spread over words, outlets, years and lengths.

    The texts are divided into as many groups of like words. From each, the largest first, comes
    the article whose outlet, year and length the list has least of so far; of equals, the one in
    the middle of the group.
    """
    groups = group_texts(facts.texts, size, seed)
    traits = list(zip(*_traits(facts), strict=True))
    sizes = Counter(groups.of.tolist())
    in_order = [
        [at for at in np.argsort(groups.distance, kind="stable").tolist() if groups.of[at] == group]
        for group, _ in sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    ]
    had: Counter[tuple[int, str]] = Counter()
    taken: list[int] = []
    while len(taken) < min(size, len(facts.texts)):
        for members in in_order:
            if not members or len(taken) == size:
                continue
            best = min(members, key=lambda at: sum(had[each] for each in enumerate(traits[at])))
            members.remove(best)
            taken.append(best)
            had.update(enumerate(traits[best]))
    told = [
        f"no model yet: one of {sizes[int(groups.of[at])]:,} articles of like words; "
        f"{', '.join(trait for trait in traits[at] if trait)}"
        for at in taken
    ]
    return taken, told


def _traits(facts: Facts) -> tuple[list[str], list[str], list[str]]:
    lengths = np.searchsorted(LENGTHS, [len(text.split()) for text in facts.texts], side="right")
    return (
        [outlet or "" for outlet in facts.outlets],
        [(date or "")[:4] for date in facts.published],
        [_length(at) for at in lengths.tolist()],
    )


def _length(at: int) -> str:
    if at == 0:
        return f"under {LENGTHS[0]} words"
    if at == len(LENGTHS):
        return f"{LENGTHS[-1]:,} words or more"
    return f"{LENGTHS[at - 1]}–{LENGTHS[at] - 1} words"

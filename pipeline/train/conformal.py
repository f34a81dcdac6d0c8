"""From which probability on a label is in the set: what keeps the right one in it."""

import math

import numpy as np
from numpy.typing import NDArray


def set_from(
    likely: NDArray[np.float32], gold: NDArray[np.bool_], coverage: float, *, by_label: bool
) -> NDArray[np.float32]:
    """Return the probability from which on each label is in the set: [labels].

    `likely` and `gold` [n, labels] are of held-out examples, one label each. Of all of them, or
    with `by_label` of those of each label, a share of `coverage` has its own label in the set
    (Sadinle, Lei and Wasserman 2019, https://doi.org/10.1080/01621459.2017.1395341).
    """
    own = likely[gold]  # one number a row
    if not by_label:
        return np.full(gold.shape[1], _lowest(own, coverage), np.float32)
    of = gold.argmax(axis=1)
    return np.array(
        [_lowest(own[of == label], coverage) for label in range(gold.shape[1])], np.float32
    )


def _lowest(own: NDArray[np.float32], coverage: float) -> float:
    """Return the ⌈(n + 1) · coverage⌉-th highest of the n probabilities that gold has; 0 if none.

    One is added for the example that is to come. Too few examples promise nothing: then every
    label is in the set.
    """
    # Rounded, since .7 × 10 must not become 8 by its last bit.
    rank = math.ceil(round((len(own) + 1) * coverage, 9))
    return float(np.sort(own)[len(own) - rank]) if rank <= len(own) else 0.0

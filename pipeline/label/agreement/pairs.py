"""Each two coders side by side: on how many examples both answered, and how far they agree."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.label.answered import Answered
from pipeline.statistics.bootstrap import Codes
from pipeline.statistics.paired import tally

# As many as ten coders make who all share examples; it bounds the memory of the resamples.
PAIRS: Final = 45


@dataclass(frozen=True)
class Pairs:
    """Pairs of coders who share examples, those that share most first."""

    taken: list[tuple[int, int]]
    """Places in the coders."""
    left_out: int
    """Pairs that share examples too, beyond the first `PAIRS`."""
    apart: int
    """Pairs that share none."""


def pairs_of(answered: Answered) -> Pairs:
    """Find who shares examples with whom."""
    from scipy.sparse import csr_array

    count = len(answered.coders)
    shape = (count, len(answered.examples))
    gave = csr_array((np.ones(len(answered.coder)), (answered.coder, answered.example)), shape)
    shared = (gave @ gave.T).tocoo()
    upper = shared.row < shared.col
    one, two, n = shared.row[upper], shared.col[upper], shared.data[upper]
    order = np.lexsort((two, one, -n))
    found = list(zip(one[order].tolist(), two[order].tolist(), strict=True))
    apart = count * (count - 1) // 2 - len(found)
    return Pairs(found[:PAIRS], max(0, len(found) - PAIRS), apart)


def pair_tally(answered: Answered, pair: tuple[int, int]) -> Any:
    """Tally what two coders answered to the same examples: a sparse (n, 2 + 3 × labels)."""
    from scipy.sparse import csr_array

    one, two = (_by_example(answered, coder) for coder in pair)
    both = np.flatnonzero((one >= 0) & (two >= 0))
    counts = tally(answered.chosen[one[both]], answered.chosen[two[both]])
    place = csr_array(
        (np.ones(len(both)), (both, np.arange(len(both)))),
        shape=(len(answered.examples), len(both)),
    )
    return place @ counts


def _by_example(answered: Answered, coder: int) -> Codes:
    """Return the place of the coder's answer to each example, -1 where there is none: (n,)."""
    places = np.full(len(answered.examples), -1)
    mine: NDArray[np.int64] = np.flatnonzero(answered.coder == coder)
    places[answered.example[mine]] = mine
    return places

"""What one example adds to the sums that the measures of agreement are made of."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.label.answered import Answered
from pipeline.statistics.bootstrap import Floats


@dataclass(frozen=True)
class Sums:
    """Sums over examples; the first axis is the sample, the last one the label.

    An example with m answers, r of them with a label, counts as comparable where m > 1.
    """

    answered: Floats  # (samples,): examples
    comparable: Floats  # (samples,): examples
    values: Floats  # (samples,): m of comparable examples
    pairs: Floats  # (samples,): m (m - 1) / 2
    equal: Floats  # (samples,): pairs of equal answers
    coinciding: Floats  # (samples,): ordered pairs of equal answers / (m - 1)
    shared: Floats  # (samples,): share of equal pairs of an example
    totals: Floats  # (samples, labels): r of comparable examples
    apart: Floats  # (samples, labels): r (m - r) / (m - 1)
    prevalence: Floats  # (samples, labels): r / m of answered examples
    unlike: (
        Floats  # (samples, labels): share of pairs of which one has the label: r (m - r) / pairs
    )
    unequal: Floats  # (samples, labels): r (m - r)


ALONE = 7  # columns of `tally` that are no label's
BY_LABEL = 5


def tally(answered: Answered) -> Any:
    """Return the columns of `Sums` for each example: a sparse (n, 7 + 5 × labels)."""
    from scipy.sparse import csr_array, hstack

    m = answered.answers_to.astype(np.float64)
    whole = answered.counts(_one_hot(answered))
    among = answered.counts(csr_array(answered.chosen.astype(np.float64))).tocsr()
    twice, pairs = m > 1, m * (m - 1) / 2
    equal = (whole.multiply(whole).sum(axis=1) - m) / 2
    less = np.maximum(m - 1, 1)
    alone = np.column_stack(
        [m > 0, twice, m * twice, pairs, equal, 2 * equal / less, equal / np.maximum(pairs, 1)]
    )
    rows = np.repeat(np.arange(len(m)), np.diff(among.indptr))
    r, of = among.data, m[rows]
    for_label = [
        r * (of > 1),
        r * (of - r) / less[rows],
        r / of,
        r * (of - r) / np.maximum(pairs[rows], 1),
        r * (of - r),
    ]
    blocks = [csr_array((data, among.indices, among.indptr), among.shape) for data in for_label]
    return hstack([csr_array(alone.astype(np.float64)), *blocks], format="csr")


def sums_of(sums: Floats) -> Sums:
    """Name the columns of summed tallies: (samples, 7 + 5 × labels)."""
    return Sums(*sums[:, :ALONE].T, *np.split(sums[:, ALONE:], BY_LABEL, axis=1))


def _one_hot(answered: Answered) -> Any:
    from scipy.sparse import csr_array

    a = len(answered.answer)
    return csr_array((np.ones(a), (np.arange(a), answered.answer)), shape=(a, len(answered.kinds)))

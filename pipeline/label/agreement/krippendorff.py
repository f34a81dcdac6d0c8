"""Krippendorff's alpha with any number of coders and missing answers.

Source: Klaus Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, sections C and D,
https://repository.upenn.edu/asc_papers/43. Examples with fewer than two answers cannot be compared
and are left out. NaN where alpha is not defined: nothing can be compared, or all answers are equal.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.label.agreement.tallies import Sums
from pipeline.label.answered import Answered
from pipeline.statistics.bootstrap import Floats
from pipeline.statistics.paired import ratio


def nominal_alpha(sums: Sums) -> Floats:
    """Alpha of answers that are equal or not: (samples,)."""
    return _alpha(sums.values, sums.coinciding, (sums.totals * (sums.totals - 1)).sum(axis=1))


def label_alphas(sums: Sums) -> Floats:
    """Nominal alpha of each label as a question of yes or no: (samples, labels)."""
    n, yes = sums.values[:, None], sums.totals
    no = n - yes
    return _alpha(n, n - 2 * sums.apart, yes * (yes - 1) + no * (no - 1))


def _alpha(n: Floats, coinciding: Floats, by_chance: Floats) -> Floats:
    return ratio((n - 1) * coinciding - by_chance, n * (n - 1) - by_chance)


def distance_tally(answered: Answered, distances: Floats) -> Any:
    """Return what each example adds to alpha with a distance: a sparse (n, 1 + kinds).

    `distances` is (kinds, kinds), between the kinds of answers of `answered`. The first column is
    the distance of all ordered pairs of answers / (m - 1), the others count each kind.
    """
    from scipy.sparse import csr_array, hstack

    a, m = len(answered.answer), answered.answers_to
    kinds = csr_array((np.ones(a), (np.arange(a), answered.answer)), shape=(a, len(distances)))
    twice = csr_array((m > 1).astype(np.float64)[:, None])
    counts = answered.counts(kinds).multiply(twice).tocsr()
    apart = counts.multiply(counts @ distances).sum(axis=1) / np.maximum(m - 1, 1)
    return hstack([csr_array(apart[:, None]), counts], format="csr")


def distance_alpha(sums: Floats, distances: Floats) -> Floats:
    """Alpha of answers that may be nearly equal, from summed tallies: (samples,)."""
    apart, totals = sums[:, 0], sums[:, 1:]
    n = totals.sum(axis=1)
    by_chance = ((totals @ distances) * totals).sum(axis=1)
    return 1 - ratio((n - 1) * apart, by_chance)


def masi_distances(kinds: NDArray[np.bool_]) -> Floats:
    """Distance of each two sets of labels: 0 where they are equal, 1 where nothing is in common.

    Source: Rebecca Passonneau (2006), Measuring Agreement on Set-Valued Items (MASI) for Semantic
    and Pragmatic Annotation, https://aclanthology.org/L06-1392/: 1 - J M, where J is Jaccard's
    similarity and M is 1 for equal sets, 2/3 where one holds the other, 1/3 where they overlap.
    Two empty sets are equal.
    """
    sets = kinds.astype(np.float64)
    common, sizes = sets @ sets.T, sets.sum(axis=1)
    union = sizes[:, None] + sizes - common
    smaller, larger = np.minimum(sizes[:, None], sizes), np.maximum(sizes[:, None], sizes)
    nested = np.where(common == smaller, 2 / 3, 1 / 3)
    similar = np.where(common == larger, 1.0, np.where(common > 0, nested, 0))
    return 1 - similar * np.where(union > 0, common / np.maximum(union, 1), 1)

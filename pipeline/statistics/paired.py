"""Two answers to each example side by side, as counts: how often they are equal, and kappa.

Everything holds for one sample as for a thousand resamples of it.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.statistics.bootstrap import Floats

Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Counts:
    """Sums over examples. The first axis is the sample, the last one the label."""

    n: Floats  # (samples,)
    right: Floats  # (samples,): the whole answer is as in gold
    gold: Floats  # (samples, labels), as the next two
    predicted: Floats
    hits: Floats


def tally(gold: Flags, predicted: Flags) -> Any:
    """Lay out what one example adds to the counts: a sparse (examples, 2 + 3 × labels)."""
    from scipy.sparse import csr_array, hstack

    right = (gold == predicted).all(axis=1)
    blocks = [np.ones((len(gold), 1)), right[:, None], gold, predicted, gold & predicted]
    return hstack([csr_array(np.asarray(block, dtype=float)) for block in blocks], format="csr")


def counts_of(sums: Floats) -> Counts:
    """Name the columns of summed tallies: (samples, 2 + 3 × labels)."""
    gold, predicted, hits = np.split(sums[:, 2:], 3, axis=1)
    return Counts(sums[:, 0], sums[:, 1], gold, predicted, hits)


def ratio(over: Floats, under: Floats) -> Floats:
    """Divide; NaN where there is nothing to divide by."""
    quotient: Floats = np.full(np.broadcast_shapes(np.shape(over), np.shape(under)), np.nan)
    np.divide(over, under, out=quotient, where=under > 0)
    return quotient


def mean_of_known(values: Floats) -> Floats:
    """Mean over the last axis without what is NaN; NaN where all is."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0).sum(axis=-1), known.sum(axis=-1).astype(float))


def accuracy(counts: Counts) -> Floats:
    """Share of examples whose whole answer is right: (samples,)."""
    return ratio(counts.right, counts.n)


def kappa(counts: Counts, many: bool) -> Floats:
    """Cohen's kappa of the two answers that were tallied: (samples,).

    Of many labels the mean over the labels, each taken as a question of yes or no, without those
    whose kappa is not defined. NaN where none is: both gave the same answer to everything.

    Source: Jacob Cohen (1960), A Coefficient of Agreement for Nominal Scales,
    https://doi.org/10.1177/001316446002000104.
    """
    if many:
        return mean_of_known(label_kappas(counts))
    by_chance = (counts.gold * counts.predicted).sum(axis=1)
    return ratio(counts.n * counts.right - by_chance, counts.n**2 - by_chance)


def label_kappas(counts: Counts) -> Floats:
    """Cohen's kappa of each label against the rest, NaN where not defined: (samples, labels)."""
    n = counts.n[:, None]
    equal = n - counts.gold - counts.predicted + 2 * counts.hits
    by_chance = counts.gold * counts.predicted + (n - counts.gold) * (n - counts.predicted)
    return ratio(n * equal - by_chance, n * n - by_chance)

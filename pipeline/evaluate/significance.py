"""Tests: of one model against another, of a part against the rest, and of many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.evaluate.answers import Codes, Floats


def mcnemar(gained: int, lost: int) -> float:
    """Two-sided exact McNemar test: how well even chances of gaining and losing fit."""
    from scipy.stats import binomtest

    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


@dataclass(frozen=True)
class Difference:
    """How far apart two scores are: the interval, and how well no difference at all would fit."""

    low: float | None
    high: float | None
    p_value: float | None
    """Two-sided; below 1 − confidence where the interval leaves 0 out."""
    least_p: float | None
    """The p if no resample were on the other side of 0."""


def difference(resamples: Floats, clusters: int, confidence: float) -> Difference:
    """Return the expanded percentile interval of a difference, and the p that belongs to it.

    Between quantiles of the resampled differences; the levels are Student's, widened for how few
    clusters there are (Hesterberg 2015, https://doi.org/10.1080/00031305.2015.1089789). All None
    where no resample has a number.
    """
    from scipy.special import ndtr, ndtri, stdtr, stdtrit

    known = resamples[~np.isnan(resamples)]
    if not len(known):
        return Difference(None, None, None, None)
    wider = np.sqrt(clusters / (clusters - 1))
    tail = (1 - confidence) / 2
    levels = ndtr(wider * stdtrit(clusters - 1, [tail, 1 - tail]))
    low, high = np.quantile(known, levels)
    # One is added above and below, so that no number of resamples claims an impossibility.
    rarer = np.array([min((known <= 0).sum(), (known >= 0).sum()), 0]) + 1
    shares = np.minimum(rarer / (len(known) + 1), 0.5)
    p_value, least_p = 2 * stdtr(clusters - 1, ndtri(shares) / wider)
    return Difference(float(low), float(high), float(p_value), float(least_p))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values for how many there are (Holm 1979, https://www.jstor.org/stable/4615733)."""
    known = sorted((p, at) for at, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, at) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        adjusted[at] = largest
    return adjusted


def group_scores(values: Floats, groups: Codes, clusters: Codes) -> Floats:
    """Return the standardised score statistic of each group against all others: (groups,).

    `values` are of n examples, `groups` and `clusters` number them from 0; group -1 is none of
    them, and counts among the others. The statistic is that of equal means, about standard normal
    where they are: its variance is that of the clusters' sums under equal means (as Rao and Scott
    1992, https://doi.org/10.2307/2532311, for shares in clusters), or where that is less the one of
    independent examples, since few clusters vary too little by chance. Below 0 the group's mean is
    the lower one; 0 where there is nothing to compare with.
    """
    from scipy.sparse import csr_array

    n, count = len(values), int(groups.max(initial=-1)) + 1
    left = values - values.mean()
    inside = groups >= 0
    sizes = np.bincount(groups[inside], minlength=count)
    shape = (int(clusters.max()) + 1, count)
    within = csr_array((left[inside], (clusters[inside], groups[inside])), shape=shape)
    whole = np.bincount(clusters, weights=left, minlength=shape[0])
    share = sizes / n
    # Of a cluster's part in the statistic, Σ (member − share) × left, the square has three terms.
    robust = _squares(within) - 2 * share * (within.T @ whole) + share**2 * (whole**2).sum()
    independent = left.var() * sizes * (1 - share)
    spread = np.sqrt(np.maximum(robust, independent))
    statistic = np.asarray(within.sum(axis=0)).ravel()
    scores: Floats = np.divide(statistic, spread, out=np.zeros(count), where=spread > 0)
    return scores


def _squares(table: Any) -> Floats:
    return np.asarray(table.multiply(table).sum(axis=0)).ravel()

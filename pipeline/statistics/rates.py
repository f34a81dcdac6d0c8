"""A share of failures and its interval, where cases come in clusters.

Cases that were made from one article or one written text fail together, so that they tell less
than as many independent ones. The number of cases is divided by the design effect, estimated from
the clusters (Rao and Scott, 1992, https://doi.org/10.2307/2532311) and at least 1, and lessened for
how few the clusters are (Korn and Graubard, 1998, Survey Methodology 24, 193-201). What is left
goes into Wilson's interval (https://doi.org/10.1080/01621459.1927.10502953), which is wide for few
cases even where none fails.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rate:
    """How many of the cases fail."""

    n: int
    failures: int
    clusters: int
    effective_n: float | None  # independent cases that would tell as much; null without a case
    rate: float | None
    low: float | None
    high: float | None


def rate_of(failed: Sequence[bool], clusters: Sequence[str], confidence: float) -> Rate:
    """Return the share of failures with its interval."""
    if not len(failed):
        return Rate(0, 0, 0, None, None, None, None)
    _, owners = np.unique(clusters, return_inverse=True)
    sizes = np.asarray(np.bincount(owners), np.float64)
    counts = np.asarray(np.bincount(owners, weights=failed), np.float64)
    effective = _effective_n(counts, sizes, confidence)
    share = float(counts.sum() / sizes.sum())
    low, high = wilson(share, effective, _normal(confidence))
    return Rate(
        len(failed), int(counts.sum()), len(sizes), effective, share, float(low), float(high)
    )


def interval_of_all_alike(share: float, clusters: int, confidence: float) -> tuple[float, float]:
    """Return the interval of a share that is 0, or 1, in each of as many clusters."""
    low, high = wilson(share, clusters, _normal(confidence))
    return float(low), float(high)


def _effective_n(
    counts: NDArray[np.float64], sizes: NDArray[np.float64], confidence: float
) -> float:
    clusters, n = len(sizes), sizes.sum()
    if clusters == 1:
        return 1.0  # nothing says how alike its cases are
    few = _for_few(clusters, int(n), confidence)
    return max(1.0, float(n / _design_effect(counts, sizes) * few))


def _for_few(clusters: int, n: int, confidence: float) -> float:
    from scipy.stats import t

    ours, few = t.ppf((1 + confidence) / 2, [n - 1, clusters - 1])
    return float((ours / few) ** 2)


def _design_effect(counts: NDArray[np.float64], sizes: NDArray[np.float64]) -> float:
    """Return the variance of the share against that of as many independent cases, at least 1."""
    clusters, n = len(sizes), sizes.sum()
    share = counts.sum() / n
    if share in (0, 1):
        return float(n / clusters)  # how alike the cases of a cluster are cannot be seen
    residuals = counts - share * sizes
    variance = clusters / (clusters - 1) * float((residuals**2).sum()) / n**2
    return max(1.0, float(variance / (share * (1 - share) / (n - 1))))


def _normal(confidence: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf((1 + confidence) / 2))


def wilson(share: Any, n: Any, z: float) -> tuple[Any, Any]:
    """Return Wilson's interval of a share of n, `z` deviations to each side; of arrays too.

    https://doi.org/10.1080/01621459.1927.10502953
    """
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    low, high = np.minimum(centre - half, share), np.maximum(centre + half, share)
    return np.maximum(low, 0.0), np.minimum(high, 1.0)

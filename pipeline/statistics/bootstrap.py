"""Resampling of clusters: how far a score would move with other stories of the same kind."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.config import Intervals

Codes: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

# Draws that are in memory at once (32 MB as numbers of 8 bytes).
CHUNK: Final = 2**22
# Most rows of a jackknife; with more clusters each row leaves out a group of them.
JACKKNIFE: Final = 1000


def resampled_sums(
    tallies: Mapping[str, Any], clusters: Codes, section: Intervals, rng: np.random.Generator
) -> dict[str, Floats]:
    """Sum each table of tallies (examples, columns) over the sample and its resamples.

    Row 0 of each result is the sample itself. The next `section.resamples` are resamples of whole
    clusters, drawn with replacement and the same ones for all tables. With `bca` the jackknife
    follows: the sample without each cluster, or each of JACKKNIFE groups of clusters. A single
    cluster has nothing to vary, so row 0 is all there is.
    """
    by_cluster = {name: _sum_clusters(table, clusters) for name, table in tallies.items()}
    sums = {name: [table.sum(axis=1)[None, :]] for name, table in by_cluster.items()}
    count = int(clusters.max()) + 1
    for weights in _weights(count, section.resamples if count > 1 else 0, rng):
        for name, table in by_cluster.items():
            sums[name].append((table @ weights).T)
    if section.interval == "bca" and count > 1:
        for name, table in by_cluster.items():
            sums[name].append(sums[name][0] - _sum_groups(table))
    return {name: np.concatenate(parts) for name, parts in sums.items()}


def _sum_clusters(table: Any, clusters: Codes) -> Any:
    """Add up the examples of each cluster: a sparse (columns, clusters)."""
    from scipy.sparse import csr_array

    n = len(clusters)
    membership = csr_array((np.ones(n), (clusters, np.arange(n))))
    return (membership @ table).T.tocsr()


def _sum_groups(by_cluster: Any) -> Floats:
    """Add up the clusters that each row of the jackknife leaves out: (rows, columns)."""
    count = by_cluster.shape[1]
    groups = np.arange(count) % JACKKNIFE
    return np.asarray(_sum_clusters(by_cluster.T, groups).T.toarray())


def _weights(clusters: int, resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Yield how often each cluster was drawn, in chunks of resamples: (clusters, chunk)."""
    step = max(1, CHUNK // clusters)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        draws = rng.integers(0, clusters, size=(size, clusters))
        draws += np.arange(size)[:, None] * clusters
        times = np.bincount(draws.ravel(), minlength=size * clusters)
        yield np.ascontiguousarray(times.reshape(size, clusters).T, dtype=np.float64)


def resamples_of(values: Floats, section: Intervals) -> Floats:
    """Return the part of a score's values that its resamples are; the first axis is the sample."""
    return values[1 : 1 + section.resamples]


def interval(values: Floats, section: Intervals) -> tuple[float | None, float | None]:
    """Interval of a score from its values in the rows of `resampled_sums`: (samples,).

    None, None where it is a number in no resample, or the same in all: what never moves, such as F1
    of a label without an error, has an interval that resampling cannot tell.
    """
    resamples = _known(resamples_of(values, section))
    if not len(resamples) or resamples.min() == resamples.max():
        return None, None
    tail = (1 - section.confidence) / 2
    levels = np.array([tail, 1 - tail])
    if section.interval == "bca":
        jackknife = values[1 + section.resamples :]
        z = _normal_quantiles(levels, len(jackknife))
        levels = _bca_levels(z, values[0], resamples, _known(jackknife))
    low, high = np.quantile(resamples, levels)
    return float(low), float(high)


def _known(values: Floats) -> Floats:
    return values[~np.isnan(values)]


def _normal_quantiles(levels: Floats, clusters: int) -> Floats:
    """Return how far from the middle the levels are, in standard deviations of n clusters.

    Resamples spread too little, by √(1 − 1/n), and by a spread that is itself estimated; so the
    quantiles are Student's, widened, as in the expanded percentile interval (Hesterberg 2015,
    https://doi.org/10.1080/00031305.2015.1089789). From JACKKNIFE clusters on that is next to
    nothing.
    """
    from scipy.special import stdtrit

    return np.asarray(np.sqrt(clusters / (clusters - 1)) * stdtrit(clusters - 1, levels))


def _bca_levels(z: Floats, value: float, resamples: Floats, jackknife: Floats) -> Floats:
    """Return the levels of the quantiles, corrected for bias and acceleration.

    Efron 1987, https://doi.org/10.1080/01621459.1987.10478410. Not corrected where all resamples
    are on one side of the sample's value: then the bias cannot be told.
    """
    from scipy.special import ndtr, ndtri

    below = ((resamples < value).mean() + (resamples <= value).mean()) / 2
    if not 0 < below < 1:
        return np.asarray(ndtr(z))
    bias, skewness = ndtri(below), _acceleration(jackknife)
    under = 1 - skewness * (bias + z)
    return np.asarray(ndtr(bias + (bias + z) / under if (under > 0).all() else z))


def _acceleration(jackknife: Floats) -> float:
    """Return a sixth of the skewness of a score's influence: 0 where no cluster moves it."""
    gaps = jackknife.mean() - jackknife if len(jackknife) else jackknife
    # A gap that is all rounding would have a skewness of its own.
    gaps = np.where(np.abs(gaps) > 1e-12, gaps, 0)
    spread = float((gaps**2).sum()) ** 1.5
    return float((gaps**3).sum()) / (6 * spread) if spread else 0.0

"""Resampling of clusters: how far a score would move with other stories of the same kind."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from pipeline.evaluate.answers import Codes, Floats

# Draws that are in memory at once (32 MB as numbers of 8 bytes).
CHUNK: Final = 2**22


def resampled_sums(
    tallies: Mapping[str, Any], clusters: Codes, resamples: int, rng: np.random.Generator
) -> dict[str, Floats]:
    """Sum each table of tallies (examples, columns) over the sample and its resamples.

    Row 0 of each result is the sample itself, the others are resamples of whole clusters, drawn
    with replacement and the same ones for all tables: (1 + resamples, columns). A single cluster
    has nothing to vary, so row 0 is all there is.
    """
    by_cluster = {name: _sum_clusters(table, clusters) for name, table in tallies.items()}
    sums = {name: [table.sum(axis=1)[None, :]] for name, table in by_cluster.items()}
    count = int(clusters.max()) + 1
    for weights in _weights(count, resamples if count > 1 else 0, rng):
        for name, table in by_cluster.items():
            sums[name].append((table @ weights).T)
    return {name: np.concatenate(parts) for name, parts in sums.items()}


def _sum_clusters(table: Any, clusters: Codes) -> Any:
    """Add up the examples of each cluster: a sparse (columns, clusters)."""
    from scipy.sparse import csr_array

    n = len(clusters)
    membership = csr_array((np.ones(n), (clusters, np.arange(n))))
    return (membership @ table).T.tocsr()


def _weights(clusters: int, resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Yield how often each cluster was drawn, in chunks of resamples: (clusters, chunk)."""
    step = max(1, CHUNK // clusters)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        draws = rng.integers(0, clusters, size=(size, clusters))
        draws += np.arange(size)[:, None] * clusters
        times = np.bincount(draws.ravel(), minlength=size * clusters)
        yield np.ascontiguousarray(times.reshape(size, clusters).T, dtype=np.float64)


def interval(values: Floats, confidence: float) -> tuple[float | None, float | None]:
    """Percentile interval of resampled values; None, None where none of them is a number."""
    known = values[~np.isnan(values)]
    if not len(known):
        return None, None
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)

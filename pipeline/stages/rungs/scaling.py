"""Columns of like spread, which a linear model under one strength of regularisation wants."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle import LinearHead

# Below this a column says nothing; divided by it, noise would look like news.
_LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of each column."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> Self:
        """Measure the columns of `vectors` [n, columns]."""
        spread = vectors.std(axis=0, dtype=np.float64)
        return cls(
            vectors.mean(axis=0, dtype=np.float64), np.where(spread > _LEAST_SPREAD, spread, np.inf)
        )

    def apply(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vectors with mean 0 and spread 1; columns without spread are 0."""
        return ((vectors - self.mean) / self.spread).astype(np.float32)

    def folded_into(self, head: LinearHead) -> LinearHead:
        """Return the head that says of vectors what `head` says of scaled ones."""
        weights = head.weights / self.spread[:, None]
        return replace(
            head,
            weights=weights.astype(np.float32),
            bias=(head.bias - self.mean @ weights).astype(np.float32),
        )

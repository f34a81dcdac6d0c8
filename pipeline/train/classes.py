"""The classes of a task on the train side: are there enough, and how much does each count."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError


def check_labels(task: str, labels: Sequence[str], gold: NDArray[np.bool_]) -> None:
    """Raise DataError where the train side's `gold` [n, labels] has fewer than two labels.

    A label that votes find at all is there as well.
    """
    present = [labels[label] for label in np.flatnonzero(gold.any(axis=0)).tolist()]
    if len(present) < 2:
        raise DataError(
            f"task '{task}': training needs two labels or more; the train side has "
            f"{present or 'none'} in {len(gold)} coded examples"
        )


def class_weights(gold: NDArray[np.bool_], many: bool, kind: str) -> NDArray[np.float32]:
    """Return the weight [labels] of each label's examples in a neural network's loss.

    One label: `balanced` is inverse to the frequency, `sqrt` to its root, scaled so that the mean
    over the examples is 1. Many labels: weight of the label being right, against 1 for its being
    absent. A label without examples weighs 1.
    """
    count = gold.sum(axis=0)
    if kind == "none":
        return np.ones(gold.shape[1], np.float32)
    share = np.maximum(count, 1) / len(gold)
    odds = (1 - share) / share if many else 1 / share
    weights = np.maximum(odds, 1e-3) if kind == "balanced" else np.sqrt(np.maximum(odds, 1e-3))
    if not many:
        weights = weights * count.sum() / (weights @ count)
    return np.where(count > 0, weights, 1).astype(np.float32)

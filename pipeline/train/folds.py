"""Folds that divide no story and keep each label's share."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DataError


def group_folds(
    gold: NDArray[np.bool_],
    stories: Sequence[str],
    rows: NDArray[np.int64],
    folds: int,
    seed: int,
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Divide `rows` into (train, held-out) rows, `folds` times; every row is held out once.

    An example with many labels counts for its rarest one.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    groups = np.unique(np.array(stories, object)[rows].astype(str), return_inverse=True)[1]
    found = int(groups.max(initial=-1)) + 1
    if found < folds:
        raise DataError(f"train.folds: {folds} folds need as many stories; there are {found}")
    frequency = gold[rows].sum(axis=0)
    rarest = np.where(gold[rows], frequency, len(rows) + 1).argmin(axis=1)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    return [
        (rows[train], rows[test])
        for train, test in splitter.split(np.zeros(len(rows)), _mergeable(rarest, folds), groups)
    ]


def _mergeable(labels: NDArray[np.int64], folds: int) -> NDArray[np.int64]:
    """Count labels with fewer examples than folds as one, which scikit-learn would warn about."""
    values, counts = np.unique(labels, return_counts=True)
    rare = np.isin(labels, values[counts < folds])
    if 0 < rare.sum() < folds:  # still too few: join them to the most frequent
        return np.where(rare, values[counts.argmax()], labels)
    return np.where(rare, -1, labels)

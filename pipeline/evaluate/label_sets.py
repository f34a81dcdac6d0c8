"""Sets of labels: what counts how often they hold the right one, and how large they are."""

from typing import Any

import numpy as np

from pipeline.evaluate.answers import Flags


def tally(sets: Flags, gold: Flags) -> Any:
    """Lay out what one example adds to the counts: a sparse (n, 4 + 2 × labels).

    Columns: 1, the labels in its set, whether that is one, whether it is none; then by label gold,
    and gold that is in the set.
    """
    from scipy.sparse import csr_array

    size = sets.sum(axis=1)
    columns = [np.ones(len(sets)), size, size == 1, size == 0, gold, gold & sets]
    return csr_array(np.column_stack(columns).astype(np.float64))

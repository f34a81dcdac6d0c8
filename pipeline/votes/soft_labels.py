"""What the votes make of examples that nobody has coded, for training to learn from."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.config import Votes
from pipeline.records import SOFT_LABELS
from pipeline.votes.account import Ballot


def soft_labels(
    ballot: Ballot, ids: Sequence[str], uncoded: NDArray[np.bool_], section: Votes
) -> pa.Table:
    """Return records.SOFT_LABELS of the examples that are `uncoded` and that a function votes on.

    Where many labels may hold, an example is as sure as its least sure label.
    """
    likely = ballot.combined(section.combine).likely
    sure = np.maximum(likely, 1 - likely).min(axis=1) if ballot.many else likely.max(axis=1)
    functions = ballot.matrix.voted.sum(axis=1)
    kept = np.flatnonzero(uncoded & (functions > 0) & (sure >= section.min_confidence))
    return pa.table(
        {
            "example_id": [ids[row] for row in kept.tolist()],
            "soft": [list(zip(ballot.labels, likely[row].tolist(), strict=True)) for row in kept],
            "functions": functions[kept],
        },
        schema=SOFT_LABELS,
    )

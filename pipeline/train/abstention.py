"""From which probability on an answer is given: what keeps the wrong ones few."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

# No probability reaches it: every answer is withheld.
NEVER: Final = 2.0


def answer_from(likely: NDArray[np.float32], gold: NDArray[np.bool_], risk: float) -> float:
    """Return the lowest probability from which on at most `risk` of the answers are wrong.

    `likely` and `gold` [n, labels] are of held-out examples, one label each. NEVER where even the
    surest answers are wrong more often. Equal probabilities are answered together or not at all.
    """
    if not len(likely):
        return NEVER
    sure = likely.max(axis=1)
    wrong = ~gold[np.arange(len(gold)), likely.argmax(axis=1)]
    order = np.argsort(-sure, kind="stable")
    sure, errors = sure[order], np.cumsum(wrong[order])
    is_last = np.append(sure[1:] != sure[:-1], True)
    fits = is_last & (errors <= risk * np.arange(1, len(sure) + 1))
    return float(sure[np.flatnonzero(fits)[-1]]) if fits.any() else NEVER

"""What remains of the errors when only the surest answers are given."""

from typing import Any, Final

import numpy as np

from pipeline.evaluate.answers import Answers, Floats
from pipeline.evaluate.calibration import equal_mass_bins
from pipeline.statistics.paired import ratio

# Steps of the curve: fine enough for its area, and few enough for thousands of resamples.
STEPS: Final = 100


def risk_tally(answers: Answers) -> Any:
    """Lay out how many answers, and wrong ones, are in each step of sureness: (n, 2 × STEPS).

    The surest are in the last step; equal probabilities are in one step.
    """
    from scipy.sparse import csr_array

    n = len(answers.gold)
    steps = equal_mass_bins(_sureness(answers), STEPS)
    wrong = ~answers.right
    rows = np.concatenate([np.arange(n), np.flatnonzero(wrong)])
    columns = np.concatenate([steps, STEPS + steps[wrong]])
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(n, 2 * STEPS))


def aurc(sums: Floats) -> Floats:
    """Area under the risk–coverage curve, from summed tallies: (samples,).

    The mean, over all coverages, of the share of wrong answers among the surest (Geifman, Uziel and
    El-Yaniv 2019, https://arxiv.org/abs/1805.08206); 0 is best, and an unsorted model has its error
    rate.
    """
    answered, risk = _curve(sums)
    steps = np.diff(answered, axis=1, prepend=0)
    return ratio(np.nansum(risk * steps, axis=1), answered[:, -1])


def curve(sums: Floats) -> tuple[Floats, Floats]:
    """Return coverage and risk of the sample, one number for each step that holds anything."""
    answered, risk = _curve(sums[:1])
    steps = np.diff(answered[0], prepend=0) > 0
    return answered[0][steps] / answered[0][-1], risk[0][steps]


def _curve(sums: Floats) -> tuple[Floats, Floats]:
    """Return how many are answered from each step on, the surest first, and their risk."""
    given, wrong = np.split(sums, 2, axis=1)
    answered = np.cumsum(given[:, ::-1], axis=1)
    return answered, ratio(np.cumsum(wrong[:, ::-1], axis=1), answered)


def answered_tally(answers: Answers, least: float) -> Any:
    """Lay out which answers are given from `least` on, and which of those are wrong: (n, 2)."""
    from scipy.sparse import csr_array

    given = _sureness(answers) >= np.float32(least)
    return csr_array(np.column_stack([given, given & ~answers.right]).astype(np.float64))


def _sureness(answers: Answers) -> Floats:
    return np.asarray(answers.probabilities.max(axis=1))

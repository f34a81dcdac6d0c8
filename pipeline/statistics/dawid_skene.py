"""Who is right and how everybody errs, each estimated from the other until neither moves.

Source: Dawid and Skene (1979), Maximum Likelihood Estimation of Observer Error-Rates Using the EM
Algorithm, https://doi.org/10.2307/2346806. How errors are counted and smoothed is the business of
who asks: coders choose, labelling functions may keep silent.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.statistics.bootstrap import Floats
from pipeline.statistics.paired import Flags


@dataclass(frozen=True)
class Settled:
    """What is likely right of n questions with k possible answers."""

    likely: Floats  # (n, k): each row adds up to 1
    rounds: int
    settled: bool  # the last round moved next to nothing


def settle(
    likely: Floats,
    step: Callable[[Floats], Floats],
    known: Flags,
    right: Floats,
    rounds: int,
    least: float,
) -> Settled:
    """Take `step` from probabilities to probabilities until none moves by `least`.

    The rows that are `known` are what is `right`, (n, k), in each round. At most `rounds` steps.
    """
    likely = np.where(known[:, None], right, likely)
    taken, settled = 0, False
    while not settled and taken < rounds:
        taken += 1
        found = np.where(known[:, None], right, step(likely))
        settled = bool(np.abs(found - likely).max(initial=0) < least)
        likely = found
    return Settled(likely, taken, settled)


def probabilities(logs: Floats) -> Floats:
    """Return what the logarithms of weights are as shares of each row: (n, k)."""
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))

"""From the votes about each example to the probability of each label.

The label model is that of Dawid and Skene (1979): given the right label, functions vote
independently of one another, each with its own probabilities. Abstaining is one of a function's
outcomes, since a rule that is silent says something too: that its label is less likely. The right
labels of examples with gold are known, those of the others are what expectation and maximisation
find. Both are smoothed towards a function that is right seven times in ten.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.statistics.dawid_skene import probabilities, settle
from pipeline.votes.matrix import ABSTAINS, Matrix

# What a function is taken for before it has voted, and how many examples of each label that is
# worth. These four numbers were chosen by how often the combined votes are right on the train sides
# of four public sets, for 0 to 500 examples of gold.
_RIGHT: Final = 0.7
_WORTH: Final = 20.0
_BALANCE_WORTH: Final = 10.0
# What an uncoded example counts against one with gold: votes that agree with one another often do
# so because they see the same words.
_UNCODED: Final = 0.1
_ROUNDS: Final = 200
_SETTLED: Final = 1e-4
_NEVER: Final = 1e-9


@dataclass(frozen=True)
class Combined:
    """Probabilities of every label of every example, and how they were found."""

    likely: NDArray[np.float64]  # [n, L]; where one label holds, a row adds up to 1
    rounds: int  # of the label model; 0 for the majority
    converged: bool


def by_majority(matrix: Matrix, many: bool) -> Combined:
    """Count the votes: each label's share, in rows without a vote equal for all labels.

    Where many labels may hold, the share of those who say so of those who say anything about the
    label; none where nobody does.
    """
    holds = (matrix.said == 1).sum(axis=1).astype(np.float64)
    if many:
        asked = (matrix.said != 0).sum(axis=1)
        return Combined(np.divide(holds, asked, out=np.zeros_like(holds), where=asked > 0), 0, True)
    total = holds.sum(axis=1, keepdims=True)
    even = np.full_like(holds, 1 / holds.shape[1])
    return Combined(np.divide(holds, total, out=even, where=total > 0), 0, True)


def by_label_model(
    matrix: Matrix, many: bool, gold: NDArray[np.bool_], known: NDArray[np.bool_]
) -> Combined:
    """Weigh the functions. `gold` [n, L] is read where `known` [n] says that it is there."""
    counted = by_majority(matrix, many).likely
    voted = matrix.covered
    if not many:
        return _fit(matrix.votes, counted, gold.astype(np.float64), known, voted)
    likely = np.zeros_like(counted)
    rounds, converged = 0, True
    for label in range(counted.shape[1]):
        found = _fit(
            matrix.about(label),
            _yes_and_no(counted[:, label]),
            _yes_and_no(gold[:, label].astype(np.float64)),
            known,
            voted,
        )
        likely[:, label] = found.likely[:, 1]
        rounds, converged = max(rounds, found.rounds), converged and found.converged
    return Combined(likely, rounds, converged)


def _yes_and_no(yes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([1 - yes, yes], axis=1)


def _fit(
    votes: NDArray[np.int16],
    counted: NDArray[np.float64],
    gold: NDArray[np.float64],
    known: NDArray[np.bool_],
    voted: NDArray[np.bool_],
) -> Combined:
    """Run expectation and maximisation over K classes: `votes` [n, m], the others [n, K] or [n]."""
    balance = _balance(counted, gold, known, voted)
    likely = counted.copy()
    likely[~voted] = balance
    if not votes.size:
        likely[known] = gold[known]
        return Combined(likely, 0, True)
    classes = len(balance)
    outcomes = np.where(votes == ABSTAINS, classes, votes)
    weights = np.where(known, 1.0, _UNCODED)[:, None]
    believed = [_believed(column, balance) for column in outcomes.T]

    def step(likely: NDArray[np.float64]) -> NDArray[np.float64]:
        scores = np.tile(np.log(balance), (len(likely), 1))
        for column, before in zip(outcomes.T, believed, strict=True):
            scores += np.log(_outcomes_of(column, likely * weights, before))[:, column].T
        return probabilities(scores)

    found = settle(likely, step, known, gold, _ROUNDS, _SETTLED)
    return Combined(found.likely, found.rounds, found.settled)


def _balance(
    counted: NDArray[np.float64],
    gold: NDArray[np.float64],
    known: NDArray[np.bool_],
    voted: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return how frequent each class is, [K]: in gold, and in the votes while there is little."""
    even = np.full(counted.shape[1], 1 / counted.shape[1])
    among_votes = (counted[voted].sum(axis=0) + even) / (voted.sum() + 1)
    balance = gold[known].sum(axis=0) + _BALANCE_WORTH * among_votes
    return np.asarray(balance / balance.sum())


def _believed(column: NDArray[np.int16], balance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is believed of a function before it is weighed: outcomes by class, [K, K + 1].

    It votes as often as it does, and is right `_RIGHT` of the time; by Bayes' rule that says how
    often it gives each label under each class.
    """
    classes = len(balance)
    shares = np.bincount(column, minlength=classes + 1) / len(column)
    right = np.full((classes, classes), (1 - _RIGHT) / max(1, classes - 1))
    np.fill_diagonal(right, _RIGHT)
    given = np.minimum(shares[:classes] * right / balance[:, None], 1.0)
    total = given.sum(axis=1, keepdims=True)
    given *= np.minimum(1.0, 0.99 / np.maximum(total, _NEVER))
    return np.hstack([given, 1 - given.sum(axis=1, keepdims=True)])


def _outcomes_of(
    column: NDArray[np.int16], likely: NDArray[np.float64], believed: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the probability of each outcome of a function under each class, [K, K + 1]."""
    counted = [
        np.bincount(column, weights=of_class, minlength=believed.shape[1]) for of_class in likely.T
    ]
    counts = np.stack(counted) + _WORTH * believed + _NEVER
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))

"""Who is right is estimated together with how each coder errs: Dawid and Skene, and one coin.

Dawid and Skene's estimates are smoothed here: each coder's errors are drawn to those of all coders
together, by as many made-up answers as `prior` says, so that few answers make nobody perfect. One
coin (Dawid and Skene's model with one number a coder) is in Zhang and others (2016),
https://jmlr.org/papers/v17/14-511.html.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pipeline.config import DawidSkene, OneCoin
from pipeline.statistics.bootstrap import Codes, Floats
from pipeline.statistics.dawid_skene import probabilities, settle

# Posteriors that move by less in a round have arrived.
SETTLED: Final = 1e-5
# What keeps a share of 0 from being taken for certain.
LEAST: Final = 1e-9


@dataclass(frozen=True)
class CoderAnswers:
    """a answers of c coders to n questions with k possible answers each."""

    example: Codes  # (a,)
    coder: Codes  # (a,)
    label: Codes  # (a,)
    shape: tuple[int, int, int]  # n, c, k
    # The right answer where it is known, -1 elsewhere: (n,).
    known: Codes


@dataclass(frozen=True)
class Estimate:
    """What is likely right, and how the coders err."""

    posterior: Floats  # (n, k)
    prevalence: Floats  # (k,): of each label among the right answers
    errors: Floats  # (c, k, k): share of each answer, by what is right
    rounds: int
    settled: bool

    @property
    def accuracy(self) -> Floats:
        """How often each coder is right, of questions as they come: (c,)."""
        return np.asarray(np.einsum("k,ckk->c", self.prevalence, self.errors))


def estimate(answers: CoderAnswers, section: DawidSkene | OneCoin) -> Estimate:
    """Estimate by expectation and maximisation in turn, from the shares of the answers on.

    No random numbers: equal answers give equal estimates.
    """
    n, c, k = answers.shape
    table = _table(answers)

    def parameters(posterior: Floats) -> tuple[Floats, Floats]:
        prevalence = (posterior.sum(axis=0) + 1 / k) / (n + 1)
        return prevalence, _errors(table @ posterior, answers.shape, section)

    counted = (table.T @ np.tile(np.eye(k), (c, 1))) + LEAST
    found = settle(
        counted / counted.sum(axis=1, keepdims=True),
        lambda posterior: _posterior(table, *parameters(posterior)),
        known=answers.known >= 0,
        right=np.eye(k)[answers.known],
        rounds=section.rounds,
        least=SETTLED,
    )
    return Estimate(found.likely, *parameters(found.likely), found.rounds, found.settled)


def _table(answers: CoderAnswers) -> Any:
    """Return which answers there are: a sparse (coders × labels, n)."""
    from scipy.sparse import csr_array

    n, c, k = answers.shape
    ones = np.ones(len(answers.example))
    return csr_array((ones, (answers.coder * k + answers.label, answers.example)), shape=(c * k, n))


def _errors(counts: Floats, shape: tuple[int, int, int], section: DawidSkene | OneCoin) -> Floats:
    """Return each coder's shares of answers by right label, from (c × answers, right labels)."""
    _, c, k = shape
    by_coder = counts.reshape(c, k, k).transpose(0, 2, 1)  # (coder, right, answer)
    right = np.einsum("ckk->c", by_coder)
    answers = by_coder.sum(axis=(1, 2))
    # The coders' mean accuracy, never so low that an answer would speak against itself.
    mean = max((right.sum() + 1) / (answers.sum() + 2), 1.5 / (k + 0.5))
    if isinstance(section, OneCoin):
        accuracy = (right + section.prior * mean) / (answers + section.prior)
        return _one_coin(accuracy, k)
    prior = section.prior * _one_coin(np.array([mean]), k)
    smoothed = by_coder + prior
    return np.asarray(smoothed / smoothed.sum(axis=2, keepdims=True))


def _one_coin(accuracy: Floats, k: int) -> Floats:
    """Return tables of errors with one accuracy each: (c, k, k)."""
    wrong = ((1 - accuracy) / (k - 1))[:, None, None]
    return np.where(np.eye(k, dtype=np.bool_), accuracy[:, None, None], wrong)


def _posterior(table: Any, prevalence: Floats, errors: Floats) -> Floats:
    c, k, _ = errors.shape
    speaks = np.log(np.maximum(errors, LEAST)).transpose(0, 2, 1).reshape(c * k, k)
    return probabilities(table.T @ speaks + np.log(prevalence))

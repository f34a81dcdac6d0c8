"""Point scores from counts; they hold for one sample as for a thousand resamples of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.evaluate.answers import Flags, Floats


@dataclass(frozen=True)
class Counts:
    """Sums over examples. The first axis is the sample, the last one the label."""

    n: Floats  # (samples,)
    right: Floats  # (samples,): the whole answer is as in gold
    gold: Floats  # (samples, labels), as the next two
    predicted: Floats
    hits: Floats


def tally(gold: Flags, predicted: Flags) -> Any:
    """Lay out what one example adds to the counts: a sparse (examples, 2 + 3 × labels)."""
    from scipy.sparse import csr_array, hstack

    right = (gold == predicted).all(axis=1)
    blocks = [np.ones((len(gold), 1)), right[:, None], gold, predicted, gold & predicted]
    return hstack([csr_array(np.asarray(block, dtype=float)) for block in blocks], format="csr")


def counts_of(sums: Floats) -> Counts:
    """Name the columns of summed tallies: (samples, 2 + 3 × labels)."""
    gold, predicted, hits = np.split(sums[:, 2:], 3, axis=1)
    return Counts(sums[:, 0], sums[:, 1], gold, predicted, hits)


def ratio(over: Floats, under: Floats) -> Floats:
    """Divide; NaN where there is nothing to divide by."""
    quotient: Floats = np.full(np.shape(under), np.nan)
    np.divide(over, under, out=quotient, where=under > 0)
    return quotient


def accuracy(counts: Counts) -> Floats:
    """Share of examples whose whole answer is right: (samples,)."""
    return ratio(counts.right, counts.n)


def label_f1(counts: Counts) -> Floats:
    """F1 of each label, NaN where it is neither in gold nor predicted: (samples, labels)."""
    return ratio(2 * counts.hits, counts.gold + counts.predicted)


def macro_f1(counts: Counts) -> Floats:
    """Mean F1 of the labels that occur in gold or prediction of the sample: (samples,)."""
    f1 = label_f1(counts)
    occurs = ~np.isnan(f1)
    return ratio(np.where(occurs, f1, 0).sum(axis=1), occurs.sum(axis=1).astype(float))


def micro_f1(counts: Counts) -> Floats:
    """F1 of all decisions on labels taken together: (samples,)."""
    under = counts.gold.sum(axis=1) + counts.predicted.sum(axis=1)
    return ratio(2 * counts.hits.sum(axis=1), under)


def kappa(counts: Counts, many: bool) -> Floats:
    """Cohen's kappa of the two answers that were tallied: (samples,).

    Of many labels the mean over the labels, each taken as a question of yes or no, without those
    whose kappa is not defined. NaN where none is: both gave the same answer to everything.

    Source: Jacob Cohen (1960), A Coefficient of Agreement for Nominal Scales,
    https://doi.org/10.1177/001316446002000104.
    """
    n = counts.n[:, None]
    both = counts.gold * counts.predicted
    if many:
        equal = n - counts.gold - counts.predicted + 2 * counts.hits
        by_chance = both + (n - counts.gold) * (n - counts.predicted)
    else:
        equal, by_chance = counts.right[:, None], both.sum(axis=1, keepdims=True)
    each = ratio(n * equal - by_chance, n * n - by_chance)
    known = ~np.isnan(each)
    return ratio(np.where(known, each, 0).sum(axis=1), known.sum(axis=1).astype(float))


def log_losses(gold: Flags, probabilities: Floats, many: bool) -> Floats:
    """Surprise at each gold answer, in nats; of many labels, the mean over labels: (n,).

    A probability of 0 counts as the smallest step of a float, as in scikit-learn.
    """
    eps = np.finfo(np.float64).eps
    p = np.clip(probabilities, eps, 1 - eps)
    surprise = np.where(gold, -np.log(p), -np.log1p(-p) if many else 0.0)
    return np.asarray(surprise.mean(axis=1) if many else surprise.sum(axis=1))


def brier_losses(gold: Flags, probabilities: Floats, many: bool) -> Floats:
    """Squared distance of the probabilities and gold of each example: (n,).

    Summed over the labels (0 to 2), as Brier defined it
    (https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2); of many labels the mean
    over them (0 to 1).
    """
    squares = (probabilities - gold) ** 2
    return np.asarray(squares.mean(axis=1) if many else squares.sum(axis=1))

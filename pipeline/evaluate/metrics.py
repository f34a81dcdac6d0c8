"""Point scores from counts; they hold for one sample as for a thousand resamples of it."""

import numpy as np

from pipeline.evaluate.answers import Flags, Floats
from pipeline.statistics.paired import Counts, mean_of_known, ratio


def label_f1(counts: Counts) -> Floats:
    """F1 of each label, NaN where it is neither in gold nor predicted: (samples, labels)."""
    return ratio(2 * counts.hits, counts.gold + counts.predicted)


def macro_f1(counts: Counts) -> Floats:
    """Mean F1 of the labels that occur in gold or prediction of the sample: (samples,)."""
    return mean_of_known(label_f1(counts))


def micro_f1(counts: Counts) -> Floats:
    """F1 of all decisions on labels taken together: (samples,)."""
    under = counts.gold.sum(axis=1) + counts.predicted.sum(axis=1)
    return ratio(2 * counts.hits.sum(axis=1), under)


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

"""What is fitted on held-out scores: one number for honest probabilities, one for each label."""

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle.heads import probabilities

# A hundredfold sharper to a hundredfold flatter than the scores are.
_SEARCHED = (np.log(0.01), np.log(100.0))
_LEAST = 1e-12
# A label with fewer held-out examples keeps the threshold one half: the best cut through a few is
# luck.
_FEW = 10


def fit_temperature(scores: NDArray[np.float32], gold: NDArray[np.bool_], many: bool) -> float:
    """Return the temperature with the least log loss on held-out scores [n, labels].

    It changes no one-label answer, since it scales all scores alike. Each answer is believed up to
    one part in n + 2, as Platt (1999) does: on a few rows without a mistake the least loss would
    else be at probabilities of 0 and 1.
    """
    from scipy.optimize import minimize_scalar

    doubt = 1 / (len(scores) + 2)
    others = gold.shape[1] if not many else 2

    def loss(log: float) -> float:
        predicted = probabilities(scores, many, float(np.exp(log))).astype(np.float64)
        likely = np.log(np.clip(predicted, _LEAST, 1))
        believed = np.where(gold, 1 - doubt, 0) + doubt / others
        if not many:
            return float(-(believed * likely).sum(axis=1).mean())
        unlikely = np.log(np.clip(1 - predicted, _LEAST, 1))
        return float(-(believed * likely + (1 - believed) * unlikely).mean())

    found = minimize_scalar(loss, bounds=_SEARCHED, method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def choose_thresholds(
    predicted: NDArray[np.float32], gold: NDArray[np.bool_], many: bool, kind: str
) -> NDArray[np.float32] | None:
    """Return each label's threshold by `train.thresholds`; None where one label is chosen."""
    if not many:
        return None
    if kind == "half":
        return np.full(gold.shape[1], 0.5, np.float32)
    if kind == "shared":
        one = fit_thresholds(predicted.reshape(-1, 1), gold.reshape(-1, 1))
        return np.repeat(one, gold.shape[1])
    return fit_thresholds(predicted, gold)


def fit_thresholds(predicted: NDArray[np.float32], gold: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the threshold of each label with its best F1 on held-out rows [n, labels].

    Of equal ones the nearest to one half; one half for labels with fewer than ten examples.
    """
    thresholds = np.full(gold.shape[1], 0.5, np.float32)
    for label in np.flatnonzero(gold.sum(axis=0) >= _FEW):
        order = np.argsort(-predicted[:, label], kind="stable")
        likely = predicted[order, label]
        hits = np.cumsum(gold[order, label])
        f1 = 2 * hits / (np.arange(1, len(order) + 1) + hits[-1])
        last = np.append(likely[1:] < likely[:-1], True)  # equal ones are in or out together
        best = np.flatnonzero(last & (f1 >= f1[last].max() - 1e-12))
        below = np.append(likely[1:], np.float32(0))
        cuts = (likely[best] + below[best]) / 2
        thresholds[label] = cuts[np.argmin(np.abs(cuts - 0.5))]
    return thresholds


def log_loss(predicted: NDArray[np.float32], gold: NDArray[np.bool_], many: bool) -> float:
    """Return the mean of -ln p(gold); for many labels the mean over labels too."""
    likely = np.clip(predicted.astype(np.float64), _LEAST, 1)
    if not many:
        return float(-np.log(likely[gold]).mean()) + 0.0  # not -0.0
    unlikely = np.clip(1 - predicted.astype(np.float64), _LEAST, 1)
    return float(-np.where(gold, np.log(likely), np.log(unlikely)).mean())

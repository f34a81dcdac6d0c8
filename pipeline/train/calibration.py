"""What is fitted on held-out scores: what makes probabilities honest, and thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle.heads import NEVER, probabilities
from pipeline.config import Calibration
from pipeline.train.folds import group_folds

# A hundredfold sharper to a hundredfold flatter than the scores are.
_SEARCHED = (np.log(0.01), np.log(100.0))
_LEAST = 1e-12
# A label with fewer held-out examples keeps the threshold one half: the best cut through a few is
# luck.
_FEW = 10
# A bias for each label is judged on parts that it was not fitted on.
_PARTS: Final = 5


@dataclass(frozen=True)
class Calibrated:
    """What is done to scores before they are probabilities."""

    temperature: float  # divides them
    bias: NDArray[np.float32]  # [labels] added before that

    def adjusted(self, addition: NDArray[np.float64]) -> "Calibrated":
        """Return the same with `addition` [labels] to log-probabilities."""
        return replace(self, bias=(self.bias + self.temperature * addition).astype(np.float32))

    def likely(self, scores: NDArray[np.float32], many: bool) -> NDArray[np.float32]:
        """Return the probabilities of scores [n, labels]."""
        return probabilities(scores + self.bias, many, self.temperature)


@dataclass(frozen=True)
class HeldOut:
    """What a model that did not learn from n examples says of them, with their gold."""

    scores: NDArray[np.float32]  # [n, labels]
    gold: NDArray[np.bool_]  # [n, labels]
    many: bool
    stories: Sequence[str]  # [n]

    def take(self, rows: NDArray[np.int64]) -> "HeldOut":
        """Return the examples at these places."""
        stories = [self.stories[row] for row in rows.tolist()]
        return HeldOut(self.scores[rows], self.gold[rows], self.many, stories)


def adjustment(amount: float, shares: NDArray[np.float64], many: bool) -> NDArray[np.float64]:
    """Return what `train.logit_adjustment` adds to log-probabilities, [labels].

    `shares` [labels] are of the examples that were learned from; a label that none of them has gets
    nothing. Nor has any where `many` may hold, since thresholds would take it back.
    Menon et al., 2021, https://arxiv.org/abs/2007.07314
    """
    never = shares == 0
    if many:
        return np.zeros(len(shares))
    return np.where(never, 0.0, -amount * np.log(np.where(never, 1.0, shares)))


def calibrate(
    held_out: HeldOut, kind: Calibration, addition: NDArray[np.float64], seed: int
) -> tuple[Calibrated, NDArray[np.float32]]:
    """Fit what `train.calibration` names; return it and honest probabilities [n, labels].

    These with `addition` [labels] to log-probabilities. One temperature learns next to nothing from
    the examples. With a bias for each label, each fifth of the stories is calibrated by the others.
    """
    fit = fit_calibration(held_out, kind)
    many, stories = held_out.many, held_out.stories
    parts = min(_PARTS, len(set(stories)))
    if kind == "temperature" or parts < 2:
        return fit, fit.adjusted(addition).likely(held_out.scores, many)
    likely = np.zeros(held_out.gold.shape, np.float32)
    every = np.arange(len(likely))
    for others, part in group_folds(held_out.gold, stories, every, parts, seed):
        by_others = fit_calibration(held_out.take(others), kind).adjusted(addition)
        likely[part] = by_others.likely(held_out.scores[part], many)
    return fit, likely


def fit_calibration(held_out: HeldOut, kind: Calibration) -> Calibrated:
    """Fit what `train.calibration` names.

    With `bias`, temperature and biases together have the least log loss (Alexandari et al., 2020,
    https://arxiv.org/abs/1901.06852). What a label's score is that training never saw is no matter
    of degree: such scores are not fitted on.
    """
    scores, gold, many = held_out.scores, held_out.gold, held_out.many
    temperature = fit_temperature(scores, gold, many)
    decided = np.abs(scores) >= -NEVER / 2
    rows = np.ones(len(gold), np.bool_) if many else ~(decided & gold).any(axis=1)
    if kind == "temperature" or not rows.any():
        return Calibrated(temperature, np.zeros(gold.shape[1], np.float32))
    said = scores[rows].astype(np.float64)[None] / temperature
    counted = None
    if many:
        counted = ~decided
        said = np.where(counted, said, 0)
    sharpness, bias = least_log_loss(
        said, gold[rows], many, np.ones(1), with_bias=True, counted=counted
    )
    flattest = float(np.exp(_SEARCHED[1]))
    temperature = min(temperature / max(float(sharpness[0]), 1 / flattest), flattest)
    return Calibrated(temperature, (bias * temperature).astype(np.float32))


def least_log_loss(
    said: NDArray[np.float64],
    gold: NDArray[np.bool_],
    many: bool,
    start: NDArray[np.float64],
    *,
    with_bias: bool,
    counted: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights [m], none below 0, and a bias [labels] by which `said` has the least log loss.

    `said` [m, n, labels] are scores that are weighted and added up; the bias is 0 unless asked for.
    They are held to `start` and to 0 as firmly as one example would hold them, which decides where
    there are few. Where many labels may hold, `counted` [n, labels] are those that are fitted on.
    """
    from scipy.optimize import minimize

    members, examples, labels = said.shape
    terms = gold.size if many else examples
    origin = np.concatenate([start, np.zeros(labels if with_bias else 0)])
    # An example says something of every weight, and of a bias as often as of its label.
    firmness = np.full(len(origin), 1 / examples)
    firmness[members:] = 1 / terms

    def loss_and_slope(fitted: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = np.tensordot(fitted[:members], said, axes=1)
        if with_bias:
            scores += fitted[members:]
        if many:
            # ln(1 + e^s) - y s, and its slope p - y
            losses = np.logaddexp(0, scores) - gold * scores
            wrong = 1 / (1 + np.exp(-np.clip(scores, -500, 500))) - gold
            if counted is not None:
                losses, wrong = losses * counted, wrong * counted
            loss = float(losses.sum())
        else:
            top = scores.max(axis=1, keepdims=True)
            norm = np.log(np.exp(scores - top).sum(axis=1, keepdims=True)) + top
            loss = float((norm[:, 0] - scores[gold]).sum())
            wrong = np.exp(scores - norm) - gold
        slope = np.tensordot(said, wrong, axes=([1, 2], [0, 1]))
        if with_bias:
            slope = np.concatenate([slope, wrong.sum(axis=0)])
        strayed = fitted - origin
        return (
            loss / terms + float(firmness @ strayed**2),
            slope / terms + 2 * firmness * strayed,
        )

    bounds = [(0.0, None)] * members + [(None, None)] * (len(origin) - members)
    found = minimize(loss_and_slope, origin, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found[:members], found[members:] if with_bias else np.zeros(labels)


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

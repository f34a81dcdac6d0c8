"""A linear classifier for one task: try each C on held-out rows, calibrate, train on all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle.heads import NEVER, LinearHead, chosen
from pipeline.config import LinearTrain
from pipeline.errors import DataError
from pipeline.train.calibration import (
    Calibrated,
    HeldOut,
    adjustment,
    calibrate,
    choose_thresholds,
    fit_calibration,
    log_loss,
)
from pipeline.train.classes import check_labels
from pipeline.train.folds import group_folds

if TYPE_CHECKING:
    from scipy.sparse import csr_array


# Less than this share of an example is not learned from.
_LEAST_SHARE: Final = 0.05


@dataclass(frozen=True)
class SoftLabels:
    """What is said of examples that nobody coded; they are learned from and never judged on."""

    uncoded: NDArray[np.bool_]  # [n]
    likely: NDArray[np.float32]  # [n, labels] read where `uncoded`
    # [n] what each example counts, against 1 of a coded one; with 0 it is left out
    weights: NDArray[np.float32]


@dataclass(frozen=True)
class TaskData:
    """The examples of one task on the train and dev sides, n of them."""

    name: str
    labels: list[str]  # sorted ids of the codebook
    many: bool
    matrix: "csr_array | NDArray[np.float32]"  # [n, columns]
    gold: NDArray[np.bool_]  # [n, labels]; none where nobody coded
    is_dev: NDArray[np.bool_]  # [n]
    stories: list[str]  # [n] what must not be divided between folds
    soft: SoftLabels | None = None  # of train rows without gold, if there are any

    @property
    def coded(self) -> NDArray[np.bool_]:
        """Which rows have gold, [n]."""
        return np.ones(len(self.gold), np.bool_) if self.soft is None else ~self.soft.uncoded

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Which rows may be learned from, [n]."""
        return self.coded if self.soft is None else self.coded | (self.soft.weights > 0)

    def shares(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the share of each label in what these rows teach, [labels]."""
        has, counts = self.gold[rows].astype(np.float64), np.ones(len(rows))
        if self.soft is not None:
            uncoded = self.soft.uncoded[rows]
            has[uncoded] = self.soft.likely[rows[uncoded]]
            counts[uncoded] = self.soft.weights[rows[uncoded]]
        return np.average(has, axis=0, weights=counts)

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which labels each row is an example of, in part at least. [n, labels]."""
        if self.soft is None:
            return self.gold
        parts = self.soft.likely >= _LEAST_SHARE
        return np.where(self.soft.uncoded[:, None], parts, self.gold)


@dataclass(frozen=True)
class TrainedTask:
    """A head, how its settings were found, and dev scored by the model that never saw dev."""

    head: LinearHead
    tried: list[dict[str, Any]]  # one row per C: setting, value, macro_f1, log_loss, chosen
    dev_probabilities: NDArray[np.float32]  # [dev examples, labels]


def train_task(data: TaskData, section: LinearTrain, seed: int) -> TrainedTask:
    """Train one task; DataError where the train side has fewer than two labels.

    C is the one with the best macro-F1 on held-out rows, and of several the one with the least log
    loss; `calibration` makes the log loss of those rows least. Held out is the dev side, or each
    of `folds` parts of the stories in turn. Cost: one fit per C (times folds), and one
    more, or two with folds.
    """
    train_rows = np.flatnonzero(~data.is_dev & data.counted)
    dev_rows = np.flatnonzero(data.is_dev)
    check_labels(data.name, data.labels, data.present[train_rows])
    fitted_on = np.flatnonzero(data.counted) if section.refit else train_rows
    held_out = _held_out_parts(data, section, seed, train_rows, dev_rows, fitted_on)
    addition, final = (
        adjustment(section.logit_adjustment, data.shares(rows), data.many)
        for rows in (train_rows, fitted_on)
    )
    trials = [
        _try(data, held_out, section, strength, addition, seed) for strength in sorted(section.C)
    ]
    best = min(trials, key=lambda trial: (-trial.macro_f1, trial.log_loss))
    weights, bias = _fit(data, fitted_on, section, best.strength, seed)
    dev_likely = best.likely
    if section.folds:
        blind = (weights, bias)
        if section.refit:
            blind = _fit(data, train_rows, section, best.strength, seed)
        dev_scores = _scores(blind, data, dev_rows)
        tested = np.concatenate([test for _, test in held_out])
        fit = _fitted_apart(best, np.flatnonzero(~data.is_dev[tested]), section)
        dev_likely = fit.adjusted(addition).likely(dev_scores, data.many)
    calibrated = best.calibrated.adjusted(final)
    return TrainedTask(
        LinearHead(
            data.labels,
            weights,
            bias + calibrated.bias,
            calibrated.temperature,
            best.thresholds,
        ),
        [trial.as_row(best=trial is best) for trial in trials],
        dev_likely,
    )


class _Trial(NamedTuple):
    """What one C comes to on held-out rows."""

    strength: float
    held_out: HeldOut
    calibrated: Calibrated
    likely: NDArray[np.float32]  # [held-out rows, labels]
    thresholds: NDArray[np.float32] | None
    macro_f1: float
    log_loss: float

    def as_row(self, *, best: bool) -> dict[str, Any]:
        return {
            "setting": "C",
            "value": self.strength,
            "macro_f1": self.macro_f1,
            "log_loss": self.log_loss,
            "chosen": best,
        }


def _fitted_apart(best: _Trial, others: NDArray[np.int64], section: LinearTrain) -> Calibrated:
    """Return the calibration of rows that are not dev.

    With a bias for each label, dev would else be judged by what was fitted on it.
    """
    if section.calibration == "temperature" or not len(others):
        return best.calibrated
    return fit_calibration(best.held_out.take(others), section.calibration)


def _try(
    data: TaskData,
    held_out: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
    section: LinearTrain,
    strength: float,
    addition: NDArray[np.float64],
    seed: int,
) -> _Trial:
    """Fit with one C on the first of each pair of rows, and judge on the second."""
    tested = np.concatenate([test for _, test in held_out])
    gold = data.gold[tested]
    scores = np.concatenate(
        [
            _scores(_fit(data, train, section, strength, seed), data, test)
            for train, test in held_out
        ]
    )
    stories = [data.stories[row] for row in tested.tolist()]
    answered = HeldOut(scores, gold, data.many, stories)
    fit, likely = calibrate(answered, section.calibration, addition, seed)
    thresholds = choose_thresholds(likely, gold, data.many, section.thresholds)
    f1 = macro_f1(chosen(likely, thresholds), gold)
    return _Trial(
        strength, answered, fit, likely, thresholds, f1, log_loss(likely, gold, data.many)
    )


def _held_out_parts(
    data: TaskData,
    section: LinearTrain,
    seed: int,
    train_rows: NDArray[np.int64],
    dev_rows: NDArray[np.int64],
    fitted_on: NDArray[np.int64],
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    if section.folds == 0:
        if len(dev_rows) == 0:
            raise DataError(
                f"task '{data.name}': the dev side has no coded example to choose C on; "
                "raise split.dev, or set train.folds to 5"
            )
        return [(train_rows, dev_rows)]
    coded = fitted_on[data.coded[fitted_on]]
    if not len(coded):
        raise DataError(
            f"task '{data.name}': no coded example to choose C on; votes are never judged on"
        )
    folds = group_folds(data.gold, data.stories, coded, section.folds, seed)
    return [
        (np.concatenate([train, _others(data, train_rows, test)]), test) for train, test in folds
    ]


def _others(
    data: TaskData, train_rows: NDArray[np.int64], held_out: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the uncoded rows of which no held-out row is of the same story."""
    judged = {data.stories[row] for row in held_out.tolist()}
    uncoded = train_rows[~data.coded[train_rows]]
    apart = [data.stories[row] not in judged for row in uncoded.tolist()]
    return uncoded[np.array(apart, np.bool_)]


def _fit(
    data: TaskData, rows: NDArray[np.int64], section: LinearTrain, strength: float, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weights [columns, labels] and bias [labels] of a model trained on `rows`."""
    present = data.present[rows]
    weights = np.zeros((data.matrix.shape[1], len(data.labels)), np.float32)
    bias = np.full(len(data.labels), NEVER, np.float32)
    if data.many:
        for label in np.flatnonzero(present.any(axis=0)).tolist():
            lessons = _about(data, rows, label)
            if lessons.answers.all():
                bias[label] = -NEVER
                continue
            model = _fitted(data, lessons, section, strength, seed)
            weights[:, label] = model.coef_[0]
            bias[label] = model.intercept_[0]
        return weights, bias
    seen = np.flatnonzero(present.any(axis=0))
    if len(seen) == 1:  # a fold that happens to hold one label
        bias[seen] = 0
        return weights, bias
    model = _fitted(data, _of_one(data, rows), section, strength, seed)
    if len(seen) == 2:  # scikit-learn keeps one row for two labels
        weights[:, seen] = np.outer(model.coef_[0], [-0.5, 0.5])
        bias[seen] = model.intercept_[0] * np.array([-0.5, 0.5])
        return weights, bias
    # Softmax does not see what all labels share; without it a weight says what sets one apart.
    weights[:, seen] = (model.coef_ - model.coef_.mean(axis=0)).T
    bias[seen] = model.intercept_ - model.intercept_.mean()
    return weights, bias


class _Lessons(NamedTuple):
    """What a classifier is fitted on: k answers, several about a row that nobody coded."""

    rows: NDArray[np.int64]  # [k]
    answers: NDArray[Any]  # [k]
    shares: NDArray[np.float64] | None  # [k] what each counts; null where all count the same


def _of_one(data: TaskData, rows: NDArray[np.int64]) -> _Lessons:
    """Return each coded row with its label, and the others once for each label that they may have.

    To repeat an example by label with its probability as weight is to minimise the expected loss.
    """
    if data.soft is None:
        return _Lessons(rows, data.gold[rows].argmax(axis=1), None)
    coded, others = rows[data.coded[rows]], rows[~data.coded[rows]]
    likely = data.soft.likely[others]
    at, labels = np.nonzero(likely >= _LEAST_SHARE)
    shares = likely[at, labels] * data.soft.weights[others[at]]
    return _Lessons(
        np.concatenate([coded, others[at]]),
        np.concatenate([data.gold[coded].argmax(axis=1), labels]),
        np.concatenate([np.ones(len(coded)), shares]),
    )


def _about(data: TaskData, rows: NDArray[np.int64], label: int) -> _Lessons:
    """Return each coded row with whether it has the label, and the others with both answers."""
    if data.soft is None:
        return _Lessons(rows, data.gold[rows, label], None)
    coded, others = rows[data.coded[rows]], rows[~data.coded[rows]]
    yes = data.soft.likely[others, label].astype(np.float64)
    shares = np.concatenate([yes, 1 - yes])
    kept = shares >= _LEAST_SHARE
    answers = np.repeat([True, False], len(others))
    weights = np.tile(data.soft.weights[others], 2)
    return _Lessons(
        np.concatenate([coded, np.tile(others, 2)[kept]]),
        np.concatenate([data.gold[coded, label], answers[kept]]),
        np.concatenate([np.ones(len(coded)), (shares * weights)[kept]]),
    )


def _fitted(
    data: TaskData, lessons: _Lessons, section: LinearTrain, strength: float, seed: int
) -> Any:
    model = _classifier(lessons, section, strength, seed)
    return model.fit(data.matrix[lessons.rows], lessons.answers, sample_weight=lessons.shares)


def _classifier(lessons: _Lessons, section: LinearTrain, strength: float, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    weight = _class_weight(lessons.answers, section.class_weight, lessons.shares)
    if section.loss == "squared_hinge":
        return LinearSVC(C=strength, class_weight=weight, random_state=seed, max_iter=5000)
    return LogisticRegression(C=strength, class_weight=weight, random_state=seed, max_iter=1000)


def _class_weight(
    answers: NDArray[Any], kind: str, shares: NDArray[np.float64] | None = None
) -> dict[Any, float] | None:
    """Return the weight of each class; `shares` say what each answer counts, where not the same."""
    if kind == "none":
        return None
    classes, of = np.unique(answers, return_inverse=True)
    counts = np.bincount(of, weights=shares)
    weights = counts.sum() / (len(classes) * counts)
    if kind == "sqrt":
        weights = np.sqrt(weights)
    return dict(zip(classes.tolist(), weights.tolist(), strict=True))


def _scores(
    model: tuple[NDArray[np.float32], NDArray[np.float32]],
    data: TaskData,
    rows: NDArray[np.int64],
) -> NDArray[np.float32]:
    weights, bias = model
    return np.asarray(data.matrix[rows] @ weights + bias, np.float32)


def macro_f1(answer: NDArray[np.bool_], gold: NDArray[np.bool_]) -> float:
    """Return the mean F1 of the labels that occur in answer or gold; 0 where none does."""
    right = (answer & gold).sum(axis=0)
    wrong = (answer ^ gold).sum(axis=0)
    occurs = right + wrong > 0
    if not occurs.any():
        return 0.0
    return float(np.mean(2 * right[occurs] / (2 * right[occurs] + wrong[occurs])))

"""A linear classifier for one task: try each C on held-out rows, calibrate, train on all."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle.heads import NEVER, LinearHead, chosen, probabilities
from pipeline.config import LinearTrain
from pipeline.errors import DataError
from pipeline.train.calibration import choose_thresholds, fit_temperature, log_loss
from pipeline.train.classes import check_labels
from pipeline.train.folds import group_folds

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class TaskData:
    """The coded examples of one task on the train and dev sides, n of them."""

    name: str
    labels: list[str]  # sorted ids of the codebook
    many: bool
    matrix: "csr_array | NDArray[np.float32]"  # [n, columns]
    gold: NDArray[np.bool_]  # [n, labels]
    is_dev: NDArray[np.bool_]  # [n]
    stories: list[str]  # [n] what must not be divided between folds


@dataclass(frozen=True)
class TrainedTask:
    """A head, how its settings were found, and dev scored by the model that never saw dev."""

    head: LinearHead
    tried: list[dict[str, Any]]  # one row per C: setting, value, macro_f1, log_loss, chosen
    dev_probabilities: NDArray[np.float32]  # [dev examples, labels]


def train_task(data: TaskData, section: LinearTrain, seed: int) -> TrainedTask:
    """Train one task; DataError where the train side has fewer than two labels.

    C is the one with the best macro-F1 on held-out rows, and of several the one with the least log
    loss; the temperature makes the log loss of those rows least. Held out is the dev side, or each
    of `folds` parts of the stories in turn. Cost: one fit per C (times folds), and two more.
    """
    train_rows = np.flatnonzero(~data.is_dev)
    dev_rows = np.flatnonzero(data.is_dev)
    check_labels(data.name, data.labels, data.gold[train_rows])
    fitted_on = np.arange(len(data.gold)) if section.refit else train_rows
    held_out = _held_out_parts(data, section, seed, train_rows, dev_rows, fitted_on)
    scored_rows = np.concatenate([test for _, test in held_out])
    gold = data.gold[scored_rows]

    tried: list[dict[str, Any]] = []
    fitted: list[tuple[float, NDArray[np.float32] | None]] = []
    for strength in sorted(section.C):
        scores = np.concatenate(
            [
                _scores(_fit(data, train, section, strength, seed), data, test)
                for train, test in held_out
            ]
        )
        temperature = fit_temperature(scores, gold, data.many)
        likely = probabilities(scores, data.many, temperature)
        thresholds = choose_thresholds(likely, gold, data.many, section.thresholds)
        answer = chosen(likely, thresholds)
        loss = log_loss(likely, gold, data.many)
        tried.append(
            {
                "setting": "C",
                "value": strength,
                "macro_f1": macro_f1(answer, gold),
                "log_loss": loss,
            }
        )
        fitted.append((temperature, thresholds))
    best = min(range(len(tried)), key=lambda at: (-tried[at]["macro_f1"], tried[at]["log_loss"]))
    for index, row in enumerate(tried):
        row["chosen"] = index == best
    strength = tried[best]["value"]
    temperature, thresholds = fitted[best]

    blind_to_dev = _fit(data, train_rows, section, strength, seed)
    dev_scores = _scores(blind_to_dev, data, dev_rows)
    weights, bias = (
        _fit(data, fitted_on, section, strength, seed) if section.refit else blind_to_dev
    )
    return TrainedTask(
        LinearHead(data.labels, weights, bias, temperature, thresholds),
        tried,
        probabilities(dev_scores, data.many, temperature),
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
    return group_folds(data.gold, data.stories, fitted_on, section.folds, seed)


def _fit(
    data: TaskData, rows: NDArray[np.int64], section: LinearTrain, strength: float, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weights [columns, labels] and bias [labels] of a model trained on `rows`."""
    matrix, gold = data.matrix[rows], data.gold[rows]
    weights = np.zeros((data.matrix.shape[1], len(data.labels)), np.float32)
    bias = np.full(len(data.labels), NEVER, np.float32)
    if data.many:
        for label in np.flatnonzero(gold.any(axis=0)):
            if gold[:, label].all():
                bias[label] = -NEVER
                continue
            model = _classifier(gold[:, label], section, strength, seed)
            model.fit(matrix, gold[:, label])
            weights[:, label] = model.coef_[0]
            bias[label] = model.intercept_[0]
        return weights, bias
    seen = np.flatnonzero(gold.any(axis=0))
    if len(seen) == 1:  # a fold that happens to hold one label
        bias[seen] = 0
        return weights, bias
    answers = gold.argmax(axis=1)
    model = _classifier(answers, section, strength, seed)
    model.fit(matrix, answers)
    if len(seen) == 2:  # scikit-learn keeps one row for two labels
        weights[:, seen] = np.outer(model.coef_[0], [-0.5, 0.5])
        bias[seen] = model.intercept_[0] * np.array([-0.5, 0.5])
        return weights, bias
    # Softmax does not see what all labels share; without it a weight says what sets one apart.
    weights[:, seen] = (model.coef_ - model.coef_.mean(axis=0)).T
    bias[seen] = model.intercept_ - model.intercept_.mean()
    return weights, bias


def _classifier(answers: NDArray[Any], section: LinearTrain, strength: float, seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    weight = _class_weight(answers, section.class_weight)
    if section.loss == "squared_hinge":
        return LinearSVC(C=strength, class_weight=weight, random_state=seed, max_iter=5000)
    return LogisticRegression(C=strength, class_weight=weight, random_state=seed, max_iter=1000)


def _class_weight(answers: NDArray[Any], kind: str) -> dict[Any, float] | None:
    if kind == "none":
        return None
    classes, counts = np.unique(answers, return_counts=True)
    weights = len(answers) / (len(classes) * counts)
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

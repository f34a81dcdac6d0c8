"""The last step of a model: from features to calibrated probabilities of labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

# The score of a label that training never saw: its probability is 0.
NEVER = np.float32(-1e4)


def check_array(name: str, array: NDArray[Any], kind: type, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless an array that was read is as the model needs it."""
    if array.dtype != kind or array.shape != shape:
        raise ValueError(f"{name} is {array.dtype}{list(array.shape)}, not as the model needs")


@dataclass(frozen=True)
class LinearHead:
    """Weights of a linear classifier, and the temperature that calibrates its scores.

    One answer: probabilities are the softmax of scores / temperature (Guo et al., 2017,
    https://arxiv.org/abs/1706.04599). Many answers: each label's is the logistic function.
    """

    labels: list[str]  # sorted ids; the order of every last axis
    weights: NDArray[np.float32]  # [columns, labels]
    bias: NDArray[np.float32]  # [labels]
    temperature: float
    # [labels] from which probability on each is in the answer; None where one label is chosen.
    thresholds: NDArray[np.float32] | None

    @property
    def many(self) -> bool:
        """Whether an answer may have several labels."""
        return self.thresholds is not None

    def probabilities(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of each label, float32[n, labels]."""
        return probabilities(scores, self.many, self.temperature)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name."""
        arrays = {"weights": self.weights, "bias": self.bias}
        if self.thresholds is not None:
            arrays["thresholds"] = self.thresholds
        return arrays

    @classmethod
    def restore(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Make the head again; ValueError if labels and arrays do not fit together."""
        labels: list[str] = settings["labels"]
        head = cls(
            labels, arrays["weights"], arrays["bias"], settings["temperature"],
            arrays.get("thresholds"),
        )  # fmt: skip
        for name, array, shape in (
            ("weights", head.weights, (len(head.weights), len(labels))),
            ("bias", head.bias, (len(labels),)),
            ("thresholds", head.thresholds, (len(labels),)),
        ):
            if array is not None:
                check_array(name, array, np.float32, shape)
        return head


class Headed:
    """What a model with a linear head says of its labels: what the head says."""

    head: LinearHead

    @property
    def labels(self) -> list[str]:
        """Sorted ids of the labels."""
        return self.head.labels

    @property
    def thresholds(self) -> NDArray[np.float32] | None:
        """From which probability on each label is in the answer; None where one is chosen."""
        return self.head.thresholds


def probabilities(
    scores: NDArray[np.float32] | NDArray[np.float64], many: bool, temperature: float
) -> NDArray[np.float32]:
    """Return probabilities of scores [n, labels] at a temperature; rows sum to 1 unless `many`."""
    scaled = scores.astype(np.float64) / temperature
    if many:
        return (1 / (1 + np.exp(-np.clip(scaled, -500, 500)))).astype(np.float32)
    likely: NDArray[np.float64] = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    return likely.astype(np.float32)


def chosen(
    probabilities: NDArray[np.float32], thresholds: NDArray[np.float32] | np.float32 | None
) -> NDArray[np.bool_]:
    """Return which labels [n, labels] are the answer.

    All that reach their threshold ([labels], or one for all); with None the likeliest one.
    """
    if thresholds is not None:
        return np.asarray(probabilities >= thresholds)
    answer = np.zeros(probabilities.shape, np.bool_)
    if len(answer):
        answer[np.arange(len(answer)), probabilities.argmax(axis=1)] = True
    return answer

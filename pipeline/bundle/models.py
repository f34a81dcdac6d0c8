"""From texts and targets to calibrated probabilities: one interface, whatever the rung."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle.heads import LinearHead
from pipeline.config import NgramFeatures
from pipeline.features import Asked, NgramVectorizer, Texts, in_lanes


@dataclass(frozen=True)
class Answers:
    """What a model says of n examples with l labels, and k sentences that speak for it."""

    probabilities: NDArray[np.float32]  # [n, l]
    spans: NDArray[np.int32]  # [n, k, 2] characters of the article's body; -1 where there is none
    gains: NDArray[np.float32]  # [n, k] what the sentence adds to the likeliest label, in logits


class TaskModel(Protocol):
    """A trained model of one task; each rung of the ladder is one."""

    @property
    def labels(self) -> list[str]:
        """Sorted ids of the labels: the last axis of all probabilities."""

    @property
    def thresholds(self) -> NDArray[np.float32] | None:
        """From which probability on each label is in the answer; None where one is chosen."""

    def answer(self, texts: Texts, asked: Asked, sentences: int) -> Answers:
        """Answer each example, with up to `sentences` sentences of evidence."""

    def settings(self) -> dict[str, Any]:
        """Return what `bundle.json` says of the model: rung, settings, everything not an array."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of the model by name."""


@dataclass(frozen=True)
class NgramModel:
    """The rung `ngrams`: hashed n-grams and a linear head, scored in one compiled pass."""

    vectorizer: NgramVectorizer
    head: LinearHead

    @property
    def labels(self) -> list[str]:
        """Sorted ids of the labels."""
        return self.head.labels

    @property
    def thresholds(self) -> NDArray[np.float32] | None:
        """From which probability on each label is in the answer; None where one is chosen."""
        return self.head.thresholds

    def answer(self, texts: Texts, asked: Asked, sentences: int) -> Answers:
        """Answer each example, with up to `sentences` sentences of evidence."""
        scored = self.vectorizer.score(texts, asked, self._lanes, self.head.bias, sentences)
        return Answers(
            self.head.probabilities(scored.scores),
            scored.spans,
            scored.gains / np.float32(self.head.temperature),
        )

    @cached_property
    def _lanes(self) -> NDArray[np.float32]:
        return in_lanes(self.head.weights)

    def settings(self) -> dict[str, Any]:
        """Return the entry of `bundle.json`."""
        return {
            "rung": "ngrams",
            "features": self.vectorizer.section.model_dump(mode="json"),
            "sees_target": self.vectorizer.sees_target,
            "labels": self.head.labels,
            "temperature": self.head.temperature,
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of the model by name."""
        arrays = {
            "kept": self.vectorizer.kept_,
            "idf": self.vectorizer.idf_,
            "weights": self.head.weights,
            "bias": self.head.bias,
        }
        if self.head.thresholds is not None:
            arrays["thresholds"] = self.head.thresholds
        return arrays

    @classmethod
    def restore(cls, settings: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> "NgramModel":
        """Make the model again from its settings and arrays."""
        _check_shapes(settings, arrays)
        section = NgramFeatures.model_validate(settings["features"])
        vectorizer = NgramVectorizer(section, sees_target=settings["sees_target"])
        vectorizer.restore(arrays["kept"], arrays["idf"])
        head = LinearHead(
            settings["labels"],
            arrays["weights"],
            arrays["bias"],
            settings["temperature"],
            arrays.get("thresholds"),
        )
        return cls(vectorizer, head)


def _check_shapes(settings: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
    """Raise ValueError if the arrays do not fit together: the compiled pass does not look."""
    columns, labels = len(arrays["kept"]), len(settings["labels"])
    expected = {
        "kept": (np.uint32, (columns,)),
        "idf": (np.float32, (columns,)),
        "weights": (np.float32, (columns, labels)),
        "bias": (np.float32, (labels,)),
    }
    if "thresholds" in arrays:
        expected["thresholds"] = (np.float32, (labels,))
    for name, (kind, shape) in expected.items():
        array = arrays[name]
        if array.dtype != kind or array.shape != shape:
            raise ValueError(f"{name} is {array.dtype}{list(array.shape)}, not as the model needs")
    if arrays["kept"].max(initial=0) >> settings["features"]["buckets_log2"]:
        raise ValueError("kept names a bucket that there is not")
    if (arrays["kept"][1:] <= arrays["kept"][:-1]).any():
        raise ValueError("kept is not in ascending order")

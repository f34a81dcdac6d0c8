"""Several rungs that answer together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle.heads import check_array, probabilities
from pipeline.bundle.models import Answers, Part, TaskModel
from pipeline.features import Asked, Texts

# A probability is not believed to be nearer to 0 or 1 than this.
_LEAST = 1e-6


def opinions(members: NDArray[np.float32], many: bool) -> NDArray[np.float64]:
    """Return what is added up of members' probabilities [m, n, labels]: logarithms, or logits."""
    likely = np.clip(members.astype(np.float64), _LEAST, 1 - _LEAST)
    return np.log(likely) - np.log1p(-likely) if many else np.log(likely)


def pooled(
    members: NDArray[np.float32],
    weights: NDArray[np.float64],
    many: bool,
    bias: NDArray[np.float64] | float = 0.0,
) -> NDArray[np.float32]:
    """Return the joint probabilities [n, labels] of members' probabilities [m, n, labels].

    Logarithmic pooling: one label is the softmax of the weighted sum of log-probabilities; of many
    each is the logistic function of the weighted sum of logits. The weights need not add up to 1:
    what they add up to makes the answer sharper or flatter. `bias` [labels] is added to the sums.
    """
    scores = np.tensordot(weights, opinions(members, many), axes=1) + bias
    return probabilities(scores, many, 1.0)


@dataclass(frozen=True)
class EnsembleModel:
    """Members that answer the same question, and how much each counts."""

    members: Mapping[str, TaskModel]
    weights: NDArray[np.float64]  # [m], in the members' order
    bias: NDArray[np.float64]  # [labels] added to what the members say together
    thresholds: NDArray[np.float32] | None

    @property
    def labels(self) -> list[str]:
        """Sorted ids of the labels."""
        return next(iter(self.members.values())).labels

    def answer(self, texts: Texts, asked: Asked, sentences: int) -> Answers:
        """Answer each example.

        Its evidence is that of the weightiest member which has some, and finds the same label
        likeliest by itself; there is none where no member does.
        """
        answers = [member.answer(texts, asked, sentences) for member in self.members.values()]
        likely = pooled(
            np.stack([answer.probabilities for answer in answers]),
            self.weights,
            self.thresholds is not None,
            self.bias,
        )
        spans = np.full((len(asked), sentences, 2), -1, np.int32)
        gains = np.zeros((len(asked), sentences), np.float32)
        best = likely.argmax(axis=1) if len(likely) else np.zeros(0, np.int64)
        for at in np.argsort(
            self.weights, kind="stable"
        ).tolist():  # the weightiest has the last word
            if self.weights[at] > 0 and len(likely):
                agrees = answers[at].probabilities.argmax(axis=1) == best
                agrees &= (answers[at].gains > 0).any(axis=1)
                spans[agrees] = answers[at].spans[agrees]
                gains[agrees] = answers[at].gains[agrees]
        return Answers(likely, spans, gains)

    def parts(self) -> Mapping[str, Part]:
        """Return the parts of all members."""
        return {
            key: part for member in self.members.values() for key, part in member.parts().items()
        }

    def settings(self) -> dict[str, Any]:
        """Return the entry of `bundle.json`."""
        return {
            "rung": "ensemble",
            "labels": self.labels,
            "members": [
                {"name": name, "weight": weight, "model": member.settings()}
                for (name, member), weight in zip(
                    self.members.items(), self.weights.tolist(), strict=True
                )
            ],
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of all members by member and name, and its own."""
        arrays = {
            f"{name}/{array}": values
            for name, member in self.members.items()
            for array, values in member.arrays().items()
        }
        arrays["bias"] = self.bias
        if self.thresholds is not None:
            arrays["thresholds"] = self.thresholds
        return arrays

    @classmethod
    def assemble(
        cls,
        settings: dict[str, Any],
        members: Mapping[str, TaskModel],
        arrays: Mapping[str, NDArray[Any]],
    ) -> "EnsembleModel":
        """Make the model again from its restored members; ValueError if they do not fit."""
        labels = settings["labels"]
        # Ensembles were without a bias once.
        bias = arrays.get("bias", np.zeros(len(labels)))
        thresholds = arrays.get("thresholds")
        if any(member.labels != labels for member in members.values()):
            raise ValueError("the members have different labels")
        check_array("bias", bias, np.float64, (len(labels),))
        if thresholds is not None:
            check_array("thresholds", thresholds, np.float32, (len(labels),))
        weights = np.array([member["weight"] for member in settings["members"]], np.float64)
        return cls(members, weights, bias, thresholds)


def arrays_of(name: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the arrays of one member by their own names."""
    prefix = f"{name}/"
    return {
        key.removeprefix(prefix): values for key, values in arrays.items() if key.startswith(prefix)
    }

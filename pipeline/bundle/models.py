"""From texts and targets to calibrated probabilities: one interface, whatever the rung."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.encoders import Encoder, EncoderTokenizer
from pipeline.features import Asked, Texts

# What tasks of a bundle may share, in a folder of its own.
Part: TypeAlias = Encoder | EncoderTokenizer


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

    def parts(self) -> Mapping[str, Part]:
        """Return the encoders and tokenizers that the model runs, by their keys."""

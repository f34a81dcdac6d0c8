"""The rung `ngrams` as a trained model."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle.heads import Headed, LinearHead, check_array
from pipeline.bundle.models import Answers, Part
from pipeline.config import NgramFeatures
from pipeline.features import Asked, NgramVectorizer, Texts, in_lanes


@dataclass(frozen=True)
class NgramModel(Headed):
    """The rung `ngrams`: hashed n-grams and a linear head, scored in one compiled pass."""

    vectorizer: NgramVectorizer
    head: LinearHead

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
        return {
            "kept": self.vectorizer.kept_,
            "idf": self.vectorizer.idf_,
            **self.head.arrays(),
        }

    def parts(self) -> Mapping[str, Part]:
        """N-grams need none."""
        return {}

    @classmethod
    def restore(cls, settings: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> "NgramModel":
        """Make the model again from its settings and arrays."""
        _check(settings, arrays)
        section = NgramFeatures.model_validate(settings["features"])
        vectorizer = NgramVectorizer(section, sees_target=settings["sees_target"])
        vectorizer.restore(arrays["kept"], arrays["idf"])
        return cls(vectorizer, LinearHead.restore(settings, arrays))


def _check(settings: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
    """Raise ValueError if the arrays do not fit together: the compiled pass does not look."""
    columns = len(arrays["kept"])
    check_array("kept", arrays["kept"], np.uint32, (columns,))
    check_array("idf", arrays["idf"], np.float32, (columns,))
    check_array("weights", arrays["weights"], np.float32, (columns, len(settings["labels"])))
    if arrays["kept"].max(initial=0) >> settings["features"]["buckets_log2"]:
        raise ValueError("kept names a bucket that there is not")
    if (arrays["kept"][1:] <= arrays["kept"][:-1]).any():
        raise ValueError("kept is not in ascending order")

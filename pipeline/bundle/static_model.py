"""The rung `static` as a trained model: one look-up a token, and no network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle.evidence import TokenAdds, evidence_of
from pipeline.bundle.heads import Headed, LinearHead
from pipeline.bundle.models import Answers, Part
from pipeline.encoders import PLAIN_PARTS, TARGET_PARTS, EncoderTokenizer, token_means
from pipeline.features import Asked, Texts


@dataclass(frozen=True)
class StaticModel(Headed):
    """What each token adds to each label's score, by the part of the text it stands in.

    The head on pooled vectors is linear and so is pooling: vectors and head are multiplied once,
    after training.
    """

    tokenizer: EncoderTokenizer
    window: int  # tokens on each side of a mention
    sees_target: bool
    head: LinearHead  # weights [parts · tokens of the vocabulary, labels]

    def answer(self, texts: Texts, asked: Asked, sentences: int) -> Answers:
        """Answer each example, with up to `sentences` sentences of evidence."""
        means = token_means(
            self.tokenizer.tokens(texts), asked, self.tokenizer.size, self.window,
            self.tokenizer.unknown,
            sees_target=self.sees_target,
        )  # fmt: skip
        matrix = means.matrix
        scores = (matrix @ self.head.weights + self.head.bias).astype(np.float32)

        def adds_of(example: int) -> TokenAdds:
            part = slice(*matrix.indptr[example : example + 2])
            best = self.head.weights[matrix.indices[part], scores[example].argmax()]
            return means.places[part], matrix.data[part] * best

        spans, gains = evidence_of(texts, asked, sentences, adds_of)
        return Answers(
            self.head.probabilities(scores), spans, gains / np.float32(self.head.temperature)
        )

    def parts(self) -> Mapping[str, Part]:
        """Return the tokenizer by its key."""
        return {self.tokenizer.key: self.tokenizer}

    def settings(self) -> dict[str, Any]:
        """Return the entry of `bundle.json`."""
        return {
            "rung": "static",
            "tokenizer": self.tokenizer.key,
            "window": self.window,
            "sees_target": self.sees_target,
            "labels": self.head.labels,
            "temperature": self.head.temperature,
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of the head by name."""
        return self.head.arrays()

    @classmethod
    def restore(
        cls,
        settings: dict[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        parts: Mapping[str, Part],
    ) -> "StaticModel":
        """Make the model again from its settings, arrays and tokenizer."""
        tokenizer = parts[settings["tokenizer"]]
        if not isinstance(tokenizer, EncoderTokenizer):
            raise ValueError(f"{settings['tokenizer']} is not a tokenizer")
        head = LinearHead.restore(settings, arrays)
        count = TARGET_PARTS if settings["sees_target"] else PLAIN_PARTS
        if len(head.weights) != count * tokenizer.size:
            raise ValueError(f"{len(head.weights)} weights do not fit {tokenizer.size} tokens")
        return cls(tokenizer, settings["window"], settings["sees_target"], head)

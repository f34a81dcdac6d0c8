"""The rungs `encoder` and `finetune` as a trained model: an encoder and a linear head on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle.evidence import TokenAdds, evidence_of
from pipeline.bundle.heads import Headed, LinearHead
from pipeline.bundle.models import Answers, Part
from pipeline.config import EncoderFeatures
from pipeline.encoders import NOWHERE, Encoder, Tokens, Window, seen, windows_of
from pipeline.features import Asked, Texts


@dataclass(frozen=True)
class EncoderModel(Headed):
    """A head on the mean of an encoder's token vectors, and on the mean of the mention's."""

    rung: str  # `encoder` or `finetune`: whether the encoder was trained too
    encoder: Encoder
    section: EncoderFeatures
    sees_target: bool
    head: LinearHead  # [width, or 2 · width where it sees the target; labels]

    def answer(self, texts: Texts, asked: Asked, sentences: int) -> Answers:
        """Answer each example; memory is 4 bytes × labels a token of all windows."""
        read, asked = seen(texts, asked, self.section)
        tokens = self.encoder.tokenizer.tokens(read)
        windows = windows_of(self.encoder.tokenizer, tokens, asked, self.section)
        shares = self.encoder.token_scores(
            windows, self.section.batch, self.head.weights, self.section.precision
        )
        scores = np.tile(self.head.bias, (len(asked), 1))
        for window, share in zip(windows, shares, strict=True):
            scores[window.example] += share.sum(axis=0)
        adds = _adds(tokens, asked, windows, shares, scores.argmax(axis=1)) if sentences else []
        spans, gains = evidence_of(texts, asked, sentences, adds.__getitem__)
        return Answers(
            self.head.probabilities(scores), spans, gains / np.float32(self.head.temperature)
        )

    def parts(self) -> Mapping[str, Part]:
        """Return the encoder by its key."""
        return {self.encoder.key: self.encoder}

    def settings(self) -> dict[str, Any]:
        """Return the entry of `bundle.json`."""
        # Where the encoder came from and where vectors are kept is nothing of the model's.
        section = self.section.model_dump(mode="json", exclude={"model", "revision", "cache"})
        return {
            "rung": self.rung,
            "features": section,
            "encoder": self.encoder.key,
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
        arrays: dict[str, NDArray[Any]],
        parts: Mapping[str, Part],
    ) -> "EncoderModel":
        """Make the model again from its settings, arrays and encoder."""
        encoder = parts[settings["encoder"]]
        if not isinstance(encoder, Encoder):
            raise ValueError(f"{settings['encoder']} is not an encoder")
        head = LinearHead.restore(settings, arrays)
        width = encoder.width * (2 if settings["sees_target"] else 1)
        if len(head.weights) != width:
            raise ValueError(
                f"the head has {len(head.weights)} rows, and the encoder gives {width}"
            )
        section = EncoderFeatures.model_validate({**settings["features"], "cache": None})
        return cls(settings["rung"], encoder, section, settings["sees_target"], head)


def _adds(
    tokens: Tokens,
    asked: Asked,
    windows: list[Window],
    shares: list[NDArray[np.float32]],
    best: NDArray[np.int64],
) -> list[TokenAdds]:
    """Return what the tokens of each example's windows add to its `best` label [n]."""
    places: list[list[NDArray[np.int32]]] = [[] for _ in range(len(asked))]
    adds: list[list[NDArray[np.float32]]] = [[] for _ in range(len(asked))]
    for window, share in zip(windows, shares, strict=True):
        known = window.places != NOWHERE
        first = tokens.bounds[asked.text_of[window.example]]
        places[window.example].append(tokens.spans[first + window.places[known], 0])
        adds[window.example].append(share[known, best[window.example]])
    return [
        (np.concatenate(where), np.concatenate(much))
        for where, much in zip(places, adds, strict=True)
    ]

"""The rungs `encoder` and `finetune` as a trained model: an encoder and a linear head on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle.evidence import best_sentences
from pipeline.bundle.heads import LinearHead
from pipeline.bundle.models import Answers, Part
from pipeline.config import EncoderFeatures
from pipeline.encoders import NOWHERE, Encoder, Tokens, Window, windows_of
from pipeline.features import Asked, Texts, sentences_of


@dataclass(frozen=True)
class EncoderModel:
    """A head on the mean of an encoder's token vectors, and on the mean of the mention's."""

    rung: str  # `encoder` or `finetune`: whether the encoder was trained too
    encoder: Encoder
    section: EncoderFeatures
    sees_target: bool
    head: LinearHead  # [width, or 2 · width where it sees the target; labels]

    @property
    def labels(self) -> list[str]:
        """Sorted ids of the labels."""
        return self.head.labels

    @property
    def thresholds(self) -> NDArray[np.float32] | None:
        """From which probability on each label is in the answer; None where one is chosen."""
        return self.head.thresholds

    def answer(self, texts: Texts, asked: Asked, sentences: int) -> Answers:
        """Answer each example; memory is 4 bytes × labels a token of all windows."""
        tokens = self.encoder.tokenizer.tokens(texts)
        windows = windows_of(self.encoder.tokenizer, tokens, asked, self.section)
        shares = self.encoder.token_scores(windows, self.section.batch, self.head.weights)
        scores = np.tile(self.head.bias, (len(asked), 1))
        for window, share in zip(windows, shares, strict=True):
            scores[window.example] += share.sum(axis=0)
        spans, gains = self._evidence(texts, asked, tokens, windows, shares, scores, sentences)
        return Answers(
            self.head.probabilities(scores), spans, gains / np.float32(self.head.temperature)
        )

    def _evidence(
        self,
        texts: Texts,
        asked: Asked,
        tokens: Tokens,
        windows: list[Window],
        shares: list[NDArray[np.float32]],
        scores: NDArray[np.float32],
        most: int,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        spans = np.full((len(asked), most, 2), -1, np.int32)
        gains = np.zeros((len(asked), most), np.float32)
        if not most or not len(asked):
            return spans, gains
        sentences = sentences_of(texts)
        best = scores.argmax(axis=1)
        places: list[list[NDArray[np.int32]]] = [[] for _ in range(len(asked))]
        adds: list[list[NDArray[np.float32]]] = [[] for _ in range(len(asked))]
        for window, share in zip(windows, shares, strict=True):
            example = window.example
            known = window.places != NOWHERE
            first = tokens.bounds[asked.text_of[example]]
            places[example].append(tokens.spans[first + window.places[known], 0])
            adds[example].append(share[known, best[example]])
        for example, text in enumerate(asked.text_of.tolist()):
            spans[example], gains[example] = best_sentences(
                np.concatenate(places[example]), np.concatenate(adds[example]), sentences, text,
                int(texts.body[text]), most,
            )  # fmt: skip
        return spans, gains

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

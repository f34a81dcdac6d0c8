"""Rung 2: static token vectors distilled from an encoder, and a linear head."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle import LinearHead, StaticModel
from pipeline.config import LinearTrain, StaticFeatures
from pipeline.encoders import Encoder, token_means
from pipeline.encoders.static import distil, open_to_distil, rarity
from pipeline.stages.examples import Material
from pipeline.stages.rungs.rung import Learned, train_linear
from pipeline.stages.rungs.scaling import Scale

_ARRAYS: Final = "vectors.safetensors"


@dataclass(frozen=True)
class StaticLearner:
    """Means of token vectors over the text and around the target; one linear head a view."""

    features: StaticFeatures
    section: LinearTrain
    seed: int

    @cached_property
    def _encoder(self) -> Encoder:
        return open_to_distil(self.features)

    @cached_property
    def _distilled(self) -> NDArray[np.float32]:
        return distil(self._encoder, self.features.dimensions, self.features.cache)

    def without_refit(self) -> "StaticLearner":
        """Return the same that does not learn from dev in the end."""
        return replace(self, section=self.section.model_copy(update={"refit": False}))

    def featurize(self, material: Material) -> str:
        """Weigh the tokens by their frequency on train; write their vectors and the examples'."""
        from safetensors.numpy import save_file

        texts, asked = material.shown
        tokenizer = self._encoder.tokenizer
        tokens = tokenizer.tokens(texts)
        train = asked.text_of[~material.is_dev]
        weights = rarity(tokens, train, tokenizer.size, self.features.frequency)
        table = self._distilled * weights[:, None]
        means = token_means(
            tokens, asked, tokenizer.size, self.features.window,
            tokenizer.unknown,
            sees_target=material.view.sees_target,
        )  # fmt: skip
        parts = means.matrix.shape[1] // tokenizer.size
        vectors = np.hstack(
            [
                means.matrix[:, part * tokenizer.size : (part + 1) * tokenizer.size] @ table
                for part in range(parts)
            ]
        )
        save_file(
            {"table": table, "vectors": vectors.astype(np.float32)}, material.folder / _ARRAYS
        )
        return f"{vectors.shape[1]:,} dimensions"

    def learn(self, material: Material) -> Learned:
        """Train a head on what `featurize` left."""
        from safetensors.numpy import load_file

        arrays = load_file(material.folder / _ARRAYS)
        vectors, table = arrays["vectors"], arrays["table"]
        scale = Scale.of(vectors[~material.is_dev])
        head, tried, dev = train_linear(material, scale.apply(vectors), self.section, self.seed)
        model = StaticModel(
            self._encoder.tokenizer,
            self.features.window,
            material.view.sees_target,
            _by_token(scale.folded_into(head), table),
        )
        return Learned(model, tried, dev)


def _by_token(head: LinearHead, table: NDArray[np.float32]) -> LinearHead:
    """Return the head that says of tokens what `head` says of their vectors."""
    parts = head.weights.reshape(-1, table.shape[1], len(head.labels))
    return replace(head, weights=np.concatenate([table @ part for part in parts]))

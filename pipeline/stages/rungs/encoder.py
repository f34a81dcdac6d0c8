"""Rung 3: a frozen encoder's vectors and a linear head."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from pipeline.bundle import EncoderModel
from pipeline.config import EncoderFeatures, LinearTrain
from pipeline.encoders import Encoder, open_encoder, seen, windows_of
from pipeline.stages.examples import Material
from pipeline.stages.rungs.rung import Learned, train_linear
from pipeline.stages.rungs.scaling import Scale

_ARRAYS: Final = "vectors.safetensors"


@dataclass(frozen=True)
class EncoderLearner:
    """The vector of each example, by an encoder that stays as it is; one linear head a view."""

    features: EncoderFeatures
    section: LinearTrain
    seed: int

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder that the config names, found and checked once."""
        return open_encoder(self.features)

    def without_refit(self) -> "EncoderLearner":
        """Return the same that does not learn from dev in the end."""
        return replace(self, section=self.section.model_copy(update={"refit": False}))

    def featurize(self, material: Material) -> str:
        """Write the vectors of train and dev."""
        from safetensors.numpy import save_file

        texts, asked = seen(*material.shown, self.features)
        tokenizer = self.encoder.tokenizer
        windows = windows_of(tokenizer, tokenizer.tokens(texts), asked, self.features)
        vectors = self.encoder.vectors(
            windows,
            len(asked),
            self.features.batch,
            with_mention=self._sees_target(material),
            cache=self.features.cache,
            precision=self.features.precision,
        )
        save_file({"vectors": vectors}, material.folder / _ARRAYS)
        return f"{len(windows):,} windows"

    def learn(self, material: Material) -> Learned:
        """Train a head on what `featurize` left."""
        from safetensors.numpy import load_file

        vectors = load_file(material.folder / _ARRAYS)["vectors"]
        scale = Scale.of(vectors[~material.is_dev])
        head, tried, dev = train_linear(material, scale.apply(vectors), self.section, self.seed)
        model = EncoderModel(
            "encoder",
            self.encoder,
            self.features,
            self._sees_target(material),
            scale.folded_into(head),
        )
        return Learned(model, tried, dev)

    def _sees_target(self, material: Material) -> bool:
        return material.view.sees_target and self.features.sees_target

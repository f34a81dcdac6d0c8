"""Rung 3: a frozen encoder's vectors and a linear head."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from pipeline.bundle import EncoderModel
from pipeline.config import EncoderFeatures, LinearTrain
from pipeline.encoders import Encoder, open_encoder, seen, windows_of
from pipeline.stages.examples import Material, View
from pipeline.stages.rungs.rung import Curves, Learned, one_by_one, train_linear
from pipeline.stages.rungs.scaling import Scale

_ARRAYS: Final = "vectors.safetensors"


@dataclass(frozen=True)
class EncoderRung:
    """The vector of each example, by an encoder that stays as it is; one linear head a view."""

    features: EncoderFeatures
    section: LinearTrain
    seed: int

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder that the config names, found and checked once."""
        return open_encoder(self.features)

    def without_refit(self) -> "EncoderRung":
        """Return the same that does not learn from dev in the end."""
        return replace(self, section=self.section.model_copy(update={"refit": False}))

    def featurize(self, material: Material) -> str:
        """Write the vectors of train and dev."""
        from safetensors.numpy import save_file

        texts, asked = material.shown
        asked = seen(texts, asked, self.features)
        tokenizer = self.encoder.tokenizer
        windows = windows_of(tokenizer, tokenizer.tokens(texts), asked, self.features)
        vectors = self.encoder.vectors(
            windows,
            len(asked),
            self.features.batch,
            with_mention=material.view.sees_target,
            cache=self.features.cache,
            precision=self.features.precision,
        )
        save_file({"vectors": vectors}, material.folder / _ARRAYS)
        return f"{len(windows):,} windows"

    def train(
        self,
        materials: Sequence[Material],
        work: Path,  # noqa: ARG002
        curves: Curves,  # noqa: ARG002
    ) -> dict[View, Learned]:
        """Train a head a view on what `featurize` left."""
        return one_by_one(self._train_view, materials)

    def _train_view(self, material: Material) -> Learned:
        from safetensors.numpy import load_file

        vectors = load_file(material.folder / _ARRAYS)["vectors"]
        scale = Scale.of(vectors[~material.is_dev])
        head, tried, dev = train_linear(material, scale.apply(vectors), self.section, self.seed)
        model = EncoderModel(
            "encoder",
            self.encoder,
            self.features,
            material.view.sees_target,
            scale.folded_into(head),
        )
        return Learned(model, tried, dev)

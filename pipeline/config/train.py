"""The section `train`: how a model learns, and the ensemble's members."""

import itertools
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from pipeline.codebook import Slug
from pipeline.config.features import FeaturesSection, NgramFeatures
from pipeline.config.values import FilePath, kind_unless_given
from pipeline.documents import Section


def _check_folds(folds: int) -> int:
    if folds == 1:
        raise ValueError("one fold leaves nothing to train on; use 0, or 2 and more")
    return folds


Folds: TypeAlias = Annotated[int, Field(ge=0, le=20), AfterValidator(_check_folds)]


Thresholds: TypeAlias = Literal["f1", "shared", "half"]
Calibration: TypeAlias = Literal["temperature", "bias"]
LogitAdjustment: TypeAlias = Annotated[float, Field(ge=0, le=2)]


class LinearTrain(Section):
    """A linear classifier per task, its strength chosen on held-out training data."""

    kind: Literal["linear"] = "linear"
    """A linear classifier by scikit-learn."""
    loss: Literal["log", "squared_hinge"] = "log"
    """`log`: logistic regression. `squared_hinge`: a linear support vector machine."""
    C: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)] = [0.3, 1.0, 3.0, 10.0]
    """Inverse strengths of regularisation to try; the best on held-out data is taken. Where they
    are not written, features of the kind `static` or `encoder` try 0.0003 to 0.1, and
    `squared_hinge` a tenth of all."""
    class_weight: Literal["balanced", "sqrt", "none"] = "balanced"
    """Weight of a class: inverse to its frequency, to the root of it, or equal."""
    thresholds: Thresholds = "f1"
    """Where many labels may hold: a label is in the answer from the probability on that gives it
    the best F1 on held-out data (`f1`), from one for all labels on that gives the best micro-F1
    (`shared`), or from one half on (`half`)."""
    calibration: Calibration = "temperature"
    """What makes probabilities honest, fitted on held-out data: one `temperature` for all labels,
    which changes no answer, or a `bias` for each label too: where labels are more or less frequent
    in newer articles, or than `class_weight` has them count."""
    logit_adjustment: LogitAdjustment = 0.0
    """How much of the logarithm of a label's frequency in training is taken back from that of its
    probability: with 1 all of it. Rare labels are answered more often, for macro-F1 and for news
    that moves on to them. Only where one label is chosen: of many each has its threshold."""
    folds: Folds = 0
    """Held-out data by this many folds over the training stories; 0 uses the dev side."""
    refit: bool = True
    """Train the final model on train and dev together, after C is chosen."""


# Of `C` with dense vectors. With 0.3 and more, the frozen encoder and static vectors lost up to
# .08 and .11 of macro-F1 on dev sides of the benchmarks (docs/benchmarks.md).
_OF_DENSE: Final = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)


def fill_strengths(values: Any) -> Any:
    """Return the values of a rung with the `C` that suit its features and loss, if it has none."""
    if not isinstance(values, dict):
        return values
    features, train = values.get("features", {}), values.get("train", {})
    if not (isinstance(features, dict) and isinstance(train, dict)):
        return values
    if train.get("kind", "linear") != "linear" or "C" in train:
        return values
    is_dense = features.get("kind") in ("static", "encoder")
    strengths = _OF_DENSE if is_dense else LinearTrain.model_fields["C"].default
    if train.get("loss") == "squared_hinge":
        strengths = [round(strength / 10, 5) for strength in strengths]
    return {**values, "train": {**train, "C": list(strengths)}}


class FinetuneTrain(Section):
    """The encoder is trained further, with one head per task; all tasks share it."""

    kind: Literal["finetune"]
    """Fine-tuning by transformers' Trainer; needs features of the kind `encoder`."""
    epochs: Annotated[int, Field(ge=1)] = 4
    """Most passes over the training examples; the learning rate falls to zero over them."""
    patience: Annotated[int, Field(ge=1)] = 3
    """Stops after so many epochs without a better macro-F1 on dev."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    """Of the encoder's last layer, at its peak."""
    head_learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Of the heads, at its peak."""
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Learning rate of a layer against that of the layer above it."""
    frozen_layers: Annotated[int, Field(ge=0)] = 0
    """Lowest layers that stay as they are, and the embeddings with them; 0 trains all."""
    batch: Annotated[int, Field(ge=1)] = 16
    """Examples in a step."""
    accumulate: Annotated[int, Field(ge=1)] = 1
    """Steps whose gradients are added up before the weights change."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the steps over which the learning rate rises."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """Weight decay of AdamW."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Dropout before the heads."""
    average: bool = False
    """Keep the mean of the weights over the last steps, about a tenth of them, in place of what
    the last step left: calmer, and often more honest in its probabilities."""
    exchanged_targets: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the examples with a target that each epoch shows with the name of another one in its
    place, so that more is learnt from what is said, and less from whom it is said of."""
    contrastive_pairs: Annotated[int, Field(ge=0)] = 0
    """Most pairs of examples that the encoder learns from before the heads: alike or not. For
    fewer than about 50 examples a label; 0 for none."""
    class_weight: Literal["balanced", "sqrt", "none"] = "sqrt"
    """Weight of a class: inverse to its frequency, to the root of it, or equal."""
    thresholds: Thresholds = "f1"
    """As in linear training."""
    calibration: Calibration = "temperature"
    """As in linear training, on the dev side."""
    logit_adjustment: LogitAdjustment = 0.0
    """As in linear training."""
    precision: Literal["auto", "float32"] = "auto"
    """`auto` multiplies in 16 bits where the GPU or the CPU does (bfloat16; float16 on older GPUs):
    2 to 3 times as fast on such a CPU. `float32` gives the same on every kind of CPU, nearly."""
    refit: bool = True
    """Train again on train and dev together, for as many epochs as were best on dev."""
    cache: FilePath | None = Path(".cache/finetuned")
    """Folder of finished trainings (90 MB each with the packaged encoder), so that an ensemble or
    a repeated run need not train what was trained before; null keeps none."""


class Rung(Section):
    """A kind of model, complete: what it sees and how it learns."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """A seed of its own; null takes the run's."""
    features: FeaturesSection = NgramFeatures()
    """What it sees of a text."""
    train: Annotated[
        Annotated[LinearTrain | FinetuneTrain, Field(discriminator="kind")],
        kind_unless_given("linear"),
    ] = LinearTrain()
    """How it learns."""

    @model_validator(mode="before")
    @classmethod
    def _fill_strengths(cls, values: Any) -> Any:
        return fill_strengths(values)

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        check_pair(self.features, self.train)
        return self

    @property
    def what_decides(self) -> dict[str, Any]:
        """Return the settings that its answers depend on: without a seed that draws nothing.

        Linear training draws folds alone, its own and those of `calibration: bias`.
        """
        said = self.model_dump(exclude={"features": {"cache", "batch"}, "train": {"cache"}})
        train = self.train
        if train.kind == "linear" and not train.folds and train.calibration != "bias":
            del said["seed"]
        return said


def check_pair(features: FeaturesSection, train: LinearTrain | FinetuneTrain) -> None:
    if train.kind != "finetune":
        return
    if features.kind != "encoder":
        raise ValueError(
            "train.kind finetune trains an encoder; set features.kind to encoder, it is "
            f"{features.kind}"
        )
    if train.exchanged_targets and features.target.mention != "mark":
        raise ValueError(
            f"train.exchanged_targets: {train.exchanged_targets:g} shows names of other targets, "
            f"but features.target.mention: {features.target.mention} shows none; set it to mark, "
            "or the share to 0"
        )


class EnsembleTrain(Section):
    """Several rungs that answer together, each with its own weight."""

    kind: Literal["ensemble"]
    """The mean of the members' log-probabilities, weighted as fits dev best."""
    members: Annotated[dict[Slug, Rung], Field(min_length=2)]
    """The rungs, by a name of your own."""
    thresholds: Thresholds = "f1"
    """As in linear training, for the joint probabilities."""
    logit_adjustment: LogitAdjustment = 0.0
    """As in linear training, for the joint probabilities, by coded examples of train and dev;
    members may have their own before it."""
    folds: Folds = 0
    """Fit weights and thresholds on train and dev, by probabilities out of this many folds over
    their stories: each member is trained once more for each. 0 fits them on the dev side."""

    @model_validator(mode="after")
    def _check_members(self) -> Self:
        for one, other in itertools.combinations(self.members, 2):
            what_decides = self.members[one].what_decides
            if what_decides == self.members[other].what_decides:
                or_seed = ", or a seed of its own" if "seed" in what_decides else ""
                raise ValueError(
                    f"members {one!r} and {other!r} will say the same; give one of them other "
                    f"settings{or_seed}"
                )
        return self


TrainSection: TypeAlias = Annotated[
    Annotated[LinearTrain | FinetuneTrain | EnsembleTrain, Field(discriminator="kind")],
    kind_unless_given("linear"),
]

"""The config of one experiment as a whole, and its reader."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from pipeline import documents
from pipeline.codebook import Slug
from pipeline.config.evaluate import Behaviour, Evaluate
from pipeline.config.features import FeaturesSection
from pipeline.config.ingest import Ingest
from pipeline.config.label import LabelSection
from pipeline.config.predict import Predict
from pipeline.config.review import Review
from pipeline.config.split import Audit, HashSplit, SplitSection
from pipeline.config.track import Track
from pipeline.config.train import (
    EnsembleTrain,
    LinearTrain,
    Rung,
    TrainSection,
    check_pair,
    fill_strengths,
)
from pipeline.config.trials import Repeat, Tune
from pipeline.config.values import FilePath
from pipeline.documents import Section
from pipeline.errors import ConfigError, PipelineError


class Config(Section):
    """One experiment, complete in one file."""

    name: Slug
    """The run's name, and its folder below `runs/`."""
    description: str = ""
    """What the run is for, in a sentence; shown in MLflow."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """The one source of randomness."""
    codebook: FilePath
    """The codebook's file."""
    ingest: Ingest
    """Where the articles are, and which field of them holds what."""
    label: LabelSection = LabelSection()
    """Where the answers are."""
    review: Review = Review()
    """Which examples people should look at: likely label errors, and what to code next."""
    split: SplitSection = HashSplit()
    """What is learned from, what is chosen on, and what is tested on."""
    audit: Audit = Audit()
    """What may give the answers away, looked for before anything is trained."""
    features: FeaturesSection | None = None
    """What the model sees of a text; n-grams where it is left out. An ensemble's members have
    features of their own."""
    train: TrainSection = LinearTrain()
    """How it learns."""
    behaviour: Behaviour = Behaviour()
    """What it has to do besides scoring well."""
    evaluate: Evaluate = Evaluate()
    """How it is scored."""
    track: Track = Track()
    """Where the run is recorded."""
    predict: Predict = Predict()
    """What its predictions hold."""
    tune: Tune | None = None
    """What `slant tune` varies; null for nothing."""
    repeat: Repeat | None = None
    """How often `slant run` repeats the experiment; null for once."""

    @model_validator(mode="after")
    def _check_repeat(self) -> Self:
        if self.repeat is not None and self.repeat.folds and self.split.by != "folds":
            raise ValueError(
                f"repeat.folds needs split.by folds, which makes them; it is {self.split.by}"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _fill_rung(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        train = values.get("train")
        kind = train.get("kind") if isinstance(train, dict) else getattr(train, "kind", None)
        if "features" not in values and kind != "ensemble":
            values = {**values, "features": {}}
        return fill_strengths(values)

    @model_validator(mode="after")
    def _check_rung(self) -> Self:
        if isinstance(self.train, EnsembleTrain):
            if self.features is not None:
                raise ValueError(
                    "an ensemble's members have features of their own; move features into "
                    "train.members.<name>"
                )
            return self
        if self.features is None:
            raise ValueError("features must hold keys and values; it is null")
        check_pair(self.features, self.train)
        return self

    @model_validator(mode="after")
    def _check_votes(self) -> Self:
        tuned = [name for name, rung in self.rungs.items() if rung.train.kind == "finetune"]
        if self.label.votes.use == "train" and tuned:
            of = f" of the member {tuned[0]!r}" if tuned[0] else ""
            raise ValueError(
                "label.votes.use: train is for linear training; the fine-tuning"
                f"{of} learns from gold alone: set it to none, or train.kind to linear"
            )
        return self

    @property
    def rungs(self) -> Mapping[str, Rung]:
        """The rungs that are trained, by name: one without a name, or an ensemble's members."""
        if isinstance(self.train, EnsembleTrain):
            return self.train.members
        assert self.features is not None
        return {"": Rung(features=self.features, train=self.train)}


def load(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read the config at `path` with `section.key=value` overrides; ConfigError says where."""
    document = documents.read(path)
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key:
            raise ConfigError(f"--set {override}: must look like section.key=value")
        if not isinstance(document.value, dict):
            raise PipelineError(f"{path}: must hold keys and values, found nothing of the kind")
        document.set(key, value)
    return documents.validate(document, Config, ConfigError)

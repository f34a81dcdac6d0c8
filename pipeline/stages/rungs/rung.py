"""What every rung does, and what comes of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle import LinearHead, TaskModel
from pipeline.config import LinearTrain
from pipeline.stages.examples import Material, View
from pipeline.train import TaskData, train_task


@dataclass(frozen=True)
class Learned:
    """A trained model of one view, and how it came to be."""

    model: TaskModel
    tried: list[dict[str, Any]]  # one row per setting: its value, macro_f1, log_loss, chosen
    # [dev examples, labels] by models that did not learn from these examples.
    dev_probabilities: NDArray[np.float32]


# The name of the training that counts: of the model itself, before dev is added.
MODEL_CURVE: Final = "model"
# Given the name of a training, returns what takes its loss and scores with the step.
Curves: TypeAlias = Callable[[str], Callable[[Mapping[str, float], int], None]]


def named(curves: Curves, prefix: str) -> Curves:
    """Return `curves` whose names begin with `prefix`."""
    return lambda training: curves(prefix + training)


class Rung(Protocol):
    """One kind of model."""

    def featurize(self, material: Material) -> str:
        """Write what training needs of a view into its folder; say what, in two words."""

    def train(
        self, materials: Sequence[Material], work: Path, curves: Curves
    ) -> dict[View, Learned]:
        """Train every view from its folder; half-done work may be kept in `work`."""

    def without_refit(self) -> "Rung":
        """Return the same that does not learn from dev in the end."""


class Learner(Protocol):
    """A kind of model that learns one view at a time, in seconds."""

    def featurize(self, material: Material) -> str:
        """Write what training needs of a view into its folder; say what, in two words."""

    def learn(self, material: Material) -> Learned:
        """Train a view on what `featurize` left."""

    def without_refit(self) -> "Learner":
        """Return the same that does not learn from dev in the end."""


@dataclass(frozen=True)
class OneByOne:
    """The rung of a learner: its views learn apart, nothing half-done is kept or charted."""

    learner: Learner

    def featurize(self, material: Material) -> str:
        """Let the learner write what it needs of a view."""
        return self.learner.featurize(material)

    def train(
        self,
        materials: Sequence[Material],
        work: Path,  # noqa: ARG002
        curves: Curves,  # noqa: ARG002
    ) -> dict[View, Learned]:
        """Train one view after another."""
        return {material.view: self.learner.learn(material) for material in materials}

    def without_refit(self) -> "OneByOne":
        """Return the same that does not learn from dev in the end."""
        return OneByOne(self.learner.without_refit())


def train_linear(
    material: Material, matrix: Any, section: LinearTrain, seed: int
) -> tuple[LinearHead, list[dict[str, Any]], NDArray[np.float32]]:
    """Train a linear head on `matrix` [n, columns], sparse or not; return it with its history."""
    data = TaskData(
        material.view.task,
        material.labels,
        material.many,
        matrix,
        material.gold,
        material.is_dev,
        material.stories,
        material.soft,
    )
    trained = train_task(data, section, seed)
    return trained.head, trained.tried, trained.dev_probabilities

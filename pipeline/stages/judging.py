"""What models say of coded examples that they did not learn from."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.artifacts import RunFolder, read_table
from pipeline.codebook import Codebook
from pipeline.config import Config, LinearTrain, Rung
from pipeline.errors import DataError
from pipeline.records import Side, is_test
from pipeline.review import Judged
from pipeline.stages.examples import Material, View, coded_examples
from pipeline.stages.rungs import rung_of
from pipeline.train import group_folds


@dataclass(frozen=True)
class Judgement:
    """What there is to rank, and what was left out of it."""

    judged: Judged
    strangers: int
    """Examples that no model could judge: it had not learned their label."""


# Rows that are learned from, rows that are answered, and `train.folds`.
_Part: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], int]


@dataclass(frozen=True)
class Bench:
    """The coded examples of a task, and the rung that learns from some and answers others."""

    all: Material
    config: Config

    @classmethod
    def of(cls, config: Config, codebook: Codebook, run: RunFolder, view: View) -> "Bench":
        """Read them."""
        coded = coded_examples(run, codebook)
        rows = coded.filter(pc.equal(coded["task"], view.task))
        articles = read_table(run.articles, ["id", "title", "text"])
        return cls(Material(view, codebook, rows, articles, Path()), config)

    @cached_property
    def tested(self) -> NDArray[np.bool_]:
        """Which rows are on a test side, [n]."""
        return np.array([is_test(side) for side in self.all.rows["side"].to_pylist()], np.bool_)

    def by_folds(self) -> Judgement:
        """Return what held-out models say of the examples of train and dev, in their order.

        Each fold of the stories is answered by a model of the others, of the rung of
        `judging_rung`; one strength and one temperature are chosen on the fold as a whole. Cost:
        for each fold the features once, a fit for each C and one more.
        """
        kept = np.flatnonzero(~self.tested)
        folds = self.config.review.errors.folds
        stories = len({self.all.stories[row] for row in kept.tolist()})
        if stories < folds:
            raise DataError(
                f"review.errors.folds: {folds} folds need as many stories; task "
                f"'{self.all.view.task}' has {stories} with an answer on train and dev"
            )
        parts = group_folds(self.all.gold, self.all.stories, kept, folds, self.config.seed)
        return self._judged([(learned, held, 0) for learned, held in parts])

    def on_test(self) -> Judgement:
        """Return what a model of train and dev says of the examples of all test sides.

        Nothing is fitted on the test side: strength and temperature come from folds over the rest.
        """
        learned, held = np.flatnonzero(~self.tested), np.flatnonzero(self.tested)
        return self._judged([(learned, held, self.config.review.errors.folds)])

    def _judged(self, parts: Sequence[_Part]) -> Judgement:
        """Return the held-out rows of all parts, in their order, with what is said of them."""
        gold = self.all.gold
        likely = np.zeros(gold.shape, np.float32)
        asked, known = np.zeros((2, len(gold)), np.bool_)
        for learned, held, folds in parts:
            likely[held] = self._answers(learned, held, folds)
            asked[held] = True
            unseen = ~gold[learned].any(axis=0)
            known[held] = ~(gold[held] & unseen).any(axis=1)
        rows = self.all.rows.filter(pa.array(known))
        judged = Judged(rows, self.all.labels, self.all.many, gold[known], likely[known])
        return Judgement(judged, int((asked & ~known).sum()))

    def _answers(
        self, learned: NDArray[np.int64], held: NDArray[np.int64], folds: int
    ) -> NDArray[np.float32]:
        """Return what a model of the rows `learned` says of those `held`, [held, labels].

        The rung takes what is held out for its dev side.
        """
        rows = self.all.rows.take(pa.array(np.concatenate([learned, held])))
        sides = [Side.TRAIN.value] * len(learned) + [Side.DEV.value] * len(held)
        rows = rows.set_column(rows.schema.get_field_index("side"), "side", pa.array(sides))
        section, _ = judging_rung(self.config)
        train = section.train.model_copy(update={"folds": folds, "refit": False})
        seed = self.config.seed if section.seed is None else section.seed
        rung = rung_of(section.model_copy(update={"train": train}), seed)
        with tempfile.TemporaryDirectory() as folder:
            material = replace(self.all, rows=rows, folder=Path(folder))
            rung.featurize(material)
            learnt = rung.train([material], Path(folder), _no_curve)
        return learnt[material.view].dev_probabilities


def judging_rung(config: Config) -> tuple[Rung, str]:
    """Return the linear rung that judges answers, and in words why it is not the run's own.

    One fit for each fold would take hours by fine-tuning: its encoder judges frozen. Of an
    ensemble the first linear member does.
    """
    members = list(config.rungs.values())
    for rung in members:
        if isinstance(rung.train, LinearTrain):
            told = "the first linear member judges for the ensemble"
            return rung, told if len(members) > 1 else ""
    first = members[0]
    told = "the frozen encoder and a linear head judge for the fine-tuned one"
    # Without `train`: its defaults are those that suit the features.
    return Rung.model_validate(first.model_dump(exclude={"train"})), told


def _no_curve(training: str) -> Callable[[Mapping[str, float], int], None]:  # noqa: ARG001
    return lambda numbers, step: None  # noqa: ARG005

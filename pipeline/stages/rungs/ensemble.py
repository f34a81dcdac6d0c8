"""Rung 5: several rungs that answer together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.bundle import EnsembleModel, chosen, opinions, pooled
from pipeline.config import Thresholds
from pipeline.errors import DataError
from pipeline.records import Side
from pipeline.stages.examples import Material, View
from pipeline.stages.rungs.rung import Curves, Learned, Rung, named
from pipeline.train import (
    adjustment,
    choose_thresholds,
    group_folds,
    least_log_loss,
    log_loss,
    macro_f1,
)

# Dev is scored with weights that were fitted on the other parts of it.
_PARTS: Final = 5
_FEWEST_STORIES: Final = 2


@dataclass(frozen=True)
class EnsembleRung:
    """Members that learn apart; their weights are fitted on what none of them saw.

    That is dev, or with `folds` each part of the coded rows of train and dev in turn.
    """

    members: Mapping[str, Rung]
    thresholds: Thresholds
    folds: int
    logit_adjustment: float
    seed: int

    def without_refit(self) -> "EnsembleRung":
        """Return the same that does not learn from dev in the end."""
        return replace(
            self, members={name: each.without_refit() for name, each in self.members.items()}
        )

    def featurize(self, material: Material) -> str:
        """Let each member write what it needs into a folder of its own."""
        done = []
        for name, member in self.members.items():
            own = _own(material, name)
            own.folder.mkdir()
            done.append(f"{name} {member.featurize(own)}")
        return f"({', '.join(done)})"

    def train(
        self, materials: Sequence[Material], work: Path, curves: Curves
    ) -> dict[View, Learned]:
        """Train the members one after another, then weigh them."""
        if self.folds:  # what is too little is noticed before hours of training
            self._held_out(materials)
        else:
            for material in materials:
                self._check_dev(material)
        learned = _trained(self.members, materials, work, curves)
        likely = (
            self.out_of_fold(materials, work, curves)
            if self.folds
            else {
                view: np.stack([each.dev_probabilities for each in members.values()])
                for view, members in learned.items()
            }
        )
        return {
            material.view: self._weigh(material, learned[material.view], likely[material.view])
            for material in materials
        }

    def out_of_fold(
        self, materials: Sequence[Material], work: Path, curves: Curves
    ) -> dict[View, NDArray[np.float32]]:
        """Return the members' probabilities of the coded rows, [m, coded rows, labels].

        Each row's are by models without its story. What nobody coded is learned from in every fold
        but that of its own story.
        """
        likely = {
            each.view: np.zeros((len(self.members), *each.gold.shape), np.float32)
            for each in materials
        }
        members = {name: member.without_refit() for name, member in self.members.items()}
        for fold, held_out in enumerate(self._held_out(materials), start=1):
            name = f"fold {fold} "
            turned = [_with_dev(each, held_out[each.view]) for each in materials]
            learned = _trained(members, turned, work / name.strip(), named(curves, name))
            for view, by_member in learned.items():
                for at, each in enumerate(by_member.values()):
                    likely[view][at, held_out[view]] = each.dev_probabilities
        return {each.view: likely[each.view][:, each.coded] for each in materials}

    def _held_out(self, materials: Sequence[Material]) -> list[dict[View, NDArray[np.int64]]]:
        """Return the coded rows that each fold holds out, of each view.

        A story is held out of all tasks at once: fine-tuning learns them together.
        """
        from scipy.linalg import block_diag

        own = [each for each in materials if not each.view.is_blind_twin]
        for each in own:
            if (found := len(set(_coded_stories(each)))) < self.folds:
                raise DataError(
                    f"train.folds: {self.folds} folds of task '{each.view.task}' need as many "
                    f"coded stories on train and dev; there are {found}"
                )
        stories = [story for each in own for story in _coded_stories(each)]
        gold = block_diag(*(each.gold[each.coded] for each in own)).astype(np.bool_)
        every = np.arange(len(stories))
        fold_of = {
            stories[row]: fold
            for fold, (_, rows) in enumerate(
                group_folds(gold, stories, every, self.folds, self.seed)
            )
            for row in rows.tolist()
        }
        held_out: list[dict[View, NDArray[np.int64]]] = [{} for _ in range(self.folds)]
        for each in materials:
            folds = np.array([fold_of[story] for story in _coded_stories(each)])
            for fold, rows in enumerate(held_out):
                rows[each.view] = np.flatnonzero(each.coded)[folds == fold]
                if not len(rows[each.view]):
                    raise DataError(
                        f"train.folds: task '{each.view.task}' has no coded example in fold "
                        f"{fold + 1} of {self.folds}; lower train.folds, or add answers"
                    )
        return held_out

    def _check_dev(self, material: Material) -> None:
        stories = {
            story for story, is_dev in zip(material.stories, material.is_dev, strict=True) if is_dev
        }
        if len(stories) < _FEWEST_STORIES:
            raise DataError(
                f"task '{material.view.task}': {len(stories)} coded stories on the dev side are "
                "too few to weigh an ensemble's members; raise split.dev"
            )

    def _weigh(
        self, material: Material, learned: Mapping[str, Learned], likely: NDArray[np.float32]
    ) -> Learned:
        """Fit weights and thresholds on `likely`: of coded rows out of fold, or of dev."""
        scored = material.coded if self.folds else material.is_dev
        gold = material.gold[scored]
        many = material.many
        weights = fit_weights(likely, gold, many)
        bias = self._addition(material, material.coded)
        # `likely` is adjusted by what the models that said it had learned from.
        learned_from = material.coded if self.folds else material.coded & ~material.is_dev
        addition = self._addition(material, learned_from)
        stories = np.array(material.stories, object)[scored].tolist()
        held_out = np.zeros(gold.shape, np.float32)
        parts = min(_PARTS, len(set(stories)))
        for fit, score in group_folds(gold, stories, np.arange(len(gold)), parts, self.seed):
            held_out[score] = pooled(
                likely[:, score], fit_weights(likely[:, fit], gold[fit], many), many, addition
            )
        thresholds = choose_thresholds(held_out, gold, many, self.thresholds)
        model = EnsembleModel(
            {name: each.model for name, each in learned.items()}, weights, bias, thresholds
        )
        tried = [
            _row(f"only {name}", 1.0, alone, each.model.thresholds, gold, many)
            for (name, each), alone in zip(learned.items(), likely, strict=True)
        ]
        together = _row("members", float(len(learned)), held_out, thresholds, gold, many)
        together["weights"] = dict(zip(learned, weights.tolist(), strict=True))
        dev = held_out[material.is_dev[scored]]
        return Learned(model, [*tried, {**together, "chosen": True}], dev)

    def _addition(self, material: Material, rows: NDArray[np.bool_]) -> NDArray[np.float64]:
        shares = material.gold[rows].sum(axis=0) / max(1, rows.sum())
        return adjustment(self.logit_adjustment, shares, material.many)


def _coded_stories(material: Material) -> list[str]:
    return [material.stories[row] for row in np.flatnonzero(material.coded).tolist()]


def _trained(
    members: Mapping[str, Rung], materials: Sequence[Material], work: Path, curves: Curves
) -> dict[View, dict[str, Learned]]:
    """Train the members one after another; return what they learned by view and name."""
    learned: dict[View, dict[str, Learned]] = {material.view: {} for material in materials}
    for name, member in members.items():
        own = [_own(material, name) for material in materials]
        for view, result in member.train(own, work / name, named(curves, f"{name} ")).items():
            learned[view][name] = result
    return learned


def _with_dev(material: Material, held_out: NDArray[np.int64]) -> Material:
    """Return the material with the rows `held_out` as its dev side and all others as train.

    Rows that nobody coded have no weight where a row of their story is held out: the features are
    there for every row, so that none can be taken away.
    """
    is_dev = np.zeros(len(material.rows), np.bool_)
    is_dev[held_out] = True
    sides = pa.array(np.where(is_dev, Side.DEV.value, Side.TRAIN.value).tolist())
    rows = material.rows.set_column(material.rows.column_names.index("side"), "side", sides)
    if material.soft is not None:
        judged = {material.stories[row] for row in held_out.tolist()}
        apart = np.array([story not in judged for story in material.stories], np.bool_)
        weights = np.where(material.coded | apart, material.soft.weights, np.float32(0))
        at = rows.column_names.index("weight")
        rows = rows.set_column(at, "weight", pa.array(weights, pa.float32()))
    return replace(material, rows=rows)


def _own(material: Material, name: str) -> Material:
    return replace(material, folder=material.folder / name)


def _row(
    setting: str,
    value: float,
    likely: NDArray[np.float32],
    thresholds: NDArray[np.float32] | None,
    gold: NDArray[np.bool_],
    many: bool,
) -> dict[str, Any]:
    return {
        "setting": setting,
        "value": value,
        "macro_f1": macro_f1(chosen(likely, thresholds), gold),
        "log_loss": log_loss(likely, gold, many),
        "chosen": False,
    }


def fit_weights(
    likely: NDArray[np.float32], gold: NDArray[np.bool_], many: bool
) -> NDArray[np.float64]:
    """Return the weights [m], none below 0, with the least log loss of `likely` [m, n, labels].

    Where there are few examples they are held to equal shares.
    """
    said = opinions(likely, many)
    equal = np.full(len(said), 1 / len(said))
    return least_log_loss(said, gold, many, equal, with_bias=False)[0]

"""Rung 5: several rungs that answer together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.bundle import EnsembleModel, chosen, opinions, pooled
from pipeline.errors import DataError
from pipeline.stages.examples import Material, View
from pipeline.stages.rungs.base import Curves, Learned, Rung, named
from pipeline.train import choose_thresholds, group_folds, log_loss, macro_f1

# Dev is scored with weights that were fitted on the other parts of it.
_PARTS: Final = 5
_FEWEST_STORIES: Final = 2


@dataclass(frozen=True)
class EnsembleRung:
    """Members that learn apart; their weights are fitted on dev, which none of them saw."""

    members: Mapping[str, Rung]
    thresholds: Literal["f1", "half"]
    seed: int

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
        for material in materials:  # noticed before hours of training
            self._check_dev(material)
        learned = {
            name: member.train(
                [_own(material, name) for material in materials],
                work / name,
                named(curves, f"{name} "),
            )
            for name, member in self.members.items()
        }
        return {
            material.view: self._weigh(
                material, {name: by_view[material.view] for name, by_view in learned.items()}
            )
            for material in materials
        }

    def _check_dev(self, material: Material) -> None:
        stories = {
            story for story, is_dev in zip(material.stories, material.is_dev, strict=True) if is_dev
        }
        if len(stories) < _FEWEST_STORIES:
            raise DataError(
                f"task '{material.view.task}': {len(stories)} coded stories on the dev side are "
                "too few to weigh an ensemble's members; raise split.dev"
            )

    def _weigh(self, material: Material, learned: Mapping[str, Learned]) -> Learned:
        gold = material.gold[material.is_dev]
        likely = np.stack([each.dev_probabilities for each in learned.values()])
        many = material.many
        weights = fit_weights(likely, gold, many)
        stories = np.array(material.stories, object)[material.is_dev].tolist()
        held_out = np.zeros(gold.shape, np.float32)
        parts = min(_PARTS, len(set(stories)))
        for fit, score in group_folds(gold, stories, np.arange(len(gold)), parts, self.seed):
            held_out[score] = pooled(
                likely[:, score], fit_weights(likely[:, fit], gold[fit], many), many
            )
        thresholds = choose_thresholds(held_out, gold, many, self.thresholds)
        model = EnsembleModel(
            {name: each.model for name, each in learned.items()}, weights, thresholds
        )
        tried = [
            _row(f"only {name}", 1.0, each.dev_probabilities, each.model.thresholds, gold, many)
            for name, each in learned.items()
        ]
        together = _row("members", float(len(learned)), held_out, thresholds, gold, many)
        together["weights"] = dict(zip(learned, weights.tolist(), strict=True))
        return Learned(model, [*tried, {**together, "chosen": True}], held_out)


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

    They are held to equal shares as firmly as one example would hold them, which decides where
    there are few.
    """
    from scipy.optimize import minimize

    said = opinions(likely, many)
    count, examples = len(said), len(gold)
    terms = gold.size if many else examples
    equal = np.full(count, 1 / count)

    def loss_and_slope(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = np.tensordot(weights, said, axes=1)
        if many:
            # ln(1 + e^s) - y s, and its slope p - y
            loss = float((np.logaddexp(0, scores) - gold * scores).sum())
            wrong = 1 / (1 + np.exp(-np.clip(scores, -500, 500))) - gold
        else:
            top = scores.max(axis=1, keepdims=True)
            norm = np.log(np.exp(scores - top).sum(axis=1, keepdims=True)) + top
            loss = float((norm[:, 0] - scores[gold]).sum())
            wrong = np.exp(scores - norm) - gold
        slope = np.tensordot(said, wrong, axes=([1, 2], [0, 1])) / terms
        strayed = weights - equal
        return (
            loss / terms + float(strayed @ strayed) / examples,
            slope + 2 * strayed / examples,
        )

    found = minimize(
        loss_and_slope, equal, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * count
    )
    weights: NDArray[np.float64] = found.x
    return weights

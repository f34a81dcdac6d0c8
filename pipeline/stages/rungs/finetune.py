"""Rung 4: an encoder that is trained further, with one head a task."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.artifacts import to_json
from pipeline.bundle import NEVER, EncoderModel, LinearHead, chosen
from pipeline.config import Calibration, EncoderFeatures, FinetuneTrain
from pipeline.encoders import Encoder, Precision, Window, open_encoder, seen, windows_of
from pipeline.encoders.tuning import (
    HeadShape,
    Tuned,
    TunedHead,
    TuningExample,
    runs_on,
    tune,
)
from pipeline.errors import ConfigError, DataError
from pipeline.features import Asked
from pipeline.stages.examples import Material, View
from pipeline.stages.rungs.rung import MODEL_CURVE, Curves, Learned, named
from pipeline.train import (
    Calibrated,
    HeldOut,
    adjustment,
    calibrate,
    check_labels,
    choose_thresholds,
    class_weights,
    log_loss,
    macro_f1,
)

# Stands for the code that trains: raise it when a change there gives other weights, or trainings
# that were kept would pass for new ones.
_RECIPE: Final = 3
# Other targets that an example may be shown with; each epoch draws one of them.
_EXCHANGES: Final = 3
# Of the features: what changes nothing that training reads.
_NOT_LEARNT_FROM: Final = {"model", "revision", "cache", "batch", "precision"}
# Of the training: what is done around it or after it.
_NOT_TRAINED_BY: Final = {"cache", "refit", "precision", "calibration", "logit_adjustment"}


@dataclass(frozen=True)
class FinetuneRung:
    """All tasks share one encoder in training; the blind twins share another."""

    features: EncoderFeatures
    section: FinetuneTrain
    seed: int

    def without_refit(self) -> "FinetuneRung":
        """Return the same that does not learn from dev in the end."""
        return replace(self, section=self.section.model_copy(update={"refit": False}))

    def featurize(self, material: Material) -> str:
        """Nothing is fitted before training: the windows are cut when they are read."""
        self._encoder()  # an encoder that is not there is noticed now
        return f"{len(material.rows):,} examples"

    def train(
        self, materials: Sequence[Material], work: Path, curves: Curves
    ) -> dict[View, Learned]:
        """Fine-tune an encoder on the views with their targets, and one on the blind twins."""
        learned: dict[View, Learned] = {}
        for blind in (False, True):
            group = [each for each in materials if each.view.is_blind_twin == blind]
            if group:
                who = "blind twin" if blind else MODEL_CURVE
                learned |= self._train_together(
                    group, self.section.cache or work, named(curves, who)
                )
        return {material.view: learned[material.view] for material in materials}

    def _encoder(self) -> Encoder:
        encoder = open_encoder(self.features)
        if self.section.frozen_layers > encoder.layers:
            raise ConfigError(
                f"train.frozen_layers: {self.section.frozen_layers} are more than the "
                f"{encoder.layers} layers of {self.features.model}"
            )
        if self.section.contrastive_pairs and self.section.frozen_layers == encoder.layers:
            raise ConfigError(
                f"train.frozen_layers: {encoder.layers} are all layers of {self.features.model}, "
                f"and train.contrastive_pairs: {self.section.contrastive_pairs} has nothing to "
                "train; freeze fewer, or set the pairs to 0"
            )
        return encoder

    def _train_together(
        self, materials: Sequence[Material], work: Path, curves: Curves
    ) -> dict[View, Learned]:
        encoder = self._encoder()
        self._check_exchanged(materials)
        pupils = [
            _Pupil(encoder, material, self.features, self.section, self.seed)
            for material in materials
        ]
        for pupil in pupils:
            pupil.check()
        examples = [
            example for head, pupil in enumerate(pupils) for example in pupil.examples(head, False)
        ]
        selected = tune(
            encoder, [pupil.shape for pupil in pupils], examples, self.section, self.seed,
            self._folder(work, encoder, materials, "selection"),
            lambda tuned, heads: _measure(pupils, tuned, heads),
            log=curves(""),
        )  # fmt: skip
        calibrated = [
            pupil.judged(
                pupil.dev_scores(selected.encoder, head, self.features.precision),
                self.section.calibration,
                self.section.logit_adjustment,
            )
            for pupil, head in zip(pupils, selected.heads, strict=True)
        ]
        final = selected
        if self.section.refit:
            examples += [
                example
                for head, pupil in enumerate(pupils)
                for example in pupil.examples(head, True)
            ]
            final = tune(
                encoder, [pupil.shape for pupil in pupils], examples, self.section, self.seed,
                self._folder(work, encoder, materials, f"refit-{selected.best_epoch}"),
                stop_after=selected.best_epoch, log=curves(" with dev"),
            )  # fmt: skip
        return {
            pupil.material.view: Learned(
                self._model(final, pupil, head, fit),
                _tried(selected, pupil.material.view.task),
                fit.likely,
            )
            for pupil, head, fit in zip(pupils, final.heads, calibrated, strict=True)
        }

    def _check_exchanged(self, materials: Sequence[Material]) -> None:
        """Raise DataError where targets are to be exchanged, and no task has another one."""
        about = [material for material in materials if material.view.sees_target]
        if self.section.exchanged_targets and about and not any(map(_has_several_targets, about)):
            tasks = ", ".join(f"'{material.view.task}'" for material in about)
            raise DataError(
                f"train.exchanged_targets: {self.section.exchanged_targets:g} shows names of other "
                f"targets, and the coded examples of {tasks} have one; set it to 0"
            )

    def _model(
        self, tuned: Tuned, pupil: "_Pupil", head: TunedHead, fit: "_Judged"
    ) -> EncoderModel:
        material = pupil.material
        with_dev = self.section.refit
        addition = pupil.addition(self.section.logit_adjustment, with_dev=with_dev)
        calibrated = fit.calibrated.adjusted(addition)
        bias = pupil.bias(head, with_dev=with_dev) + calibrated.bias
        linear = LinearHead(
            material.labels, head.weights, bias, calibrated.temperature, fit.thresholds
        )
        return EncoderModel(
            "finetune", tuned.encoder, self.features, pupil.shape.with_mention, linear
        )

    def _folder(
        self, work: Path, encoder: Encoder, materials: Sequence[Material], phase: str
    ) -> Path:
        """Return a folder that is named by all that the training depends on."""
        train = self.section.model_dump(mode="json", exclude=_NOT_TRAINED_BY)
        features = self.features.model_dump(mode="json", exclude=_NOT_LEARNT_FROM)
        if not any(material.view.sees_target for material in materials):
            # No target is shown: trained alike, whatever is said of it.
            del train["exchanged_targets"], features["target"]
        if not any(material.many for material in materials):
            del train["thresholds"]
        parts = {
            "features": features,
            "train": train,
            "seed": self.seed,
            "encoder": encoder.files.digest,
            "recipe": _RECIPE,
            "runs_on": runs_on(self.section),
            "phase": phase,
        }
        digest = hashlib.sha256(to_json(parts))
        for material in materials:
            digest.update(material.digest())
        return work / digest.hexdigest()[:20]


def _has_several_targets(material: Material) -> bool:
    return len(set(material.rows["target"].to_pylist())) > 1


class _Pupil:
    """One view in training: its windows, its head's shape, its dev side."""

    def __init__(
        self,
        encoder: Encoder,
        material: Material,
        features: EncoderFeatures,
        section: FinetuneTrain,
        seed: int,
    ) -> None:
        self.material = material
        self._features = features
        self._section = section
        self._seed = seed
        texts, asked = seen(*material.shown, features)
        tokenizer = encoder.tokenizer
        tokens = tokenizer.tokens(texts)
        self._windows = _by_example(windows_of(tokenizer, tokens, asked, features), len(asked))
        self._exchanged = [
            _by_example(windows_of(tokenizer, tokens, asked, features, names), len(asked))
            for names in self._names_of_others(asked)
        ]
        gold = material.gold[~material.is_dev]
        self.shape = HeadShape(
            len(material.labels),
            material.many,
            material.view.sees_target and features.sees_target,
            class_weights(gold, material.many, section.class_weight),
        )

    def _names_of_others(self, asked: Asked) -> list[list[str]]:
        """Return some names of other targets of the training side for each example.

        None where it has but one.
        """
        shows_names = bool(asked.parties) and self._features.target.mention == "mark"
        if not (self._section.exchanged_targets and shows_names):
            return []
        targets = [parties.target for parties in asked.parties]
        known = sorted({targets[row] for row in np.flatnonzero(~self.material.is_dev).tolist()})
        if len(known) == 1:
            return []
        draw = np.random.default_rng(self._seed)
        return [[_another(known, target, draw) for target in targets] for _ in range(_EXCHANGES)]

    def check(self) -> None:
        """Raise DataError where there is too little to learn from or to choose on."""
        material = self.material
        check_labels(material.view.task, material.labels, material.gold[~material.is_dev])
        if not material.is_dev.any():
            raise DataError(
                f"task '{material.view.task}': the dev side has no coded example to stop on; "
                "raise split.dev"
            )

    def examples(self, head: int, is_dev: bool) -> list[TuningExample]:
        """Return the examples of a side, as those of head number `head`."""
        return [
            TuningExample(
                head,
                self._windows[row],
                self.material.gold[row],
                [windows[row] for windows in self._exchanged],
            )
            for row in np.flatnonzero(self.material.is_dev == is_dev).tolist()
        ]

    def dev_scores(
        self, encoder: Encoder, head: TunedHead, precision: Precision
    ) -> NDArray[np.float32]:
        """Return the scores of the dev side, [n, labels]."""
        windows = [
            replace(window, example=place)
            for place, row in enumerate(np.flatnonzero(self.material.is_dev).tolist())
            for window in self._windows[row]
        ]
        vectors = encoder.vectors(
            windows,
            len(self.dev_gold),
            self._features.batch,
            with_mention=self.shape.with_mention,
            cache=None,
            precision=precision,
        )
        return vectors @ head.weights + self.bias(head, with_dev=False)

    def bias(self, head: TunedHead, *, with_dev: bool) -> NDArray[np.float32]:
        """Return the head's bias, by which labels without any training example are never given."""
        learned_from = self._gold(with_dev=with_dev)
        return np.where(learned_from.any(axis=0), head.bias, NEVER).astype(np.float32)

    def addition(self, amount: float, *, with_dev: bool) -> NDArray[np.float64]:
        """Return what this logit adjustment adds, by how frequent labels are in training."""
        return adjustment(amount, self._gold(with_dev=with_dev).mean(axis=0), self.material.many)

    def _gold(self, *, with_dev: bool) -> NDArray[np.bool_]:
        return self.material.gold if with_dev else self.material.gold[~self.material.is_dev]

    @property
    def dev_gold(self) -> NDArray[np.bool_]:
        """The right answers on the dev side, [n, labels]."""
        return self.material.gold[self.material.is_dev]

    def judged(
        self, scores: NDArray[np.float32], kind: Calibration, amount: float = 0.0
    ) -> "_Judged":
        """Fit calibration and thresholds on scores of the dev side, with the logit adjustment."""
        gold = self.dev_gold
        stories = np.array(self.material.stories, object)[self.material.is_dev].tolist()
        held_out = HeldOut(scores, gold, self.material.many, stories)
        addition = self.addition(amount, with_dev=False)
        calibrated, likely = calibrate(held_out, kind, addition, self._seed)
        thresholds = choose_thresholds(likely, gold, self.material.many, self._section.thresholds)
        return _Judged(calibrated, thresholds, likely)


def _another(known: Sequence[str], name: str, draw: np.random.Generator) -> str:
    """Return one of the sorted names `known` that is not `name`."""
    place = bisect_left(known, name)
    if place == len(known) or known[place] != name:
        return known[int(draw.integers(len(known)))]
    other = int(draw.integers(len(known) - 1))
    return known[other + (other >= place)]


@dataclass(frozen=True)
class _Judged:
    """What was fitted on the dev side, and the probabilities there."""

    calibrated: Calibrated
    thresholds: NDArray[np.float32] | None
    likely: NDArray[np.float32]


def _by_example(windows: Iterable[Window], examples: int) -> list[list[Window]]:
    """Return the windows of each example."""
    found: list[list[Window]] = [[] for _ in range(examples)]
    for window in windows:
        found[window.example].append(window)
    return found


def _measure(
    pupils: Sequence[_Pupil], encoder: Encoder, heads: Sequence[TunedHead]
) -> dict[str, float]:
    """Return macro-F1 and log loss on dev, of each task as `task.macro_f1`, and their means.

    In the precision of training, which is around this, and with one temperature, so that the epoch
    that is kept depends on none of `features.precision`, `train.calibration` and
    `train.logit_adjustment`.
    """
    numbers: dict[str, float] = {}
    for pupil, head in zip(pupils, heads, strict=True):
        fit = pupil.judged(pupil.dev_scores(encoder, head, "float32"), "temperature")
        task, gold = pupil.material.view.task, pupil.dev_gold
        numbers[f"{task}.macro_f1"] = macro_f1(chosen(fit.likely, fit.thresholds), gold)
        numbers[f"{task}.log_loss"] = log_loss(fit.likely, gold, pupil.material.many)
    for name in ("macro_f1", "log_loss"):
        of_tasks = [value for key, value in numbers.items() if key.endswith(f".{name}")]
        numbers[name] = float(np.mean(of_tasks))
    return numbers


def _tried(selected: Tuned, task: str) -> list[dict[str, Any]]:
    """Return a task's row of each epoch; the epoch is chosen by the mean over all tasks."""
    return [
        {
            "setting": "epochs",
            "value": epoch,
            "macro_f1": numbers[f"{task}.macro_f1"],
            "log_loss": numbers[f"{task}.log_loss"],
            "mean_macro_f1": numbers["macro_f1"],
            "chosen": epoch == selected.best_epoch,
        }
        for epoch, numbers in enumerate(selected.measured, start=1)
    ]

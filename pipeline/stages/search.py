"""`slant tune`: look for settings that do better on dev. The test side is never read."""

import functools
import hashlib
import importlib.util
import math
import shutil
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
import pyarrow.compute as pc
import yaml

from pipeline import codebook as codebooks
from pipeline.artifacts import (
    RunFolder,
    read_table,
    replacing,
    to_json,
    write_json,
)
from pipeline.config import Config, Range, Tune
from pipeline.encoders import find_encoder
from pipeline.errors import (
    BundleError,
    ConfigError,
    DataError,
    MissingExtraError,
    PipelineError,
)
from pipeline.evaluate import evaluate, mean_macro_f1
from pipeline.records import Side
from pipeline.stages.examples import coded_examples
from pipeline.stages.learning import learning_stages
from pipeline.stages.run import run_stages
from pipeline.stages.rungs import MODEL_CURVE
from pipeline.stages.runner import Outcome, stage_key
from pipeline.stages.variants import DATA_STAGES, Variant, link_data

if TYPE_CHECKING:
    import optuna

    from pipeline.tracking import GroupRun, Point

_SEARCHED: Final = ("features", "train", "seed")
# A trial need not be compared with its blind twin, and is recorded below the search's own run.
_IN_A_TRIAL: Final = {
    "tune": None,
    "repeat": None,
    "track.enabled": False,
    "evaluate.blind_twin": False,
}
# Values that do not go together, that the data cannot bear, or that name a broken encoder.
_UNFIT: Final = (ConfigError, DataError, BundleError)
_MEAN: Final = ("macro_f1", "macro_f1_low", "macro_f1_high")
# How often the sampler may offer what was tried.
_OFFERS: Final = 5
# Of a study: the run in MLflow that a search which is not over is recorded in.
_RECORDED_IN: Final = "recorded_in"


@dataclass(frozen=True)
class Found:
    """What a search found."""

    # Number, state, changes, mean macro_f1 of the tasks with its interval, scores of each, seconds,
    # and why one was refused.
    trials: list[dict[str, Any]]
    best: dict[str, Any] | None  # one of them
    config: Path | None  # the complete config with the best settings; None without a best
    is_exhausted: bool  # whether every setting of the space was tried


def search(
    load: Callable[[list[str]], Config],
    config: Config,
    run: RunFolder,
    told: Callable[[str, Outcome], None],
) -> Found:
    """Try settings of `tune.space`; the best is the one with the highest mean macro-F1 on dev.

    `load` makes the config again with overrides. Trials are kept in `run`/trials.log: a search that
    was stopped goes on when it is started again, up to `tune.trials` in all. Cost: a training
    without the blind twin for each trial, less for those that are pruned.
    """
    if config.tune is None:
        raise ConfigError(
            "tune: missing; say what to vary, such as tune.space: {features.words: [1, 2, 3]}"
        )
    if importlib.util.find_spec("optuna") is None:
        raise MissingExtraError(
            "tune: needs the package optuna; "
            "install it in Slant's folder with: pip install '.[tune]'"
        )
    _check_space(load, config.tune)
    base = _of_a_trial(load, {})
    data = run.trial("data")
    run_stages(base, data, DATA_STAGES[-1], functools.partial(told, "data"))
    _check_dev(data, config)
    study = _study(base, config.tune, run, data)
    ends = time.monotonic() + 60 * (config.tune.minutes or math.inf)
    with _group(config, study) as group:
        trials = _Trials(load, config, config.tune, run, data, told, group)
        while _left(study, config.tune) > 0 and time.monotonic() < ends:
            _try(study, trials)
        found = _found(study, load, run, config.tune)
        if group is not None:
            if found.best is not None:
                group.tell(found.best["changes"], _summary(found))
            study.set_user_attr(_RECORDED_IN, None)
    if found.trials and all("refused" in trial for trial in found.trials):
        raise DataError(f"tune: no trial could be done; the first: {found.trials[0]['refused']}")
    if found.best is None:
        raise DataError(
            f"tune: no trial was completed in tune.minutes: {config.tune.minutes or 0:g}; raise "
            "it, and the search goes on"
        )
    return found


def _of_a_trial(load: Callable[[list[str]], Config], changes: Mapping[str, Any]) -> Config:
    """Return the config of a trial with these changes."""
    kept = dict(_IN_A_TRIAL)
    for name, rung in load(Variant("", {**kept, **changes}).overrides).rungs.items():
        if rung.train.kind == "finetune":
            # The model is not kept, so it need not learn from dev too; nor need a training be.
            section = f"train.members.{name}.train" if name else "train"
            kept |= {f"{section}.refit": False, f"{section}.cache": None}
    return load(Variant("", {**kept, **changes}).overrides)


def _check_space(load: Callable[[list[str]], Config], section: Tune) -> None:
    """Raise ConfigError where a value of the space is none that its key takes."""
    for key, space in section.space.items():
        if key.partition(".")[0] not in _SEARCHED:
            raise ConfigError(
                f"tune.space: {key}: settings of {' and '.join(_SEARCHED)} can be searched; others "
                "would change what is judged"
            )
        for value in space if isinstance(space, list) else _ends(space):
            try:
                load(Variant("", {"tune": None, "repeat": None, key: value}).overrides)
            except ConfigError as error:
                why = str(error).removeprefix(f"--set {key}: ")
                raise ConfigError(
                    f"tune.space: {key}: {orjson.dumps(value).decode()} cannot be tried: {why}"
                    f"{_hint(space, why)}"
                ) from None


def _hint(space: Range | list[Any], why: str) -> str:
    if isinstance(space, Range) and "valid integer" in why:
        return "; for whole numbers set whole: true"
    if isinstance(space, list) and "valid list" in why:
        return "; where a value is a list itself, name a list of lists"
    return ""


def _ends(space: Range) -> list[float] | list[int]:
    return (
        [math.ceil(space.low), math.floor(space.high)] if space.whole else [space.low, space.high]
    )


def _check_dev(data: RunFolder, config: Config) -> None:
    coded = coded_examples(data, codebooks.load(config.codebook))
    for task in sorted(set(coded["task"].to_pylist())):
        rows = coded.filter(pc.equal(coded["task"], task))
        if Side.DEV not in rows["side"].to_pylist():
            raise DataError(
                f"tune: task '{task}' has no coded example on dev, which settings are judged by; "
                "raise split.dev"
            )


def _study(base: Config, section: Tune, run: RunFolder, data: RunFolder) -> "optuna.Study":
    """Return the study of just this search: with other data or settings it would be another one."""
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    learning = learning_stages(base, codebooks.load(base.codebook), data, None)
    parts = {
        "tune": section.model_dump(mode="json", exclude={"trials", "minutes"}),
        "learning": [stage_key(stage) for stage in learning],
        "encoders": _encoders_of(section.space),
    }
    backend = JournalFileBackend(str(run.path / "trials.log"))
    pruner = optuna.pruners.MedianPruner(n_startup_trials=4)
    study = optuna.create_study(
        study_name=hashlib.sha256(to_json(parts)).hexdigest()[:16],
        direction="maximize",
        storage=optuna.storages.JournalStorage(backend),
        pruner=pruner if section.prune else optuna.pruners.NopPruner(),
        load_if_exists=True,
    )
    # A sampler that began anew after a stop would draw the first settings again.
    study.sampler = optuna.samplers.TPESampler(seed=base.seed + len(study.trials))
    return study


def _encoders_of(space: Mapping[str, Range | list[Any]]) -> dict[str, str]:
    """Return what the folders among the values hold: other weights are another encoder."""
    folders = {
        str(value)
        for key, values in space.items()
        if key.endswith("features.model") and isinstance(values, list)
        for value in values
        if Path(str(value)).expanduser().is_dir()
    }
    held = {}
    for folder in sorted(folders):
        try:
            held[folder] = find_encoder(folder).digest
        except PipelineError as error:  # it may be mended
            held[folder] = str(error)
    return held


def _left(study: "optuna.Study", section: Tune) -> int:
    if _is_exhausted(study, section.space):
        return 0
    return section.trials - len(_finished(study))


def _is_exhausted(study: "optuna.Study", space: Mapping[str, Range | list[Any]]) -> bool:
    finite = _finite(space)
    return finite is not None and len(_tried(study)) >= math.prod(map(len, finite.values()))


def _tried(study: "optuna.Study") -> set[bytes]:
    return {to_json(trial.user_attrs["changes"]) for trial in _finished(study)}


def _finished(study: "optuna.Study") -> list["optuna.trial.FrozenTrial"]:
    """Return the trials that say something: not those that were broken off."""
    from optuna.trial import TrialState

    return [
        trial for trial in study.trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
    ]


@contextmanager
def _group(config: Config, study: "optuna.Study") -> Iterator["GroupRun | None"]:
    """Yield the search's own run in MLflow; None where nothing is left to be recorded.

    A search that was stopped goes on in the run that it began in.
    """
    assert config.tune is not None
    begun = study.user_attrs.get(_RECORDED_IN)
    if not config.track.enabled or (begun is None and _left(study, config.tune) <= 0):
        yield None
        return
    from pipeline.tracking import group_run

    name = f"{config.name}: search"
    with group_run(name, config.description, config.track, Path(), begun) as group:
        study.set_user_attr(_RECORDED_IN, group.run_id)
        yield group


@dataclass(frozen=True)
class _Trials:
    """What all trials share."""

    load: Callable[[list[str]], Config]
    config: Config
    section: Tune
    run: RunFolder
    data: RunFolder
    told: Callable[[str, Outcome], None]
    group: "GroupRun | None"


def _try(study: "optuna.Study", trials: _Trials) -> None:
    from optuna.exceptions import TrialPruned
    from optuna.trial import TrialState

    trial, changes = _new_settings(study, trials.section.space)
    started = time.monotonic()
    trial.set_user_attr("changes", changes)
    mean: dict[str, float | None] = dict.fromkeys(_MEAN)
    scores: dict[str, Any] = {}
    curves: list[Point] = []
    state = TrialState.PRUNED
    try:
        mean, scores = _score(trial, changes, trials, curves)
        state = TrialState.COMPLETE
    except TrialPruned:
        pass
    except _UNFIT as error:
        trial.set_user_attr("refused", str(error))
    except BaseException:
        study.tell(trial, state=TrialState.FAIL)
        raise
    trial.set_user_attr("mean", mean)
    trial.set_user_attr("scores", scores)
    trial.set_user_attr("seconds", time.monotonic() - started)
    study.tell(trial, mean["macro_f1"], state)
    if trials.group is not None:
        status = "FINISHED" if state == TrialState.COMPLETE else "KILLED"
        name = f"{trials.config.name}: trial {trial.number}"
        trials.group.add(name, changes, _numbers(mean, scores), status, curves)


def _new_settings(
    study: "optuna.Study", space: Mapping[str, Range | list[Any]]
) -> "tuple[optuna.Trial, dict[str, Any]]":
    """Ask for settings that no finished trial had; there must be some.

    The sampler returns to what did well, and a small space has little else: what it offers again
    is left aside, and after some of that others are drawn evenly.
    """
    from optuna.trial import TrialState

    tried, finite, offers = _tried(study), _finite(space), 0
    while True:
        trial = study.ask()
        changes = {key: _suggest(trial, key, values) for key, values in space.items()}
        if to_json(changes) not in tried:
            return trial, changes
        study.tell(trial, state=TrialState.FAIL)
        offers += 1
        if finite and offers >= _OFFERS:
            study.enqueue_trial(_untried(space, finite, tried, seed=len(study.trials)))


def _finite(space: Mapping[str, Range | list[Any]]) -> dict[str, Sequence[int]] | None:
    """Return what optuna chooses among for each key, of a list its places; None if endless."""
    choices: dict[str, Sequence[int]] = {}
    for key, values in space.items():
        if isinstance(values, list):
            # A value that is named twice is one.
            choices[key] = list({to_json(value): at for at, value in enumerate(values)}.values())
        elif values.whole:
            choices[key] = range(math.ceil(values.low), math.floor(values.high) + 1)
        else:
            return None
    return choices


def _untried(
    space: Mapping[str, Range | list[Any]],
    finite: Mapping[str, Sequence[int]],
    tried: Container[bytes],
    seed: int,
) -> dict[str, int]:
    """Draw evenly among the settings that were not tried; there must be some."""
    draw = np.random.default_rng(seed)
    while True:
        chosen = {key: values[int(draw.integers(len(values)))] for key, values in finite.items()}
        changes = {
            key: values[chosen[key]] if isinstance(values, list) else chosen[key]
            for key, values in space.items()
        }
        if to_json(changes) not in tried:
            return chosen


def _suggest(trial: "optuna.Trial", key: str, space: Range | list[Any]) -> Any:
    if isinstance(space, list):
        # Values of any kind (lists too) are chosen by their place.
        return space[trial.suggest_categorical(key, list(range(len(space))))]
    if space.whole:
        return trial.suggest_int(key, math.ceil(space.low), math.floor(space.high), log=space.log)
    return trial.suggest_float(key, space.low, space.high, log=space.log)


def _score(
    trial: "optuna.Trial", changes: Mapping[str, Any], trials: _Trials, curves: "list[Point]"
) -> tuple[dict[str, float | None], dict[str, Any]]:
    """Return the mean and the tasks' scores on dev; what trainings said is added to `curves`."""
    name = f"{trial.number:03}"
    config = _of_a_trial(trials.load, changes)
    folder = trials.run.trial(name)
    link_data(trials.data, folder)
    told = functools.partial(trials.told, name)
    try:
        run_stages(config, folder, "train", told, _pruning(trial, curves))
        codebook = codebooks.load(config.codebook)
        heldout = read_table(folder.heldout)
        mean = mean_macro_f1(heldout, codebook, config.evaluate, config.seed)
        scored = evaluate(heldout, codebook, config.evaluate, config.seed, {})
    finally:
        # Models of all trials would fill the disk; the best one is trained again by its config.
        for left in (folder.features, folder.model, folder.blind_model, folder.checkpoints):
            shutil.rmtree(left, ignore_errors=True)
    return mean, {
        task: {key: scores[key] for key in _MEAN} for task, scores in scored[Side.DEV].items()
    }


def _pruning(
    trial: "optuna.Trial", curves: "list[Point]"
) -> Callable[[str], Callable[[Mapping[str, float], int], None]]:
    """Return what keeps curves, and ends a fine-tuning that does worse on dev than earlier ones."""
    from optuna.exceptions import TrialPruned

    from pipeline.tracking import Point

    def hear(training: str, numbers: Mapping[str, float], step: int) -> None:
        curves.append(Point.now(training, numbers, step))
        # A member of an ensemble says little of the whole.
        if training == MODEL_CURVE and "dev_macro_f1" in numbers:
            trial.report(numbers["dev_macro_f1"], round(numbers["epoch"]))
            if trial.should_prune():
                raise TrialPruned

    return lambda training: functools.partial(hear, training)


def _numbers(
    mean: Mapping[str, float | None], scores: Mapping[str, Mapping[str, float | None]]
) -> dict[str, float]:
    named = {f"dev/{key}": value for key, value in mean.items()} | {
        f"dev/{task}.{key}": value
        for task, values in scores.items()
        for key, value in values.items()
    }
    return {name: value for name, value in named.items() if value is not None}


def _found(
    study: "optuna.Study", load: Callable[[list[str]], Config], run: RunFolder, section: Tune
) -> Found:
    rows = [
        {
            "number": trial.number,
            "state": "refused" if "refused" in trial.user_attrs else trial.state.name.lower(),
            "changes": trial.user_attrs.get("changes", {}),
            **trial.user_attrs.get("mean", dict.fromkeys(_MEAN)),
            "scores": trial.user_attrs.get("scores", {}),
            "seconds": round(trial.user_attrs.get("seconds", 0.0), 1),
            **({"refused": why} if (why := trial.user_attrs.get("refused")) else {}),
        }
        for trial in _finished(study)
    ]
    complete = [row for row in rows if row["macro_f1"] is not None]
    best = max(complete, key=lambda row: (row["macro_f1"], -row["number"]), default=None)
    write_json(run.path / "trials.json", rows)
    path = run.path / "best.yaml"
    if best is not None:
        config = load(["tune=null", *Variant("", best["changes"]).overrides])
        with replacing(path) as temporary:
            # How MLflow is reached may hold a password, and is no part of the experiment.
            shown = config.model_dump(mode="json", exclude={"track": {"uri"}})
            text = yaml.safe_dump(shown, sort_keys=False)
            temporary.write_text(text, encoding="utf-8")
    is_exhausted = _is_exhausted(study, section.space)
    return Found(rows, best, path if best else None, is_exhausted)


def _summary(found: Found) -> dict[str, float]:
    """Return the best trial's scores with their intervals, and mean and range of all trials."""
    assert found.best is not None
    values = [row["macro_f1"] for row in found.trials if row["macro_f1"] is not None]
    return {
        **_numbers({key: found.best[key] for key in _MEAN}, found.best["scores"]),
        "trials/mean_macro_f1": float(np.mean(values)),
        "trials/min_macro_f1": float(np.min(values)),
        "trials/max_macro_f1": float(np.max(values)),
    }

"""The same experiment with several seeds or folds, and what its scores are on average."""

import functools
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pipeline.artifacts import RunFolder, read_json, write_json
from pipeline.config import Config
from pipeline.stages.run import run_stages
from pipeline.stages.runner import Outcome
from pipeline.stages.variants import link_data, of_seeds_and_folds

AVERAGED: Final = ("macro_f1", "micro_f1", "accuracy", "ece", "log_loss", "target_blind_delta",
                   "target_swap_flip_rate")  # fmt: skip


# The luckiest of several seeds is no better a model: none of them becomes the champion.
_IN_A_REPEAT: Final = ("repeat=null", "track.promote=never")
# Where scores can be, but for those between 0 and 1: a few values may give an interval beyond.
_BOUNDS: Final = {"log_loss": (0.0, math.inf), "target_blind_delta": (-1.0, 1.0)}


def run_repeats(
    load: Callable[[list[str]], Config],
    config: Config,
    run: RunFolder,
    last: str,
    told: Callable[[str, Outcome], None],
) -> dict[str, Any]:
    """Run the experiment once for each seed and fold in `run`/repeats; return the mean scores.

    `load` makes the config again with overrides. The summary is in `run`/repeats.json: for each
    side, task and score the mean, the standard deviation, and an interval of the mean (Student's
    t) that says how far it depends on the seeds or folds. Cost: that of one run, times as many.
    """
    assert config.repeat is not None
    folds = config.split.folds if config.repeat.folds and config.split.by == "folds" else None
    variants = of_seeds_and_folds(config.repeat.seeds, folds)
    scores = []
    first: RunFolder | None = None
    anew = False
    for variant in variants:
        folder = run.repeat(variant.name)
        if first is not None:
            link_data(first, folder)
        first = first or folder
        repeated = load([*_IN_A_REPEAT, *variant.overrides])
        outcomes = run_stages(repeated, folder, last, functools.partial(told, variant.name))
        anew = anew or not outcomes[-1].skipped
        scores.append(read_json(folder.metrics))
    summary: dict[str, Any] = {
        "repeats": [variant.name for variant in variants],
        "scores": summarise(scores, config.evaluate.confidence),
    }
    write_json(run.repeats, summary)
    if last == "track" and config.track.enabled and anew:
        _group(config, [run.repeat(variant.name) for variant in variants], summary["scores"])
    return summary


def _group(config: Config, folders: list[RunFolder], scores: dict[str, Any]) -> None:
    """Show the recorded runs below one with their means."""
    from pipeline.tracking import group_run

    name = f"{config.name}: {len(folders)} repeats"
    with group_run(name, config.description, config.track, Path()) as group:
        for folder in folders:
            group.adopt(read_json(folder.tracking)["run_id"])
        numbers = {
            f"{side}/{task}.macro_f1{part}": value
            for side, tasks in scores.items()
            for task, values in tasks.items()
            for part, key in (("", "mean"), ("_low", "low"), ("_high", "high"))
            if (value := values["macro_f1"][key]) is not None
        }
        group.tell({}, numbers)


def summarise(scores: list[dict[str, Any]], confidence: float) -> dict[str, Any]:
    """Return {side: {task: {score: {mean, deviation, low, high, values}}}} of several metrics."""
    summary: dict[str, Any] = {}
    for side in sorted({side for score in scores for side in score}):
        tasks = sorted({task for score in scores for task in score.get(side, {})})
        summary[side] = {
            task: {
                name: _summary(name, values, confidence)
                for name in AVERAGED
                if (values := _values(scores, side, task, name))
            }
            for task in tasks
        }
    return summary


def _values(scores: list[dict[str, Any]], side: str, task: str, name: str) -> list[float]:
    values = [score.get(side, {}).get(task, {}).get(name) for score in scores]
    return [value for value in values if value is not None]


def _summary(name: str, values: list[float], confidence: float) -> dict[str, Any]:
    return mean_of(values, confidence, _BOUNDS.get(name, (0.0, 1.0)))


def mean_of(values: list[float], confidence: float, bounds: tuple[float, float]) -> dict[str, Any]:
    """Return the mean of values between `bounds`, its interval (Student's t), and the values."""
    from scipy.stats import t

    mean = statistics.fmean(values)
    if len(values) < 2:
        return {"mean": mean, "deviation": None, "low": None, "high": None, "values": values}
    deviation = statistics.stdev(values)
    reach = float(t.ppf((1 + confidence) / 2, len(values) - 1)) * deviation / len(values) ** 0.5
    lowest, highest = bounds
    return {
        "mean": mean,
        "deviation": deviation,
        "low": max(lowest, mean - reach),
        "high": min(highest, mean + reach),
        "values": values,
    }

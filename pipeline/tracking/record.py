"""What is recorded of a run, in plain values, and where it was recorded."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from pipeline.records import Side, is_test

Scalar: TypeAlias = str | int | float | bool
Scores: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Any]]]

# The few numbers that runs are compared by, in the order of their columns. All others are in the
# run's metrics.json and in the table of labels: a chart for each would bury these.
HEADLINES: Final = (
    "macro_f1",
    "macro_f1_low",
    "macro_f1_high",
    "accuracy",
    "ece",
    "target_blind_delta",
    "target_swap_flip_rate",
)
DEV_HEADLINES: Final = ("macro_f1",)

# MLflow cuts longer values with a warning.
LONGEST_PARAM: Final = 6000
# Of the 36 characters that MLflow would take, as many as its lists have room for.
DIGEST_SHOWN: Final = 12


@dataclass(frozen=True)
class Dataset:
    """The examples of one side, as they are listed with the run."""

    side: str
    digest: str
    rows: int
    source: str = ""  # the file that they are in


@dataclass(frozen=True)
class RunRecord:
    """One run, as it goes into MLflow. Its keys become the same names in every run."""

    name: str
    description: str
    params: Mapping[str, Scalar]  # the flattened config
    metrics: Scores  # metrics.json: {side: {task: {metric: value}}}
    codebook: str  # name and version, such as `news 1.2`
    model_version: str
    model_name: str  # in the registry, where the config names none
    bundle: Path
    tasks: Mapping[str, Sequence[str]]  # the labels of each task
    behaviour: Sequence[Mapping[str, Any]] = ()  # the tests in behaviour.json
    datasets: Sequence[Dataset] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, Path] = field(default_factory=dict)  # name at the root → file
    errors: Sequence[Mapping[str, Any]] = ()  # rows with the same keys
    card: str = ""  # the model card, shown with the registered version
    training_run: str | None = None  # of LiveCurves, to be shown below this one


@dataclass(frozen=True)
class Tracked:
    """Where MLflow has the run and its model."""

    run_id: str
    experiment_id: str
    uri: str
    url_path: str  # the page that compares the experiment's runs, to be put after the server's host
    registered_model: str
    version: str

    def as_dict(self) -> dict[str, str]:
        """Return the fields as plain values."""
        return asdict(self)


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Scalar]:
    """Return the nested `config` with dotted keys; lists as text with commas, None as `none`."""
    flat: dict[str, Scalar] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{name}.")
        elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
            flat |= flatten({str(place): item for place, item in enumerate(value)}, f"{name}.")
        elif isinstance(value, list | tuple):
            flat[name] = ",".join(map(_plain_text, value)) or "none"
        elif isinstance(value, bool | int | float):
            flat[name] = value
        else:
            flat[name] = _plain_text(value)
    return flat


def _plain_text(value: object) -> str:
    if value is None or value == "":
        return "none"
    return param_text(value) if isinstance(value, bool) else str(value)


def param_text(value: object) -> str:
    """Return a parameter as MLflow shall show it: booleans as YAML writes them, not too long."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= LONGEST_PARAM else f"{text[: LONGEST_PARAM - 1]}…"


def headline_metrics(scores: Scores) -> dict[str, float]:
    """Return the headline numbers as `test/topic.macro_f1`; MLflow groups charts by the side."""
    return {
        f"{side}/{slug(task)}.{name}": value
        for side, tasks in scores.items()
        if side == Side.DEV or is_test(side)
        for task, task_scores in tasks.items()
        for name in (DEV_HEADLINES if side == Side.DEV else HEADLINES)
        if (value := _number(task_scores.get(name))) is not None
    }


def behaviour_metrics(tests: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the share of failing cases by task and kind: `test/stance.invariance_failure_rate`.

    Each test has its row in `behaviour_rows`.
    """
    counts: dict[str, list[int]] = {}
    for test in tests:
        name = f"{Side.TEST}/{slug(test['task'])}.{test['kind']}_failure_rate"
        cases, failures = counts.setdefault(name, [0, 0])
        counts[name] = [cases + test["n"], failures + test["failures"]]
    return {name: failures / cases for name, (cases, failures) in sorted(counts.items()) if cases}


def behaviour_rows(tests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per test of behaviour, its first column unique and its second the rate."""
    return [
        {"test": test["name"], "failure_rate": test["failure_rate"], **_scalars(test)}
        for test in tests
    ]


def label_rows(scores: Scores) -> list[dict[str, Any]]:
    """Return one row per side, task and label, its first column unique and its second the F1.

    MLflow's table view groups by the first column and compares the second.
    """
    return [
        {"label": f"{side}/{task}: {label}", "f1": numbers.get("f1"), **_scalars(numbers)}
        for side, tasks in scores.items()
        for task, task_scores in tasks.items()
        for label, numbers in _labels_of(task_scores)
    ]


def slice_rows(scores: Scores) -> list[dict[str, Any]]:
    """Return one row per side, task and slice, its first column unique and its second the score."""
    return [
        {"slice": f"{side}/{task}: {by} {name}", "accuracy": row["accuracy"], **_scalars(row)}
        for side, tasks in scores.items()
        for task, task_scores in tasks.items()
        for by, slices in (task_scores.get("slices") or {}).get("by", {}).items()
        for name, row in slices.items()
    ]


def _labels_of(task_scores: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    labels = task_scores.get("labels")
    if isinstance(labels, Mapping):
        yield from ((name, row) for name, row in labels.items() if isinstance(row, Mapping))


def _scalars(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if isinstance(value, Scalar | None)}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def slug(text: str) -> str:
    """Return `text` with what MLflow forbids in names replaced by `-`."""
    return re.sub(r"[^\w.\- ]", "-", text)

"""Runs side by side, from their folders."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.artifacts import RunFolder, read_json, read_table, to_json
from pipeline.bundle import load_bundle
from pipeline.config import Evaluate
from pipeline.errors import PipelineError
from pipeline.evaluate import Comparison, Cost, compare, comparison_page
from pipeline.stages.speed import examples_per_second, megabytes
from pipeline.tracking import Tracked, log_comparison

PAGE = "comparison.html"
NUMBERS = "comparison.json"


def compare_runs(runs: Sequence[RunFolder], *, speed: bool = False) -> tuple[Comparison, Evaluate]:
    """Compare each run with the first one; return the first one's `evaluate` too.

    With `speed` all models answer the same examples in turn: seconds for n-grams, and up to
    minutes for encoders.
    """
    if len(runs) < 2:
        raise PipelineError("compare needs two runs or more: slant compare runs/a runs/b")
    if len({run.path for run in runs}) < len(runs):
        raise PipelineError("compare: a run is named twice")
    named = {str(run.path): (read_json(run.metrics), read_table(run.predictions)) for run in runs}
    config = read_json(runs[0].config)
    section = Evaluate.model_validate(config["evaluate"])
    comparison = compare(named, section, config["seed"])
    return replace(comparison, costs=_costs(runs, speed=speed)), section


def _costs(runs: Sequence[RunFolder], *, speed: bool) -> Mapping[str, Cost]:
    speeds: Sequence[float | None] = [None] * len(runs)
    if speed:
        speeds = examples_per_second([load_bundle(run.model) for run in runs], runs[0])
    return {
        str(run.path): Cost(each, megabytes(run)) for run, each in zip(runs, speeds, strict=True)
    }


def record_comparison(
    comparison: Comparison, section: Evaluate, runs: Sequence[RunFolder], folder: Path
) -> None:
    """Add the comparison to the recorded run of each but the first: numbers, page and JSON.

    PipelineError names a run that is not recorded in MLflow; nothing is written then.
    """
    for run in runs[1:]:
        if not run.tracking.is_file():
            raise PipelineError(
                f"{run.path}: not recorded in MLflow; slant run CONFIG --run {run.path} first"
            )
    with tempfile.TemporaryDirectory() as holder:
        page, numbers = Path(holder) / PAGE, Path(holder) / NUMBERS
        page.write_text(comparison_page(comparison, section), encoding="utf-8")
        numbers.write_bytes(to_json(comparison.as_dict()))
        for run in runs[1:]:
            tracked = Tracked(**read_json(run.tracking))
            found = _metrics(comparison, str(run.path))
            log_comparison(tracked, runs[0].label(), found, [page, numbers], folder)


def _metrics(comparison: Comparison, run: str) -> dict[str, float]:
    """Return the run's differences to the first one, by `<side>.<task>.<number>`."""
    return {
        f"{row.side}.{row.task}.{name}": value
        for row in comparison.rows
        if row.run == run
        for name in ("difference", "difference_low", "difference_high", "p_value")
        if (value := getattr(row, name)) is not None
    }

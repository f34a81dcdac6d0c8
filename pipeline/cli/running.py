"""Commands that run an experiment, or one of its stages."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from pipeline.cli.app import AsJson, ConfigFile, Overrides, RunOption, app, print_json
from pipeline.cli.tables import aligned, interval, number

if TYPE_CHECKING:
    from pipeline.artifacts import RunFolder
    from pipeline.config import Config
    from pipeline.stages import Outcome


@app.command()
def run(
    config: ConfigFile,
    overrides: Overrides = None,
    folder: RunOption = None,
    as_json: AsJson = False,
) -> None:
    """Run all stages of an experiment: ingest to MLflow. What is unchanged is skipped.

    \b
      slant run configs/default.yaml
      slant run configs/default.yaml --set features.words=1 --run runs/unigrams
      slant run configs/default.yaml --set track.enabled=false --json
    """
    run_to("track", config, overrides, folder, as_json)


@app.command()
def tune(
    config: ConfigFile,
    overrides: Overrides = None,
    folder: RunOption = None,
    as_json: AsJson = False,
) -> None:
    """Look for better settings in the space that the config's section tune declares.

    Settings are judged on dev; test is never read. A search that was stopped goes on.

    \b
      slant tune configs/tune.yaml
      slant tune configs/tune.yaml --set tune.trials=50 --set tune.minutes=60
      slant run runs/tune-search/best.yaml
    """
    from pipeline import config as configs
    from pipeline.artifacts import RunFolder
    from pipeline.stages import search

    given = overrides or []
    chosen = configs.load(config, given)
    run = RunFolder.of(folder, f"{chosen.name}-search")
    found = search(lambda more: configs.load(config, [*given, *more]), chosen, run, _tell_of)
    if as_json:
        print_json(
            {
                "trials": found.trials,
                "best": found.best,
                "config": str(found.config),
                "exhausted": found.is_exhausted,
            }
        )
        return
    typer.echo(_trials_table(found.trials))
    for trial in found.trials:
        if "refused" in trial:
            typer.echo(f"refused    trial {trial['number']}: {trial['refused']}", err=True)
    if found.is_exhausted:
        typer.echo("exhausted  every setting of tune.space was tried", err=True)
    assert found.best is not None
    typer.echo(f"\nbest       trial {found.best['number']}: {_changes(found.best['changes'])}")
    typer.echo(f"run it     slant run {found.config}")


def _tell_of(which: str, outcome: "Outcome") -> None:
    if outcome.stage in ("train", "evaluate", "track"):
        typer.echo(f"{which:<10} ", nl=False, err=True)
        tell(outcome)


def _trials_table(trials: list[dict[str, Any]]) -> str:
    rows = [["trial", "settings", "dev macro-F1", "interval", "seconds", "state"]]
    rows += [
        [
            str(trial["number"]),
            _changes(trial["changes"]),
            number(trial["macro_f1"]),
            interval(trial["macro_f1_low"], trial["macro_f1_high"]),
            f"{trial['seconds']:.0f}",
            trial["state"],
        ]
        for trial in sorted(trials, key=lambda row: -(row["macro_f1"] or -1))
    ]
    return aligned(rows)


def _changes(changes: dict[str, Any]) -> str:
    return ", ".join(
        f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}"
        for key, value in changes.items()
    )


def _add_stage_command(stage: str, does: str) -> None:
    def command(
        config: ConfigFile,
        overrides: Overrides = None,
        folder: RunOption = None,
        as_json: AsJson = False,
    ) -> None:
        run_to(stage, config, overrides, folder, as_json)

    command.__doc__ = f"""{does}

    Runs the stages before it too, unless they are up to date.

    \b
      slant {stage} configs/default.yaml
      slant {stage} configs/default.yaml --run runs/trial
    """
    app.command(stage)(command)


for _stage, _does in {
    "ingest": "Read the sources into articles.parquet, and what cannot be read into rejects.jsonl.",
    "split": "Put each article on the train, dev or test side.",
    "audit": "Look for leaks between the sides, and for what gives the labels away.",
    "featurize": "Fit the features on the train side.",
    "train": "Train the model of each task.",
    "evaluate": "Score the test side: metrics.json, predictions.parquet, report.html.",
}.items():
    _add_stage_command(_stage, _does)


def run_to(
    last: str, config_file: Path, overrides: list[str] | None, folder: Path | None, as_json: bool
) -> None:
    from pipeline import config as configs
    from pipeline.artifacts import RunFolder, read_json
    from pipeline.stages import run_stages

    config = configs.load(config_file, overrides or [])
    run_folder = RunFolder.of(folder, config.name)
    if config.repeat is not None and last in ("evaluate", "track"):
        _run_repeats(config_file, overrides or [], config, run_folder, last, as_json)
        return
    if config.repeat is not None:
        typer.echo("once       repeat is for evaluate and run; this is one run", err=True)
    outcomes = run_stages(config, run_folder, last, tell)
    metrics = read_json(run_folder.metrics) if last in ("evaluate", "track") else {}
    if as_json:
        print_json(
            {
                "run": str(run_folder.path),
                "stages": [vars(outcome) for outcome in outcomes],
                "metrics": metrics,
            }
        )
        return
    if metrics:
        typer.echo(_scores_table(metrics, config.evaluate.confidence))
    if last == "audit":
        typer.echo(_findings_table(read_json(run_folder.audit)["findings"]))
    _where(run_folder, last, config)


def _run_repeats(
    config_file: Path,
    overrides: list[str],
    config: "Config",
    run: "RunFolder",
    last: str,
    as_json: bool,
) -> None:
    from pipeline import config as configs
    from pipeline.stages import run_repeats

    summary = run_repeats(
        lambda more: configs.load(config_file, [*overrides, *more]), config, run, last, _tell_of
    )
    if as_json:
        print_json({"run": str(run.path), **summary})
        return
    rows = [["side/task", "repeats", "macro-F1", "deviation", "interval of the mean", "accuracy"]]
    for side, tasks in summary["scores"].items():
        for task, scores in tasks.items():
            f1 = scores["macro_f1"]
            rows.append(
                [
                    f"{side}/{task}",
                    str(len(f1["values"])),
                    number(f1["mean"]),
                    number(f1["deviation"]),
                    interval(f1["low"], f1["high"]),
                    number(scores["accuracy"]["mean"]),
                ]
            )
    typer.echo(aligned(rows))
    typer.echo(f"\nruns       {run.path / 'repeats'}")
    typer.echo(f"scores     {run.repeats}")


def tell(outcome: "Outcome") -> None:
    took = "unchanged, skipped" if outcome.skipped else f"{outcome.seconds:.1f} s"
    typer.echo(f"{outcome.stage:<10} {outcome.summary}  [{took}]", err=True)


def _scores_table(metrics: dict[str, Any], confidence: float) -> str:
    head = f"{100 * confidence:g} % interval"
    rows = [["side/task", "n", "macro-F1", head, "accuracy", "ECE", "majority", "blind"]]
    coded = any("coders" in values for tasks in metrics.values() for values in tasks.values())
    rows[0] += ["kappa (coders)"] if coded else []
    for side, tasks in metrics.items():
        for task, values in tasks.items():
            majority = ((values.get("baselines") or {}).get("majority") or {}).get("macro_f1")
            rows.append(
                [
                    f"{side}/{task}",
                    str(values["n"]),
                    number(values["macro_f1"]),
                    interval(values.get("macro_f1_low"), values.get("macro_f1_high")),
                    number(values["accuracy"]),
                    number(values["ece"]),
                    number(majority),
                    number((values.get("target_blind") or {}).get("macro_f1")),
                    *([_kappas(values.get("coders"))] if coded else []),
                ]
            )
    return aligned(rows)


def _kappas(coders: dict[str, Any] | None) -> str:
    """Return how well the model agrees with single coders, and they with one another."""
    if coders is None or coders["coder_kappa"] is None:
        return "–"
    return f"{number(coders['model_kappa'])} ({number(coders['coder_kappa'])})"


def _findings_table(findings: list[dict[str, Any]]) -> str:
    rows = [
        [each["severity"], each["check"], "/".join(filter(None, (each["side"], each["task"])))]
        for each in findings
    ]
    lines = aligned([["", "check", "side/task"], *rows]).splitlines()
    told = ["finding", *(each["summary"] for each in findings)]
    return "\n".join(f"{line}  {what}" for line, what in zip(lines, told, strict=True))


def _where(run: "RunFolder", last: str, config: "Config") -> None:
    typer.echo(f"\nrun        {run.path}")
    if last in ("evaluate", "track"):
        typer.echo(f"report     {run.report}")
        typer.echo(f"scores     {run.metrics}")
        typer.echo(f"model      {run.model}")
        typer.echo(f"predict    slant predict FILE… --model {run.model} --output out.parquet")
    if last == "track" and config.track.enabled:
        typer.echo("compare    slant ui   (or: make ui)")

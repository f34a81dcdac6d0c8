"""The command that tests what a model does."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.app import AsJson, Overrides, RunOption, app, print_json
from pipeline.cli.running import tell
from pipeline.cli.tables import aligned, interval, number
from pipeline.errors import PipelineError


@app.command()
def behave(
    config: Annotated[
        Path | None, typer.Argument(metavar="[CONFIG]", help="The experiment's YAML file.")
    ] = None,
    overrides: Overrides = None,
    folder: RunOption = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="BUNDLE_OR_URI", help="Test this model, without a config."),
    ] = None,
    suites: Annotated[
        list[str] | None,
        typer.Option(
            "--suite", metavar="FILE", help="With --model: a suite, or general; may be repeated."
        ),
    ] = None,
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--articles",
            metavar="SOURCE",
            help="With --model: articles to test on; may be repeated.",
        ),
    ] = None,
    shown: Annotated[
        int, typer.Option("--examples", min=0, max=20, help="Failing cases to print of each test.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Test what the model does: answers beyond doubt, and what a change of the text does to them.

    With a config it runs the stages before it too, unless they are up to date.

    \b
      slant behave configs/default.yaml --examples 3
      slant behave --model runs/default/model --suite general --articles new.jsonl
      slant behave --model models:/slant-alliances@champion --suite configs/behaviour/alliances.yaml
    """
    if (config is None) == (model is None):
        raise PipelineError(
            "behave needs a config or a model: slant behave CONFIG, or slant behave --model MODEL"
        )
    if config is not None:
        if suites or sources:
            raise PipelineError(
                "--suite and --articles go with --model; a config names its suites in "
                "behaviour.suites, and has its own articles"
            )
        found = _behaviour_of_run(config, overrides or [], folder)
    else:
        if overrides or folder:
            raise PipelineError("--set and --run go with a config, not with --model")
        found = _behaviour_of_model(str(model), suites or ["general"], sources or [])
    if as_json:
        print_json(found)
        return
    typer.echo(_behaviour_table(found))
    for test in found["tests"]:
        _tell_failures(test, shown)


def _behaviour_of_run(config_file: Path, overrides: list[str], folder: Path | None) -> Any:
    from pipeline import config as configs
    from pipeline.artifacts import RunFolder, read_json
    from pipeline.stages import run_stages

    config = configs.load(config_file, overrides)
    run = RunFolder.of(folder, config.name)
    run_stages(config, run, "behave", tell)
    return read_json(run.behaviour)


def _behaviour_of_model(model: str, suites: list[str], sources: list[str]) -> Any:
    from pipeline.behaviour import load_suites
    from pipeline.config import Behaviour, Evaluate
    from pipeline.stages.behaving import articles_of, behaviour_of
    from pipeline.stages.predictions import open_bundle

    if "" in (model, *suites, *sources):
        raise PipelineError("--model, --suite or --articles is empty; is a shell variable unset?")
    bundle = open_bundle(model, Path())
    loaded = load_suites(suites, bundle.codebook)
    if not sources and all(test.on_articles for suite in loaded for test in suite.tests.values()):
        raise PipelineError(
            f"--suite {suites[0]}: all of its tests are on articles; name some with --articles"
        )
    articles, rejects = articles_of(sources, bundle)
    if rejects:
        first, rows = rejects[0], "row" if len(rejects) == 1 else "rows"
        typer.echo(
            f"{len(rejects):,} {rows} could not be read; the first is "
            f"{first.source}:{first.place}: {first.reason}",
            err=True,
        )
    return behaviour_of(bundle, loaded, articles, Behaviour(), Evaluate().confidence)


def _behaviour_table(found: dict[str, Any]) -> str:
    head = f"{100 * found['confidence']:g} % interval"
    rows = [["test", "kind", "task", "n", "left out", "clusters", "failures", "rate", head]]
    rows[0] += ["allowed", "passed"]
    rows += [
        [
            test["name"],
            test["kind"],
            test["task"],
            str(test["n"]),
            str(sum(test["left_out"].values())),
            str(test["clusters"]),
            str(test["failures"]),
            number(test["failure_rate"]),
            interval(test["failure_rate_low"], test["failure_rate_high"]),
            number(test["allow"]),
            {True: "yes", False: "NO", None: "–"}[test["passed"]],
        ]
        for test in found["tests"]
    ]
    return aligned(rows)


def _tell_failures(test: dict[str, Any], most: int) -> None:
    for example in test["examples"][:most]:
        about = f", {example['target']}" if example["target"] else ""
        typer.echo(f"\n{test['name']}: {example['id']}{about}; expected {test['expected']}")
        for when in ("before", "after"):
            if example[when] is not None:
                likely = ", ".join(
                    f"{label} {number(value)}"
                    for label, value in example[f"probabilities_{when}"].items()
                )
                answer = example[f"answer_{when}"] or "none"
                typer.echo(f"  {when:<6} {answer} ({likely}): {example[when]}")

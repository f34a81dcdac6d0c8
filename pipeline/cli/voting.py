"""The command about labelling functions: `slant label functions`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.app import AsJson, Overrides, RunOption, print_json
from pipeline.cli.labelling import label_app
from pipeline.cli.running import tell
from pipeline.cli.tables import aligned, interval, number
from pipeline.errors import PipelineError


@label_app.command()
def functions(
    source: Annotated[
        Path,
        typer.Argument(metavar="CONFIG_OR_RUN", help="The experiment's YAML file, or a run."),
    ],
    overrides: Overrides = None,
    folder: RunOption = None,
    as_json: AsJson = False,
) -> None:
    """Say how often each labelling function votes, and how often it is right.

    Of a config, runs the stages up to the votes, unless they are up to date. All shares are of the
    examples on the train side, and so is the gold that accuracy is of: test stays unseen.

    \b
      slant label functions configs/rules.yaml
      slant label functions runs/rules --json
    """
    from pipeline.artifacts import RunFolder, read_json

    if source.is_dir():
        if overrides or folder:
            raise PipelineError("--set and --run are for a config; a run is told as it is")
        run = RunFolder(source)
        if not run.vote_account.exists():
            raise PipelineError(f"{source}: has no {run.vote_account.name}; nothing voted there")
    else:
        run = _run_to_votes(source, overrides or [], folder)
    account = read_json(run.vote_account)
    if as_json:
        print_json({"run": str(run.path), **account})
        return
    for task, told in account["tasks"].items():
        typer.echo(
            f"{task}: {told['examples']:,} examples on the train side, {told['gold']:,} with gold; "
            f"{told['covered']:.1%} have a vote, {told['soft_labels']:,} without gold"
        )
        typer.echo(_table(told) + "\n")
    _tell_endpoint(account.get("endpoint"))
    typer.echo(f"votes      {run.votes}")


def _run_to_votes(config_file: Path, overrides: list[str], folder: Path | None) -> Any:
    from pipeline import codebook as codebooks
    from pipeline import config as configs
    from pipeline.artifacts import RunFolder
    from pipeline.stages import run_stages
    from pipeline.stages.voting import anything_votes

    config = configs.load(config_file, overrides)
    if not anything_votes(config, codebooks.load(config.codebook)):
        raise PipelineError(
            f"{config_file}: nothing votes: write 'rules' beside the labels of {config.codebook}, "
            "or set label.functions, label.zero_shot or label.endpoint"
        )
    run = RunFolder(folder if folder is not None else Path("runs") / config.name)
    run_stages(config, run, "vote", tell)
    return run


def _table(told: dict[str, Any]) -> str:
    rows = [["function", "votes for", "coverage", "overlap", "conflict", "n", "accuracy", ""]]
    rows += [
        [
            each["function"],
            _few(each["labels"]),
            *(number(each[name]) for name in ("coverage", "overlap", "conflict")),
            *_accuracy(each),
        ]
        for each in told["functions"]
    ]
    rows += [
        [f"= {name.replace('_', ' ')}", "", number(each["coverage"]), "", "", *_accuracy(each)]
        for name, each in told["combined"].items()
    ]
    return aligned(rows)


def _few(labels: list[str]) -> str:
    if not labels:  # it never votes
        return "–"
    return labels[0] if len(labels) == 1 else f"{len(labels)} labels"


def _accuracy(each: dict[str, Any]) -> list[str]:
    return [
        str(each["n"]),
        number(each["accuracy"]),
        interval(each["accuracy_low"], each["accuracy_high"]),
    ]


def _tell_endpoint(tally: dict[str, Any] | None) -> None:
    if tally is None:
        return
    cost = "" if tally["cost"] is None else f", cost {tally['cost']:.4f}"
    typer.echo(
        f"endpoint   {tally['asked']:,} questions, {tally['from_cache']:,} from the cache, "
        f"{tally['requests']:,} requests, {tally['input_tokens']:,} tokens in and "
        f"{tally['output_tokens']:,} out{cost}"
    )
    for reason, count in tally["failures"].items():
        typer.echo(f"           {count:,} without an answer: {reason}")
    if tally["stopped"]:
        typer.echo(f"           stopped: {tally['stopped']}")

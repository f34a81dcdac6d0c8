"""The command about labelling functions: `slant label functions`."""

from typing import Any

import typer

from pipeline.cli.app import AsJson, ConfigOrRun, Overrides, RunOption, print_json
from pipeline.cli.labelling import label_app
from pipeline.cli.running import tell
from pipeline.cli.tables import aligned, interval, number


@label_app.command()
def functions(
    source: ConfigOrRun,
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
    from pipeline.artifacts import read_json
    from pipeline.errors import DataError
    from pipeline.stages import open_run

    run = open_run(source, overrides or [], folder, "vote", tell)
    account = read_json(run.vote_account)
    endpoint = account.get("endpoint")
    if endpoint is not None and "not_asked" not in endpoint:
        raise DataError(
            f"{run.vote_account}: written by an earlier version; run slant label functions CONFIG"
        )
    if as_json:
        print_json({"run": str(run.path), **account})
        return
    for task, told in account["tasks"].items():
        typer.echo(
            f"{task}: {told['examples']:,} examples on the train side, {told['gold']:,} with gold; "
            f"{told['covered']:.1%} have a vote, {told['soft_labels']:,} without gold"
        )
        typer.echo(_table(told) + "\n")
    _tell_endpoint(endpoint)
    typer.echo(f"votes      {run.votes}")


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
        f"endpoint   {tally['questions']:,} questions, {tally['from_cache']:,} from the cache, "
        f"{tally['requests']:,} requests, {tally['input_tokens']:,} tokens in and "
        f"{tally['output_tokens']:,} out{cost}"
    )
    for reason, count in tally["failures"].items():
        typer.echo(f"           {count:,} without an answer: {reason}")
    if tally["stopped"]:
        left = f"; {tally['not_asked']:,} not asked" if tally["not_asked"] else ""
        typer.echo(f"           stopped: {tally['stopped']}{left}")

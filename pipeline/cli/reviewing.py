"""Commands that list the examples which people should look at."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import AsJson, ConfigOrRun, Overrides, RunOption, print_json
from pipeline.cli.labelling import label_app
from pipeline.cli.running import tell
from pipeline.cli.tables import aligned
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN = 10

Tasks = Annotated[
    list[str] | None,
    typer.Option("--task", metavar="TASK", help="This task only; may be repeated."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="Write the worklist to this file (JSONL)."),
]


@label_app.command()
def errors(
    where: ConfigOrRun,
    tasks: Tasks = None,
    output: Output = None,
    test: Annotated[
        bool, typer.Option("--test", help="Doubt the answers of the test sides instead.")
    ] = False,
    overrides: Overrides = None,
    folder: RunOption = None,
    as_json: AsJson = False,
) -> None:
    """List the coders' answers that are likely wrong, the most doubtful first.

    Models of the run's own kind answer examples that they did not learn from, fold by fold. Nothing
    is changed: the list is for coders to look at again. On the test sides it names no other answer.

    \b
      slant label errors configs/default.yaml --output doubts.jsonl
      slant label errors runs/default --task topic
      slant label errors runs/default --test --output again.jsonl
    """
    from pipeline.stages.reviewing import (
        in_turns,
        likely_errors,
        open_project,
        stand_in,
        tasks_asked,
    )

    _check_output(output)
    project = open_project(where, overrides or [], folder, tell)
    if told := stand_in(project):
        typer.echo(told, err=True)
    found = {
        view.task: likely_errors(project, view, test=test)
        for view in tasks_asked(project.codebook, tasks or [])
    }
    if not any(each.judged + each.strangers for each in found.values()):
        sides = "a test side" if test else "train or dev"
        raise PipelineError(f"{where}: no example on {sides} is coded, so no answer can be wrong")
    worklist = in_turns([doubts.worklist for doubts in found.values()])
    rows = [["task", "judged", "in the list", "not judged"]]
    rows += [
        [task, f"{each.judged:,}", f"{len(each.worklist):,}", f"{each.strangers:,}"]
        for task, each in found.items()
    ]
    by_task = {
        task: {
            "judged": each.judged,
            "listed": len(each.worklist),
            "not_judged": each.strangers,
        }
        for task, each in found.items()
    }
    _give(worklist, output, rows, by_task, as_json)
    if any(each.strangers for each in found.values()) and not as_json:
        typer.echo("not judged: no example of another fold has this label", err=True)


@label_app.command()
def queue(
    where: ConfigOrRun,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="BUNDLE_OR_URI",
            help="Whose doubts count, several for their disagreement; the run's own by default.",
        ),
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", min=1, help="Examples; the config's by default.")
    ] = None,
    tasks: Tasks = None,
    output: Output = None,
    at_random: Annotated[
        bool, typer.Option("--random", help="A uniform sample, for a test side or an estimate.")
    ] = False,
    side: Annotated[
        str | None, typer.Option("--side", metavar="SIDE", help="With --random: of this side only.")
    ] = None,
    overrides: Overrides = None,
    folder: RunOption = None,
    as_json: AsJson = False,
) -> None:
    """Pick what to code next among the examples that nobody has coded, from the train side.

    What the models are unsure of or disagree on, labels that few examples have, many outlets, texts
    that are not alike, no two from a story; without a model a list that is spread over all there
    is. What was picked like this is no test set: --random draws one.

    \b
      slant label queue configs/default.yaml --size 50 --output next.jsonl
      slant label queue runs/default --model runs/default/model --model runs/static/model
      slant label queue runs/default --random --side test --size 200 --output test.jsonl
    """
    from pipeline.stages.predictions import open_bundle
    from pipeline.stages.reviewing import (
        drawn_at_random,
        in_turns,
        next_to_code,
        open_project,
        shares,
        tasks_asked,
    )

    _check_output(output)
    _check_options(models or [], side, at_random)
    project = open_project(where, overrides or [], folder, tell)
    views = tasks_asked(project.codebook, tasks or [])
    wanted = shares(project.config.review.queue.size if size is None else size, len(views))
    named = models or ([str(project.run.model)] if project.run.model.exists() else [])
    bundles = [] if at_random else [open_bundle(name, Path()) for name in named]
    found = {
        view.task: drawn_at_random(project, view, side, count)
        if at_random
        else next_to_code(project, view, bundles, count)
        for view, count in zip(views, wanted, strict=True)
    }
    rows = [["task", "waiting", "in the list", "picked by"]]
    rows += [
        [task, f"{each.waiting:,}", f"{len(each.worklist):,}", each.by]
        for task, each in found.items()
    ]
    by_task = {
        task: {"waiting": each.waiting, "listed": len(each.worklist), "by": each.by}
        for task, each in found.items()
    }
    _give(in_turns([each.worklist for each in found.values()]), output, rows, by_task, as_json)
    if at_random and not as_json and any(each.waiting for each in found.values()):
        typer.echo("every example had the same chance: this list may become a test set", err=True)


def _check_output(output: Path | None) -> None:
    if output is not None and output.is_dir():
        raise PipelineError(f"--output {output}: this is a folder; name a file")


def _check_options(models: list[str], side: str | None, at_random: bool) -> None:
    if "" in models:
        raise PipelineError("--model is empty; is a shell variable unset?")
    if at_random and models:
        raise PipelineError("--random asks no model; leave out --model")
    if side is not None and not at_random:
        raise PipelineError(
            f"--side {side}: what models pick is for the train side only, since it is no fair "
            "sample; add --random to draw one"
        )


def _give(
    worklist: "pa.Table",
    output: Path | None,
    rows: list[list[str]],
    by_task: dict[str, Any],
    as_json: bool,
) -> None:
    """Write the list or print its beginning, and say what it was made of."""
    from pipeline.worklists import write_worklist

    if output is not None:
        write_worklist(output, worklist)
    if as_json:
        listed = {} if output is not None else {"worklist": worklist.to_pylist()}
        print_json({"tasks": by_task, "output": str(output) if output else None, **listed})
        return
    typer.echo(aligned(rows))
    if output is not None:
        typer.echo(f"\nworklist   {output}")
        return
    for row in worklist.slice(0, SHOWN).to_pylist():
        typer.echo(f"\n{row['example_id']}\n  {row['why']}")
    if len(worklist) > SHOWN:
        typer.echo(f"\nand {len(worklist) - SHOWN:,} more; --output FILE writes them all", err=True)

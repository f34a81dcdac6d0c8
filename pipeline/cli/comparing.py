"""Commands about several runs: compare them, choose the model to use, look at them in MLflow."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.app import EXIT_REFUSED, AsJson, app, print_json
from pipeline.cli.tables import aligned, interval, number, p_value
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.evaluate import Comparison


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN…", help="Folders of runs.")],
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="Write it as a page too, with slices and flips."
        ),
    ] = None,
    speed: Annotated[
        bool, typer.Option("--speed", help="Measure how fast the models are, side by side.")
    ] = False,
    tracked: Annotated[
        bool, typer.Option("--track", help="Add it to the runs in MLflow, but the first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare runs on the same test articles, with paired differences to the first.

    \b
      slant compare runs/default runs/unigrams
      slant compare runs/default runs/unigrams --html comparison.html --speed
      slant compare runs/default runs/unigrams --track
      slant compare runs/default runs/unigrams --json
    """
    from pipeline.artifacts import RunFolder, replacing
    from pipeline.evaluate import comparison_page
    from pipeline.stages import compare_runs, record_comparison

    folders = [RunFolder(path) for path in runs]
    comparison, section = compare_runs(folders, speed=speed)
    if html is not None:
        if html.is_dir():
            raise PipelineError(f"--html {html}: this is a folder; name a file")
        with replacing(html) as file:
            file.write_text(comparison_page(comparison, section), encoding="utf-8")
    if tracked:
        record_comparison(comparison, section, folders, Path())
    if as_json:
        print_json(comparison.as_dict())
        return
    typer.echo(_comparison_table(comparison, section.confidence))


def _comparison_table(comparison: "Comparison", confidence: float) -> str:
    head = f"{100 * confidence:g} % interval"
    is_adjusted = len({row.run for row in comparison.rows}) > 2
    with_speed = any(cost.examples_per_second for cost in comparison.costs.values())
    rows = [["side/task", "run", "n", "macro-F1", head, "difference", "interval", "p"]]
    rows[0] += ["p (Holm)"] if is_adjusted else []
    rows[0] += ["gained/lost", "p (McNemar)", "ECE"]
    rows[0] += ["examples/s", "MB"] if with_speed else []
    rows += [
        [
            f"{row.side}/{row.task}",
            row.run,
            str(row.n),
            number(row.macro_f1),
            interval(row.macro_f1_low, row.macro_f1_high),
            "" if row.difference is None else f"{row.difference:+.3f}",
            ""
            if row.difference is None
            else interval(row.difference_low, row.difference_high, signed=True),
            *(p_value(value) for value in (row.p_value, row.p_adjusted)[: 1 + is_adjusted]),
            "" if row.gained is None else f"{row.gained}/{row.lost}",
            p_value(row.mcnemar_p),
            number(row.ece),
            *(_cost(comparison, row.run) if with_speed else []),
        ]
        for row in comparison.rows
    ]
    return aligned(rows)


def _cost(comparison: "Comparison", run: str) -> list[str]:
    cost = comparison.costs[run]
    assert cost.examples_per_second is not None
    return [f"{cost.examples_per_second:,.0f}", f"{cost.megabytes:.1f}"]


@app.command()
def promote(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a recorded run.")],
    force: Annotated[
        bool, typer.Option("--force", help="Make it the champion without any test.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a run's model @champion if it passes the gate; exit status 4 if it does not.

    It has to pass the audit and the behaviour tests, and be better than the champion by the paired
    test on the same test articles, or as good and faster. The verdict and its numbers are tags of
    the version in MLflow. track.gate has the margins.

    \b
      slant promote runs/bigrams
      slant promote runs/bigrams --force
      slant promote runs/bigrams --json
    """
    from pipeline.artifacts import RunFolder
    from pipeline.stages import config_of
    from pipeline.stages import promote as promote_run

    folder = RunFolder(run)
    verdict = promote_run(folder, config_of(folder), Path(), force=force)
    if as_json:
        print_json(
            {"champion": verdict.champion, "verdict": verdict.sentence, "numbers": verdict.tags}
        )
    else:
        typer.echo(f"{'promoted' if verdict.champion else 'not promoted'}: {verdict.sentence}")
        for name, value in verdict.tags.items():
            typer.echo(f"{name}  {value}")
    if not verdict.champion:
        raise typer.Exit(EXIT_REFUSED)


@app.command()
def ui(
    host: Annotated[str, typer.Option("--host", help="Address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to serve on.")] = 5000,
) -> None:
    """Open MLflow on the recorded runs.

    \b
      slant ui
      slant ui --port 8080
    """
    from pipeline.tracking import ui_command, ui_environment

    command = ui_command(host=host, port=port)
    typer.echo(f"http://{host}:{port}/#/experiments   (Ctrl-C stops it)", err=True)
    os.execve(command[0], command, {**os.environ, **ui_environment()})  # noqa: S606  our own

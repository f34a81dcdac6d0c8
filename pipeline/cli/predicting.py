"""The command that predicts articles."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.app import EXIT_REJECTS, AsJson, app, print_json
from pipeline.cli.tables import aligned
from pipeline.errors import PipelineError


@app.command()
def predict(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE…", help="Files, folders, archives, patterns, or - for JSONL on stdin."
        ),
    ],
    model: Annotated[
        str,
        typer.Option("--model", metavar="BUNDLE_OR_URI", help="A model folder or models:/ URI."),
    ],
    output: Annotated[
        str,
        typer.Option("--output", metavar="FILE", help=".parquet, .jsonl or .csv; - for stdout."),
    ],
    targets: Annotated[
        list[str] | None,
        typer.Option("--target", help="Ask about this target too; may be repeated."),
    ] = None,
    aliases: Annotated[
        list[str] | None,
        typer.Option("--alias", help="Another wording: TARGET=ALIAS, or ALIAS of the only target."),
    ] = None,
    evidence: Annotated[
        int | None, typer.Option("--evidence", min=0, max=20, help="Sentences of evidence a row.")
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option("--encoding", help="Character set of tables and texts, if not UTF-8."),
    ] = None,
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="Sheet of workbooks, if not the first.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Predict topic and stance of articles in files, folders or a stream.

    \b
      slant predict a.jsonl b.parquet articles/ --model runs/default/model --output out.parquet
      slant predict new.jsonl --model models:/slant-alliances@champion --output out.csv
      slant predict new.jsonl --model runs/default/model --output out.jsonl \\
          --target "the two states' alliance" --alias "their pact"
      cat new.jsonl | slant predict - --model runs/default/model --output -

    Rows that cannot be read go to FILE.rejects.jsonl with their place and reason; the rest is
    done, and the exit status is 3. At the end stand the labels that were given, and how far each
    can be relied on: tier A, B or C, and what keeps it from a better one (docs/reliability.md).
    """
    from pipeline.predict import output_format
    from pipeline.stages.predictions import open_bundle, predict_sources

    if "" in (*sources, model, output):
        raise PipelineError("a source, --model or --output is empty; is a shell variable unset?")
    listed = [_source(path, encoding, sheet) for path in sources]
    asked = _asked_targets(targets or [], aliases or [])
    if output != "-":
        output_format(output)  # a wrong ending is said before any work is done
    bundle = open_bundle(model, Path())
    started = time.perf_counter()
    with _Progress() as progress:
        done = predict_sources(
            bundle,
            listed,
            output,
            asked,
            bundle.predict.evidence if evidence is None else evidence,
            stdin=sys.stdin.buffer,
            stdout=sys.stdout.buffer,
            progress=progress.add,
        )
    seconds = time.perf_counter() - started
    if as_json and output != "-":
        print_json({
            "articles": done.articles, "rows": done.rows, "rejects": done.rejects,
            "output": output, "seconds": round(seconds, 3),
            "labels": _with_tiers(done.labels, bundle.tiers), "unnamed_targets": done.unnamed,
        })  # fmt: skip
    typer.echo(
        f"{done.articles:,} articles, {done.rows:,} predictions, {done.rejects:,} rejects in "
        f"{seconds:.1f} s ({done.articles / seconds:,.0f} articles/s)",
        err=True,
    )
    for name in done.unnamed:
        typer.echo(f"--target: no article names '{name}'; name it otherwise by --alias", err=True)
    if bundle.tiers and done.rows:
        typer.echo(_tiers_table(_with_tiers(done.labels, bundle.tiers)), err=True)
    if done.rejects_file is not None:
        typer.echo(f"rejects with their reasons: {done.rejects_file}", err=True)
        raise typer.Exit(EXIT_REJECTS)


def _source(path: str, encoding: str | None, sheet: str | None) -> Any:
    from pydantic import ValidationError

    from pipeline.config import FileSource

    try:
        return FileSource(path=path, encoding=encoding, sheet=sheet)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise PipelineError(f"--encoding: {reason}") from None


def _with_tiers(
    counts: dict[str, dict[str, int]], tiers: Mapping[str, Mapping[str, Mapping[str, str]]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Put the tier of each label, if it has one, beside how often it was predicted."""
    return {
        task: {
            label: {"predicted": count, **tiers.get(task, {}).get(label, {})}
            for label, count in labels.items()
        }
        for task, labels in counts.items()
    }


def _tiers_table(labels: dict[str, dict[str, dict[str, Any]]]) -> str:
    """Return the labels that were predicted, each with what keeps it from a better tier."""
    given = {
        f"{task}/{label}": row
        for task, of_task in labels.items()
        for label, row in of_task.items()
        if row["predicted"]
    }
    rows = [[name, row.get("tier", "–"), f"{row['predicted']:,}"] for name, row in given.items()]
    lines = aligned([["task/label", "tier", "predicted"], *rows]).splitlines()
    why = ["why not better, on dev", *(row.get("why", "") for row in given.values())]
    return "\n".join(f"{line}  {each}".rstrip() for line, each in zip(lines, why, strict=True))


def _asked_targets(targets: list[str], aliases: list[str]) -> list[Any]:
    from pipeline.predict import AskedTarget

    for option, texts in (("--target", targets), ("--alias", aliases)):
        for text in texts:
            _check_wording(option, text)
    wordings: dict[str, list[str]] = {target: [] for target in targets}
    for alias in aliases:
        owner, equals, wording = alias.partition("=")
        if equals and owner in wordings:
            _check_wording("--alias", wording)
            wordings[owner].append(wording)
        elif len(targets) == 1 and not equals:
            wordings[targets[0]].append(alias)
        else:
            raise PipelineError(
                f"--alias {alias!r}: say whose alias it is, as TARGET=ALIAS; the targets are "
                f"{targets or 'none: name one with --target'}"
            )
    return [AskedTarget(name, names) for name, names in wordings.items()]


def _check_wording(option: str, text: str) -> None:
    """Refuse what can name nothing in a text: no letter or digit, or bytes that are not UTF-8."""
    if not text.isprintable() and any("\ud800" <= one <= "\udfff" for one in text):
        raise PipelineError(f"{option} {text!r}: not UTF-8 text; set the terminal to UTF-8")
    if not any(one.isalnum() for one in text):
        raise PipelineError(f"{option} {text!r}: a wording needs at least one letter or digit")


class _Progress:
    """Articles so far and per second on stderr, a line that is written over; in a terminal only."""

    def __enter__(self) -> "_Progress":
        from tqdm import tqdm

        self._bar = tqdm(
            unit=" articles", file=sys.stderr, mininterval=1.0, leave=False, disable=None
        )
        return self

    def add(self, count: int) -> None:
        self._bar.update(count)

    def __exit__(self, *_: object) -> None:
        self._bar.close()

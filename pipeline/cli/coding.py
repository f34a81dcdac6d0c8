"""Commands around people's answers: hand tasks out, take answers in, code in the terminal."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import EXIT_REJECTS, AsJson, ConfigOrRun, Overrides, RunOption, print_json
from pipeline.cli.labelling import label_app
from pipeline.cli.running import tell
from pipeline.cli.tables import aligned
from pipeline.errors import PipelineError
from pipeline.tools import Tool

if TYPE_CHECKING:
    from pipeline.codebook import Codebook
    from pipeline.label.exchange import Imported
    from pipeline.stages.coding import Coding

WorklistOption = Annotated[
    Path | None,
    typer.Option("--worklist", metavar="FILE", help="Only these examples, in this order."),
]
TaskOption = Annotated[
    list[str] | None,
    typer.Option("--task", metavar="TASK", help="Only this task; may be repeated."),
]
ForOption = Annotated[Tool, typer.Option("--for", help="The tool whose files they are.")]


@label_app.command("export")
def export_(
    source: ConfigOrRun,
    tool: ForOption,
    output: Annotated[
        Path,
        typer.Option("--output", metavar="DIR_OR_FILE", help="A folder, or the only file."),
    ],
    worklist: WorklistOption = None,
    tasks: TaskOption = None,
    coders: Annotated[
        list[str] | None,
        typer.Option(
            "--coder",
            metavar="NAME",
            help="Write a file for this coder, without what he or she has answered; "
            "may be repeated.",
        ),
    ] = None,
    suggest: Annotated[
        bool,
        typer.Option("--suggest", help="Show the worklist's suggestions; they sway coders."),
    ] = False,
    overrides: Overrides = None,
    folder: RunOption = None,
    as_json: AsJson = False,
) -> None:
    """Write examples as tasks of a labelling tool, and the labels as the tool wants them.

    Each task of the codebook becomes a project of its own: TASK.json with the tasks and TASK.xml
    with the interface for Label Studio, a JSONL and a file of labels for doccano and Prodigy, a
    datasets folder and its settings for Argilla, a sheet for CSV. The ids in them come back with
    the answers; see slant label import.

    \b
      slant label export config.yaml --for label-studio --output tasks
      slant label export runs/islands --for csv --coder ada --coder ben --output tasks
      slant label export config.yaml --for prodigy --task topic --worklist queue.jsonl \\
          --output topic.jsonl
    """
    from pipeline.stages.coding import export_tasks, open_coding

    names = list(dict.fromkeys(map(_named, coders or [])))
    coding = open_coding(source, overrides or [], folder, tell, worklist, tasks or [])
    _tell_missing(coding)
    written = export_tasks(coding, tool, output, names, suggest)
    if as_json:
        print_json(
            [
                {
                    "file": str(each.path),
                    "labels": str(each.schema),
                    "task": each.task,
                    "coder": each.coder,
                    "tasks": each.tasks,
                }
                for each in written
            ]
        )
        return
    rows = [["task", "coder", "examples", "file", "labels"]]
    rows += [
        [each.task, each.coder or "–", f"{each.tasks:,}", str(each.path), str(each.schema)]
        for each in written
    ]
    typer.echo(aligned(rows))


@label_app.command("import")
def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="What the tool exported; - for stdin.")
    ],
    tool: ForOption,
    output: Annotated[
        Path,
        typer.Option("--output", metavar="FILE", help="A CSV of annotations, new or grown."),
    ],
    codebook: Annotated[
        Path | None,
        typer.Option("--codebook", metavar="FILE", help="The codebook that was answered under."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="CONFIG", help="Take the codebook and earlier ones from here."
        ),
    ] = None,
    coder: Annotated[
        str | None,
        typer.Option("--coder", metavar="NAME", help="Who answered, where a file does not say."),
    ] = None,
    renames: Annotated[
        list[str] | None,
        typer.Option(
            "--rename",
            metavar="FROM=TO",
            help="Call the coder FROM of the tool TO; may be repeated.",
        ),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Let later answers of a coder take the earlier ones' place."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take the answers in a tool's files over into annotations, which label.annotations reads.

    Coder, time, comment and the codebook's version are kept. What cannot be taken, was skipped, or
    has no place among labels is in OUTPUT.rejects.jsonl with its place and reason; if any of it was
    meant as an answer, the exit status is 3. The same file twice adds nothing.

    \b
      slant label import project-7.json --for label-studio --config config.yaml \\
          --output annotations.csv --rename 3=ada
      slant label import ada.jsonl ben.jsonl --for doccano --codebook codebook.yaml \\
          --output annotations.csv
      prodigy db-out frames | slant label import - --for prodigy --codebook codebook.yaml \\
          --output annotations.csv
    """
    from pipeline.documents import suggest
    from pipeline.label.exchange import FORMS, import_answers

    coder = None if coder is None else _named(coder)
    asked_under, earlier = _codebooks(codebook, config)
    done = import_answers(
        files, FORMS[tool], asked_under, earlier, output, coder, _names(renames or []), replace
    )
    if as_json:
        print_json(_result(done, output))
    else:
        _tell_imported(done, output)
    for target, count in done.unknown_targets.items():
        meant = suggest(target, [each.id for each in asked_under.targets], "target")
        typer.echo(
            f"the codebook has no target {target!r}, and {count:,} of the answers "
            f"{'is' if count == 1 else 'are'} about it{meant}",
            err=True,
        )
    if done.rejects_file is not None:
        typer.echo(f"what is no answer, with reasons: {done.rejects_file}", err=True)
    if done.collected.counts()["reject"]:
        raise typer.Exit(EXIT_REJECTS)


def _named(coder: str) -> str:
    """Return the coder's name as it is read from every file; PipelineError where there is none."""
    if not coder.strip():
        raise PipelineError("--coder is empty; is a shell variable unset?")
    return coder.strip()


def _codebooks(codebook: Path | None, config: Path | None) -> tuple["Codebook", list["Codebook"]]:
    from pipeline import codebook as codebooks
    from pipeline import config as configs

    if (codebook is None) == (config is None):
        raise PipelineError("name the codebook that was answered under: --codebook or --config")
    if codebook is not None:
        return codebooks.load(codebook), []
    assert config is not None
    chosen = configs.load(config)
    return codebooks.load(chosen.codebook), [codebooks.load(path) for path in chosen.label.earlier]


def _names(renames: list[str]) -> dict[str, str]:
    names = {}
    for rename in renames:
        before, equals, after = (part.strip() for part in rename.partition("="))
        if not (before and equals and after):
            raise PipelineError(f"--rename {rename!r}: must look like FROM=TO")
        names[before] = after
    return names


def _result(done: "Imported", output: Path) -> dict[str, Any]:
    collected = done.collected
    return {
        "output": str(output),
        "new": len(collected.new),
        "changed": len(collected.changed),
        "known": collected.known,
        "coders": _by_coder(done),
        **{kind.replace(" ", "_"): count for kind, count in collected.counts().items()},
        "reasons": {kind.value: found for kind, found in collected.reasons().items()},
        "unknown_targets": done.unknown_targets,
        "rejects_file": None if done.rejects_file is None else str(done.rejects_file),
    }


def _by_coder(done: "Imported") -> dict[str, int]:
    counts: dict[str, int] = {}
    for answer in done.collected.answers:
        counts[answer.coder] = counts.get(answer.coder, 0) + 1
    return dict(sorted(counts.items()))


def _tell_imported(done: "Imported", output: Path) -> None:
    collected = done.collected
    coders = ", ".join(f"{coder} {count:,}" for coder, count in _by_coder(done).items())
    typer.echo(
        f"{len(collected.new):,} new answers, {len(collected.changed):,} changed, "
        f"{collected.known:,} known already: {output}"
    )
    if coders:
        typer.echo(f"coders     {coders}")
    for kind, found in collected.reasons().items():
        for why, count in found.items():
            typer.echo(f"{kind.value:<10} {count:,}  {why}")


def _tell_missing(coding: "Coding") -> None:
    for path in coding.missing:
        typer.echo(f"{path}: not there yet, so nobody has answered in it", err=True)


@label_app.command()
def code(
    source: ConfigOrRun,
    coder: Annotated[str, typer.Option("--coder", metavar="NAME", help="Who is answering.")],
    output: Annotated[
        Path,
        typer.Option("--output", metavar="FILE", help="A CSV of annotations, new or grown."),
    ],
    worklist: WorklistOption = None,
    tasks: TaskOption = None,
    suggest: Annotated[
        bool,
        typer.Option("--suggest", help="Show the worklist's suggestions; they sway coders."),
    ] = False,
    overrides: Overrides = None,
    folder: RunOption = None,
) -> None:
    """Code examples in the terminal, one at a time, its target marked.

    Each answer is on the disk before the next example is shown. The next start goes on where this
    one ended: what the coder has answered is passed over.

    \b
      slant label code config.yaml --coder ada --output annotations.csv
      slant label code runs/islands --coder ben --task stance --worklist queue.jsonl \\
          --output annotations.csv
    """
    coder = _named(coder)
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise PipelineError(
            "slant label code needs a terminal to show examples and read keys; "
            "without one, hand out tasks with slant label export --for csv"
        )
    from pipeline.label.answer_file import AnswerFile
    from pipeline.screen import Session, run_screen
    from pipeline.stages.coding import open_coding

    coding = open_coding(source, overrides or [], folder, tell, worklist, tasks or [], output)
    session = Session(coding.left_for(coder), coder, AnswerFile(output, coding.codebook), suggest)
    before = session.answered
    run_screen(session)
    typer.echo(
        f"{session.answered:,} of {len(session):,} answered, "
        f"{session.answered - before:,} of them now: {output}"
    )

"""Commands about codebooks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import AsJson, app, print_json
from pipeline.cli.tables import aligned
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.codebook.versions import Change
    from pipeline.stages.codebooks import Migrated

codebook_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Work with the versions of a codebook.

    \b
      slant codebook diff codebooks/islands-1.yaml codebooks/islands-2.yaml
    """,
)
app.add_typer(codebook_app, name="codebook")


@codebook_app.callback()
def _group() -> None:
    """Keep `diff` a command of its own; a group of one would be that one."""


@codebook_app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The codebook before.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The codebook now.")],
    annotations: Annotated[
        list[Path] | None,
        typer.Option(
            "--annotations",
            metavar="FILE",
            help="Answers under OLD; may be repeated.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write the answers that hold to this CSV."),
    ] = None,
    worklist: Annotated[
        Path | None,
        typer.Option("--worklist", metavar="FILE", help="Write what is to be coded again (JSONL)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what changed between two versions of a codebook, and carry answers over.

    Labels, tasks and targets are the same by their id, or by what 'replaces' says. A label that
    was split, redefined or removed has to be coded again; one that was renamed, merged or reworded
    has not. What does not hold any more goes to FILE.outdated.jsonl beside the output.

    \b
      slant codebook diff islands-1.yaml islands-2.yaml
      slant codebook diff islands-1.yaml islands-2.yaml --annotations answers.csv \\
          --output answers-2.csv --worklist again.jsonl
    """
    from pipeline import codebook as codebooks
    from pipeline.stages.codebooks import migrate, migration_of, write_migrated, write_recoding

    if (output or worklist) and not annotations:
        raise PipelineError("--output and --worklist need --annotations: the answers to carry over")
    migration = migration_of(codebooks.load(old), codebooks.load(new))
    table, migrated = migrate(migration, annotations or [])
    beside = write_migrated(output, table, migrated.outdated) if output else None
    again = write_recoding(worklist, migrated.outdated) if worklist else None
    changes = migration.changes
    if as_json:
        _print_result(changes, migrated, beside, again)
        return
    typer.echo(
        _changes_table(changes) if changes else "no change that matters to coders or readers"
    )
    if annotations:
        _tell_answers(migrated, beside)


def _print_result(
    changes: list["Change"], migrated: "Migrated", beside: Path | None, again: int | None
) -> None:
    print_json(
        {
            "old": migrated.migration.old.identity,
            "new": migrated.migration.new.identity,
            "changes": [change.as_dict() for change in changes],
            "carried_rows": migrated.carried,
            "outdated_answers": len(migrated.outdated),
            "outdated_file": None if beside is None else str(beside),
            "to_code_again": again,
        }
    )


def _changes_table(changes: list["Change"]) -> str:
    rows = [["change", "what", "before", "now", "code again"]]
    for change in changes:
        what = f"{change.what} of {change.task}" if change.what == "label" else change.what
        before, now = (", ".join(names) or "–" for names in (change.old, change.new))
        rows.append([change.kind.value, what, before, now, "YES" if change.recode else "no"])
    why = ["why", *(change.why for change in changes)]
    lines = aligned(rows).splitlines()
    return "\n".join(f"{line}  {each}" for line, each in zip(lines, why, strict=True))


def _tell_answers(migrated: "Migrated", beside: Path | None) -> None:
    reasons: dict[str, int] = {}
    for each in migrated.outdated:
        reasons[each.why] = reasons.get(each.why, 0) + 1
    typer.echo(
        f"\n{migrated.carried:,} annotations hold, {len(migrated.outdated):,} answers do not"
    )
    for why, count in sorted(reasons.items(), key=_most_first):
        typer.echo(f"  {count:,}  {why}")
    if beside is not None:
        typer.echo(f"answers that do not hold: {beside}", err=True)


def _most_first(item: tuple[str, Any]) -> tuple[int, str]:
    return -item[1], item[0]

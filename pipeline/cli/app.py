"""The command `slant`: its options that several commands share, and how it ends."""

import errno
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from pipeline import __version__
from pipeline.errors import PipelineError

EXIT_ERROR: Final = 1
EXIT_REJECTS: Final = 3
EXIT_REFUSED: Final = 4
# No room, no quota, no permission, a read-only disk: no bug, and nothing to trace.
DISK_TROUBLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)

app = typer.Typer(
    name="slant",
    help="Topic and stance of news articles, from a codebook to tracked predictions.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="The experiment's YAML file.")]
ConfigOrRun = Annotated[
    Path,
    typer.Argument(metavar="CONFIG_OR_RUN", help="The experiment's YAML file, or a run's folder."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override one key; may be repeated."),
]
RunOption = Annotated[
    Path | None,
    typer.Option("--run", metavar="DIR", help="The run's folder; runs/<name> by default."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def main() -> None:
    """Run the command line; what the user can put right becomes one line and status 1."""
    signal.signal(signal.SIGTERM, _end)
    try:
        app(prog_name="slant")
    except PipelineError as error:
        typer.echo(f"slant: {error}", err=True)
        sys.exit(EXIT_ERROR)
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        _end_output()
        sys.exit(EXIT_ERROR)
    except OSError as error:
        if error.errno not in DISK_TROUBLE:
            raise
        where = f"{error.filename}: " if error.filename else "the output: "
        _end_output()
        typer.echo(f"slant: {where}cannot be written ({error.strerror})", err=True)
        sys.exit(EXIT_ERROR)


def _end_output() -> None:
    """Let nothing more be written to stdout, where the interpreter would try once again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end(number: int, _frame: object) -> None:
    """End in order, so that no half-written file is left behind."""
    sys.exit(128 + number)


@app.callback(invoke_without_command=True)
def _about(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"slant {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def print_json(value: Any) -> None:
    from pipeline.artifacts import to_json

    sys.stdout.buffer.write(to_json(value))

"""Commands about answers: `slant label CONFIG`, the stage, and what coders need around it."""

from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

from pipeline.cli.app import AsJson, ConfigFile, Overrides, RunOption, app
from pipeline.cli.running import run_to

if TYPE_CHECKING:
    from typer._click import Context


class _StageOrCommand(TyperGroup):
    """`slant label CONFIG` is `slant label run CONFIG`, like the command of any other stage."""

    def parse_args(self, context: "Context", words: list[str]) -> list[str]:
        """Put the command `run` before anything that is neither a command nor a call for help."""
        if words and words[0] not in self.commands and words[0] != "--help":
            words = ["run", *words]
        return super().parse_args(context, words)


label_app = typer.Typer(
    cls=_StageOrCommand,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Make examples with gold labels; give coders their tasks, and take their answers.

    \b
      slant label configs/default.yaml
      slant label run --help
    """,
)
app.add_typer(label_app, name="label")


@label_app.command()
def run(
    config: ConfigFile,
    overrides: Overrides = None,
    folder: RunOption = None,
    as_json: AsJson = False,
) -> None:
    """Make examples with gold labels, and report the coders' agreement.

    The word run may be left out. Runs the stages before it too, unless they are up to date.

    \b
      slant label configs/default.yaml
      slant label configs/default.yaml --run runs/trial
    """
    run_to("label", config, overrides, folder, as_json)

"""Write docs/cli.md: the help of every command, and every key of the config.

.venv/bin/python docs/make_cli_reference.py
"""

import inspect
import json
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.main import get_command
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.config import Config

REFERENCE: Final = Path(__file__).with_name("cli.md")
# Help is wrapped at the width of the terminal, so that one must be the same everywhere.
TERMINAL: Final = {"COLUMNS": "90", "TERM": "dumb", "NO_COLOR": "1"}
BOUNDS: Final = (
    (annotated_types.Ge, "≥ {}", "ge"),
    (annotated_types.Gt, "> {}", "gt"),
    (annotated_types.Le, "≤ {}", "le"),
    (annotated_types.Lt, "< {}", "lt"),
)
# What the names in a mapping stand for, where not for tasks.
ENTRIES: Final = {"members": "member", "space": "key"}
WORDS: Final = {str: "text", int: "whole number", float: "number", bool: "true or false"}

HEAD: Final = """\
# Command line and config

This page is written by `docs/make_cli_reference.py` from the help of the commands and the schema
of the config; change those, not this page.

`slant` is the installed command; `python -m pipeline.cli` is the same without installing.
Results go to stdout, progress and errors to stderr.

| exit status | meaning |
|---|---|
| 0 | done |
| 1 | something that you can put right; stderr says in a line where and what |
| 2 | a wrong command or option |
| 3 | `slant predict`, `slant label import`: done, but for what is in a file of rejects |
| 4 | `slant promote`: the model did not pass the gate |

## Commands
"""

CONFIG_HEAD: Final = """\
## Config keys

A config is one YAML file. Keys that are not listed here are refused. Every key can be overridden
on the command line, as in `--set train.folds=5` or `--set ingest.sources.0.path=other.jsonl`; the
value is read as YAML. Relative paths start from the folder in which the command runs.
`<task>`, `<member>` and `<key>` stand for names of your own choice, of which there may be several,
`[]` for each entry of a list.
"""


class Table(NamedTuple):
    """A section of the config under a heading of its own."""

    title: str
    about: str
    keys: list[tuple[str, FieldInfo]]


def page() -> str:
    """Return the whole page."""
    commands = [f"### slant {name}\n\n{_help(*name.split())}" for name in command_names()]
    tables = [_markdown(table) for table in _tables("", "", Config, "The file's own keys.")]
    return "\n".join([HEAD, _help(), *commands, CONFIG_HEAD, *tables])


def command_names() -> list[str]:
    """Return the commands in the order in which the help lists them, each before its own ones."""
    return list(_names(get_command(app)))


def _names(group: Any) -> Iterator[str]:
    for name, command in getattr(group, "commands", {}).items():
        yield name
        yield from (f"{name} {inner}" for inner in _names(command))


def _help(*words: str) -> str:
    result = CliRunner().invoke(app, [*words, "--help"], prog_name="slant", env=dict(TERMINAL))
    assert result.exit_code == 0, result.output
    lines = [line.rstrip() for line in result.output.strip().splitlines()]
    return "\n".join(["```text", *lines, "```", ""])


def _tables(prefix: str, title: str, model: type[BaseModel], about: str) -> Iterator[Table]:
    """Yield the table of `model`, and then those of the sections in it."""
    own: list[tuple[str, FieldInfo]] = []
    below: list[Iterator[Table]] = []
    for name, field in model.model_fields.items():
        dotted = f"{prefix}{name}"
        sections = list(_sections(field.annotation))
        if not sections:
            own.append((dotted, field))
            continue
        inside = dotted + _step(name, field.annotation)
        if inside != dotted:  # a list or mapping of sections
            own.append((dotted, field))
        for section in sections:
            tag = _tag(section) if len(sections) > 1 else ""
            heading = f"`{inside}`{tag}"
            below.append(_tables(f"{inside}.", heading, section, inspect.getdoc(section) or ""))
    if own:
        yield Table(title or "Top level", about, own)
    for tables in below:
        yield from tables


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the sections that may stand where `annotation` is asked for."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for part in get_args(annotation):
        yield from _sections(part)


def _step(name: str, annotation: Any) -> str:
    """Return what stands between the name of a list or mapping and the keys of its entries."""
    entry = f".<{ENTRIES.get(name, 'task')}>"
    return {list: "[]", dict: entry}.get(get_origin(annotation) or annotation, "")


def _tag(section: type[BaseModel]) -> str:
    """Say when this one of several sections is meant."""
    for name in ("by", "kind"):
        if name in section.model_fields:
            return f", `{name}: {_shape(section.model_fields[name].annotation, bare=True)}`"
    first = next(name for name, field in section.model_fields.items() if field.is_required())
    return f" with `{first}`"


def _markdown(table: Table) -> str:
    rows = [
        f"| `{key}` | {_cell(_type(field))} | {_cell(_default(field))} | {_meaning(field)} |"
        for key, field in table.keys
    ]
    head = ["| key | type | default | meaning |", "|---|---|---|---|"]
    return "\n".join([f"### {table.title}", "", table.about, "", *head, *rows, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _meaning(field: FieldInfo) -> str:
    assert field.description, "each key of the config has a sentence under it"
    return _cell(" ".join(field.description.split()))


def _type(field: FieldInfo) -> str:
    return _shape(field.annotation) + _bounds(field.metadata)


def _shape(annotation: Any, *, bare: bool = False) -> str:
    """Say in words what values `annotation` takes; `bare`: choices without code marks."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _shape(args[0]) + _bounds(args[1:])
    if origin is Literal:
        return _choices(args, bare)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _choices([member.value for member in annotation], bare)
    if origin is list:
        return "list of sources" if list(_sections(args[0])) else f"list of {_plural(args[0])}"
    if origin is dict:
        return "section for each entry"
    if origin in (typing.Union, types.UnionType):
        parts = ["null" if part is type(None) else _shape(part) for part in args]
        return (", or " if "," in parts[0] else " or ").join(parts)
    return "path" if annotation is Path else WORDS[annotation]


def _plural(annotation: Any) -> str:
    shape = _shape(annotation)
    word = shape.partition(",")[0]
    return shape.replace(word, f"{word}s", 1)


def _choices(values: Sequence[Any], bare: bool) -> str:
    return (", " if bare else " | ").join(str(v) if bare else f"`{v}`" for v in values)


def _bounds(metadata: Sequence[Any]) -> str:
    """Say what range is asked for; a FieldInfo inside `Annotated` holds its own metadata."""
    found = []
    for item in metadata:
        if isinstance(item, FieldInfo):
            found.append(_bounds(item.metadata).removeprefix(", "))
        found += [
            words.format(f"{getattr(item, name):g}" if getattr(item, name) < 1e6 else "2^32")
            for kind, words, name in BOUNDS
            if isinstance(item, kind)
        ]
    return "".join(f", {text}" for text in found if text)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.default
    if isinstance(default, Enum):
        default = default.value
    if isinstance(default, Path):
        default = default.as_posix()
    if isinstance(default, Mapping) and not default:
        return "none"
    return f"`{json.dumps(default, ensure_ascii=False)}`"


if __name__ == "__main__":
    REFERENCE.write_text(page(), encoding="utf-8")

"""YAML files that people write, read strictly: each error names file, line and key.

PyYAML alone reads `1e-4` as a string, `no` as False, `1.10` as 1.1, `0123` as 83, and keeps the
last of two equal keys without a word. The loader here follows the YAML 1.2 core schema, refuses
duplicate keys, and remembers where each value stands, so that a pydantic error can point at it.
"""

import difflib
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import PipelineError

T = TypeVar("T", bound="Section")
# A key, or an index into a list.
Step: TypeAlias = str | int


class Section(BaseModel):
    """A part of a config or codebook: unknown keys are refused, values are taken as they are."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True
    )


@dataclass
class Document:
    """A YAML file's value, and the line and column at which each part of it stands."""

    origin: str
    value: Any
    positions: dict[tuple[Step, ...], tuple[int, int]] = field(default_factory=dict)
    # Parts that came from elsewhere than the file: from a `--set` on the command line.
    origins: dict[tuple[Step, ...], str] = field(default_factory=dict)

    def where(self, path: tuple[Step, ...]) -> str:
        """Say where `path`, or the nearest part around it, was written."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
            if path[:length] in self.positions:
                line, column = self.positions[path[:length]]
                return f"{self.origin}:{line}:{column}"
        return self.origin

    def set(self, dotted: str, text: str) -> None:
        """Replace the value at `dotted` (`train.C`) by `text`, read as YAML."""
        path = tuple(dotted.split("."))
        origin = f"--set {dotted}"
        holder = self.value
        for step in path[:-1]:
            holder = _child(holder, step, origin)
        if not isinstance(holder, dict):
            raise PipelineError(f"{origin}: '{'.'.join(path[:-1])}' has no keys to set")
        holder[path[-1]] = parse(text, origin).value
        self.origins[path] = origin


def _child(holder: Any, step: str, origin: str) -> Any:
    if isinstance(holder, list) and step.isdigit() and int(step) < len(holder):
        return holder[int(step)]
    if isinstance(holder, dict):
        if holder.get(step) is None:
            holder[step] = {}
        return holder[step]
    raise PipelineError(f"{origin}: there is no '{step}' to set a key of")


class _CoreSchemaLoader(yaml.SafeLoader):
    """SafeLoader with the scalars of the YAML 1.2 core schema (§10.3.2)."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
        "-+0123456789.",
    ),
):
    _CoreSchemaLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})$"), [*_first, ""]
    )


def read(path: Path) -> Document:
    """Read the YAML file at `path`; PipelineError where it is missing or not YAML."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise PipelineError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise PipelineError(f"{path}: this is a folder; name a YAML file") from None
    except UnicodeDecodeError as error:
        raise PipelineError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise PipelineError(f"{path}: cannot be read ({error.strerror})") from None
    return parse(text, str(path))


def parse(text: str, origin: str) -> Document:
    """Read YAML `text`; `origin` names it in errors."""
    loader = _CoreSchemaLoader(text)
    try:
        node = loader.get_single_node()
        document = Document(origin, None)
        document.value = None if node is None else _build(node, (), document, loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise PipelineError(f"{origin}{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise PipelineError(f"{origin}: not valid YAML: {error}") from None
    finally:
        loader.dispose()
    return document


def _build(
    node: yaml.Node, path: tuple[Step, ...], document: Document, loader: yaml.SafeLoader
) -> Any:
    document.positions[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.SequenceNode):
        return [
            _build(child, (*path, index), document, loader)
            for index, child in enumerate(node.value)
        ]
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node, deep=True)
    mapping: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        line = key_node.start_mark.line + 1
        if key in mapping:
            before = document.positions[(*path, key)][0]
            raise PipelineError(
                f"{document.origin}:{line}: {_dotted((*path, key))}: written twice "
                f"(first on line {before}); keep one"
            )
        mapping[key] = _build(value_node, (*path, key), document, loader)
        document.positions[(*path, key)] = (line, key_node.start_mark.column + 1)
    return mapping


def validate(document: Document, schema: type[T], error_type: type[PipelineError]) -> T:
    """Turn a document into `schema`; what does not fit is raised as one `error_type`."""
    if not isinstance(document.value, dict):
        raise error_type(f"{document.origin}: must hold keys and values, found nothing of the kind")
    try:
        return schema.model_validate(document.value)
    except ValidationError as error:
        lines = [_explain(problem, document, schema) for problem in error.errors()]
        raise error_type("\n".join(dict.fromkeys(lines))) from None


def _explain(problem: Any, document: Document, schema: type[BaseModel]) -> str:
    path = _written_path(problem["loc"], document.value, problem["type"] == "missing")
    where = f"{document.where(path)}: {_dotted(path) or 'the file'}"
    match problem["type"]:
        case "extra_forbidden":
            known = sorted(_known_keys(schema, path[:-1], document.value))
            return f"{where}: unknown key{suggest(str(path[-1]), known, 'key')}"
        case "missing":
            return f"{where}: missing; this key is required"
        case "value_error":
            return f"{where}: {problem['ctx']['error']}"
        case "string_type" if isinstance(problem["input"], int | float):
            return f"{where}: must be text; put quotes around {problem['input']}"
        case _:
            value = problem["input"]
            shown = "" if isinstance(value, dict | list) else f"; it is {value!r}"
            return f"{where}: {_decapitalised(problem['msg'])}{shown}"


def _decapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]


def _written_path(loc: Sequence[Step], value: Any, missing: bool) -> tuple[Step, ...]:
    """Drop from pydantic's location what the user did not write: the tags of unions."""
    path: list[Step] = []
    for index, step in enumerate(loc):
        if _holds(value, step):
            value = value[step]
        elif not (missing and index == len(loc) - 1):
            continue
        path.append(step)
    return tuple(path)


def _holds(value: Any, step: Step) -> bool:
    if isinstance(value, list):
        return isinstance(step, int) and step < len(value)
    return isinstance(value, dict) and step in value


def _known_keys(schema: type[BaseModel], path: Sequence[Step], value: Any) -> set[str]:
    """Return the keys that `schema` takes at `path`."""
    models: list[type[BaseModel]] = [schema]
    for step in path:
        value = value[step]
        found: list[type[BaseModel]] = []
        for model in models:
            if isinstance(step, str) and step in model.model_fields:
                found += _models_in(model.model_fields[step].annotation)
        models = found or models
    return {name for model in models for name in model.model_fields}


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]


def suggest(word: str, known: Sequence[str], kind: str) -> str:
    """Say which of `known` the reader of the message may have meant by `word`."""
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f" (did you mean '{close[0]}'?)"
    if not known:
        return ""
    return f"; the {kind}s are {', '.join(known)}"


def _dotted(path: Sequence[Step]) -> str:
    return ".".join(str(step) for step in path)

"""YAML files that people write, read strictly: each error names file, line and key.

PyYAML alone reads `1e-4` as a string, `no` as False, `1.10` as 1.1, `0123` as 83, and keeps the
last of two equal keys without a word. The loader here follows the YAML 1.2 core schema, refuses
duplicate keys, and remembers where each value stands, so that a pydantic error can point at it.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import PipelineError

T = TypeVar("T", bound="Section")
# What goes into columns, metric names and file names.
SLUG: Final = r"^[a-z][a-z0-9_-]*$"
# A key, or an index into a list.
Step: TypeAlias = str | int


class Section(BaseModel):
    """A part of a config or codebook: unknown keys are refused, values are taken as they are."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
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
        """Replace the value at `dotted` (`train.C`, `ingest.sources.0`) by `text`, read as YAML."""
        origin = f"--set {dotted}"
        path: tuple[Step, ...] = ()
        holder = self.value
        *parents, last = dotted.split(".")
        for name in parents:
            step = _step(holder, name, path, origin)
            path = (*path, step)
            if isinstance(holder, dict) and holder.get(step) is None:
                holder[step] = {}
                self._forget(path, origin)
            holder = holder[step]
        step = _step(holder, last, path, origin)
        holder[step] = parse(text, origin).value
        self._forget((*path, step), origin)

    def _forget(self, path: tuple[Step, ...], origin: str) -> None:
        """Let `path`, and all that stood below it, come from `origin`."""
        for places in (self.positions, self.origins):
            for below in [place for place in places if place[: len(path)] == path]:
                del places[below]
        self.origins[path] = origin


def _step(holder: Any, name: str, path: Sequence[Step], origin: str) -> Step:
    """Return `name` as a step into `holder`, which stands at `path`."""
    if isinstance(holder, dict) and name:
        return name
    if isinstance(holder, list) and name.isdecimal() and int(name) < len(holder):
        return int(name)
    what = _dotted(path) or "the file"
    if isinstance(holder, list):
        raise PipelineError(f"{origin}: {what} has no item {name!r}; it has {len(holder)} items")
    if isinstance(holder, dict):
        raise PipelineError(f"{origin}: a key must not be empty; write section.key=value")
    raise PipelineError(f"{origin}: {what} is {holder!r}, which has no keys to set")


_TAG: Final = "tag:yaml.org,2002:"
# How alike a word is to one that may have been meant: "words" and "reads" (0.6) are two things.
_ALIKE: Final = 0.65


class _CoreSchemaLoader(yaml.SafeLoader):
    """SafeLoader with the scalars of the YAML 1.2 core schema (§10.3.2)."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


for _kind, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
):
    _CoreSchemaLoader.add_implicit_resolver(
        f"{_TAG}{_kind}", re.compile(rf"(?:{_pattern})$"), [*_first, ""]
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
    document = Document(origin, None)
    try:
        node = yaml.compose(text, _CoreSchemaLoader)
        document.value = None if node is None else _build(node, (), document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise PipelineError(f"{origin}{line}: not valid YAML: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        line_number = text.count("\n", 0, error.position) + 1
        raise PipelineError(
            f"{origin}:{line_number}: not valid YAML: the character "
            f"U+{ord(text[error.position]):04X} is not allowed"
        ) from None
    except RecursionError:
        raise PipelineError(
            f"{origin}: nested too deeply, or an anchor that holds itself"
        ) from None
    return document


def _build(node: yaml.Node, path: tuple[Step, ...], document: Document) -> Any:
    document.positions[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_build(child, (*path, index), document) for index, child in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return _scalar(node, path, document)
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        position = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        where = f"{document.origin}:{position[0]}:{position[1]}"
        if not isinstance(key_node, yaml.ScalarNode):
            raise PipelineError(f"{where}: a key must be one word, not a list or a mapping")
        key = key_node.value
        if key in mapping:
            before = document.positions[(*path, key)][0]
            raise PipelineError(
                f"{where}: {_dotted((*path, key))}: written twice "
                f"(first on line {before}); keep one"
            )
        mapping[key] = _build(value_node, (*path, key), document)
        document.positions[(*path, key)] = position
    return mapping


def _scalar(node: yaml.Node, path: tuple[Step, ...], document: Document) -> Any:
    text: str = node.value
    try:
        match node.tag.removeprefix(_TAG):
            case "str":
                return text
            case "null":
                return None
            case "bool":
                return {"true": True, "false": False}[text.lower()]
            case "int":
                # Base 0 would refuse the leading zeros of 0123.
                return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
            case "float":
                # YAML writes a dot before inf and nan, Python does not.
                return float(re.sub(r"\.(?=[iInN])", "", text))
    except (KeyError, ValueError):
        pass
    raise PipelineError(
        f"{document.where(path)}: {_dotted(path) or 'the file'}: "
        f"{text!r} cannot be read as {node.tag}; leave the tag out"
    )


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
    if problem["type"].startswith("union_tag"):  # the key that says which section it is
        path = (*path, problem["ctx"]["discriminator"].strip("'"))
    where = f"{document.where(path)}: {_dotted(path) or 'the file'}"
    match problem["type"]:
        case "extra_forbidden":
            known = sorted(_known_keys(schema, path, document.value))
            return f"{where}: unknown key{suggest(str(path[-1]), known, 'key')}"
        case "missing" | "union_tag_not_found":
            return f"{where}: missing; this key is required"
        case "union_tag_invalid":
            tag, expected = problem["ctx"]["tag"], problem["ctx"]["expected_tags"]
            return f"{where}: must be one of {expected}; it is {tag!r}"
        case "value_error":
            return f"{where}: {problem['ctx']['error']}"
        case "string_type" if isinstance(problem["input"], int | float):
            read_as = problem["input"]
            return f"{where}: must be text; put it in quotes (without them it is read as {read_as})"
        case "path_type":
            return f"{where}: must be the path of a file or folder; it is {problem['input']!r}"
        case "string_pattern_mismatch" if problem["ctx"]["pattern"] == SLUG:
            return (
                f"{where}: must be small letters, digits, _ and -, and begin with a letter; it is "
                f"{problem['input']!r}"
            )
        case "model_type" | "dict_type" | "model_attributes_type":
            return f"{where}: must hold keys and values; it is {problem['input']!r}"
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
    """Return the keys that `schema` takes instead of the unknown one at `path`."""
    models: list[type[BaseModel]] = [schema]
    *parents, unknown = path
    for step in parents:
        value = value[step]
        found: list[type[BaseModel]] = []
        for model in models:
            if isinstance(step, str) and step in model.model_fields:
                found += _models_in(model.model_fields[step].annotation)
        models = [model for model in found if _is_meant(model, value)] or found or models
    # Of the sections that may stand here, one that takes the key is not the one that is meant.
    meant = [model for model in models if unknown not in model.model_fields]
    return {name for model in meant for name in model.model_fields}


def _is_meant(model: type[BaseModel], section: Any) -> bool:
    """Tell whether `section` says that it is a `model`, of several that may stand in its place."""
    for name, declared in model.model_fields.items():
        if name in ("kind", "by") and isinstance(section, dict):
            if name in section:
                return section[name] in getattr(declared.annotation, "__args__", ())
            return not declared.is_required()
    return True


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]


def suggest(word: str, known: Sequence[str], kind: str) -> str:
    """Say which of `known` the reader of the message may have meant by `word`."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=_ALIKE)
    if close:
        return f" (did you mean '{close[0]}'?)"
    if not known:
        return ""
    return f"; the {kind}s are {', '.join(known)}"


def _dotted(path: Sequence[Step]) -> str:
    return ".".join(str(step) for step in path)

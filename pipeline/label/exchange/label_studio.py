"""Label Studio: tasks as JSON, the labelling interface as XML, answers from its JSON export.

The formats: https://labelstud.io/guide/task_format and https://labelstud.io/tags/choices
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import orjson

from pipeline.artifacts import replacing
from pipeline.codebook import Choose, Label, Task
from pipeline.errors import DataError
from pipeline.label.answers import Note
from pipeline.label.coding_tasks import NONE_NAME, CodingTask, pieces
from pipeline.label.exchange.forms import (
    children,
    explanation,
    identity,
    mention_list,
    shown,
    suggested,
)
from pipeline.label.exchange.returned import (
    Item,
    Kind,
    Left,
    Returned,
    listed,
    text_of,
    texts_of,
    unreadable,
)
from pipeline.label.stdin import opened
from pipeline.records import NONE_HOLDS

# Names of the parts of our interface, which stand in each answer.
LABEL: Final = "label"
COMMENT: Final = "comment"
TEXT: Final = "text"
CHOOSES: Final = ("choices", "taxonomy")
SHORTCUTS: Final = "123456789"


class LabelStudio:
    """See `Form`."""

    ending = ".json"
    schema_ending = ".xml"

    def write(self, path: Path, tasks: Iterable[CodingTask], suggest: bool) -> None:
        """Write a JSON list with a task a line."""
        with replacing(path) as temporary, temporary.open("wb") as stream:
            start = b"[\n"
            for task in tasks:
                stream.write(start + orjson.dumps(_task(task, suggest)))
                start = b",\n"
            stream.write(b"\n]\n" if start == b",\n" else b"[]\n")

    def schema(self, task: Task) -> bytes:
        """Return the labelling interface: paste it into the project's settings."""
        view = ET.Element("View")
        ET.SubElement(view, "Header", value="$question")
        ET.SubElement(view, "Header", value="$title", size="4")
        ET.SubElement(view, "HyperText", name=TEXT, value="$html", inline="true")
        _choices(view, task)
        ET.SubElement(
            view, "TextArea", name=COMMENT, toName=TEXT, rows="2", placeholder="Comment",
            maxSubmissions="1", editable="true",
        )  # fmt: skip
        _definitions(view, task.labels)
        ET.indent(view)
        return ET.tostring(view, encoding="unicode").encode() + b"\n"

    def read(self, path: Path, coder: str | None) -> Iterator[Item]:
        """Read the export of the kind JSON, in which each task has its annotations."""
        for number, task in enumerate(_tasks(path), start=1):
            place = f"{path}: task {task.get('id', number) if isinstance(task, dict) else number}"
            if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
                yield Left(Kind.REJECT, place, "no task: it has no 'data'", task)
                continue
            yield from _answers(place, task, coder)


def _task(task: CodingTask, suggest: bool) -> dict[str, Any]:
    data = {
        **identity(task),
        **shown(task),
        "text": task.text,
        "html": _html(task),
        "mentions": mention_list(task),
    }
    proposed = suggested(task, suggest)
    if not proposed:
        return {"data": data}
    if _is_tree(task.task):
        kind, value = "taxonomy", [_path(task.task, each) for each in proposed]
    else:
        kind, value = "choices", list[Any](proposed)
    result = {"from_name": LABEL, "to_name": TEXT, "type": kind, "value": {kind: value}}
    return {"data": data, "predictions": [{"model_version": "worklist", "result": [result]}]}


def _html(task: CodingTask) -> str:
    """Return the text with the target's mentions marked, and nothing in it taken as a tag."""
    return "".join(
        f"<mark>{escape(piece)}</mark>" if is_mention else escape(piece).replace("\n", "<br>")
        for piece, is_mention in pieces(task.text, task.mentions)
    )


def _is_tree(task: Task) -> bool:
    return any(label.parent for label in task.labels)


def _path(task: Task, label_id: str) -> list[str]:
    parents = {label.id: label.parent for label in task.labels}
    path = [label_id]
    while parent := parents.get(path[0]):
        path.insert(0, parent)
    return path


def _choices(view: ET.Element, task: Task) -> None:
    """Add the labels: buttons, or a tree where some lie below others."""
    many = task.choose is Choose.MANY
    common = {"name": LABEL, "toName": TEXT, "required": "true"}
    if _is_tree(task):
        most = {} if many else {"maxUsages": "1"}
        holder = ET.SubElement(view, "Taxonomy", {**common, "showFullPath": "true", **most})
    else:
        choice = "multiple" if many else "single"
        holder = ET.SubElement(view, "Choices", {**common, "choice": choice})
    shortcuts = iter(() if _is_tree(task) else SHORTCUTS)
    _add_choices(holder, task.labels, None, shortcuts)
    if many:
        ET.SubElement(holder, "Choice", value=NONE_NAME, alias=NONE_HOLDS)


def _add_choices(
    holder: ET.Element, labels: Sequence[Label], parent: str | None, shortcuts: Iterator[str]
) -> None:
    for label in children(labels, parent):
        # The alias is what stands in the answers.
        given = {"value": label.name or label.id, "alias": label.id}
        if hint := explanation(label):
            given["hint"] = hint
        if key := next(shortcuts, None):
            given["hotkey"] = key
        _add_choices(ET.SubElement(holder, "Choice", given), labels, label.id, shortcuts)


def _definitions(view: ET.Element, labels: Sequence[Label]) -> None:
    """Add the definitions as text too: hints are shown by some versions only."""
    told = [(label, explanation(label)) for label in labels]
    if not any(text for _, text in told):
        return
    panel = ET.SubElement(ET.SubElement(view, "Collapse"), "Panel", value="Definitions")
    for label, text in told:
        line = f"{label.name or label.id}: {text}"
        ET.SubElement(ET.SubElement(panel, "View"), "Header", value=line, size="6")


def _tasks(path: Path) -> list[Any]:
    try:
        with opened(path) as stream:
            tasks = orjson.loads(stream.read())
    except OSError as error:
        raise unreadable(path, error) from None
    except orjson.JSONDecodeError as error:
        raise DataError(f"{path}: not valid JSON ({error}); export as JSON") from None
    if not isinstance(tasks, list):
        raise DataError(f"{path}: must hold a list of tasks, found {type(tasks).__name__}")
    if any(isinstance(task, dict) and "annotation_id" in task for task in tasks[:1]):
        raise DataError(f"{path}: this is Label Studio's JSON-MIN; export as JSON, which has all")
    return tasks


def _answers(place: str, task: Mapping[str, Any], coder: str | None) -> Iterator[Item]:
    for kind in ("predictions", "drafts"):
        for each in listed(task.get(kind)):
            yield Left(Kind.LEFT_OUT, place, f"{kind[:-1]}s are no answers", each)
    annotations = task.get("annotations")
    if annotations is not None and not isinstance(annotations, list):
        why = f"its annotations are no list, but {type(annotations).__name__}"
        yield Left(Kind.REJECT, place, why, task)
        return
    if not annotations:
        yield Left(Kind.UNANSWERED, place, "no annotation", _named(task["data"]))
    for number, annotation in enumerate(annotations or (), start=1):
        if not isinstance(annotation, dict):
            why = "no annotation: the export holds numbers in its place"
            yield Left(Kind.REJECT, place, why, annotation)
            continue
        where = f"{place}, annotation {annotation.get('id', number)}"
        yield from _annotation(where, task["data"], annotation, coder)


@dataclass
class _Said:
    """What the results of an annotation come to."""

    chosen: dict[str, list[str] | None] = field(default_factory=dict)
    """Labels by the part of the interface; None where something else is among them."""
    comments: list[str] = field(default_factory=list)

    def take(self, result: Mapping[str, Any]) -> bool:
        """Take a result if it is a choice for the whole text or our comment; False for others."""
        name, kind = text_of(result.get("from_name")), text_of(result.get("type"))
        found = result.get("value")
        value: dict[str, Any] = found if isinstance(found, dict) else {}
        if kind in CHOOSES and "start" not in value and not result.get("parentID"):
            before, more = self.chosen.get(name, []), texts_of(_ends(value.get(kind)))
            self.chosen[name] = None if before is None or more is None else before + more
        elif kind == "textarea" and name == COMMENT:
            self.comments += [text_of(text) for text in listed(value.get("text"))]
        else:
            return False
        return True


def _annotation(
    place: str, data: Mapping[str, Any], annotation: Mapping[str, Any], coder: str | None
) -> Iterator[Item]:
    who = _coder(annotation.get("completed_by")) or coder or ""
    seen = {**_named(data), "coder": who}
    results = listed(annotation.get("result"))
    if annotation.get("was_cancelled"):
        yield Left(Kind.SKIPPED, place, "skipped by the coder", {**seen, "result": results})
        return
    said = _Said()
    for result in results:
        if not isinstance(result, dict):
            yield Left(Kind.REJECT, place, "a result is no object", {**seen, "result": result})
        elif not said.take(result):
            kind = text_of(result.get("type"))
            what = "relations" if kind == "relation" else f"results of type {kind!r}"
            yield Left(Kind.LEFT_OUT, place, f"{what} have no place among labels", result)
    if annotation.get("lead_time") is not None:
        told = {**seen, "lead_time": annotation["lead_time"]}
        yield Left(Kind.LEFT_OUT, place, "lead times have no place among labels", told)
    comment = "\n".join(filter(None, said.comments)) or None
    if not said.chosen:
        why = f"submitted without a choice; where none of several holds, choose {NONE_HOLDS}"
        yield Left(Kind.REJECT, place, why, {**seen, "comment": comment})
    time = text_of(annotation.get("updated_at")) or text_of(annotation.get("created_at"))
    note = Note(time or None, comment, text_of(data.get("codebook")) or None)
    for name, labels in said.chosen.items():
        if labels is None:
            told = {**seen, "comment": comment, "result": results}
            yield Left(Kind.REJECT, place, f"what is chosen of {name!r} is no label", told)
            continue
        yield Returned(
            place=place,
            article_id=text_of(data.get("article_id")),
            # In interfaces that people made for several questions, each part is named after one.
            task=text_of(data.get("task")) if name == LABEL else name,
            target=text_of(data.get("target")),
            coder=who,
            labels=tuple(labels),
            note=note,
        )


def _named(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: data[key] for key in ("article_id", "task", "target") if key in data}


def _coder(value: Any) -> str:
    """Return the address or name of a user, or the number where the export has no more."""
    if not isinstance(value, dict):
        return text_of(value)
    names = " ".join(filter(None, (text_of(value.get(key)) for key in ("first_name", "last_name"))))
    return text_of(value.get("email")) or names or text_of(value.get("id"))


def _ends(value: Any) -> list[Any]:
    """Return what was chosen; of a path through a tree, its end."""
    return [each[-1] if isinstance(each, list) and each else each for each in listed(value)]

"""doccano: text classification as JSONL, with a file of labels to import.

What it exports has the fields of the task beside `text`, `label` and `Comments`, and names no
coder: a project in which each answers alone is exported as a file for each, named after the coder.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.artifacts import to_json, write_lines
from pipeline.codebook import Task
from pipeline.label.answers import Note
from pipeline.label.coding_tasks import CodingTask, marked
from pipeline.label.exchange.forms import (
    identity,
    mention_list,
    options,
    shown,
    suggested,
)
from pipeline.label.exchange.returned import (
    Item,
    Kind,
    Left,
    Returned,
    json_lines,
    listed,
    text_of,
    texts_of,
)
from pipeline.label.stdin import STDIN
from pipeline.records import NONE_HOLDS

# The file of a project in which all share one answer.
SHARED: Final = "all"
COLOURS: Final = ("#1b6ca8", "#a83232", "#2e7d32", "#7b1fa2", "#b26a00", "#00695c", "#5d4037")
SHORTCUTS: Final = "123456789abcdefghijklmnopqrstuvwxyz"
# What projects of other kinds have in each row.
OTHER: Final = ("entities", "relations", "cats", "bbox", "segmentation")


class Doccano:
    """See `Form`."""

    ending = ".jsonl"
    schema_ending = "-labels.json"

    def write(self, path: Path, tasks: Iterable[CodingTask], suggest: bool) -> None:
        """Write a line for each task; its mentions stand in brackets in `text`."""
        write_lines(path, (_row(task, suggest) for task in tasks))

    def schema(self, task: Task) -> bytes:
        """Return the labels with colours and keys: import it under Labels."""
        return to_json(
            [
                {
                    "text": text,
                    "suffix_key": SHORTCUTS[place] if place < len(SHORTCUTS) else None,
                    "background_color": COLOURS[place % len(COLOURS)],
                    "text_color": "#ffffff",
                }
                for place, text in enumerate(_texts(task).values())
            ]
        )

    def read(self, path: Path, coder: str | None) -> Iterator[Item]:
        """Read the export of the kind JSONL."""
        nobody = path == STDIN or path.stem == SHARED
        who = coder or ("" if nobody else path.stem.strip())
        for place, row in json_lines(path):
            if isinstance(row, Left):
                yield row
                continue
            yield from _answers(place, row, who)


def _row(task: CodingTask, suggest: bool) -> dict[str, Any]:
    texts = _texts(task.task)
    return {
        "text": marked(*task.text_under_title()),
        "label": [texts.get(each, each) for each in suggested(task, suggest)],
        **identity(task),
        **shown(task),
        "mentions": mention_list(task),
    }


def _texts(task: Task) -> dict[str, str]:
    """Return what stands on each label's button, by its id, and comes back as the answer."""
    return {each: each if each == NONE_HOLDS else name for each, name, _ in options(task)}


def _answers(place: str, row: Mapping[str, Any], coder: str) -> Iterator[Item]:
    for name in OTHER:
        if row.get(name):
            yield Left(Kind.LEFT_OUT, place, f"{name} have no place among labels", row[name])
    fields = row | row["meta"] if isinstance(row.get("meta"), dict) else row
    named = {key: fields[key] for key in ("article_id", "task", "target") if key in fields}
    comment = _comment(row.get("Comments", row.get("comments")))
    labels = texts_of(row["labels"] if "labels" in row else row.get("label"))
    if labels is None:
        yield Left(Kind.REJECT, place, "its labels are no texts: are they of spans?", row)
    elif not labels:
        what = {**named, "comment": comment} if comment else named
        yield Left(Kind.UNANSWERED, place, "no label", what)
    else:
        yield Returned(
            place=place,
            article_id=text_of(fields.get("article_id")),
            task=text_of(fields.get("task")),
            target=text_of(fields.get("target")),
            coder=coder,
            labels=tuple(labels),
            note=Note(None, comment, text_of(fields.get("codebook")) or None),
        )


def _comment(value: Any) -> str | None:
    parts = listed(value)
    texts = [text_of(part.get("text") if isinstance(part, dict) else part) for part in parts]
    return "\n".join(filter(None, texts)) or None

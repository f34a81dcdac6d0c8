"""The interface that each labelling tool's module meets, and what they share."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from pipeline.codebook import Choose, Label, Task
from pipeline.label.coding_tasks import NONE_NAME, CodingTask
from pipeline.label.exchange.returned import Item
from pipeline.records import LABEL_SEPARATOR, NONE_HOLDS


class Form(Protocol):
    """How one tool takes tasks and gives answers back."""

    ending: str
    """Of the file with the tasks; empty where it is a folder."""
    schema_ending: str
    """Of the file beside it with the labels, after the tasks' name."""

    def write(self, path: Path, tasks: Iterable[CodingTask], suggest: bool) -> None:
        """Write `tasks`, all of one question; with the worklist's suggestions if `suggest`."""

    def schema(self, task: Task) -> bytes:
        """Return the file that tells the tool which labels there are."""

    def read(self, path: Path, coder: str | None) -> Iterator[Item]:
        """Yield what is in a file that the tool wrote, by `coder` where it names nobody.

        The path `-` is standard input, where the tool writes single files. DataError where it
        cannot be read at all.
        """


def identity(task: CodingTask) -> dict[str, Any]:
    """Return the fields that an answer is known by when it comes back."""
    return {
        "example_id": task.example_id,
        "article_id": task.example.article_id,
        "task": task.example.task,
        "target": task.example.target,
        "codebook": task.codebook,
    }


def shown(task: CodingTask) -> dict[str, Any]:
    """Return what people read beside the text."""
    fields: dict[str, Any] = {"title": task.title or "", "question": task.question}
    if task.example.target is not None:
        fields["target_name"] = task.target_name
    if task.why is not None:
        fields["why"] = task.why
    return fields


def mention_list(task: CodingTask) -> list[dict[str, int]]:
    """Return where the article's text names the target, in characters of that text."""
    return [{"start": start, "end": end} for start, end in task.mentions]


def suggested(task: CodingTask, suggest: bool) -> list[str]:
    """Return the labels to propose; none unless asked for, since they sway coders."""
    return task.suggestion.split(LABEL_SEPARATOR) if suggest and task.suggestion else []


def options(task: Task) -> list[tuple[str, str, str]]:
    """Return (id, name, explanation) of all that may be chosen, in the codebook's order."""
    labels = [(label.id, label.name or label.id, explanation(label)) for label in task.labels]
    if task.choose is Choose.MANY:
        labels.append((NONE_HOLDS, NONE_NAME, ""))
    return labels


def explanation(label: Label) -> str:
    """Return a label's definition with what belongs to it and what does not, in one line."""
    parts = [
        label.definition.strip(),
        f"Also: {'; '.join(label.include)}." if label.include else "",
        f"Not: {'; '.join(label.exclude)}." if label.exclude else "",
    ]
    return " ".join(filter(None, parts))


def children(labels: Sequence[Label], parent: str | None) -> list[Label]:
    """Return the labels right below `parent`."""
    return [label for label in labels if label.parent == parent]

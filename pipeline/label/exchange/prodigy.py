"""Prodigy: tasks of its `choice` interface as JSONL, and answers as `db-out` writes them.

The format: https://prodi.gy/docs/api-interfaces#choice
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pipeline.artifacts import to_json, write_lines
from pipeline.codebook import Task
from pipeline.label.answers import Note
from pipeline.label.coding_tasks import CodingTask
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
from pipeline.records import NONE_HOLDS

TARGET: Final = "TARGET"
MULTIPLE: Final = "multiple"
# Of its text_input interface, which may stand beside the choice.
COMMENTS: Final = ("comment", "user_input")


class Prodigy:
    """See `Form`."""

    ending = ".jsonl"
    schema_ending = "-definitions.json"

    def write(self, path: Path, tasks: Iterable[CodingTask], suggest: bool) -> None:
        """Write a line for each task, options included."""
        write_lines(path, (_row(task, suggest) for task in tasks))

    def schema(self, task: Task) -> bytes:
        """Return what each option means; Prodigy has no place for it on the card."""
        return to_json(
            [{"id": each, "text": text, "definition": why} for each, text, why in options(task)]
        )

    def read(self, path: Path, coder: str | None) -> Iterator[Item]:
        """Read what `prodigy db-out` writes."""
        for place, row in json_lines(path):
            if isinstance(row, Left):
                yield row
                continue
            yield from _answers(place, row, coder)


def _row(task: CodingTask, suggest: bool) -> dict[str, Any]:
    text, spans = task.text_under_title()
    fields = shown(task)
    return {
        "text": text,
        "spans": [{"start": start, "end": end, "label": TARGET} for start, end in spans],
        "label": fields["question"],
        "options": [{"id": each, "text": name} for each, name, _ in options(task.task)],
        "accept": suggested(task, suggest),
        "config": {"choice_style": MULTIPLE if task.many else "single"},
        "meta": {key: fields[key] for key in ("target_name", "why") if key in fields},
        **identity(task),
        "mentions": mention_list(task),
    }


def _answers(place: str, row: Mapping[str, Any], coder: str | None) -> Iterator[Item]:
    named = {key: row[key] for key in ("article_id", "task", "target") if key in row}
    seen = text_of(row.get("_annotator_id")) or text_of(row.get("_session_id")) or coder or ""
    others = [each for each in listed(row.get("spans")) if not _is_ours(each)]
    for kind, pieces in (("spans", others), ("relations", row.get("relations"))):
        if pieces:
            yield Left(Kind.LEFT_OUT, place, f"{kind} have no place among labels", pieces)
    comment = "\n".join(filter(None, (text_of(row.get(name)) for name in COMMENTS))) or None
    told = {**named, "coder": seen, "accept": row.get("accept"), "comment": comment}
    match row.get("answer"):
        case "accept":
            yield from _accepted(place, row, seen, comment)
        case "reject":
            yield Left(Kind.SKIPPED, place, "rejected by the coder", told)
        case "ignore":
            yield Left(Kind.SKIPPED, place, "ignored by the coder", told)
        case None:
            yield Left(Kind.UNANSWERED, place, "no answer", named)
        case other:
            yield Left(Kind.REJECT, place, f"the answer {other!r} is not one of Prodigy's", told)


def _accepted(
    place: str, row: Mapping[str, Any], coder: str, comment: str | None
) -> Iterator[Item]:
    accepted = texts_of(row.get("accept"))
    if accepted is None:
        yield Left(Kind.REJECT, place, "'accept' holds no ids of options", dict(row))
        return
    style = row["config"].get("choice_style") if isinstance(row.get("config"), dict) else None
    if not accepted and style == MULTIPLE:
        accepted = [NONE_HOLDS]  # the coder pressed accept with nothing chosen
    yield Returned(
        place=place,
        article_id=text_of(row.get("article_id")),
        task=text_of(row.get("task")),
        target=text_of(row.get("target")),
        coder=coder,
        labels=tuple(accepted),
        note=Note(_time(row.get("_timestamp")), comment, text_of(row.get("codebook")) or None),
    )


def _time(seconds: Any) -> str | None:
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return text_of(seconds) or None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return str(seconds)


def _is_ours(span: Any) -> bool:
    return isinstance(span, dict) and span.get("label") == TARGET

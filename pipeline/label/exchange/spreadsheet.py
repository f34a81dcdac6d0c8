"""Plain CSV: a row for each example, in which coders fill in `coder`, `label` and `comment`.

Answers may stand in such a sheet, or in the form that `label.annotations` reads, where each of
several labels has a row of its own.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from pipeline.artifacts import replacing
from pipeline.codebook import Task
from pipeline.label.answers import Note
from pipeline.label.coding_tasks import CodingTask, marked
from pipeline.label.csv_rows import by_column, check_columns, read_rows, write_rows
from pipeline.label.exchange.forms import identity, options, shown, suggested
from pipeline.label.exchange.returned import Item, Kind, Left, Returned, unreadable
from pipeline.label.stdin import opened
from pipeline.records import LABEL_SEPARATOR

COLUMNS: Final = (
    "example_id", "article_id", "task", "target", "codebook", "target_name", "title", "text",
    "question", "why", "labels", "suggestion", "coder", "label", "comment", "time",
)  # fmt: skip
NEEDED: Final = ("article_id", "task", "label")
SEPARATORS: Final = (",", ";", "\t")
# A spreadsheet takes a cell that begins so for a formula; some look behind white space for one.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
# What an answer is known by: import takes off the apostrophe that these cells went out with. One
# that such an id has of itself goes out with another one, so that what comes back is the id.
IDENTITY: Final = ("example_id", "article_id", "task", "target", "codebook")
_NEEDS_APOSTROPHE: Final = re.compile(r"'*[=+\-@\t\r\n]")
_HAS_APOSTROPHE: Final = re.compile(r"'+[=+\-@\t\r\n]")


class Spreadsheet:
    """See `Form`."""

    ending = ".csv"
    schema_ending = "-labels.csv"

    def write(self, path: Path, tasks: Iterable[CodingTask], suggest: bool) -> None:
        """Write a row for each task, with empty cells for the answers."""
        with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
            write_rows(out, COLUMNS, [dict(zip(COLUMNS, COLUMNS, strict=True))])
            write_rows(out, COLUMNS, (_row(task, suggest) for task in tasks))

    def schema(self, task: Task) -> bytes:
        """Return the labels with their definitions, as a sheet."""
        out = io.StringIO(newline="")
        rows = [("label", "name", "definition"), *options(task)]
        csv.writer(out, lineterminator="\n").writerows(map(_harmless, rows))
        return out.getvalue().encode()

    def read(self, path: Path, coder: str | None) -> Iterator[Item]:
        """Read a sheet with commas, semicolons or tabs; rows about one answer are put together."""
        answers: dict[tuple[str, ...], Returned] = {}
        for place, row in _rows(path):
            if isinstance(row, Left):
                yield row
                continue
            labels = [text.strip() for text in row["label"].split(LABEL_SEPARATOR) if text.strip()]
            found = _returned(place, row, coder, labels)
            if not labels:
                told = {key: row[key] for key in ("article_id", "task", "target", "comment")}
                yield Left(Kind.UNANSWERED, place, "no label", told)
                continue
            key = (
                found.article_id, found.task, found.target, found.coder, row["codebook"]
            )  # fmt: skip
            answers[key] = _together(answers.get(key), found)
        yield from answers.values()


def _row(task: CodingTask, suggest: bool) -> dict[str, str]:
    fields = shown(task)
    return {
        **{key: _harmless_id(cell or "") for key, cell in identity(task).items()},
        **{key: _harmless([fields[key]])[0] for key in fields},
        "text": _harmless([marked(task.text, task.mentions)])[0],
        "labels": LABEL_SEPARATOR.join(each for each, _, _ in options(task.task)),
        "suggestion": _harmless([LABEL_SEPARATOR.join(suggested(task, suggest))])[0],
    }


def _harmless(cells: Iterable[str | None]) -> list[str]:
    """Return the cells so that no spreadsheet runs what an article's author wrote."""
    return [f"'{cell}" if (cell or "").startswith(FORMULA_STARTS) else cell or "" for cell in cells]


def _harmless_id(cell: str) -> str:
    return f"'{cell}" if _NEEDS_APOSTROPHE.match(cell) else cell


def _id(cell: str) -> str:
    """Undo `_harmless_id`; a spreadsheet may have taken the apostrophe off already."""
    return cell[1:] if _HAS_APOSTROPHE.match(cell) else cell


def _returned(place: str, row: Mapping[str, str], coder: str | None, labels: list[str]) -> Returned:
    return Returned(
        place=place,
        article_id=row["article_id"],
        task=row["task"],
        target=row["target"],
        coder=row["coder"] or coder or "",
        labels=tuple(labels),
        note=Note(row["time"] or None, row["comment"] or None, row["codebook"] or None),
    )


def _together(before: Returned | None, now: Returned) -> Returned:
    if before is None:
        return now
    labels = tuple(dict.fromkeys([*before.labels, *now.labels]))
    comments = [note.comment for note in (before.note, now.note) if note.comment]
    note = Note(
        now.note.time or before.note.time,
        "\n".join(dict.fromkeys(comments)) or None,
        before.note.codebook or now.note.codebook,
    )
    return Returned(
        before.place, before.article_id, before.task, before.target, before.coder, labels, note
    )


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str] | Left]]:
    rows = read_rows(path, _separator, opened)
    try:
        _, header = next(rows)
    except OSError as error:
        raise unreadable(path, error) from None
    check_columns(f"{path}:1", header, NEEDED)
    for line, cells in rows:
        place = f"{path}:{line}"
        if len(cells) > len(header):
            why = f"{len(cells)} cells under {len(header)} columns"
            yield place, Left(Kind.REJECT, place, why, cells)
        elif any(cells):
            found = by_column(place, header, cells)
            row = {name: found.get(name, "").strip() for name in COLUMNS}
            if "example_id" in header:  # a sheet that `write` made
                row |= {name: _id(row[name]) for name in IDENTITY}
            yield place, row


def _separator(header: str) -> str:
    return max(SEPARATORS, key=header.count)

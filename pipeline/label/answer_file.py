"""A file of annotations that grows, one whole answer at a time, and in which answers can change.

It is what `label.annotations` reads, in CSV. Columns that are not ours stay as they are. An answer
is on the disk when a call returns, and a process that is killed leaves no half of one behind.
"""

import io
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

from pipeline.artifacts import locked, replacing
from pipeline.codebook import Codebook
from pipeline.errors import DataError
from pipeline.label.annotation_files import COLUMNS, NEEDED
from pipeline.label.answers import Example, Note
from pipeline.label.csv_rows import by_column, read_rows, write_rows
from pipeline.records import LABEL_SEPARATOR, NONE_HOLDS

Cells: TypeAlias = dict[str, str]


class Key(NamedTuple):
    """What there is one answer of: under another version of the codebook it is another one."""

    example: Example
    coder: str
    version: str


class Answer(NamedTuple):
    """One coder's whole answer to one example."""

    example: Example
    coder: str
    labels: tuple[str, ...]
    """Sorted ids; none where the coder found that none holds."""
    note: Note = Note()

    @property
    def key(self) -> Key:
        """What tells it from other answers; the note of an answer that is written has a version."""
        return Key(self.example, self.coder, self.note.codebook or "")


@dataclass(frozen=True)
class AnswerFile:
    """The file at `path`, which need not be there yet; targets and labels in it may be any wording.

    What the codebook does not know, such as a label of an earlier version, stays as it is written.
    """

    path: Path
    codebook: Codebook

    def __post_init__(self) -> None:
        """Refuse a name that is none of a CSV file."""
        if self.path.suffix != ".csv":
            raise DataError(
                f"{self.path}: annotations are written as CSV; name a file that ends in .csv"
            )

    def read(self) -> dict[Key, Answer]:
        """Return all answers that are there; DataError names the line of what is none."""
        return self._answers()

    def add(self, answers: Sequence[Answer]) -> None:
        """Append answers, and return when they are on the disk.

        They go down in one write, so that no reader and no kill sees the half of one.
        """
        with self._held():
            self._add(answers)

    def replace(self, gone: Iterable[Key], answers: Sequence[Answer] = ()) -> None:
        """Take answers out by their keys, and add others, in one step."""
        with self._held():
            self._replace(set(gone), answers)

    def update(
        self, decide: Callable[[Mapping[Key, Answer]], tuple[Collection[Key], Sequence[Answer]]]
    ) -> None:
        """Write what `decide` makes of the answers that are there: keys that go, and new answers.

        No other process writes to the file in between.
        """
        with self._held():
            gone, answers = decide(self._answers())
            if gone:
                self._replace(gone, answers)
            elif answers:
                self._add(answers)

    def _add(self, answers: Sequence[Answer]) -> None:
        rows = [row for answer in answers for row in _cells(answer)]
        header = self._current_header()
        if header is None:
            self._write_all(list(COLUMNS), rows)
        elif any(column not in header for column in COLUMNS):
            header, before = self._everything()
            self._write_all(header, [*before, *rows])
        else:
            self._append(header, rows)

    def _replace(self, gone: Collection[Key], answers: Sequence[Answer]) -> None:
        header, before = self._everything()
        kept = [row for row in before if self._key(row) not in gone]
        rows = [row for answer in answers for row in _cells(answer)]
        self._write_all(header, [*kept, *rows])

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Keep other processes that write to this file waiting."""
        try:
            with locked(self.path.with_name(f".{self.path.name}")):
                yield
        except OSError as error:
            raise DataError(f"{self.path}: cannot be written ({error.strerror})") from None

    def _everything(self) -> tuple[list[str], list[Cells]]:
        header = self._current_header() or list(COLUMNS)
        more = [column for column in COLUMNS if column not in header]
        return [*header, *more], list(self._rows())

    def _current_header(self) -> list[str] | None:
        if not self.path.exists() or self.path.stat().st_size == 0:
            return None
        return next(read_rows(self.path))[1]

    def _rows(self) -> Iterator[Cells]:
        """Yield the cells of each row by column, as they are written."""
        if not self.path.exists():
            return
        rows = read_rows(self.path)
        _, header = next(rows)
        missing = [each for each in NEEDED if each not in header]
        if header and missing:
            raise DataError(
                f"{self.path}:1: no column {', '.join(missing)}; it is no file of annotations, "
                "name another one"
            )
        for line, cells in rows:
            yield by_column(f"{self.path}:{line}", header, cells)

    def _answers(self) -> dict[Key, Answer]:
        """Put the rows of each answer together; an empty label is no answer."""
        found: dict[Key, Answer] = {}
        for row in self._rows():
            cell = row.get("label", "").strip()
            if not cell:
                continue
            key = self._key(row)
            labels = set() if cell == NONE_HOLDS else set(self._labels(key.example.task, cell))
            note = Note(*(row.get(name, "").strip() or None for name in Note._fields))
            if (before := found.get(key)) is not None:
                labels |= set(before.labels)
                note = Note(*(new or old for new, old in zip(note, before.note, strict=True)))
            found[key] = Answer(
                key.example, key.coder, tuple(sorted(labels)), note._replace(codebook=key.version)
            )
        return found

    def _key(self, row: Cells) -> Key:
        article_id, task, target, coder, version = (
            (row.get(name) or "").strip()
            for name in ("article_id", "task", "target", "coder", "codebook")
        )
        example = Example(article_id, task, self.codebook.target_id(target) if target else None)
        version = version.removeprefix(f"{self.codebook.name}@") or self.codebook.version
        return Key(example, coder, version)

    def _labels(self, task_name: str, cell: str) -> Iterator[str]:
        task = self.codebook.tasks.get(task_name)
        for text in map(str.strip, cell.split(LABEL_SEPARATOR)):
            try:
                yield text if task is None else task.label_id(text)
            except ValueError:
                yield text

    def _append(self, header: list[str], rows: Sequence[Cells]) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND)
        try:
            start = b"" if _ends_a_line(descriptor) else b"\n"
            _write(descriptor, start + _as_csv(header, rows))
        finally:
            os.close(descriptor)

    def _write_all(self, header: list[str], rows: Sequence[Cells]) -> None:
        content = _as_csv(header, [dict(zip(header, header, strict=True)), *rows])
        with replacing(self.path) as temporary:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT, 0o666)
            try:
                _write(descriptor, content)
            finally:
                os.close(descriptor)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name is on the disk as well
        finally:
            os.close(folder)


def _cells(answer: Answer) -> Iterator[Cells]:
    notes = {name: text or "" for name, text in answer.note._asdict().items()}
    for label in answer.labels or (NONE_HOLDS,):
        yield {
            "article_id": answer.example.article_id,
            "task": answer.example.task,
            "target": answer.example.target or "",
            "coder": answer.coder,
            "label": label,
            **notes,
        }


def _as_csv(header: list[str], rows: Iterable[Cells]) -> bytes:
    text = io.StringIO(newline="")
    write_rows(text, header, rows)
    return text.getvalue().encode()


def _ends_a_line(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


def _write(descriptor: int, content: bytes) -> None:
    """Write all of `content`, and wait until it is on the disk."""
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
    os.fsync(descriptor)

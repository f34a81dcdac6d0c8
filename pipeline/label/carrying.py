"""Carry answers from earlier versions of the codebook over to the present one."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from pipeline.codebook import Codebook
from pipeline.codebook.versions import Migration, OutdatedError, VersionedAnswer
from pipeline.label.annotation_files import read_annotations
from pipeline.label.answers import AnswerBook, Example, Note, Problems
from pipeline.label.tables import annotations_table


class Outdated(NamedTuple):
    """A coder's answer under an earlier version that may not hold any more."""

    example: Example
    """In the words of the earlier version."""
    coder: str
    version: str
    labels: list[str]
    why: str
    again: list[Example]
    """What is to be asked now; empty where the task or target is gone."""
    maybe: tuple[str, ...] | None
    """What the labels are called now, where each became one; they may hold still."""

    def as_dict(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        return {
            **self.example._asdict(),
            "coder": self.coder,
            "labels": self.labels,
            "codebook": self.version,
            "why": self.why,
        }


def carry_over(book: AnswerBook) -> list[Outdated]:
    """Move what surely holds from the earlier books into `book`; return the rest.

    Where a coder answered under the present version, or under one that stands later in the list
    of earlier ones, that answer stands.
    """
    outdated: list[Outdated] = []
    for version, earlier in reversed(book.earlier.items()):
        # What a coder said before an outdated answer is not what they say any more.
        superseded = {(asked, each.coder) for each in outdated for asked in each.again}
        outdated += _carry_book(earlier, version, book, superseded)
    return outdated


def _carry_book(
    earlier: AnswerBook, version: str, book: AnswerBook, superseded: set[tuple[Example, str]]
) -> Iterator[Outdated]:
    """Carry one version over, but for what the coder was asked in `superseded` and said later."""
    migration = Migration(earlier.codebook, book.codebook)
    for example, coders in earlier.labels.items():
        for coder, labels in coders.items():
            answer = VersionedAnswer(example.task, example.target, tuple(labels))
            again = [Example(example.article_id, *asked) for asked in migration.ask_again(answer)]
            if any(
                coder in book.labels.get(each, {}) or (each, coder) in superseded for each in again
            ):
                continue
            try:
                carried = migration.carry(answer)
            except OutdatedError as error:
                maybe = migration.maybe(answer)
                yield Outdated(example, coder, version, labels, str(error), again, maybe)
                continue
            now = Example(example.article_id, carried.task, carried.target)
            book.labels.setdefault(now, {})[coder] = list(carried.labels)
            book.note(now, coder, earlier.notes.get((example, coder), Note()))


def carried_annotations(
    files: Sequence[Path], old: Codebook, new: Codebook
) -> tuple[pa.Table, list[Outdated]]:
    """Return the annotations of `files` under the `new` codebook, and what may not hold under it.

    Rows that name no version are of the `old` one. DataError shows the rows that fit neither.
    """
    problems, book = Problems(), AnswerBook(new, [""], [old], unversioned=old.version)
    for path in files:
        read_annotations(path, book, problems)
    problems.stop()
    outdated = carry_over(book)
    in_order = dict(sorted(book.labels.items(), key=_place))
    notes = {
        (example, coder): book.notes.get((example, coder), Note())._replace(codebook=new.version)
        for example, coders in in_order.items()
        for coder in coders
    }
    return annotations_table(in_order, notes), outdated


def _place(item: tuple[Example, Any]) -> tuple[str, str, str]:
    article_id, task, target = item[0]
    return article_id, task, target or ""

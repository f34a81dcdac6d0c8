"""Answers of coders: one coder's labels of one example, and the book that holds them all."""

import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pipeline.codebook import Asks, Choose, Codebook, Task
from pipeline.documents import suggest
from pipeline.errors import DataError
from pipeline.records import LABEL_SEPARATOR, NONE_HOLDS

PROBLEMS_SHOWN: Final = 5


class Example(NamedTuple):
    """What a label is given to; sorts by article, task and target."""

    article_id: str
    task: str
    target: str | None


class Note(NamedTuple):
    """What an answer came with, beside its labels; null where its source does not say."""

    time: str | None = None
    comment: str | None = None
    codebook: str | None = None


@dataclass
class Problems:
    """What is wrong with the rows, each with its place; reading goes on to find them all."""

    lines: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, where: str, what: str) -> None:
        """Note one problem; beyond the first few they are only counted."""
        self.count += 1
        if self.count <= PROBLEMS_SHOWN:
            self.lines.append(f"{where}: {what}")

    def stop(self) -> None:
        """Raise DataError if there was a problem."""
        if self.count:
            more = self.count - len(self.lines)
            raise DataError("\n".join(self.lines + [f"… and {more} more"] * (more > 0)))


class AnswerBook:
    """All answers, by example and coder; tasks, targets and labels are those of the codebook."""

    def __init__(
        self,
        codebook: Codebook,
        no_answer: Collection[str],
        earlier: Sequence[Codebook] = (),
        unversioned: str | None = None,
    ) -> None:
        """Start an empty book; values in `no_answer` are no labels.

        Answers that were given under a version of `earlier` have a book of their own; those that
        name none are of the version `unversioned`, or of this one.
        """
        self._is_comparison = unversioned is not None
        self._unversioned = unversioned or codebook.version
        self.codebook = codebook
        self.earlier = {each.version: AnswerBook(each, no_answer) for each in earlier}
        self.labels: dict[Example, dict[str, list[str]]] = {}
        self.notes: dict[tuple[Example, str], Note] = {}
        self._no_answer = frozenset(no_answer)
        self._target_id = functools.cache(codebook.target_id)

    def of_version(self, version: str | None) -> "AnswerBook":
        """Return the book of the answers under a version; ValueError where it is not known."""
        asked = (version or self._unversioned).removeprefix(f"{self.codebook.name}@")
        if asked == self.codebook.version:
            return self
        if asked not in self.earlier:
            known = " or ".join(repr(each) for each in (*self.earlier, self.codebook.version))
            raise ValueError(
                f"answered under version {version!r} of the codebook; it must be {known}"
                if self._is_comparison
                else f"answered under version {version!r} of the codebook, which is at "
                f"{self.codebook.version!r}; name the file of that version in label.earlier"
            )
        return self.earlier[asked]

    def task(self, name: str) -> Task:
        """Return the task; ValueError where the codebook has none of that name."""
        tasks = self.codebook.tasks
        if name not in tasks:
            raise ValueError(f"unknown task {name!r}{suggest(name, sorted(tasks), 'task')}")
        return tasks[name]

    def example(self, article_id: str, task_name: str, target: str) -> Example:
        """Return what is asked; ValueError where it has a target too few or too many."""
        asks = self.task(task_name).asks
        if asks is Asks.TARGET and not target:
            raise ValueError(f"no target; {task_name!r} is asked of a target")
        if asks is Asks.ARTICLE and target:
            raise ValueError(
                f"target {target!r}; {task_name!r} is asked of the article: leave it blank"
            )
        return Example(article_id, task_name, self._target_id(target) if target else None)

    def has_no_label(self, task_name: str, texts: Sequence[str]) -> bool:
        """True if nobody answered; ValueError where a label is unknown."""
        return not self._label_ids(self.task(task_name), texts)

    def add(self, example: Example, coder: str, texts: Sequence[str]) -> None:
        """Add the labels in `texts` to what the coder chose; the same one twice is one.

        ValueError where a label is unknown, or a task that takes one gets another.
        """
        task = self.task(example.task)
        for label in self._label_ids(task, texts):
            before = self.labels.setdefault(example, {})
            if before.get(coder) == []:
                raise ValueError(
                    f"{coder!r} answers {example.task!r} of {example.article_id!r} with {label!r} "
                    "and with none"
                )
            chosen = before.setdefault(coder, [])
            if label in chosen:
                continue
            if chosen and task.choose is Choose.ONE:
                about = f" about {example.target!r}" if example.target else ""
                raise ValueError(
                    f"{coder!r} answers {example.task!r} of {example.article_id!r}{about} "
                    f"with {label!r} and with {chosen[0]!r}; this task takes one"
                )
            chosen.append(label)

    def add_none(self, example: Example, coder: str) -> None:
        """Add that the coder found no label to hold, which is an answer where many may.

        ValueError where the task takes one label, or the coder chose some.
        """
        self._check_none(example.task)
        if self.labels.setdefault(example, {}).setdefault(coder, []):
            raise ValueError(
                f"{coder!r} answers {example.task!r} of {example.article_id!r} with none and with "
                f"{self.labels[example][coder][0]!r}"
            )

    def chosen(self, task_name: str, texts: Sequence[str]) -> list[str]:
        """Return the ids of what is a whole answer, each once; none where it says that none holds.

        ValueError where it is empty, a label is unknown, or a task that takes one gets another.
        """
        task = self.task(task_name)
        if NONE_HOLDS in texts:
            self._check_none(task_name)
            if others := set(texts) - {NONE_HOLDS}:
                raise ValueError(f"{NONE_HOLDS!r} and {min(others)!r} at once")
            return []
        ids = sorted(set(self._label_ids(task, texts)))
        if not ids:
            raise ValueError("no label")
        if len(ids) > 1 and task.choose is Choose.ONE:
            raise ValueError(f"the labels {', '.join(map(repr, ids))}; {task_name!r} takes one")
        return ids

    def _check_none(self, task_name: str) -> None:
        if self.task(task_name).choose is Choose.ONE:
            raise ValueError(f"{NONE_HOLDS!r} is no answer to {task_name!r}, which takes a label")

    def note(self, example: Example, coder: str, note: Note) -> None:
        """Keep what came with a coder's answer; of several rows, the last that says something."""
        if any(note):
            before = self.notes.get((example, coder), Note())
            self.notes[example, coder] = Note(
                *(new or old for new, old in zip(note, before, strict=True))
            )

    def _label_ids(self, task: Task, texts: Sequence[str]) -> list[str]:
        """Return the ids of the labels in `texts`; where many may be chosen, `a|b` is two."""
        if task.choose is Choose.MANY:
            texts = [part for text in texts for part in text.split(LABEL_SEPARATOR)]
        stripped = [text.strip() for text in texts]
        return [task.label_id(text) for text in stripped if text not in self._no_answer]

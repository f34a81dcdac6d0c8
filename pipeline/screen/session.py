"""A coder's way through the examples: which is shown, what was answered, and what is undone."""

from collections.abc import Sequence
from datetime import UTC, datetime

from pipeline.label.answer_file import Answer, AnswerFile, Key
from pipeline.label.answers import Example, Note
from pipeline.label.coding_tasks import CodingTask, CodingTasks


class Session:
    """The tasks of one coder, and the file that has the answers.

    Each answer is on the disk when the call that gives it returns. Whoever starts again with the
    same file goes on at the first example without an answer.
    """

    def __init__(
        self, tasks: CodingTasks, coder: str, file: AnswerFile, suggest: bool = False
    ) -> None:
        """Read what `coder` has answered; suggestions are there to see only if `suggest`."""
        self.coder = coder
        self.suggest = suggest
        self._tasks = tasks
        self._file = file
        self._examples = tasks.examples
        mine = {self._key(example): example for example in self._examples}
        self._given: dict[Example, Answer] = {
            mine[key]: answer for key, answer in file.read().items() if key in mine
        }
        self._comments: dict[Example, str] = {}
        self._undo: list[tuple[Example, Answer | None]] = []  # with what it said before
        self.place = 0
        self._to_unanswered(0)

    def __len__(self) -> int:
        return len(self._examples)

    @property
    def answered(self) -> int:
        """How many of the examples have an answer."""
        return len(self._given)

    @property
    def codebook(self) -> str:
        """Name and version of the codebook."""
        return self._tasks.codebook.identity

    @property
    def current(self) -> CodingTask | None:
        """What is shown; None where every example has an answer and none is looked at again."""
        return self._tasks[self.place] if self.place < len(self) else None

    @property
    def given(self) -> Answer | None:
        """The answer that the shown example has."""
        return self._given.get(self._examples[self.place]) if self.place < len(self) else None

    @property
    def comment(self) -> str:
        """What the coder remarks about the shown example."""
        if self.place >= len(self):
            return ""
        example = self._examples[self.place]
        said = self.given.note.comment if self.given else None
        return self._comments.get(example, said or "")

    def answer(self, labels: Sequence[str]) -> None:
        """Write the answer, in place of one that the example has; go on to the next without one."""
        former = self.given
        self._write(labels)
        self._undo.append((self._examples[self.place], former))
        self._to_unanswered(self.place + 1)

    def remark(self, comment: str) -> None:
        """Keep a comment for the answer to come, or write it to the one that is there."""
        self._comments[self._examples[self.place]] = comment.strip()
        if self.given is not None:
            self._write(self.given.labels)

    def undo(self) -> bool:
        """Take back the latest answer of this session, and show its example; False for none.

        What the example had as its answer before, in this session or an earlier one, is its answer
        again; a comment stays.
        """
        if not self._undo:
            return False
        example, former = self._undo.pop()
        taken = self._given.pop(example)
        if former is None:
            if taken.note.comment:
                self._comments.setdefault(example, taken.note.comment)
            self._file.replace([taken.key])
        else:
            again = former._replace(note=former.note._replace(comment=taken.note.comment))
            self._file.replace([taken.key], [again])
            self._given[example] = again
        self.place = self._examples.index(example)
        return True

    def back(self) -> bool:
        """Show the example before; False at the first one."""
        if self.place == 0:
            return False
        self.place -= 1
        return True

    def forward(self) -> None:
        """Show the next example, answered or not; after the last one, the first without answer."""
        if self.place + 1 < len(self):
            self.place += 1
        else:
            self._to_unanswered(0)

    def _write(self, labels: Sequence[str]) -> None:
        task = self._tasks[self.place]
        note = Note(
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            comment=self.comment or None,
            codebook=self._tasks.codebook.version,
        )
        answer = Answer(task.example, self.coder, tuple(sorted(labels)), note)
        if self.given is None:
            self._file.add([answer])
        else:
            self._file.replace([answer.key], [answer])
        self._given[task.example] = answer

    def _key(self, example: Example) -> Key:
        return Key(example, self.coder, self._tasks.codebook.version)

    def _to_unanswered(self, start: int) -> None:
        """Go to the first example without an answer, from `start` on and then from the beginning.

        After the last example where there is none.
        """
        count = len(self)
        places = [*range(start, count), *range(min(start, count))]
        self.place = next(
            (place for place in places if self._examples[place] not in self._given), count
        )

"""What changed between two versions of a codebook, and which answers still hold."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from pipeline.codebook.schema import Asks, Choose, Codebook, Label, Target, Task


class Kind(StrEnum):
    """What became of a task, label or target."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    SPLIT = "split"
    MERGED = "merged"
    REDEFINED = "redefined"
    REWORDED = "reworded"
    """Another name, wording, example or place among the labels: answers hold."""


@dataclass(frozen=True)
class Change:
    """One difference of two codebooks."""

    kind: Kind
    what: str
    """`task`, `label` or `target`."""
    task: str | None
    """Of a label: its task in the new codebook, or in the old one where it has no successor."""
    old: tuple[str, ...]
    new: tuple[str, ...]
    recode: bool
    """Whether answers have to be given again because of it."""
    why: str
    """One sentence for people."""

    def as_dict(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        return asdict(self)


class VersionedAnswer(NamedTuple):
    """What a coder answered, in the words of one codebook."""

    task: str
    target: str | None
    labels: tuple[str, ...]


class OutdatedError(Exception):
    """The answer may not hold under the new codebook; the message is one plain sentence."""


@dataclass(frozen=True)
class Migration:
    """The way of answers from `old` to `new`, two versions of one codebook."""

    old: Codebook
    new: Codebook

    @cached_property
    def changes(self) -> list[Change]:
        """All differences that matter to coders or readers: tasks, their labels, then targets."""
        return [
            *self._task_changes(),
            *(change for step in self._steps.values() for change in step.changes()),
            *_target_changes(self.old, self.new),
        ]

    def carry(self, answer: VersionedAnswer) -> VersionedAnswer:
        """Return `answer` in the words of the new codebook; OutdatedError where it may not hold."""
        step = self._steps.get(answer.task)
        if step is None:
            raise OutdatedError(f"the task {answer.task!r} is gone")
        step.check_question()
        target = None if answer.target is None else self._carry_target(answer.target)
        labels = {step.carry(label) for label in answer.labels}
        return VersionedAnswer(step.new_name, target, tuple(sorted(labels)))

    def maybe(self, answer: VersionedAnswer) -> tuple[str, ...] | None:
        """Return what the labels of an outdated answer may still be; None where nobody can say."""
        step = self._steps.get(answer.task)
        if step is None or step.old.choose != step.new.choose:
            return None
        successors = [step.successors(label) for label in answer.labels]
        if any(len(each) != 1 for each in successors):
            return None
        return tuple(sorted({label for (label,) in successors}))

    def ask_again(self, answer: VersionedAnswer) -> list[tuple[str, str | None]]:
        """Return task and target, in the new codebook, of what an outdated answer was about.

        None where the task or the target is gone, or the task is asked of targets only now.
        """
        step = self._steps.get(answer.task)
        if step is None:
            return []
        if step.new.asks is Asks.ARTICLE:
            return [(step.new_name, None)]
        if answer.target is None:
            return []
        return [(step.new_name, target) for target in self._successors(answer.target)]

    @cached_property
    def _steps(self) -> dict[str, "_TaskStep"]:
        """The tasks that are still there, by their old names."""
        return {
            name: _TaskStep(name, new_name, self.old, self.new)
            for new_name, task in self.new.tasks.items()
            if (name := _before(new_name, task, self.old)) is not None
        }

    def _task_changes(self) -> Iterator[Change]:
        for name in self.old.tasks:
            if name not in self._steps:
                why = "its answers are left out"
                yield Change(Kind.REMOVED, "task", name, (name,), (), False, why)
        known = {step.new_name for step in self._steps.values()}
        for name in self.new.tasks:
            if name not in known:
                yield Change(Kind.ADDED, "task", name, (), (name,), False, "nobody has answered it")

    def _carry_target(self, target: str) -> str:
        successors = self._successors(target)
        if not successors:
            raise OutdatedError(f"the target {target!r} is gone")
        if len(successors) > 1:
            raise OutdatedError(f"the target {target!r} was split into {_listed(successors)}")
        return successors[0]

    def _successors(self, target: str) -> list[str]:
        if target not in {each.id for each in self.old.targets}:
            return [self.new.target_id(target)]  # one that only the rows name
        return _target_successors(target, self.old, self.new)


def _before(new_name: str, task: Task, old: Codebook) -> str | None:
    if new_name in old.tasks:
        return new_name
    return task.replaces if task.replaces in old.tasks else None


@dataclass(frozen=True)
class _TaskStep:
    """One task in both codebooks."""

    old_name: str
    new_name: str
    old_book: Codebook
    new_book: Codebook

    @property
    def old(self) -> Task:
        return self.old_book.tasks[self.old_name]

    @property
    def new(self) -> Task:
        return self.new_book.tasks[self.new_name]

    @cached_property
    def _old_labels(self) -> dict[str, Label]:
        return {label.id: label for label in self.old.labels}

    @cached_property
    def _new_labels(self) -> dict[str, Label]:
        return {label.id: label for label in self.new.labels}

    @cached_property
    def _takes(self) -> dict[str, tuple[str, ...]]:
        """For each new label, the old ones whose cases are its own now."""
        return {label.id: tuple(self._taken_by(label)) for label in self.new.labels}

    def _taken_by(self, label: Label) -> list[str]:
        declared = [old for old in label.replaces or () if old in self._old_labels]
        kept = [label.id] if label.id in self._old_labels and label.id not in declared else []
        if declared or kept or label.replaces is not None:
            return kept + declared
        twins = [
            old.id
            for old in self.old.labels
            if old.id not in self._new_labels
            and _criteria(old) == _criteria(label)
            and any(_criteria(old))
        ]
        return twins if len(twins) == 1 else []

    def successors(self, old: str) -> list[str]:
        """Return the new labels that a case of `old` may have now."""
        return [new for new, taken in self._takes.items() if old in taken]

    def check_question(self) -> None:
        """Raise OutdatedError where no answer to the task holds any more."""
        if reason := self._question_changed():
            raise OutdatedError(reason)
        if added := self._unexplained():
            raise OutdatedError(
                f"the new label {added[0]!r} of {self.new_name!r} may hold instead; its "
                "'replaces' can say from which labels it takes"
            )

    def carry(self, label: str) -> str:
        """Return what `label` is called now; OutdatedError where its cases may not be of it."""
        successors = self.successors(label)
        if not successors:
            raise OutdatedError(f"the label {label!r} of {self.old_name!r} is gone")
        if len(successors) > 1:
            raise OutdatedError(
                f"the label {label!r} of {self.old_name!r} was split into {_listed(successors)}"
            )
        if self._redefined(successors[0]):
            raise OutdatedError(f"the label {successors[0]!r} of {self.new_name!r} was redefined")
        return successors[0]

    def changes(self) -> Iterator[Change]:
        """Yield what became of the task and of its labels."""
        yield from self._own_changes()
        for old in self.old.labels:
            successors = self.successors(old.id)
            if not successors:
                yield self._change(Kind.REMOVED, (old.id,), (), "its cases have no label now", True)
            elif len(successors) > 1:
                why = "which of them a case is now, only a coder can say"
                yield self._change(Kind.SPLIT, (old.id,), tuple(successors), why, True)
        for new in self.new.labels:
            yield from self._changes_of(new)

    def _own_changes(self) -> Iterator[Change]:
        names = (self.old_name,), (self.new_name,)
        if self.old_name != self.new_name:
            why = "answers are carried over"
            yield Change(Kind.RENAMED, "task", self.new_name, *names, False, why)
        if reason := self._question_changed():
            yield Change(Kind.REDEFINED, "task", self.new_name, *names, True, reason)
        elif self.old.question != self.new.question:
            why = "another wording of the question, by 'since'"
            yield Change(Kind.REWORDED, "task", self.new_name, *names, False, why)

    def _changes_of(self, new: Label) -> Iterator[Change]:
        taken = self._takes[new.id]
        if not taken:
            unexplained = new.id in self._unexplained()
            why = (
                "it may hold of anything that was coded; its 'replaces' can say from which labels "
                "it takes, [] for none"
                if unexplained
                else "it takes from no earlier label"
            )
            yield self._change(Kind.ADDED, (), (new.id,), why, unexplained)
        elif len(taken) > 1:
            yield self._change(Kind.MERGED, taken, (new.id,), "answers are carried over", False)
        elif self.successors(taken[0]) == [new.id]:
            yield from self._changes_of_one(taken[0], new)

    def _changes_of_one(self, old: str, new: Label) -> Iterator[Change]:
        if old != new.id:
            why = "answers are carried over"
            yield self._change(Kind.RENAMED, (old,), (new.id,), why, self._redefined(new.id))
        if self._redefined(new.id):
            why = f"changed: {_listed(_changed_criteria(self._old_labels[old], new))}"
            yield self._change(Kind.REDEFINED, (old,), (new.id,), why, True)
        elif fields := _changed_wording(self._old_labels[old], new):
            why = f"changed: {_listed(fields)}; answers hold"
            yield self._change(Kind.REWORDED, (old,), (new.id,), why, False)

    def _change(
        self, kind: Kind, old: tuple[str, ...], new: tuple[str, ...], why: str, recode: bool
    ) -> Change:
        return Change(kind, "label", self.new_name, old, new, recode, why)

    def _question_changed(self) -> str | None:
        if self.old.asks != self.new.asks:
            return f"{self.new_name!r} is asked of {self.new.asks.value}s now"
        if self.old.choose != self.new.choose:
            return f"{self.new_name!r} takes {_how_many(self.new)} now"
        if self.old.question != self.new.question and not self._same_since(self.old, self.new):
            return f"the question of {self.new_name!r} was changed"
        return None

    def _redefined(self, new: str) -> bool:
        """True where the one label that became `new` had other criteria."""
        taken = self._takes[new]
        if len(taken) != 1:  # a merger is what its author says it is
            return False
        old, label = self._old_labels[taken[0]], self._new_labels[new]
        return _criteria(old) != _criteria(label) and not self._same_since(old, label)

    def _same_since(self, old: Task | Label, new: Task | Label) -> bool:
        return new.since is not None and new.since in (self.old_book.version, old.since)

    def _unexplained(self) -> list[str]:
        return [
            label.id
            for label in self.new.labels
            if not self._takes[label.id] and label.replaces is None
        ]


def _criteria(label: Label) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return what decides whether a case is of the label."""
    return label.definition, tuple(label.include), tuple(label.exclude)


def _changed_criteria(old: Label, new: Label) -> list[str]:
    return [
        name
        for name in ("definition", "include", "exclude")
        if getattr(old, name) != getattr(new, name)
    ]


def _changed_wording(old: Label, new: Label) -> list[str]:
    names = ("name", "examples", "parent", "external_id")
    return _changed_criteria(old, new) + [
        name for name in names if getattr(old, name) != getattr(new, name)
    ]


def _target_changes(old: Codebook, new: Codebook) -> Iterator[Change]:
    before = {target.id: target for target in old.targets}
    for target in old.targets:
        successors = tuple(_target_successors(target.id, old, new))
        if not successors:
            why = "answers about it are left out"
            yield Change(Kind.REMOVED, "target", None, (target.id,), (), False, why)
        elif len(successors) > 1:
            why = "which of them an answer is about, only a coder can say"
            yield Change(Kind.SPLIT, "target", None, (target.id,), successors, True, why)
    for target in new.targets:
        yield from _changes_of_target(target, before, old, new)


def _changes_of_target(
    target: Target, before: dict[str, Target], old: Codebook, new: Codebook
) -> Iterator[Change]:
    taken = tuple(each for each in before if target.id in _target_successors(each, old, new))
    if not taken:
        yield Change(Kind.ADDED, "target", None, (), (target.id,), False, "nobody was asked of it")
    elif len(taken) > 1:
        why = "answers are carried over"
        yield Change(Kind.MERGED, "target", None, taken, (target.id,), False, why)
    elif len(_target_successors(taken[0], old, new)) > 1:
        return  # told as a split
    elif taken[0] != target.id:
        why = "answers are carried over"
        yield Change(Kind.RENAMED, "target", None, taken, (target.id,), False, why)
    elif before[target.id].wordings != target.wordings:
        why = "other wordings find other mentions; answers hold"
        yield Change(Kind.REWORDED, "target", None, taken, (target.id,), False, why)


def _target_successors(target: str, old: Codebook, new: Codebook) -> list[str]:
    """Return the new targets that answers about `target`, an id of `old`, may be about now."""
    if target not in {each.id for each in old.targets}:
        return []
    return [each.id for each in new.targets if target in (each.id, *each.replaces)]


def _how_many(task: Task) -> str:
    return "one label" if task.choose is Choose.ONE else "many labels"


def _listed(names: Sequence[str]) -> str:
    *most, last = map(str, names)
    return f"{', '.join(most)} and {last}" if most else last

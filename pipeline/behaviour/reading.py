"""Suites read and checked against the codebook that they are for."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from pipeline import documents
from pipeline.behaviour.passages import Targets
from pipeline.behaviour.suite import (
    Alias,
    Direction,
    Minimum,
    OtherTarget,
    Suite,
    Test,
)
from pipeline.behaviour.templates import filled, slots_in
from pipeline.codebook import Asks, Codebook
from pipeline.documents import Step, suggest
from pipeline.errors import SuiteError

# The suite that comes with the package: it needs no writing and fits any codebook.
GENERAL: Final = "general"

# Where something is wrong below a test, and what.
Problem: TypeAlias = tuple[tuple[Step, ...], str]


def suite_path(name: str) -> Path:
    """Return the file of a suite: `general` is the packaged one, all else a path."""
    return Path(__file__).with_name(f"{GENERAL}.yaml") if name == GENERAL else Path(name)


def load_suites(names: Sequence[str], codebook: Codebook) -> list[Suite]:
    """Read the suites; SuiteError names file, line and key of what does not fit the codebook."""
    suites = [load(suite_path(name), codebook) for name in names]
    owners: dict[str, str] = {}
    for name, suite in zip(names, suites, strict=True):
        for test in suite.tests:
            if test in owners:
                raise SuiteError(
                    f"{name}: tests.{test}: {owners[test]} has this test too; keep one"
                )
            owners[test] = name
    return suites


def load(path: Path, codebook: Codebook) -> Suite:
    """Read and check the suite at `path`."""
    document = documents.read(path)
    suite = documents.validate(document, Suite, SuiteError)
    lines = [
        f"{document.where(at)}: {'.'.join(map(str, at))}: {what}"
        for name, test in suite.tests.items()
        for at, what in _below(("tests", name), _problems(test, codebook))
    ]
    if lines:
        raise SuiteError("\n".join(lines))
    return suite


def _below(path: tuple[Step, ...], problems: Iterable[Problem]) -> Iterator[Problem]:
    return (((*path, *at), what) for at, what in problems)


def _problems(test: Test, codebook: Codebook) -> Iterator[Problem]:
    if test.task is not None and test.task not in codebook.tasks:
        known = sorted(codebook.tasks)
        yield (
            ("task",),
            (
                f"the codebook {codebook.identity} has no task {test.task!r}"
                f"{suggest(test.task, known, 'task')}"
            ),
        )
        return
    yield from _label_problems(test, codebook)
    target = list(_target_problems(test, codebook))
    slots = list(_slot_problems(test))
    yield from (*target, *slots)
    if not target and not slots and test.target is not None:
        yield from _naming_problems(test, Targets(codebook))


def _label_problems(test: Test, codebook: Codebook) -> Iterator[Problem]:
    if not isinstance(test, Minimum | Direction):
        return
    known = codebook.tasks[test.task].label_ids
    for label in [test.label] if isinstance(test, Direction) else test.label:
        if label not in known:
            yield (
                ("label",),
                f"{test.task!r} has no label {label!r}{suggest(label, known, 'label')}",
            )


def _target_problems(test: Test, codebook: Codebook) -> Iterator[Problem]:
    if test.task is None:
        return
    is_asked = codebook.tasks[test.task].asks is Asks.TARGET
    if not is_asked and test.target is not None:
        yield ("target",), f"{test.task!r} is asked of the whole article; leave target out"
    if is_asked and test.target is None and written(test):
        yield (), f"{test.task!r} is asked of a target; name it as target"
    change = None if isinstance(test, Minimum) else test.change
    if not is_asked and isinstance(change, Alias | OtherTarget):
        yield ("change",), f"{test.task!r} is asked of the whole article; there is no target in it"


def _slot_problems(test: Test) -> Iterator[Problem]:
    used = set(slots_in(*_to(test)))
    for place, texts in written(test):
        for slot in slots_in(*texts, test.target):
            if slot not in test.slots:
                yield place, f"nothing fills the slot {{{slot}}}; list its wordings in slots.{slot}"
        used |= set(slots_in(*texts, test.target))
    for slot in sorted(set(test.slots) - used):
        yield ("slots", slot), f"no text has the slot {{{slot}}}; leave it out"


def _naming_problems(test: Test, targets: Targets) -> Iterator[Problem]:
    for place, texts in written(test):
        for *found, target in filled([*texts, test.target], test.slots):
            silent = [text for text in found if not targets.about(text or "", target).mentions]
            if silent:
                others = ", ".join(targets.named(silent[0] or ""))
                names = f"; it names {others}" if others else ""
                yield place, f"the target {target!r} is not named in {silent[0]!r}{names}"
                break  # one combination of the slots tells it


def written(test: Test) -> list[tuple[tuple[Step, ...], list[str]]]:
    """Return the written texts, one or a pair, each with its place below the test."""
    if isinstance(test, Minimum) or test.texts is not None:
        return [(("texts", at), [text]) for at, text in enumerate(test.texts or ())]
    pairs = test.pairs or ()
    return [(("pairs", at), [pair.before, pair.after]) for at, pair in enumerate(pairs)]


def _to(test: Test) -> list[str | None]:
    """Return the other target that a written text is asked about, which may be a slot."""
    change = None if isinstance(test, Minimum) else test.change
    return [change.to] if isinstance(change, OtherTarget) else []

"""From cases and a bundle to what each test found."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.behaviour.cases import Case, Prepared
from pipeline.behaviour.passages import Passage
from pipeline.behaviour.suite import Direction, Invariance, Minimum
from pipeline.bundle import Bundle, chosen
from pipeline.codebook import Asks
from pipeline.features import gather, sentences_of, texts_of
from pipeline.mentions import Span
from pipeline.records import EXAMPLES, LABEL_SEPARATOR, join_labels
from pipeline.statistics.rates import rate_of

# Failing cases that are kept, the worst first.
EXAMPLES_KEPT: Final = 20
# Characters of a sentence that are shown on each side of the change.
SHOWN: Final = 160


@dataclass(frozen=True)
class Answers:
    """What the model says of the passages of a task, once of each."""

    labels: Sequence[str]
    row_of: Mapping[Passage, int]
    likely: NDArray[np.float32]  # [passages, labels]
    picked: NDArray[np.bool_]  # [passages, labels] which labels are the answer

    def label(self, passage: Passage) -> str:
        """Return the answer, several labels joined; empty where none holds."""
        row = self.picked[self.row_of[passage]]
        return join_labels([self.labels[at] for at in np.flatnonzero(row).tolist()])


def run_tests(
    bundle: Bundle, prepared: Sequence[Prepared], confidence: float
) -> list[dict[str, Any]]:
    """Return what each test found, in plain values.

    Cost: one prediction of each passage that differs, before and after; those before a change are
    shared by the tests.
    """
    answers = {
        task: _ask(bundle, task, [each for each in prepared if each.task == task])
        for task in sorted({each.task for each in prepared})
    }
    return [_result(each, answers[each.task], confidence) for each in prepared]


def _ask(bundle: Bundle, task: str, prepared: Sequence[Prepared]) -> Answers:
    row_of: dict[Passage, int] = {}
    for case in (case for each in prepared for case in each.cases):
        for passage in (case.before, case.after):
            if passage is not None:
                row_of.setdefault(passage, len(row_of))
    model = bundle.tasks[task]
    if not row_of:
        none = np.zeros((0, len(model.labels)), np.float32)
        return Answers(model.labels, row_of, none, none > 0)
    sees_target = bundle.codebook.tasks[task].asks is Asks.TARGET
    names = bundle.codebook.target_names if sees_target else None
    likely = model.answer(*gather(*_tables(list(row_of), task), names), 0).probabilities
    return Answers(model.labels, row_of, likely, chosen(likely, model.thresholds))


def _tables(passages: Sequence[Passage], task: str) -> tuple[pa.Table, pa.Table]:
    """Return articles and records.EXAMPLES of the passages, a text that several share once."""
    id_of: dict[tuple[str | None, str], str] = {}
    for passage in passages:
        id_of.setdefault((passage.title, passage.text), str(len(id_of)))
    articles = pa.table(
        {
            "id": list(id_of.values()),
            "title": pa.array([title for title, _ in id_of], pa.large_string()),
            "text": pa.array([text for _, text in id_of], pa.large_string()),
        }
    )
    rows = [
        {
            "example_id": str(number),
            "article_id": id_of[passage.title, passage.text],
            "task": task,
            "target": passage.target,
            "mentions": _as_spans(passage.mentions),
            "source_entity": passage.source_entity,
            "source_mentions": _as_spans(passage.source_mentions),
            "gold": None,
            "coders": 0,
        }
        for number, passage in enumerate(passages)
    ]
    return articles, pa.Table.from_pylist(rows, EXAMPLES)


def _as_spans(spans: Sequence[Span]) -> list[dict[str, int]]:
    return [{"start": start, "end": end} for start, end in spans]


@dataclass(frozen=True)
class Judged:
    """What came of a case."""

    case: Case
    failed: bool
    shift: float  # how far a probability moved: the most of any label, or of the one in question
    wrongness: float  # by what failures are ordered


def _result(prepared: Prepared, answers: Answers, confidence: float) -> dict[str, Any]:
    test = prepared.test
    judged = [_judge(prepared, case, answers) for case in prepared.cases]
    rate = rate_of(
        [each.failed for each in judged], [each.case.cluster for each in judged], confidence
    )
    change = None if isinstance(test, Minimum) else test.change
    shifts = [] if isinstance(test, Minimum) else [each.shift for each in judged]
    return {
        "name": prepared.name,
        "suite": prepared.suite,
        "task": prepared.task,
        "kind": test.kind,
        "change": change and change.kind,
        "description": test.description,
        "expected": _expected(prepared),
        "n": rate.n,
        "failures": rate.failures,
        "failure_rate": rate.rate,
        "failure_rate_low": rate.low,
        "failure_rate_high": rate.high,
        "clusters": rate.clusters,
        "effective_n": rate.effective_n,
        "mean_shift": float(np.mean(shifts)) if shifts else None,
        "allow": test.allow,
        "passed": None if test.allow is None or rate.rate is None else rate.rate <= test.allow,
        "left_out": {reason.value: count for reason, count in sorted(prepared.left_out.items())},
        "examples": _examples(_worst(judged), prepared, answers),
    }


def _judge(prepared: Prepared, case: Case, answers: Answers) -> Judged:
    test, before = prepared.test, answers.row_of[case.before]
    if isinstance(test, Minimum):
        right = [answers.labels.index(label) for label in test.label]
        failed = not answers.picked[before, right].any()
        return Judged(case, bool(failed), 0.0, 1 - float(answers.likely[before, right].max()))
    assert case.after is not None
    after = answers.row_of[case.after]
    moved = (answers.likely[after] - answers.likely[before]).astype(float)
    if isinstance(test, Invariance):
        most = float(np.abs(moved).max())
        return Judged(
            case, bool((answers.picked[after] != answers.picked[before]).any()), most, most
        )
    move = float(moved[answers.labels.index(test.label)])
    gain = move if test.moves == "rises" else -move
    return Judged(case, gain <= 0 or gain < test.by, move, -gain)


def _worst(judged: Sequence[Judged]) -> list[Judged]:
    """Return the worst failures of each cluster, then the next ones, as many as are kept."""
    failures = [each for each in judged if each.failed]
    failures.sort(key=lambda each: (-each.wrongness, each.case.id))
    seen: Counter[str] = Counter()
    turns = []
    for each in failures:
        turns.append(seen[each.case.cluster])
        seen[each.case.cluster] += 1
    order = np.argsort(turns, kind="stable")[:EXAMPLES_KEPT]
    return [failures[at] for at in order.tolist()]


def _expected(prepared: Prepared) -> str:
    match prepared.test:
        case Minimum(label=labels):
            return " or ".join(labels)
        case Direction(label=label, moves=moves, by=by):
            return f"{label} {moves}" + (f" by {by:g} or more" if by else "")
        case _:
            return "the same answer"


Example: TypeAlias = dict[str, Any]


def _examples(failures: Sequence[Judged], prepared: Prepared, answers: Answers) -> list[Example]:
    excerpts = _excerpts([each.case for each in failures])
    return [
        _example(each.case, prepared, answers) | {"before": before, "after": after}
        for each, (before, after) in zip(failures, excerpts, strict=True)
    ]


def _example(case: Case, prepared: Prepared, answers: Answers) -> Example:
    """Return a case with its answers, and the probabilities of the labels that matter to it."""
    passages = {"before": case.before, "after": case.after}
    given = {name: answers.label(each) if each else None for name, each in passages.items()}
    test = prepared.test
    asked = [] if isinstance(test, Invariance) else test.label
    wanted = {*([asked] if isinstance(asked, str) else asked)}
    wanted |= {
        label
        for answer in given.values()
        for label in (answer or "").split(LABEL_SEPARATOR)
        if label
    }
    return {
        "id": case.id,
        "target": case.before.target,
        "target_after": case.after.target if case.after else None,
        **{f"answer_{name}": answer for name, answer in given.items()},
        **{
            f"probabilities_{name}": each and _probabilities(answers, each, wanted)
            for name, each in passages.items()
        },
    }


def _probabilities(answers: Answers, passage: Passage, wanted: set[str]) -> dict[str, float]:
    row = answers.likely[answers.row_of[passage]]
    return {
        label: round(float(row[at]), 4)
        for at, label in enumerate(answers.labels)
        if label in wanted
    }


def _excerpts(cases: Sequence[Case]) -> list[tuple[str, str | None]]:
    """Return the sentence before and after the change of each case; short texts whole."""
    if not cases:
        return []
    places = [_place(case) for case in cases]
    before = _sentences_at([case.before.whole for case in cases], places)
    after = _sentences_at([(case.after or case.before).whole for case in cases], places)
    return [
        (one, other if case.after else None)
        for case, one, other in zip(cases, before, after, strict=True)
    ]


def _place(case: Case) -> int:
    """Return the first character of the whole text that the change is about."""
    before, after = case.before, case.after
    if after is not None and after.whole != before.whole:
        same = (one == other for one, other in zip(before.whole, after.whole, strict=False))
        return sum(itertools.takewhile(bool, same))
    start = before.mentions[0][0] if before.mentions else 0
    return len(before.whole) - len(before.text) + start


def _sentences_at(wholes: Sequence[str], places: Sequence[int]) -> list[str]:
    texts = texts_of(pa.nulls(len(wholes), pa.large_string()), pa.array(wholes, pa.large_string()))
    sentences = sentences_of(texts)
    found = []
    for number, (whole, place) in enumerate(zip(wholes, places, strict=True)):
        spans = sentences.spans[sentences.bounds[number] : sentences.bounds[number + 1]].tolist()
        is_short = len(whole) <= 2 * SHOWN
        start, end = next((s for s in spans if s[1] > place and not is_short), (0, len(whole)))
        first, last = (0, len(whole)) if is_short else (place - SHOWN, place + SHOWN)
        found.append(_cut(whole, max(start, first), min(end, last), start, end))
    return found


def _cut(whole: str, start: int, end: int, first: int, last: int) -> str:
    shown = " ".join(whole[start:end].split())
    return ("… " if start > first else "") + shown + (" …" if end < last else "")

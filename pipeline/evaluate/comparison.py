"""Runs side by side, and whether the one is really better than the other."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config import Evaluate
from pipeline.errors import DataError
from pipeline.evaluate import metrics
from pipeline.evaluate.answers import (
    Answers,
    Floats,
    check_scored,
    question_of_score,
    read_answers,
    rows_of,
    sides_and_tasks,
)
from pipeline.evaluate.bootstrap import interval, resampled_sums
from pipeline.records import is_test

# What makes two rows of two runs the same example.
KEYS: Final = ["side", "task", "article_id", "target"]
HEADLINE: Final = ("macro_f1", "accuracy", "ece")


@dataclass(frozen=True)
class ComparisonRow:
    """One run on one side and task; differences are to the first run, None in its own row."""

    side: str
    task: str
    run: str
    n: int
    macro_f1: float | None
    macro_f1_low: float | None
    macro_f1_high: float | None
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    ece: float | None
    ece_low: float | None
    ece_high: float | None
    difference: float | None = None
    """Macro-F1 of this run minus that of the first."""
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None
    """Two-sided, from the resamples: how well no difference at all would fit them."""
    gained: int | None = None
    """Examples that this run has right and the first one wrong."""
    lost: int | None = None
    """Examples that this run has wrong and the first one right."""


@dataclass(frozen=True)
class Comparison:
    """Rows by side, task and run; the runs in the order they were named, the first one leads."""

    rows: list[ComparisonRow]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {"rows": [asdict(row) for row in self.rows]}


def compare(
    named: Mapping[str, tuple[Mapping[str, Any], pa.Table]],
    section: Evaluate | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare runs, given as name → (metrics, records.SCORED), on their test sides.

    The difference to the first run is resampled in pairs: each resample draws clusters of
    examples, and scores both runs on them. DataError says why runs cannot be compared: other
    codebook, other labels, other test examples, or other gold.
    """
    section = section or Evaluate()
    if not named:
        raise DataError("nothing to compare; name two runs or more")
    first, *others = [
        _Run(name, scores, _test_rows(name, scored)) for name, (scores, scored) in named.items()
    ]
    for other in others:
        _check_alike(first, other)
    return Comparison(
        [
            row
            for side, task in sides_and_tasks(first.rows)
            for row in _compare_task(first, others, side, task, section, seed)
        ]
    )


@dataclass(frozen=True)
class _Run:
    name: str
    scores: Mapping[str, Any]
    rows: pa.Table

    def score(self, side: str, task: str) -> Mapping[str, Any]:
        try:
            score: Mapping[str, Any] = self.scores[side][task]
        except KeyError:
            raise DataError(
                f"run {self.name}: its metrics have no {task} on the {side} side, its predictions "
                f"have; evaluate it again"
            ) from None
        return score

    def answers(self, side: str, task: str, section: Evaluate) -> Answers:
        question = question_of_score(task, self.score(side, task))
        return read_answers(rows_of(self.rows, side, task), question, section.resample_by)


def _compare_task(
    first: _Run, others: list[_Run], side: str, task: str, section: Evaluate, seed: int
) -> Iterator[ComparisonRow]:
    ours = first.answers(side, task, section)
    yield _row(first, side, task, {})
    for other in others:
        labels = list(other.score(side, task)["labels"])
        if labels != ours.question.labels:
            raise DataError(
                f"{_refusal(first, other)}: the labels of {task} differ "
                f"({', '.join(ours.question.labels)} and {', '.join(labels)})"
            )
        rng = np.random.default_rng([seed, *f"{side}/{task}".encode()])
        differs = _difference(ours, other.answers(side, task, section), section, rng)
        yield _row(other, side, task, differs)


def _row(run: _Run, side: str, task: str, differs: Mapping[str, Any]) -> ComparisonRow:
    score = run.score(side, task)
    names = [f"{name}{end}" for name in HEADLINE for end in ("", "_low", "_high")]
    headline = {name: score[name] for name in names}
    return ComparisonRow(side, task, run.name, score["n"], **headline, **differs)


def _difference(
    ours: Answers, theirs: Answers, section: Evaluate, rng: np.random.Generator
) -> dict[str, Any]:
    tallies = {
        "ours": metrics.tally(ours.gold, ours.predicted),
        "theirs": metrics.tally(theirs.gold, theirs.predicted),
    }
    sums = resampled_sums(tallies, ours.clusters, section.resamples, rng)
    f1 = {name: metrics.macro_f1(metrics.counts_of(table)) for name, table in sums.items()}
    differences = f1["theirs"] - f1["ours"]
    low, high = interval(differences[1:], section.confidence)
    return {
        "difference": None if np.isnan(differences[0]) else float(differences[0]),
        "difference_low": low,
        "difference_high": high,
        "p_value": _p_value(differences[1:]),
        "gained": int((theirs.right & ~ours.right).sum()),
        "lost": int((ours.right & ~theirs.right).sum()),
    }


def _p_value(differences: Floats) -> float | None:
    """Twice the share of resamples on the rarer side of no difference, itself on both sides."""
    known = differences[~np.isnan(differences)]
    if not len(known):
        return None
    rarer = min((known <= 0).sum(), (known >= 0).sum())
    # One is added above and below, so that no number of resamples claims an impossibility.
    return float(min(1.0, 2 * (rarer + 1) / (len(known) + 1)))


def _test_rows(run: str, scored: pa.Table) -> pa.Table:
    """Return the test sides' rows in the order of their examples."""
    check_scored(scored)
    sides = [side for side in pc.unique(scored["side"]).to_pylist() if is_test(side)]
    rows = scored.filter(pc.is_in(scored["side"], value_set=pa.array(sides, pa.string())))
    if not rows.num_rows:
        raise DataError(f"run {run}: no scored test examples; nothing to compare")
    return rows.sort_by([(key, "ascending") for key in KEYS])


def _check_alike(first: _Run, other: _Run) -> None:
    ours, theirs = first.rows, other.rows
    versions = [_versions(rows) for rows in (ours, theirs)]
    if versions[0] != versions[1]:
        raise DataError(
            f"{_refusal(first, other)}: the codebooks differ ({' and '.join(versions)})"
        )
    if not all(ours[key].equals(theirs[key]) for key in KEYS):
        only_first, only_other = _unshared(ours, theirs)
        raise DataError(
            f"{_refusal(first, other)}: the test examples differ ({only_first} only in "
            f"{first.name}, {only_other} only in {other.name}); train both on the same data and "
            f"split"
        )
    if not ours["gold"].equals(theirs["gold"]):
        raise DataError(f"{_refusal(first, other)}: the gold of their test examples differs")


def _refusal(first: _Run, other: _Run) -> str:
    return f"runs {first.name} and {other.name} cannot be compared"


def _versions(rows: pa.Table) -> str:
    return ", ".join(sorted(pc.unique(rows["codebook_version"]).to_pylist()))


def _unshared(ours: pa.Table, theirs: pa.Table) -> tuple[int, int]:
    mine, yours = (
        Counter(tuple(row.values()) for row in rows.select(KEYS).to_pylist())
        for rows in (ours, theirs)
    )
    return (mine - yours).total(), (yours - mine).total()

"""Runs side by side, and whether the one is really better than the other."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config import Evaluate
from pipeline.errors import DataError
from pipeline.evaluate import metrics
from pipeline.evaluate.answers import (
    Answers,
    check_scored,
    question_of_score,
    read_answers,
    rows_of,
    sides_and_tasks,
)
from pipeline.evaluate.significance import difference, holm, mcnemar
from pipeline.evaluate.slices import slice_sums, slicings
from pipeline.records import is_test, join_labels
from pipeline.statistics import paired
from pipeline.statistics.bootstrap import resampled_sums, resamples_of

# What makes two rows of two runs the same example.
KEYS: Final = ["side", "task", "article_id", "target"]
HEADLINE: Final = ("macro_f1", "accuracy", "ece")


FLIPS: Final = 50  # of each kind


@dataclass(frozen=True)
class LabelDifference:
    """A label's F1 in both runs; differences are to the first run."""

    label: str
    first: float | None
    other: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None


@dataclass(frozen=True)
class SliceDifference:
    """A slice's accuracy in both runs; differences are to the first run."""

    by: str
    name: str
    n: int
    first: float
    other: float
    difference: float
    difference_low: float | None
    difference_high: float | None
    p_adjusted: float | None
    """Two-sided, by the deviation of the resamples and at least McNemar's exact p, after Holm over
    all slices of the task."""


@dataclass(frozen=True)
class Flip:
    """An example that one run has right and the other wrong."""

    article_id: str
    target: str | None
    gold: str
    first: str
    other: str
    probability: float | None
    """That the wrong run gives its answer."""
    evidence: list[str]
    """Sentences that speak for the wrong run's answer."""


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
    least_p: float | None = None
    """The smallest p that so many resamples can show."""
    mcnemar_p: float | None = None
    """Exact McNemar test of gained against lost; it takes examples for independent."""
    p_adjusted: float | None = None
    """`p_value` after Holm, over the runs that are compared with the first."""
    labels: Sequence[LabelDifference] = ()
    """By label, in the codebook's order."""
    slices: Sequence[SliceDifference] = ()
    """By slice that the first run's `evaluate.slices` names and that is large enough."""
    gains: Sequence[Flip] = ()
    """The first of those gained, the surest errors of the first run."""
    losses: Sequence[Flip] = ()
    """The first of those lost, the surest errors of this run."""


@dataclass(frozen=True)
class Cost:
    """What a run's model costs to use."""

    examples_per_second: float | None
    """With two sentences of evidence each, in the same minute as the other runs' models; None where
    it was not measured."""
    megabytes: float
    """Of the model's folder."""


@dataclass(frozen=True)
class Comparison:
    """Rows by side, task and run; the runs in the order they were named, the first one leads."""

    rows: list[ComparisonRow]
    costs: Mapping[str, Cost] = field(default_factory=dict)
    """By run."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        costs = {run: asdict(cost) for run, cost in self.costs.items()}
        return {"rows": [asdict(row) for row in self.rows], "costs": costs}


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
    found = []
    for other in others:
        labels = list(other.score(side, task)["labels"])
        if labels != ours.question.labels:
            raise DataError(
                f"{_refusal(first, other)}: the labels of {task} differ "
                f"({', '.join(ours.question.labels)} and {', '.join(labels)})"
            )
        rng = np.random.default_rng([seed, *f"{side}/{task}".encode()])
        theirs = other.answers(side, task, section)
        rows = rows_of(first.rows, side, task)
        differs = _difference(ours, theirs, section, rng)
        differs["slices"] = _slice_differences(rows, ours, theirs, section, rng)
        differs |= _flips(rows, rows_of(other.rows, side, task), ours, theirs)
        found.append((other, differs))
    adjusted = holm([differs["p_value"] for _, differs in found])
    for (other, differs), p_value in zip(found, adjusted, strict=True):
        yield _row(other, side, task, differs | {"p_adjusted": p_value})


def _row(run: _Run, side: str, task: str, differs: Mapping[str, Any]) -> ComparisonRow:
    score = run.score(side, task)
    names = [f"{name}{end}" for name in HEADLINE for end in ("", "_low", "_high")]
    headline = {name: score[name] for name in names}
    return ComparisonRow(side, task, run.name, score["n"], **headline, **differs)


def _difference(
    ours: Answers, theirs: Answers, section: Evaluate, rng: np.random.Generator
) -> dict[str, Any]:
    tallies = {
        "ours": paired.tally(ours.gold, ours.predicted),
        "theirs": paired.tally(theirs.gold, theirs.predicted),
    }
    sums = resampled_sums(tallies, ours.clusters, section, rng)
    counts = {name: paired.counts_of(table) for name, table in sums.items()}
    f1 = {name: metrics.macro_f1(each) for name, each in counts.items()}
    differences = f1["theirs"] - f1["ours"]
    tested = difference(resamples_of(differences, section), ours.n_clusters, section.confidence)
    gained = int((theirs.right & ~ours.right).sum())
    lost = int((ours.right & ~theirs.right).sum())
    return {
        "difference": _number(differences[0]),
        "difference_low": tested.low,
        "difference_high": tested.high,
        "p_value": tested.p_value,
        "least_p": tested.least_p,
        "gained": gained,
        "lost": lost,
        "mcnemar_p": mcnemar(gained, lost),
        "labels": _label_differences(counts, ours, section),
    }


def _label_differences(
    counts: Mapping[str, paired.Counts], answers: Answers, section: Evaluate
) -> list[LabelDifference]:
    first, other = metrics.label_f1(counts["ours"]), metrics.label_f1(counts["theirs"])
    found = []
    for k, label in enumerate(answers.question.labels):
        differences = other[:, k] - first[:, k]
        tested = difference(
            resamples_of(differences, section), answers.n_clusters, section.confidence
        )
        found.append(
            LabelDifference(
                label=label,
                first=_number(first[0, k]),
                other=_number(other[0, k]),
                difference=_number(differences[0]),
                difference_low=tested.low,
                difference_high=tested.high,
            )
        )
    return found


def _slice_differences(
    rows: pa.Table, ours: Answers, theirs: Answers, section: Evaluate, rng: np.random.Generator
) -> list[SliceDifference]:
    from scipy.stats import norm

    found, p_values = [], []
    better = theirs.right & ~ours.right
    columns = [ours.right, theirs.right, better, ours.right & ~theirs.right]
    for cut in slicings(rows, section):
        sums = slice_sums(cut, columns, ours.clusters, section, rng)
        first, other = (paired.ratio(sums[..., at], sums[..., 0]) for at in (1, 2))
        for at, name in enumerate(cut.names):
            differences = other[:, at] - first[:, at]
            resamples = resamples_of(differences, section)
            tested = difference(resamples, ours.n_clusters, section.confidence)
            spread = np.nanstd(resamples) if tested.low is not None else 0.0
            gained, lost = (int(sums[0, at, column]) for column in (3, 4))
            # Of few flips the deviation says too little: the exact test must agree.
            p = float(2 * norm.sf(abs(differences[0]) / spread)) if spread > 0 else 0.0
            p_values.append(max(p, mcnemar(gained, lost)))
            found.append(
                SliceDifference(
                    by=cut.by,
                    name=name,
                    n=int(sums[0, at, 0]),
                    first=float(first[0, at]),
                    other=float(other[0, at]),
                    difference=float(differences[0]),
                    difference_low=tested.low,
                    difference_high=tested.high,
                    p_adjusted=None,
                )
            )
    return [replace(each, p_adjusted=p) for each, p in zip(found, holm(p_values), strict=True)]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _flips(
    first: pa.Table, other: pa.Table, ours: Answers, theirs: Answers
) -> dict[str, list[Flip]]:
    """Return what the one has right and the other wrong, the surest errors first."""
    result = {}
    for kind, flipped, table in (
        ("gains", theirs.right & ~ours.right, first),
        ("losses", ours.right & ~theirs.right, other),
    ):
        places = np.flatnonzero(flipped)
        sureness = table["probability"].take(pa.array(places)).to_pylist()
        order = sorted(range(len(places)), key=lambda at: (-(sureness[at] or 0), places[at]))
        chosen = pa.array([int(places[at]) for at in order[:FLIPS]], pa.int64())
        result[kind] = [
            Flip(
                article_id=row["article_id"],
                target=row["target"],
                gold=join_labels(row["gold"]),
                first=mine or "",
                other=yours or "",
                probability=row["probability"],
                evidence=[sentence["text"] for sentence in row["evidence"] or []],
            )
            for row, mine, yours in zip(
                table.take(chosen).to_pylist(),
                first["label"].take(chosen).to_pylist(),
                other["label"].take(chosen).to_pylist(),
                strict=True,
            )
        ]
    return result


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

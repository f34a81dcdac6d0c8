"""How far the coders agree, by task."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from pipeline.codebook import Choose, Task
from pipeline.label.adjudication import Answers, adjudicate, votes
from pipeline.label.answers import Example
from pipeline.label.krippendorff import nominal_alpha
from pipeline.records import example_id


def agreement_on(task: Task, answers: Mapping[Example, Answers]) -> dict[str, Any]:
    """Return a task's coders, examples, agreement, gold labels and ties, JSON-ready.

    `alpha` is Krippendorff's nominal alpha; where many labels may be chosen, its mean over the
    labels without those whose alpha is not defined. `agreement` is the share of pairs of answers
    to the same example that are equal. `labels` takes each label as a question of yes or no: its
    alpha, and on how many of the examples that were coded twice somebody chose it.
    """
    shared = [list(coders.values()) for coders in answers.values() if len(coders) > 1]
    labels = {label: _label_agreement(label, shared) for label in task.label_ids}
    gold = [adjudicate(task, coders) for coders in answers.values()]
    counts = Counter(label for labels in gold for label in labels or ())
    return {
        "coders": sorted({coder for coders in answers.values() for coder in coders}),
        "examples": len(answers),
        "examples_with_two_coders": len(shared),
        "alpha": _alpha(task, shared, labels),
        "agreement": _pairwise(shared),
        "gold": {label: counts[label] for label in task.label_ids},
        "ties": gold.count(None),
        "labels": labels,
    }


def ties_in(task: Task, answers: Mapping[Example, Answers]) -> list[dict[str, Any]]:
    """Return the examples on which the coders are split, with the votes for each label."""
    return [
        {"example_id": example_id(*example), "votes": votes(coders)}
        for example, coders in answers.items()
        if adjudicate(task, coders) is None
    ]


def answers_in(annotations: pa.Table) -> dict[str, dict[Example, dict[str, list[str]]]]:
    """Return what is in records.ANNOTATIONS: the labels by task, example and coder."""
    found: dict[str, dict[Example, dict[str, list[str]]]] = {}
    for row in annotations.to_pylist():
        example = Example(row["article_id"], row["task"], row["target"])
        of_coder = found.setdefault(example.task, {}).setdefault(example, {})
        # An empty label says that the coder found none to hold.
        of_coder.setdefault(row["coder"], []).extend(filter(None, [row["label"]]))
    return found


def _label_agreement(label: str, shared: Sequence[Sequence[Sequence[str]]]) -> dict[str, Any]:
    units = [[label in labels for labels in unit] for unit in shared]
    return {"alpha": nominal_alpha(units), "coded_twice": sum(map(any, units))}


def _alpha(
    task: Task,
    shared: Sequence[Sequence[Sequence[str]]],
    labels: Mapping[str, Mapping[str, Any]],
) -> float | None:
    if task.choose is Choose.ONE:
        return nominal_alpha([chosen[0] for chosen in unit] for unit in shared)
    defined = [row["alpha"] for row in labels.values() if row["alpha"] is not None]
    return sum(defined) / len(defined) if defined else None


def _pairwise(shared: Iterable[Sequence[Sequence[str]]]) -> float | None:
    equal = [
        set(one) == set(other) for unit in shared for one, other in itertools.combinations(unit, 2)
    ]
    return sum(equal) / len(equal) if equal else None

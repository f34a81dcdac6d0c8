"""How far the coders agree, by task."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.codebook import Choose, Task
from pipeline.label.adjudication import Answers, adjudicate, votes
from pipeline.label.answers import Example
from pipeline.label.krippendorff import nominal_alpha


def agreement_on(task: Task, answers: Mapping[Example, Answers]) -> dict[str, Any]:
    """Return a task's coders, examples, agreement, gold labels and ties, JSON-ready.

    `alpha` is Krippendorff's nominal alpha; where many labels may be chosen, its mean over the
    labels, each taken as a question of yes or no, without those whose alpha is not defined.
    `agreement` is the share of pairs of answers to the same example that are equal.
    """
    shared = [list(coders.values()) for coders in answers.values() if len(coders) > 1]
    gold = [adjudicate(task, coders) for coders in answers.values()]
    counts = Counter(label for labels in gold for label in labels or ())
    return {
        "coders": sorted({coder for coders in answers.values() for coder in coders}),
        "examples": len(answers),
        "examples_with_two_coders": len(shared),
        "alpha": _alpha(task, shared),
        "agreement": _pairwise(shared),
        "gold": {label: counts[label] for label in task.label_ids},
        "ties": gold.count(None),
    }


def ties_in(task: Task, answers: Mapping[Example, Answers]) -> list[dict[str, Any]]:
    """Return the examples on which the coders are split, with the votes for each label."""
    return [
        {"example_id": example_id(example), "votes": votes(coders)}
        for example, coders in answers.items()
        if adjudicate(task, coders) is None
    ]


def example_id(example: Example) -> str:
    """Return the id under which an example stands in tables."""
    return f"{example.article_id}|{example.task}|{example.target or ''}"


def _alpha(task: Task, shared: Sequence[Sequence[Sequence[str]]]) -> float | None:
    if task.choose is Choose.ONE:
        return nominal_alpha([labels[0] for labels in unit] for unit in shared)
    of_labels = [
        nominal_alpha([label in labels for labels in unit] for unit in shared)
        for label in task.label_ids
    ]
    defined = [alpha for alpha in of_labels if alpha is not None]
    return sum(defined) / len(defined) if defined else None


def _pairwise(shared: Iterable[Sequence[Sequence[str]]]) -> float | None:
    equal = [
        set(one) == set(other) for unit in shared for one, other in itertools.combinations(unit, 2)
    ]
    return sum(equal) / len(equal) if equal else None

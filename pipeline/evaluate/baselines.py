"""What one gets without reading the article: the commonest answer, and a lucky guess."""

from collections import Counter
from typing import Any, Final

import numpy as np

from pipeline.evaluate import metrics
from pipeline.evaluate.answers import Flags
from pipeline.statistics import paired

# Guessed sides behind the F1 of the prior. Between seeds their mean varied with a standard
# deviation of .004 on 80 examples, and of less than .002 from 900 examples on.
DRAWS: Final = 200


def baseline_scores(
    gold: Flags, training: Flags, many: bool, rng: np.random.Generator
) -> dict[str, dict[str, float | None]]:
    """Score two answers that need no text, from the training answers: (answers, labels).

    `majority` always gives the commonest training answer. `prior` gives the answer of a training
    example drawn at random: its accuracy is the exact expectation, its F1 scores are means over
    seeded draws. A multi-label answer is taken whole. None where there is no training answer.
    """
    names = ["accuracy", "macro_f1", *(["micro_f1"] if many else [])]
    if not len(training):
        nothing: dict[str, float | None] = dict.fromkeys(names)
        return {"majority": nothing, "prior": dict(nothing)}
    majority = _scores(gold, np.broadcast_to(_commonest(training), gold.shape), names)
    drawn = [
        _scores(gold, training[rng.integers(0, len(training), len(gold))], names)
        for _ in range(DRAWS)
    ]
    prior = {name: _mean([scores[name] for scores in drawn]) for name in names}
    return {"majority": majority, "prior": {**prior, "accuracy": _expected_match(gold, training)}}


def _commonest(training: Flags) -> Flags:
    """Return the commonest answer; of equally common ones the one whose label sorts first."""
    answers, counts = np.unique(training, axis=0, return_counts=True)
    # np.unique sorts False before True, so the answer with the first label comes last.
    return np.asarray(answers[len(counts) - 1 - counts[::-1].argmax()])


def _scores(gold: Flags, predicted: Flags, names: list[str]) -> dict[str, float | None]:
    right = (gold == predicted).all(axis=1)
    counts = paired.Counts(
        n=np.array([float(len(gold))]),
        right=np.array([float(right.sum())]),
        gold=gold.sum(axis=0, dtype=float)[None, :],
        predicted=predicted.sum(axis=0, dtype=float)[None, :],
        hits=(gold & predicted).sum(axis=0, dtype=float)[None, :],
    )
    score: dict[str, Any] = {
        "accuracy": paired.accuracy,
        "macro_f1": metrics.macro_f1,
        "micro_f1": metrics.micro_f1,
    }
    return {name: float(score[name](counts)[0]) for name in names}


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None and not np.isnan(value)]
    return float(np.mean(known)) if known else None


def _expected_match(gold: Flags, training: Flags) -> float:
    """Probability that a random training answer is that of a random example."""
    ours = Counter(row.tobytes() for row in gold)
    theirs = Counter(row.tobytes() for row in training)
    matches = sum(count * theirs[answer] for answer, count in ours.items())
    return matches / (len(gold) * len(training))

"""Which answers of the coders are likely wrong, by what held-out models say of their examples.

The only home of cleanlab.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.config import Ranking
from pipeline.records import WORKLIST, is_test, join_labels

TEST_WHY: Final = (
    "on the test side, and the model would answer otherwise: code it again without its answer"
)
# A probability that changes no order.
_NOTHING: Final = 1e-12
# A decision on a label that is less likely than its contrary.
_EVEN: Final = 0.5


@dataclass(frozen=True)
class Judged:
    """Coded examples of one task and what a model says that learned from none of them, n of them.

    Each has a label at least that this model knows.
    """

    rows: pa.Table  # `example_id`, `article_id`, `task`, `target`, `side`
    labels: list[str]  # sorted ids of the codebook
    many: bool
    gold: NDArray[np.bool_]  # [n, labels]
    probabilities: NDArray[np.float32]  # [n, labels]


def label_quality(judged: Judged, ranking: Ranking) -> NDArray[np.float64]:
    """Return how far each answer can be believed, [n]: the least is to be checked first."""
    from cleanlab import filter as filters
    from cleanlab import multilabel_classification, rank

    gold, likely = _of_used_labels(judged)
    if gold.shape[1] < 2:  # nothing to confuse it with
        return _least_sure(judged)
    method = "normalized_margin" if "margin" in ranking else "self_confidence"
    options = {"method": method, "adjust_pred_probs": ranking.startswith("adjusted")}
    given: Any
    with _without_advice():
        if judged.many:
            given = [np.flatnonzero(row).tolist() for row in gold]
            found = multilabel_classification.get_label_quality_scores(given, likely, **options)
            issues = multilabel_classification.filter.find_label_issues
        else:
            given = gold.argmax(axis=1)
            found = rank.get_label_quality_scores(given, likely, **options)
            issues = filters.find_label_issues
        if ranking == "confident_learning":
            found = found - issues(given, likely, n_jobs=1)
    return np.asarray(found, np.float64)


def _of_used_labels(judged: Judged) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return gold and probabilities without the labels that nobody was given.

    cleanlab measures a label by the examples that have it.
    """
    used = judged.gold.any(axis=0)
    likely = judged.probabilities[:, used].astype(np.float64)
    if not judged.many:
        likely += _NOTHING  # so that a row of zeros finds all alike
        likely /= likely.sum(axis=1, keepdims=True)
    return judged.gold[:, used], likely


@contextmanager
def _without_advice() -> Iterator[None]:
    """Keep what cleanlab tells programmers (of labels with few examples) from the user."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="cleanlab")
        yield


def _least_sure(judged: Judged) -> NDArray[np.float64]:
    return np.asarray(_believed(judged).min(axis=1, initial=1.0))


def _believed(judged: Judged) -> NDArray[np.float64]:
    """Return the probability of what was decided on each label, [n, labels]."""
    likely = judged.probabilities.astype(np.float64)
    return np.where(judged.gold, likely, 1 - likely)


def error_worklist(judged: Judged, quality: NDArray[np.float64], most: int) -> pa.Table:
    """Return records.WORKLIST of the `most` answers that can be believed least, where any can't.

    Answers that the model would give too are left out. A row of a test side names no other answer:
    gold that is mended after the model, and only where it errs, flatters it.
    """
    order = np.argsort(quality, kind="stable")[:most].tolist()
    columns = ("example_id", "article_id", "task", "target", "side")
    rows = judged.rows.select(columns).take(pa.array(order, pa.int64())).to_pylist()
    found = []
    for at, row in zip(order, rows, strict=True):
        better = _better(judged, at)
        if better is None:
            continue
        suggestion, why = (None, TEST_WHY) if is_test(row.pop("side")) else better
        found.append({**row, "why": why, "suggestion": suggestion})
    return pa.Table.from_pylist(found, schema=WORKLIST)


def _better(judged: Judged, at: int) -> tuple[str, str] | None:
    """Return the answer that is likelier than the one given, and why; None where there is none."""
    likely, gold = judged.probabilities[at], judged.gold[at]
    if judged.many:
        return _better_set(judged.labels, likely, gold)
    given, best = int(gold.argmax()), int(likely.argmax())
    if given == best:
        return None
    return judged.labels[best], (
        f"coded {judged.labels[given]!r} ({_number(likely[given])}); a model that did not learn "
        f"from this example finds {judged.labels[best]!r} likelier ({_number(likely[best])})"
    )


def _better_set(
    labels: Sequence[str], likely: NDArray[np.float32], gold: NDArray[np.bool_]
) -> tuple[str, str] | None:
    """Change the decisions that the model finds less likely than not, the least likely first."""
    believed = np.where(gold, likely, 1 - likely)
    order = np.argsort(believed, kind="stable").tolist()
    doubted = [label for label in order if believed[label] < _EVEN]
    if not doubted:
        return None
    told = ", ".join(
        f"{'with' if gold[label] else 'without'} {labels[label]!r} ({_number(likely[label])})"
        for label in doubted
    )
    answer = gold.copy()
    answer[doubted] = ~answer[doubted]
    suggestion = join_labels([labels[label] for label in np.flatnonzero(answer).tolist()])
    return suggestion, (
        f"coded {told}; a model that did not learn from this example finds the contrary likelier"
    )


def _number(probability: float) -> str:
    return f"{probability:.2f}"

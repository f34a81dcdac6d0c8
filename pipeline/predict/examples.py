"""Predictions for given examples: articles, and where in them the target stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.bundle import Answers, Bundle, TaskModel, chosen
from pipeline.features import Asked, Texts, cut
from pipeline.predict.hierarchy import Hierarchy
from pipeline.provenance import provenance_of
from pipeline.records import EVIDENCE, LABEL_SET, PREDICTIONS, join_labels


@dataclass(frozen=True)
class Examples:
    """What is asked of a batch of articles in one task, n examples."""

    task: str
    asked: Asked
    targets: Sequence[str] | None  # [n]; None for tasks that are asked of the whole article


def predict_examples(
    bundle: Bundle,
    articles: pa.Table,
    texts: Texts,
    examples: Examples,
    evidence: int,
    hierarchy: Hierarchy | None = None,
    answer_from: float = 0.0,
) -> pa.Table:
    """Return records.PREDICTIONS, one row per example, in their order.

    `texts` are those of `articles` (which needs `id`, and its provenance where it is to be told);
    `evidence` is the number of sentences. With `hierarchy` the probabilities are rolled up and an
    unsure answer backs off to its parent. An answer is withheld where the likeliest label by itself
    is less likely than `answer_from`: it has no label, and keeps its probability. That and sets of
    labels are of the flat probabilities, as the model's dev was when they were fitted.
    """
    model = bundle.tasks[examples.task]
    answers = model.answer(texts, examples.asked, evidence)
    count = len(examples.asked)
    likely = (
        answers.probabilities if hierarchy is None else hierarchy.rolled_up(answers.probabilities)
    )
    labels, probability = _answer(model, hierarchy, answers.probabilities, likely)
    abstained = pa.array(answers.probabilities.max(axis=1, initial=0) < np.float32(answer_from))
    targets = examples.targets if examples.targets is not None else pa.nulls(count, pa.string())
    return pa.table(
        {
            "article_id": articles["id"].take(pa.array(examples.asked.text_of)),
            "task": pa.repeat(pa.scalar(examples.task), count),
            "target": targets,
            "label": pc.if_else(abstained, None, labels),
            "probability": probability,
            "probabilities": probability_map(model.labels, likely),
            "label_set": _label_sets(model, bundle.set_from.get(examples.task), answers),
            "abstained": abstained,
            "evidence": _evidence(texts, examples.asked, answers),
            "model_version": pa.repeat(pa.scalar(bundle.version), count),
            "codebook_version": pa.repeat(pa.scalar(bundle.codebook.identity), count),
            "provenance": provenance_of(articles).take(pa.array(examples.asked.text_of)),
        },
        schema=PREDICTIONS,
    )


def _answer(
    model: TaskModel,
    hierarchy: Hierarchy | None,
    flat: NDArray[np.float32],
    likely: NDArray[np.float32],
) -> tuple[pa.Array, pa.Array]:
    """Return the label of each example and its probability, from flat and rolled-up ones."""
    if hierarchy is None:
        return label_columns(model.labels, model.thresholds, likely)
    if model.thresholds is not None:
        picked = hierarchy.with_parents(chosen(likely, model.thresholds))
        return _several(model.labels, picked, likely)
    best = flat.argmax(axis=1) if len(flat) else np.zeros(0, np.int64)
    return _chosen(model.labels, hierarchy.backed_off(best, likely), likely)


def _label_sets(model: TaskModel, least: Mapping[str, float] | None, answers: Answers) -> pa.Array:
    """Return the labels that are likely enough, the likeliest first; nulls without `least`."""
    count = len(answers.probabilities)
    if least is None:
        return pa.nulls(count, LABEL_SET)
    from_here = np.array([least[label] for label in model.labels], np.float32)
    order = np.argsort(-answers.probabilities, axis=1, kind="stable")
    held = np.take_along_axis(answers.probabilities >= from_here, order, axis=1)
    ends = np.concatenate([[0], np.cumsum(held.sum(axis=1))])
    names = pa.array(model.labels, pa.string()).take(pa.array(order[held]))
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), names, type=LABEL_SET)


def label_columns(
    labels: Sequence[str],
    thresholds: NDArray[np.float32] | None,
    probabilities: NDArray[np.float32],
) -> tuple[pa.Array, pa.Array]:
    """Return the label of each example and its probability; null where none reaches its threshold.

    Several labels are joined, and the probability is that of the least sure of them.
    """
    if thresholds is None:
        best = probabilities.argmax(axis=1) if len(probabilities) else np.zeros(0, np.int64)
        return _chosen(labels, best, probabilities)
    return _several(labels, chosen(probabilities, thresholds), probabilities)


def _several(
    labels: Sequence[str], picked: NDArray[np.bool_], probabilities: NDArray[np.float32]
) -> tuple[pa.Array, pa.Array]:
    """Return the picked labels [n, labels], joined, and the probability of the least sure."""
    names = [
        join_labels([labels[at] for at in np.flatnonzero(row).tolist()]) or None for row in picked
    ]
    least = np.where(picked, probabilities, np.inf).min(axis=1)
    return pa.array(names, pa.string()), pa.array(least, pa.float32(), mask=~picked.any(axis=1))


def _chosen(
    labels: Sequence[str], chosen: NDArray[np.int64], probabilities: NDArray[np.float32]
) -> tuple[pa.Array, pa.Array]:
    label = pa.array(labels, pa.string()).take(pa.array(chosen))
    return label, pa.array(probabilities[np.arange(len(chosen)), chosen])


def probability_map(labels: Sequence[str], probabilities: NDArray[np.float32]) -> pa.MapArray:
    """Return each row of probabilities [n, labels] as a map from label to probability."""
    count, width = probabilities.shape
    places = np.tile(np.arange(width, dtype=np.int32), count)
    return pa.MapArray.from_arrays(
        pa.array(np.arange(count + 1, dtype=np.int32) * width, pa.int32()),
        pa.array(labels, pa.string()).take(pa.array(places)),
        pa.array(probabilities.ravel(), pa.float32()),
    )


def _evidence(texts: Texts, asked: Asked, answers: Answers) -> pa.Array:
    """Cut the sentences that the spans name out of the articles' bodies."""
    count, width = answers.gains.shape
    spans = answers.spans.reshape(-1, 2)
    found = spans[:, 0] >= 0
    owners = np.repeat(asked.text_of, width)[found]
    sentences = pa.StructArray.from_arrays(
        [
            pa.array(spans[found, 0]),
            pa.array(spans[found, 1]),
            cut(texts, owners, spans[found]),
            pa.array(answers.gains.ravel()[found]),
        ],
        fields=list(EVIDENCE.value_type),
    )
    ends = np.concatenate([[0], np.cumsum(found.reshape(count, width).sum(axis=1))])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), sentences, type=EVIDENCE)

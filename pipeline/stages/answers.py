"""Answers beside their gold, as evaluation takes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.predict import label_columns, probability_map
from pipeline.records import EVIDENCE, LABEL_SET, PROVENANCE, SCORED

# What stands for the version of a model that was trained only to score dev.
UNVERSIONED = "without-dev"


@dataclass(frozen=True)
class Probabilities:
    """What a model says of n examples, and when it says a label is in the answer."""

    values: NDArray[np.float32]  # [n, labels]
    thresholds: NDArray[np.float32] | None  # [labels]; None where one label is chosen


@dataclass(frozen=True)
class Swaps:
    """What a model says of n examples' texts when it is asked about another target."""

    targets: pa.Array  # [n] null where there is no other one
    labels: pa.Array


def scored_table(
    task: str,
    labels: Sequence[str],
    answers: Probabilities,
    blind: Probabilities | None,
    examples: pa.Table,
    codebook: str,
) -> pa.Table:
    """Return records.SCORED for `examples` (with `side`, `story`, `outlet`) without evidence."""
    count = len(examples)
    label, probability = label_columns(labels, answers.thresholds, answers.values)
    predictions = {
        "article_id": examples["article_id"],
        "task": pa.repeat(pa.scalar(task), count),
        "target": examples["target"],
        "label": label,
        "probability": probability,
        "probabilities": probability_map(labels, answers.values),
        "label_set": pa.nulls(count, LABEL_SET),
        "abstained": pa.repeat(pa.scalar(False), count),
        "evidence": pa.array([[]] * count, EVIDENCE),
        "model_version": pa.repeat(pa.scalar(UNVERSIONED), count),
        "codebook_version": pa.repeat(pa.scalar(codebook), count),
        "provenance": pa.nulls(count, PROVENANCE),  # see stages/scoring.py
    }
    return with_gold(pa.table(predictions), examples, labels, blind)


def with_gold(
    predictions: pa.Table,
    examples: pa.Table,
    labels: Sequence[str],
    blind: Probabilities | None,
    swaps: "Swaps | None" = None,
) -> pa.Table:
    """Return records.SCORED: predictions beside the gold of the same examples, row for row."""
    columns = {name: predictions[name] for name in predictions.column_names}
    columns |= {name: examples[name] for name in ("side", "story", "outlet", "gold")}
    if blind is None:
        for name in ("blind_label", "blind_probabilities"):
            columns[name] = pa.nulls(len(examples), SCORED.field(name).type)
    else:
        columns["blind_label"] = label_columns(labels, blind.thresholds, blind.values)[0]
        columns["blind_probabilities"] = probability_map(labels, blind.values)
    for name, values in (
        ("swapped_target", swaps and swaps.targets),
        ("swapped_label", swaps and swaps.labels),
    ):
        columns[name] = pa.nulls(len(examples), pa.string()) if values is None else values
    columns["slices"] = pa.nulls(len(examples), SCORED.field("slices").type)  # see stages/slices.py
    return pa.table(columns).select(SCORED.names).cast(SCORED)

"""Answers beside their gold, as evaluation takes them."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.predict import label_columns, probability_map
from pipeline.records import EVIDENCE, SCORED

# What stands for the version of a model that was trained only to score dev.
UNVERSIONED = "without-dev"


def scored_table(
    task: str,
    labels: Sequence[str],
    many: bool,
    probabilities: NDArray[np.float32],
    blind: NDArray[np.float32] | None,
    examples: pa.Table,
    codebook: str,
) -> pa.Table:
    """Return records.SCORED for `examples` (with `side`, `story`, `outlet`) without evidence."""
    count = len(examples)
    label, probability = label_columns(labels, many, probabilities)
    predictions = {
        "article_id": examples["article_id"],
        "task": pa.repeat(pa.scalar(task), count),
        "target": examples["target"],
        "label": label,
        "probability": probability,
        "probabilities": probability_map(labels, probabilities),
        "abstained": pa.repeat(pa.scalar(False), count),
        "evidence": pa.array([[]] * count, EVIDENCE),
        "model_version": pa.repeat(pa.scalar(UNVERSIONED), count),
        "codebook_version": pa.repeat(pa.scalar(codebook), count),
    }
    return with_gold(pa.table(predictions), examples, labels, blind)


def with_gold(
    predictions: pa.Table,
    examples: pa.Table,
    labels: Sequence[str],
    blind: NDArray[np.float32] | None,
) -> pa.Table:
    """Return records.SCORED: predictions beside the gold of the same examples, row for row."""
    blind_type = SCORED.field("blind_probabilities").type
    blind_column = (
        probability_map(labels, blind) if blind is not None else pa.nulls(len(examples), blind_type)
    )
    columns = {name: predictions[name] for name in predictions.column_names}
    columns |= {name: examples[name] for name in ("side", "story", "outlet", "gold")}
    return (
        pa.table({**columns, "blind_probabilities": blind_column}).select(SCORED.names).cast(SCORED)
    )

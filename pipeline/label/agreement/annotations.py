"""How far the coders in a table of annotations agree, with one another and with a model."""

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from pipeline import records
from pipeline.codebook import Codebook
from pipeline.label.agreement.disagreements import ROWS, Disagreements
from pipeline.label.agreement.measures import label_alphas
from pipeline.label.answered import Answered
from pipeline.label.answers import Example

MODEL: Final = "the model"


def label_agreement(annotations: pa.Table, codebook: Codebook) -> dict[str, Any]:
    """Return how far the coders of records.ANNOTATIONS agree on each label, by task and label."""
    answers = answers_in(annotations)
    return {
        name: label_alphas(task, answers.get(name, {}))
        for name, task in sorted(codebook.tasks.items())
    }


def model_disagreements(
    annotations: pa.Table, predictions: pa.Table, labels: Sequence[str], *, many: bool
) -> list[dict[str, Any]]:
    """Return what coders say and the model says instead, of one task, the most frequent first.

    `predictions` has the rows of records.PREDICTIONS that are compared, `labels` are sorted. The
    rows are those of `disagreements` in agreement.json, with MODEL as the second of the two coders.
    """
    said = {
        Example(row["article_id"], row["task"], row["target"]): row["label"]
        for row in predictions.select(["article_id", "task", "target", "label"]).to_pylist()
    }
    answers = {
        example: given
        | {MODEL: [each for each in (said[example] or "").split(records.LABEL_SEPARATOR) if each]}
        for of_task in answers_in(annotations).values()
        for example, given in of_task.items()
        if example in said
    }
    return Disagreements.of(Answered.lay_out(labels, many, answers)).of_coder(MODEL)[:ROWS]


def answers_in(annotations: pa.Table) -> dict[str, dict[Example, dict[str, list[str]]]]:
    """Return what is in records.ANNOTATIONS: the labels by task, example and coder."""
    found: dict[str, dict[Example, dict[str, list[str]]]] = {}
    for row in annotations.to_pylist():
        example = Example(row["article_id"], row["task"], row["target"])
        of_coder = found.setdefault(example.task, {}).setdefault(example, {})
        # An empty label says that the coder found none to hold.
        of_coder.setdefault(row["coder"], []).extend(filter(None, [row["label"]]))
    return found

"""What a run knows of how far its coders agree, and its model with them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.artifacts import RunFolder, read_json, read_table
from pipeline.documents import suggest
from pipeline.errors import DataError
from pipeline.label import model_disagreements


def agreement_of(run: RunFolder, tasks: Sequence[str] = ()) -> dict[str, Any]:
    """Return agreement.json with the tasks that are asked for, all where none is, and `model`.

    `model` has, by test side and task, the model beside the coders as it was last evaluated, and
    with `disagreements` what they say differently of examples with gold.
    """
    agreement: dict[str, Any] = read_json(run.agreement)
    if "drawn" not in agreement:
        raise DataError(
            f"{run.agreement}: written by an earlier version; run slant label CONFIG again"
        )
    known = agreement["tasks"]
    for task in tasks:
        if task not in known:
            raise DataError(f"--task {task}: unknown task{suggest(task, sorted(known), 'task')}")
    wanted = {task: known[task] for task in tasks or known}
    return {
        **agreement,
        "tasks": wanted,
        "ties": _ties(run, agreement["ties"], wanted) if tasks else agreement["ties"],
        "model": _model(run, wanted),
    }


def _ties(
    run: RunFolder, ties: Sequence[dict[str, Any]], tasks: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the ties of `tasks`; the table knows an example's task, and its id may be any text."""
    examples = read_table(run.examples, ["example_id", "task"])
    ours = pc.is_in(examples["task"], pa.array(list(tasks), pa.string()))
    ids = set(examples.filter(ours)["example_id"].to_pylist())
    return [tie for tie in ties if tie["example_id"] in ids]


def _model(run: RunFolder, tasks: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    if not run.metrics.exists():
        return {}
    found = {
        side: {
            task: scores["coders"] | {"disagreements": _disagreements(run, side, task, tasks[task])}
            for task, scores in of_side.items()
            if task in tasks and "coders" in scores
        }
        for side, of_side in read_json(run.metrics).items()
    }
    return {side: of_side for side, of_side in found.items() if of_side}


def _disagreements(
    run: RunFolder, side: str, task: str, agreement: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return what coders and model say differently of the side's examples with gold."""
    annotations, predictions = read_table(run.annotations), read_table(run.predictions)
    ours = pc.and_(pc.equal(predictions["side"], side), pc.equal(predictions["task"], task))
    return model_disagreements(
        annotations.filter(pc.equal(annotations["task"], task)),
        predictions.filter(ours),
        list(agreement["labels"]),
        many="alpha_masi" in agreement,
    )

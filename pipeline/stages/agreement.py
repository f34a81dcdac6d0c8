"""What a run knows of how far its coders agree, and its model with them."""

from collections.abc import Sequence
from typing import Any

from pipeline.artifacts import RunFolder, read_json
from pipeline.documents import suggest
from pipeline.errors import DataError


def agreement_of(run: RunFolder, tasks: Sequence[str] = ()) -> dict[str, Any]:
    """Return agreement.json with the tasks that are asked for, all where none is, and `model`.

    `model` has, by test side and task, the model beside the coders as it was last evaluated.
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
    wanted = tasks or list(known)
    return {
        **agreement,
        "tasks": {task: known[task] for task in wanted},
        "ties": [tie for tie in agreement["ties"] if tie["example_id"].split("|")[-2] in wanted],
        "model": _model(run, wanted),
    }


def _model(run: RunFolder, tasks: Sequence[str]) -> dict[str, dict[str, Any]]:
    if not run.metrics.exists():
        return {}
    found = {
        side: {
            task: scores["coders"]
            for task, scores in of_side.items()
            if task in tasks and "coders" in scores
        }
        for side, of_side in read_json(run.metrics).items()
    }
    return {side: of_side for side, of_side in found.items() if of_side}

"""The answered examples without gold as a worklist, so that people decide them."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from pipeline.label.adjudication.decisions import Decision
from pipeline.label.adjudication.majority import coders_behind
from pipeline.label.answered import Answers
from pipeline.label.answers import Example
from pipeline.records import WORKLIST, example_id, join_labels


def disputed_worklist(
    decided: Mapping[Example, Decision], answers: Mapping[Example, Answers]
) -> pa.Table:
    """Return records.WORKLIST of the answered examples without gold.

    The least sure come first (without a model, those whose answers are the most evenly split), of
    equals those with the most answers.
    """
    rows = [
        (_urgency(decision, answers[example]), example, decision)
        for example, decision in decided.items()
        if decision.gold is None
    ]
    rows.sort(key=lambda row: (row[0], row[1].article_id, row[1].task, row[1].target or ""))
    return pa.Table.from_pylist(
        [_row(example, decision, answers[example]) for _, example, decision in rows],
        schema=WORKLIST,
    )


def _urgency(decision: Decision, answers: Answers) -> tuple[float, int]:
    counts = coders_behind(answers)
    share = max(counts.values(), default=0) / len(answers)
    return (share if decision.confidence is None else decision.confidence), -len(answers)


def _row(example: Example, decision: Decision, answers: Answers) -> dict[str, Any]:
    likeliest = decision.likeliest
    return {
        "example_id": example_id(*example),
        **example._asdict(),
        "why": _why(decision, answers),
        "suggestion": None if likeliest is None else join_labels(likeliest),
    }


def _why(decision: Decision, answers: Answers) -> str:
    said = [f"{label} {count}" for label, count in coders_behind(answers).items()]
    if nones := sum(not labels for labels in answers.values()):
        said.append(f"none {nones}")
    told = f"{len(answers)} coder{'' if len(answers) == 1 else 's'}: {', '.join(said)}"
    if decision.confidence is None:
        agree = 2 * max(coders_behind(answers).values(), default=nones) > len(answers)
        return f"{'nobody decided' if agree else 'the coders are split'}; {told}"
    named = join_labels(decision.likeliest or []) or "none"
    if decision.likeliest is None:
        return f"two answers are equally likely; {told}"
    return f"{named} is likeliest, with {decision.confidence:.2f}; {told}"

"""Examples and answers as the tables that a run keeps."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from pipeline import records
from pipeline.label.adjudication import Decision
from pipeline.label.answered import Answers
from pipeline.label.answers import Example, Note
from pipeline.label.examples import Spans
from pipeline.label.inline import Inline
from pipeline.mentions import Span


def examples_table(
    examples: Sequence[Example],
    spans: Sequence[Spans],
    inline: Mapping[Example, Inline],
    answered: Mapping[Example, Answers],
    decisions: Mapping[Example, Decision],
) -> pa.Table:
    """Return records.EXAMPLES; `spans` are those of `examples`, in their order."""
    answers = [answered.get(example, {}) for example in examples]
    decided = [decisions.get(example, Decision(None, None)) for example in examples]
    sources = [inline[example].source_entity if example in inline else None for example in examples]
    columns = {
        "example_id": [records.example_id(*example) for example in examples],
        "article_id": [example.article_id for example in examples],
        "task": [example.task for example in examples],
        "target": [example.target for example in examples],
        "mentions": [_structs(mentions) for mentions, _ in spans],
        "source_entity": sources,
        "source_mentions": [_structs(mentions) for _, mentions in spans],
        "gold": [decision.gold for decision in decided],
        "coders": list(map(len, answers)),
        "decided_by": [decision.by for decision in decided],
        "confidence": [decision.confidence for decision in decided],
    }
    return pa.table(columns, schema=records.EXAMPLES)


def _structs(spans: Sequence[Span] | None) -> list[dict[str, int]] | None:
    return None if spans is None else [{"start": start, "end": end} for start, end in spans]


def annotations_table(
    answered: Mapping[Example, Answers], notes: Mapping[tuple[Example, str], Note]
) -> pa.Table:
    """Return records.ANNOTATIONS: a row a label, and one without where a coder found none."""
    rows = [
        (*example, coder, label, *notes.get((example, coder), Note()))
        for example, coders in answered.items()
        for coder in sorted(coders)
        for label in sorted(coders[coder]) or [""]
    ]
    columns = zip(*rows, strict=True) if rows else [()] * len(records.ANNOTATIONS)
    return pa.table(list(map(list, columns)), schema=records.ANNOTATIONS)

"""Turn articles into examples with gold labels: what is asked, and what coders answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from pipeline import records
from pipeline.codebook import Codebook
from pipeline.config import LabelSection
from pipeline.errors import DataError
from pipeline.label.adjudication import Answers, adjudicate
from pipeline.label.agreement import agreement_on, answers_in, ties_in
from pipeline.label.annotation_files import read_annotations
from pipeline.label.answers import AnswerBook, Example, Note, Problems
from pipeline.label.examples import find_targets, list_examples, locate
from pipeline.label.inline import Inline, read_inline
from pipeline.mentions import Span

__all__ = ["Labelled", "label_agreement", "label_articles"]

UNKNOWN_SHOWN: Final = 20


@dataclass(frozen=True)
class Labelled:
    """Examples with their gold, the answers behind it, and how far these agree."""

    examples: pa.Table
    """records.EXAMPLES, by article, task and target."""
    annotations: pa.Table
    """records.ANNOTATIONS, in the order of the examples, then by coder and label."""
    agreement: dict[str, Any]
    """JSON-ready: `tasks` (coders, alpha, counts by task), `ties`, `unknown_articles`."""


def label_articles(articles: pa.Table, codebook: Codebook, section: LabelSection) -> Labelled:
    """Ask the codebook's tasks of `articles` (records.ARTICLES), with the answers there are.

    Answers come from the articles' own rows and from annotation files. DataError names the place
    of each row that does not fit the codebook.
    """
    inline, book = _gather(articles, codebook, section)
    ids = articles["id"].to_pylist()
    unknown = _take_unknown(book, ids)
    mentions = find_targets(articles, codebook)
    examples = list_examples(ids, codebook, mentions, [*inline, *book.labels])
    spans = list(locate(articles, codebook, mentions, examples, inline))
    in_order = [example for _, example in examples]
    answered = {example: book.labels[example] for example in in_order if example in book.labels}
    return Labelled(
        examples=_examples_table(in_order, spans, codebook, inline, answered),
        annotations=_annotations_table(answered, book.notes),
        agreement=_agreement(codebook, answered) | {"unknown_articles": unknown},
    )


def label_agreement(annotations: pa.Table, codebook: Codebook) -> dict[str, Any]:
    """Return how far the coders of records.ANNOTATIONS agree on each label, by task and label."""
    answers = answers_in(annotations)
    return {
        name: agreement_on(task, answers.get(name, {}))["labels"]
        for name, task in sorted(codebook.tasks.items())
    }


def _gather(
    articles: pa.Table, codebook: Codebook, section: LabelSection
) -> tuple[dict[Example, Inline], AnswerBook]:
    """Read all answers; DataError shows the first rows that do not fit."""
    problems, book = Problems(), AnswerBook(codebook, section.no_answer)
    inline = read_inline(articles, section, book, problems)
    for path in section.annotations:
        read_annotations(path, book, problems)
    problems.stop()
    return inline, book


def _take_unknown(book: AnswerBook, ids: Sequence[str]) -> dict[str, Any]:
    """Take the answers about articles that are not there out of the book, and count them."""
    known = set(ids)
    unknown = [example for example in book.labels if example.article_id not in known]
    if unknown and len(unknown) == len(book.labels):
        raise DataError(
            f"label.annotations: none of the {len(unknown)} annotated examples belongs to an "
            f"article; they name articles such as {unknown[0].article_id!r}"
            + (f", the articles are such as {ids[0]!r}" if ids else ", and there are no articles")
        )
    annotations = sum(
        len(labels) for example in unknown for labels in book.labels.pop(example).values()
    )
    names = list(dict.fromkeys(example.article_id for example in unknown))
    return {"annotations": annotations, "articles": len(names), "ids": names[:UNKNOWN_SHOWN]}


def _examples_table(
    examples: Sequence[Example],
    spans: Sequence[tuple[Sequence[Span] | None, Sequence[Span] | None]],
    codebook: Codebook,
    inline: Mapping[Example, Inline],
    answered: Mapping[Example, Answers],
) -> pa.Table:
    answers = [answered.get(example, {}) for example in examples]
    sources = [inline[example].source_entity if example in inline else None for example in examples]
    columns = {
        "example_id": [records.example_id(*example) for example in examples],
        "article_id": [example.article_id for example in examples],
        "task": [example.task for example in examples],
        "target": [example.target for example in examples],
        "mentions": [_structs(mentions) for mentions, _ in spans],
        "source_entity": sources,
        "source_mentions": [_structs(mentions) for _, mentions in spans],
        "gold": [
            adjudicate(codebook.tasks[example.task], coders)
            for example, coders in zip(examples, answers, strict=True)
        ],
        "coders": list(map(len, answers)),
    }
    return pa.table(columns, schema=records.EXAMPLES)


def _structs(spans: Sequence[Span] | None) -> list[dict[str, int]] | None:
    return None if spans is None else [{"start": start, "end": end} for start, end in spans]


def _annotations_table(
    answered: Mapping[Example, Answers], notes: Mapping[tuple[Example, str], Note]
) -> pa.Table:
    rows = [
        (*example, coder, label, *notes.get((example, coder), Note()))
        for example, coders in answered.items()
        for coder in sorted(coders)
        for label in sorted(coders[coder]) or [""]
    ]
    columns = zip(*rows, strict=True) if rows else [()] * len(records.ANNOTATIONS)
    return pa.table(list(map(list, columns)), schema=records.ANNOTATIONS)


def _agreement(codebook: Codebook, answered: Mapping[Example, Answers]) -> dict[str, Any]:
    by_task: dict[str, dict[Example, Answers]] = {name: {} for name in sorted(codebook.tasks)}
    for example, coders in answered.items():
        by_task[example.task][example] = coders
    return {
        "tasks": {
            name: agreement_on(codebook.tasks[name], answers) for name, answers in by_task.items()
        },
        "ties": [
            tie
            for name, answers in by_task.items()
            for tie in ties_in(codebook.tasks[name], answers)
        ],
    }

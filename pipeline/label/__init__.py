"""Turn articles into examples with gold labels: what is asked, and what coders answered."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from pipeline import codebook as codebooks
from pipeline import records
from pipeline.artifacts import rounded
from pipeline.codebook import Codebook
from pipeline.config import LabelSection
from pipeline.errors import DataError
from pipeline.label.adjudication import (
    Decided,
    Decision,
    check_coder,
    decide,
    disputed_worklist,
    votes,
)
from pipeline.label.agreement import (
    agreement_on,
    answers_in,
    disagreements_with,
    label_alphas,
)
from pipeline.label.annotation_files import read_annotations, write_annotations
from pipeline.label.answered import Answered, Answers
from pipeline.label.answers import AnswerBook, Example, Note, Problems
from pipeline.label.carrying import Outdated, carry_over
from pipeline.label.examples import find_targets, list_examples, locate
from pipeline.label.inline import TAKEN, Inline, read_inline
from pipeline.mentions import Span
from pipeline.statistics.bootstrap import Codes

__all__ = [
    "Example",
    "Labelled",
    "Outdated",
    "carried_annotations",
    "columns_to_code",
    "examples_to_code",
    "label_agreement",
    "label_articles",
    "model_disagreements",
    "write_annotations",
]

UNKNOWN_SHOWN: Final = 20
MODEL: Final = "the model"


@dataclass(frozen=True)
class Labelled:
    """Examples with their gold, the answers behind it, and how far these agree."""

    examples: pa.Table
    """records.EXAMPLES, by article, task and target."""
    annotations: pa.Table
    """records.ANNOTATIONS, in the order of the examples, then by coder and label."""
    agreement: dict[str, Any]
    """JSON-ready: `tasks` (coders, measures, counts by task), `drawn`, `ties`, `unknown_articles`,
    `outdated`."""
    disputed: pa.Table
    """records.WORKLIST of the answered examples without gold, the most urgent first."""
    outdated: list[Outdated]
    """Answers under earlier versions of the codebook that have to be given again."""


def label_articles(
    articles: pa.Table, codebook: Codebook, section: LabelSection, seed: int = 0
) -> Labelled:
    """Ask the codebook's tasks of `articles` (records.ARTICLES), with the answers there are.

    Answers come from the articles' own rows and from annotation files. DataError names the place
    of each row that does not fit the codebook. `seed` is that of the intervals of agreement.
    """
    inline, book = _gather(articles, codebook, section)
    ids = articles["id"].to_pylist()
    outdated = carry_over(book)
    unknown = _take_unknown(book, ids)
    mentions = find_targets(articles, codebook)
    examples = list_examples(ids, codebook, mentions, [*inline, *book.labels])
    spans = list(locate(articles, codebook, mentions, examples, inline))
    in_order = [example for _, example in examples]
    answered = {example: book.labels[example] for example in in_order if example in book.labels}
    tasks = {
        name: Answered.of(
            task, {each: given for each, given in answered.items() if each.task == name}
        )
        for name, task in sorted(codebook.tasks.items())
    }
    check_coder(section.adjudicate, sorted({c for task in tasks.values() for c in task.coders}))
    decided = {name: decide(task, section.adjudicate) for name, task in tasks.items()}
    decisions = {
        example: decision
        for name, task in tasks.items()
        for example, decision in zip(task.examples, decided[name].decisions, strict=True)
    }
    return Labelled(
        examples=_examples_table(in_order, spans, inline, answered, decisions),
        annotations=_annotations_table(answered, book.notes),
        agreement={
            "drawn": _drawn(articles),
            "tasks": {
                name: _told_of(task, decided[name], _clusters(articles, task), section, seed)
                for name, task in tasks.items()
            },
            "ties": [
                {"example_id": records.example_id(*example), "votes": votes(answered[example])}
                for example, decision in decisions.items()
                if decision.gold is None
            ],
            "unknown_articles": unknown,
            "outdated": _told(outdated),
        },
        disputed=disputed_worklist(decisions, answered),
        outdated=outdated,
    )


def examples_to_code(
    articles: pa.Table, codebook: Codebook, section: LabelSection
) -> tuple[dict[Example, list[Span]], dict[str, set[Example]]]:
    """Return the examples with their target's mentions, and those that each coder has answered.

    They are those of `label_articles`, with nothing decided: whoever is to have the last word may
    not have said it yet.
    """
    inline, book = _gather(articles, codebook, section)
    ids = articles["id"].to_pylist()
    carry_over(book)
    _take_unknown(book, ids)
    mentions = find_targets(articles, codebook)
    examples = list_examples(ids, codebook, mentions, [*inline, *book.labels])
    spans = locate(articles, codebook, mentions, examples, inline)
    answered: dict[str, set[Example]] = {}
    for example, coders in book.labels.items():
        for coder in coders:
            answered.setdefault(coder, set()).add(example)
    listed = {
        example: list(found or ()) for (_, example), (found, _) in zip(examples, spans, strict=True)
    }
    return listed, answered


def columns_to_code(section: LabelSection) -> list[str]:
    """Return the columns of records.ARTICLES that `examples_to_code` and `coding_tasks` read."""
    columns = ["id", "title", "text", "extra", "source", "place"]
    if section.inline:
        columns += TAKEN
    if any(gold.target_start for gold in section.inline.values()):
        columns.append("set_apart")
    return list(dict.fromkeys(columns))


def carried_annotations(
    files: Sequence[Path], old: Codebook, new: Codebook
) -> tuple[pa.Table, list[Outdated]]:
    """Return the annotations of `files` under the `new` codebook, and what may not hold under it.

    Rows that name no version are of the `old` one. DataError shows the rows that fit neither.
    """
    problems, book = Problems(), AnswerBook(new, [""], [old], unversioned=old.version)
    for path in files:
        read_annotations(path, book, problems)
    problems.stop()
    outdated = carry_over(book)
    in_order = dict(sorted(book.labels.items(), key=_place))
    notes = {
        (example, coder): book.notes.get((example, coder), Note())._replace(codebook=new.version)
        for example, coders in in_order.items()
        for coder in coders
    }
    return _annotations_table(in_order, notes), outdated


def _place(item: tuple[Example, Any]) -> tuple[str, str, str]:
    article_id, task, target = item[0]
    return article_id, task, target or ""


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
    model is the second of the two coders of each row, under the name MODEL.
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
    return disagreements_with(MODEL, Answered.lay_out(labels, many, answers))


def _gather(
    articles: pa.Table, codebook: Codebook, section: LabelSection
) -> tuple[dict[Example, Inline], AnswerBook]:
    """Read all answers; DataError shows the first rows that do not fit."""
    earlier = _earlier_versions(codebook, section)
    problems, book = Problems(), AnswerBook(codebook, section.no_answer, earlier)
    inline = read_inline(articles, section, book, problems)
    for path in section.annotations:
        read_annotations(path, book, problems)
    problems.stop()
    return inline, book


def _earlier_versions(codebook: Codebook, section: LabelSection) -> list[Codebook]:
    """Read the earlier versions; DataError where one is no other version of this codebook."""
    found: dict[str, Codebook] = {}
    for path in section.earlier:
        version = codebooks.load(path)
        if version.name != codebook.name:
            raise DataError(
                f"{path}: the codebook {version.name!r}; label.earlier takes versions of "
                f"{codebook.name!r}, the config's own"
            )
        if version.version in (codebook.version, *found):
            raise DataError(
                f"{path}: version {version.version!r} again; give each version one of its own"
            )
        found[version.version] = version
    return list(found.values())


def _told(outdated: Sequence[Outdated]) -> dict[str, Any]:
    reasons = Counter(each.why for each in outdated)
    return {"answers": len(outdated), "reasons": dict(reasons.most_common())}


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
    inline: Mapping[Example, Inline],
    answered: Mapping[Example, Answers],
    decisions: Mapping[Example, Decision],
) -> pa.Table:
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


def _told_of(
    task: Answered, decided: Decided, clusters: Codes, section: LabelSection, seed: int
) -> dict[str, Any]:
    """Return what agreement.json says of one task."""
    name = task.examples[0].task if task.examples else ""
    rng = np.random.default_rng([seed, *name.encode()])
    gold = Counter(label for each in decided.decisions for label in each.gold or ())
    found = agreement_on(task, clusters, section.agreement, rng)
    for coder, row in found["by_coder"].items():
        row |= rounded(decided.coders.get(coder, {}))
    return found | {
        "gold": {label: gold[label] for label in task.labels},
        "ties": sum(each.gold is None for each in decided.decisions),
        "adjudication": decided.facts,
    }


def _drawn(articles: pa.Table) -> str:
    """Return what the intervals of agreement draw: `story` where ingest found them."""
    return "story" if len(articles) and not articles["story"].null_count else "article"


def _clusters(articles: pa.Table, task: Answered) -> Codes:
    """Return the story or article of each example as a number: (n,)."""
    ids = [example.article_id for example in task.examples]
    if _drawn(articles) == "story":
        story = dict(zip(articles["id"].to_pylist(), articles["story"].to_pylist(), strict=True))
        ids = [story[each] for each in ids]
    return np.unique(np.array(ids, np.str_), return_inverse=True)[1]

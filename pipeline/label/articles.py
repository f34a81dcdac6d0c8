"""Turn articles into examples with gold, the answers behind it, and how far these agree."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import records
from pipeline.artifacts import rounded
from pipeline.codebook import Codebook
from pipeline.config import LabelSection
from pipeline.label.adjudication import (
    Decided,
    Decision,
    check_coder,
    coders_behind,
    decide,
    disputed_worklist,
)
from pipeline.label.agreement import agreement_on
from pipeline.label.answered import Answered, Answers
from pipeline.label.answers import Example
from pipeline.label.carrying import Outdated
from pipeline.label.gathering import gather
from pipeline.label.tables import annotations_table, examples_table
from pipeline.statistics.bootstrap import Codes


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
    gathered = gather(articles, codebook, section)
    labels = gathered.book.labels
    answered = {example: labels[example] for example in gathered.examples if example in labels}
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
        examples=examples_table(
            gathered.examples, gathered.spans, gathered.inline, answered, decisions
        ),
        annotations=annotations_table(answered, gathered.book.notes),
        agreement={
            "drawn": _drawn(articles),
            "tasks": {
                name: _told_of(task, decided[name], _clusters(articles, task), section, seed)
                for name, task in tasks.items()
            },
            "ties": _ties(decisions, answered),
            "unknown_articles": gathered.unknown,
            "outdated": _told(gathered.outdated),
        },
        disputed=disputed_worklist(decisions, answered),
        outdated=gathered.outdated,
    )


def _ties(
    decisions: Mapping[Example, Decision], answered: Mapping[Example, Answers]
) -> list[dict[str, Any]]:
    """Return the answered examples without gold, with how many coders chose each label."""
    return [
        {"example_id": records.example_id(*example), "answers": coders_behind(answered[example])}
        for example, decision in decisions.items()
        if decision.gold is None
    ]


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


def _told(outdated: Sequence[Outdated]) -> dict[str, Any]:
    reasons = Counter(each.why for each in outdated)
    return {"answers": len(outdated), "reasons": dict(reasons.most_common())}

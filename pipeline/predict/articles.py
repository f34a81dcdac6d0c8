"""Predictions for articles: every task of the bundle, every target that an article mentions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.bundle import Bundle
from pipeline.codebook import Asks, Codebook
from pipeline.errors import DataError
from pipeline.features import Parties, Texts, about_targets, texts_of, whole_texts
from pipeline.mentions import MentionFinder
from pipeline.predict.examples import Examples, predict_examples
from pipeline.predict.hierarchy import Hierarchy
from pipeline.records import PREDICTIONS


@dataclass(frozen=True)
class AskedTarget:
    """A target that the user asks about beside those of the codebook."""

    name: str  # stands in the column `target`
    aliases: Sequence[str] = ()


def targets_to_ask(codebook: Codebook, asked: Sequence[AskedTarget] = ()) -> MentionFinder | None:
    """Return the finder of all targets, or None where no task is asked of a target.

    DataError where targets are asked about and the codebook has no task for them, or where one is
    blank.
    """
    if not any(codebook.target_tasks()):
        if asked:
            raise DataError(
                f"codebook {codebook.identity} has no task that is asked of a target; "
                f"leave out --target {asked[0].name!r}"
            )
        return None
    wordings: dict[str, list[str]] = {target.id: target.wordings for target in codebook.targets}
    for target in asked:
        if not target.name.strip():
            raise DataError("--target: a target needs at least one word")
        known = codebook.target_id(target.name)
        wordings[known] = [*wordings.get(known, [target.name]), *target.aliases]
    return MentionFinder(wordings)


def predict_articles(
    bundle: Bundle, articles: pa.Table, finder: MentionFinder | None, evidence: int
) -> pa.Table:
    """Return records.PREDICTIONS for a batch of articles, ordered by article, task and target.

    An article that mentions no target has no row in the tasks that are asked of one. `articles`
    needs `id`, `title` and `text`, and its provenance where it is to be told; memory is a few times
    that of the batch.
    """
    texts = texts_of(articles["title"], articles["text"])
    mentioned = _mentioned(articles, finder)
    parts: list[pa.Table] = []
    orders: list[np.ndarray] = []
    for name in sorted(bundle.tasks):
        if bundle.codebook.tasks[name].asks is Asks.TARGET:
            examples = _target_examples(name, texts, mentioned, bundle.codebook)
        else:
            examples = Examples(name, whole_texts(np.arange(len(texts))), None)
        if len(examples.asked) == 0:
            continue
        hierarchy = Hierarchy.of(bundle.codebook.tasks[name], bundle.predict.back_off)
        answered = bundle.answer_from.get(name, 0.0)
        parts.append(
            predict_examples(bundle, articles, texts, examples, evidence, hierarchy, answered)
        )
        orders.append(examples.asked.text_of)
    if not parts:
        return PREDICTIONS.empty_table()
    if len(parts) == 1:
        return parts[0]
    order = np.argsort(np.concatenate(orders), kind="stable")
    return pa.concat_tables(parts).combine_chunks().take(pa.array(order))


# Of each mentioned (article, target): the article's row, the target, the spans.
Mentioned = list[tuple[int, str, list[tuple[int, int]]]]


def _mentioned(articles: pa.Table, finder: MentionFinder | None) -> Mentioned:
    if finder is None:
        return []
    return [
        (row, target, spans)
        for row, found in finder.find_in(articles["text"])
        for target, spans in sorted(found.items())
    ]


def _target_examples(task: str, texts: Texts, mentioned: Mentioned, codebook: Codebook) -> Examples:
    known = codebook.target_names
    asked = about_targets(
        texts,
        [row for row, _, _ in mentioned],
        [spans for _, _, spans in mentioned],
        [()] * len(mentioned),
        [Parties(known.get(target, target)) for _, target, _ in mentioned],
    )
    return Examples(task, asked, [target for _, target, _ in mentioned])


def named_targets(
    bundle: Bundle, articles: pa.Table, targets: Mapping[int, str], evidence: int
) -> pa.Table:
    """Predict the target tasks for articles whose target the caller names, by row number.

    Unlike `predict_articles` a target that the article never mentions gets its row too.
    """
    texts = texts_of(articles["title"], articles["text"])
    rows = sorted(targets)
    bodies = articles["text"].to_pylist()
    names = [bundle.codebook.target_id(targets[row]) for row in rows]
    known = {target.id: target.wordings for target in bundle.codebook.targets}
    spans = [
        MentionFinder({name: known.get(name, [targets[row]])}).find(bodies[row]).get(name, [])
        for row, name in zip(rows, names, strict=True)
    ]
    parties = [
        Parties(bundle.codebook.target_names.get(name, targets[row]))
        for row, name in zip(rows, names, strict=True)
    ]
    asked = about_targets(texts, rows, spans, [()] * len(rows), parties)
    parts = [
        predict_examples(
            bundle,
            articles,
            texts,
            Examples(name, asked, names),
            evidence,
            Hierarchy.of(task, bundle.predict.back_off),
            bundle.answer_from.get(name, 0.0),
        )
        for name, task in sorted(bundle.codebook.tasks.items())
        if task.asks is Asks.TARGET and name in bundle.tasks
    ]
    return pa.concat_tables(parts) if parts else PREDICTIONS.empty_table()

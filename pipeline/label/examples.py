"""Make the examples: what is asked of which article, and where it names the target."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import pyarrow as pa

from pipeline.codebook import Asks, Codebook
from pipeline.label.answers import Example
from pipeline.label.inline import Inline
from pipeline.mentions import MentionFinder, Span, for_targets
from pipeline.preparation import Piece, in_body, pieces_of

# Spans by target, for each row whose text names one.
MentionsByRow: TypeAlias = Mapping[int, Mapping[str, Sequence[Span]]]
# Mentions of the target and of the source entity, each None where there is none.
Spans: TypeAlias = tuple[Sequence[Span] | None, Sequence[Span] | None]


def find_targets(articles: pa.Table, codebook: Codebook) -> MentionsByRow:
    """Find the codebook's targets in the texts, if any task asks for them."""
    if not any(codebook.target_tasks()):
        return {}
    return dict(for_targets(codebook.targets).find_in(articles["text"]))


def list_examples(
    ids: Sequence[str], codebook: Codebook, mentions: MentionsByRow, answered: Iterable[Example]
) -> list[tuple[int, Example]]:
    """Return (row, example) by article, task and target.

    An article is asked each task of articles, and each task of targets about every target of the
    codebook that it names; what is `answered` is an example whether it is named or not.
    """
    of_article = [name for name, task in codebook.tasks.items() if task.asks is Asks.ARTICLE]
    of_target = [name for name, _ in codebook.target_tasks()]
    extra: dict[str, list[Example]] = {}
    for example in answered:
        extra.setdefault(example.article_id, []).append(example)
    found: list[tuple[int, Example]] = []
    for row, article_id in enumerate(ids):
        here = {Example(article_id, task, None) for task in of_article}
        here.update(
            Example(article_id, task, target)
            for target in mentions.get(row, ())
            for task in of_target
        )
        here.update(extra.get(article_id, ()))
        ordered = sorted(here, key=lambda example: (example.task, example.target or ""))
        found += [(row, example) for example in ordered]
    return found


def locate(
    articles: pa.Table,
    codebook: Codebook,
    mentions: MentionsByRow,
    examples: Iterable[tuple[int, Example]],
    inline: Mapping[Example, Inline],
) -> Iterator[Spans]:
    """Yield each example's mentions of the target and of the source entity.

    A mention of the source entity never overlaps one of the target.
    """
    known = {target.id for target in codebook.targets}
    find = _finder_of_wordings()
    for row, example in examples:
        answer = inline.get(example)
        named = mentions.get(row, {})
        if answer is None and (example.target is None or example.target in known):
            yield None if example.target is None else named.get(example.target, []), None
            continue
        text = articles["text"][row].as_py()
        spans: Sequence[Span] | None
        if example.target is None:
            spans = None
        elif answer and answer.mark and answer.target:
            pieces = pieces_of(articles["set_apart"][row].as_py())
            spans = marked_mention(text, answer.target, answer.mark, find, pieces)
        elif example.target in known:
            spans = named.get(example.target, [])
        else:
            spans = find(text, example.target)
        yield spans, _source_mentions(text, answer, spans or [], find)


def marked_mention(
    text: str,
    wording: str,
    mark: Span,
    find: Callable[[str, str], Sequence[Span]],
    pieces: Sequence[Piece] = (),
) -> list[Span]:
    """Return the mention at `mark`, or the occurrence of `wording` that is nearest to it.

    The mark counts characters of the text as it came in; ingest may have tidied it since, and set
    `pieces` apart. A mark on other words than `wording` (a pronoun) is taken if `wording` does not
    occur; one in a piece is nowhere in the text.
    """
    found = in_body(mark, pieces)
    start, end = found or (mark[0] - sum(len(p.text) for p in pieces if p.start <= mark[0]), -1)
    if text[start:end] == wording and start >= 0:
        return [(start, end)]
    occurrences = find(text, wording)
    if occurrences:
        return [min(occurrences, key=lambda span: abs(span[0] - start))]
    return [(start, end)] if 0 <= start < end <= len(text) else []


def _finder_of_wordings() -> Callable[[str, str], Sequence[Span]]:
    """Return a function that finds one wording in a text and remembers the finders it made."""

    @functools.cache
    def finder(wording: str) -> MentionFinder:
        return MentionFinder({wording: [wording]})

    return lambda text, wording: finder(wording).find(text).get(wording, [])


def _source_mentions(
    text: str,
    answer: Inline | None,
    mentions: Sequence[Span],
    find: Callable[[str, str], Sequence[Span]],
) -> list[Span] | None:
    if answer is None or answer.source_entity is None:
        return None
    return [
        (start, end)
        for start, end in find(text, answer.source_entity)
        if all(end <= other_start or other_end <= start for other_start, other_end in mentions)
    ]

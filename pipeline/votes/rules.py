"""Votes of the codebook's rules: keywords and patterns."""

import functools
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.codebook import Label, Task
from pipeline.codebook.rules import LabelRule, Where
from pipeline.mentions import MentionFinder
from pipeline.votes.places import Pieces, pieces_of
from pipeline.votes.questions import Questions, votes_for


def rule_names(task: Task) -> list[str]:
    """Return what tables call the rules of a task, in the order of the codebook."""
    return [_name(label, number) for label in task.labels for number in range(len(label.rules))]


def _name(label: Label, number: int) -> str:
    return f"rule:{label.id}/{label.rules[number].name or number + 1}"


def rule_votes(questions: Questions) -> Iterator[pa.Table]:
    """Yield records.VOTES of each rule of the task, in the order of the codebook.

    Cost: a compiled pass over the texts for each rule, and a slower one over those that it may
    hit. Patterns run in RE2, whose time grows as the text and the pattern do, never faster.
    """
    pieces = functools.cache(lambda where, words: pieces_of(questions, where, words))
    for label in questions.task.labels:
        for number, rule in enumerate(label.rules):
            where = questions.task.where_of(rule)
            words = rule.reach(where) if where in (Where.LEAD, Where.WINDOW) else 0
            hit = _hit(rule, pieces(where, words), questions)
            yield votes_for(questions, _name(label, number), np.flatnonzero(hit), label.id)


def _hit(rule: LabelRule, pieces: Pieces, questions: Questions) -> NDArray[np.bool_]:
    """Tell which examples the rule hits, [n]."""
    rows = _found(rule, pieces.texts)
    if rule.unless and len(rows):
        pieces = pieces.take(rows).sentences()
        undone = _found_words(rule.unless, pieces.texts)
        rows = np.setdiff1d(_found(rule, pieces.texts), undone)
    count = len(questions.articles) if pieces.of_articles else len(questions)
    hit = np.zeros(count, np.bool_)
    hit[pieces.owners[rows]] = True
    return hit[questions.article_of] if pieces.of_articles else hit


def _found(rule: LabelRule, texts: pa.Array) -> NDArray[np.int64]:
    """Return the rows whose text has one of the keywords, or the pattern."""
    if rule.keywords is not None:
        return _found_words(rule.keywords, texts)
    matches = pc.match_substring_regex(texts, rule.pattern)
    return np.asarray(pc.indices_nonzero(matches).to_numpy(), np.int64)


def _found_words(words: Sequence[str], texts: pa.Array) -> NDArray[np.int64]:
    finder = MentionFinder({"found": words})
    return np.array([row for row, _ in finder.find_in(texts)], np.int64)

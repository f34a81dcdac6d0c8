"""List what is asked of the articles, and read all answers: in their own rows, and in files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from pipeline import codebook as codebooks
from pipeline.codebook import Codebook
from pipeline.config import LabelSection
from pipeline.errors import DataError
from pipeline.label.annotation_files import read_annotations
from pipeline.label.answers import AnswerBook, Example, Problems
from pipeline.label.carrying import Outdated, carry_over
from pipeline.label.examples import Spans, find_targets, list_examples, locate
from pipeline.label.inline import Inline, read_inline

UNKNOWN_SHOWN: Final = 20


@dataclass(frozen=True)
class Gathered:
    """What is asked of some articles, and what was answered."""

    examples: list[Example]
    """By article, task and target."""
    spans: list[Spans]
    """Where the examples, in their order, name the target and the source entity."""
    inline: dict[Example, Inline]
    """What the articles' own rows say."""
    book: AnswerBook
    """All answers that hold under the present codebook."""
    outdated: list[Outdated]
    """Those that may not."""
    unknown: dict[str, Any]
    """How many were about articles that are not there, JSON-ready."""


def gather(articles: pa.Table, codebook: Codebook, section: LabelSection) -> Gathered:
    """List the examples, and read all answers; DataError shows the first rows that do not fit."""
    inline, book = _read_all(articles, codebook, section)
    ids = articles["id"].to_pylist()
    outdated = carry_over(book)
    unknown = _take_unknown(book, ids)
    mentions = find_targets(articles, codebook)
    examples = list_examples(ids, codebook, mentions, [*inline, *book.labels])
    spans = list(locate(articles, codebook, mentions, examples, inline))
    return Gathered([each for _, each in examples], spans, inline, book, outdated, unknown)


def _read_all(
    articles: pa.Table, codebook: Codebook, section: LabelSection
) -> tuple[dict[Example, Inline], AnswerBook]:
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

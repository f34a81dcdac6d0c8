"""The parts of articles that rules look at."""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.codebook.rules import Where
from pipeline.features.sentences import sentences_of
from pipeline.features.texts import texts_of
from pipeline.mentions import Span
from pipeline.votes.questions import Questions

# A window need not be looked for further than this; hardly a word is longer.
_LONGEST_WORD: Final = 40
_WORD: Final = re.compile(r"\S+")


@dataclass(frozen=True)
class Pieces:
    """Pieces of text, k of them, and the example or article that each is of."""

    texts: pa.Array  # [k] large_string
    owners: NDArray[np.int64]  # [k]
    of_articles: bool

    def take(self, rows: NDArray[np.int64]) -> "Pieces":
        """Return the pieces at `rows`."""
        return Pieces(self.texts.take(pa.array(rows)), self.owners[rows], self.of_articles)

    def sentences(self) -> "Pieces":
        """Return the sentences of all pieces, as pieces of their own."""
        none = pa.nulls(len(self.texts), pa.large_string())
        bounds, spans = sentences_of(texts_of(none, self.texts))
        found, owners = [], []
        for piece, text in enumerate(self.texts.to_pylist()):
            for start, end in spans[bounds[piece] : bounds[piece + 1]].tolist():
                found.append(text[start:end])
                owners.append(self.owners[piece])
        return Pieces(
            pa.array(found, pa.large_string()), np.array(owners, np.int64), self.of_articles
        )


def pieces_of(questions: Questions, where: Where, words: int) -> Pieces:
    """Return what stands at a place of the questions' articles; nothing where there is none.

    `words` is the length of the lead, or the reach of a window to each side of a mention.
    """
    titles, texts = questions.articles["title"], questions.articles["text"]
    match where:
        case Where.TITLE:
            return _of_articles(titles)
        case Where.TEXT:
            return _of_articles(texts)
        case Where.LEAD:
            return _of_articles(pa.chunked_array([_leads(texts, words)]))
        case Where.ANYWHERE:
            parts = [_of_articles(titles), _of_articles(texts)]
            return Pieces(
                pa.concat_arrays([part.texts for part in parts]),
                np.concatenate([part.owners for part in parts]),
                of_articles=True,
            )
        case Where.WINDOW:
            return _windows(questions, words)


def _of_articles(column: pa.ChunkedArray) -> Pieces:
    there = np.flatnonzero(pc.is_valid(column).to_numpy())
    texts = column.take(pa.array(there)).cast(pa.large_string()).combine_chunks()
    return Pieces(texts, there.astype(np.int64), of_articles=True)


def _leads(texts: pa.ChunkedArray, words: int) -> pa.Array:
    return pa.array([_first_words(text, words) for text in texts.to_pylist()], pa.large_string())


def _first_words(text: str, words: int) -> str:
    head = text[: words * _LONGEST_WORD]
    ends = [match.end() for match in _WORD.finditer(head)]
    return head[: ends[words - 1]] if len(ends) >= words else head


def _windows(questions: Questions, words: int) -> Pieces:
    found: list[str] = []
    owners: list[int] = []
    texts = questions.articles["text"]
    for example, (article, mentions) in enumerate(
        zip(questions.article_of.tolist(), questions.mentions, strict=True)
    ):
        if mentions:
            text = texts[article].as_py()
            found += [window(text, mention, words) for mention in mentions]
            owners += [example] * len(mentions)
    return Pieces(pa.array(found, pa.large_string()), np.array(owners, np.int64), of_articles=False)


def window(text: str, mention: Span, words: int) -> str:
    """Return the mention with so many words to each side of it."""
    start, end = mention
    reach = words * _LONGEST_WORD
    before = text[max(0, start - reach) : start]
    starts = [match.start() for match in _WORD.finditer(before)]
    first = starts[-words] if len(starts) >= words else 0
    after = _first_words(text[end : end + reach], words)
    return before[first:] + text[start:end] + after

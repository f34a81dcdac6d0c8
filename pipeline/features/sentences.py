"""The sentences of texts, for what is scored outside of the compiled passes."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.features import characters
from pipeline.features.abbreviations import abbreviation_hashes
from pipeline.features.texts import Texts
from pipeline.features.words import split_sentences, split_words, words_room


class Sentences(NamedTuple):
    """The sentences of n texts, headline included, in order."""

    bounds: NDArray[np.int64]  # [n + 1] sentences of text i are bounds[i] to bounds[i + 1]
    spans: NDArray[np.int32]  # [k, 2] first character of the text, and the one after the last


def sentences_of(texts: Texts) -> Sentences:
    """Split each text into the sentences that evidence is made of."""
    bounds, spans = _split(
        texts.buffer, texts.offsets, characters.classes(), characters.lower(),
        abbreviation_hashes(),
    )  # fmt: skip
    return Sentences(bounds, spans)


@njit(cache=True, nogil=True)
def _split(
    buffer: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    classes: NDArray[np.uint8],
    lower: NDArray[np.uint16],
    abbreviations: NDArray[np.uint64],
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    count = len(offsets) - 1
    longest = 0
    for text in range(count):
        longest = max(longest, offsets[text + 1] - offsets[text])
    words = words_room(longest)
    of_text = np.empty((longest // 2 + 2, 2), np.int32)
    bounds = np.zeros(count + 1, np.int64)
    spans = np.empty((64, 2), np.int32)
    for text in range(count):
        start, stop = offsets[text], offsets[text + 1]
        found_words = split_words(buffer, start, stop, classes, lower, words)
        found = split_sentences(
            buffer, start, stop, classes, lower, found_words, words, abbreviations, of_text
        )
        first = bounds[text]
        while first + found > len(spans):
            spans = np.concatenate((spans, np.empty_like(spans)))
        spans[first : first + found] = of_text[:found]
        bounds[text + 1] = first + found
    return bounds, spans[: bounds[count]]

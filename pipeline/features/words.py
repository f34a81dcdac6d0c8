"""Words and sentences of a text, by compiled passes over its UTF-8 bytes.

`reference.py` says the same in plain Python and is what the tests compare with.
"""

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.features.characters import ALONE, APOSTROPHE, FIRST_EMOJI, PLANE, SEPARATOR, WORD

# FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), taken over code points, not bytes.
FNV_OFFSET: Final = np.uint64(0xCBF29CE484222325)
FNV_PRIME: Final = np.uint64(0x100000001B3)


@njit(inline="always", nogil=True)
def decode(buffer: NDArray[np.uint8], at: int) -> tuple[int, int]:
    """Return the code point whose UTF-8 begins at byte `at`, and how many bytes it takes."""
    first = np.int64(buffer[at])
    if first < 0x80:
        return first, 1
    if first < 0xE0:
        return ((first & 0x1F) << 6) | (np.int64(buffer[at + 1]) & 0x3F), 2
    if first < 0xF0:
        return (
            ((first & 0x0F) << 12)
            | ((np.int64(buffer[at + 1]) & 0x3F) << 6)
            | (np.int64(buffer[at + 2]) & 0x3F)
        ), 3
    return (
        ((first & 0x07) << 18)
        | ((np.int64(buffer[at + 1]) & 0x3F) << 12)
        | ((np.int64(buffer[at + 2]) & 0x3F) << 6)
        | (np.int64(buffer[at + 3]) & 0x3F)
    ), 4


@njit(inline="always", nogil=True)
def class_of(point: int, classes: NDArray[np.uint8]) -> int:
    """Return how the code point behaves in words."""
    if point < PLANE:
        return np.int64(classes[point])
    return ALONE if point >= FIRST_EMOJI else WORD


class Words(NamedTuple):
    """Room for the words of one text; of n words the first n entries count."""

    points: NDArray[np.int32]  # lower-cased code points of all words one after another
    bounds: NDArray[np.int32]  # [n + 1] word w is points bounds[w] to bounds[w + 1]
    hashes: NDArray[np.uint64]  # [n] FNV-1a
    places: NDArray[np.int32]  # [n] the character of the text that the word begins with
    ends: NDArray[np.int64]  # [n] the byte after the word's last
    sentences: NDArray[np.int32]  # [n] the sentence that the word stands in


@njit(nogil=True)
def words_room(size: int) -> Words:
    """Return room for the words of a text of `size` bytes."""
    words = size // 2 + 2  # a word takes a byte and a separator, or three bytes by itself
    return Words(
        np.empty(size + 1, np.int32),
        np.empty(words + 1, np.int32),
        np.empty(words, np.uint64),
        np.empty(words, np.int32),
        np.empty(words, np.int64),
        np.empty(words, np.int32),
    )


@njit(cache=True, nogil=True)
def split_words(
    buffer: NDArray[np.uint8],
    start: int,
    stop: int,
    classes: NDArray[np.uint8],
    lower: NDArray[np.uint16],
    words: Words,
) -> int:
    """Find the words of bytes `start` to `stop`; return how many.

    Fills all of `words` but the sentences.
    """
    points, bounds, hashes, places, ends, _ = words
    one = np.uint64(1)  # unsigned places are not checked for being negative each time
    at, end = np.uint64(start), np.uint64(stop)
    ahead = np.uint64(start)  # of the byte at `at` before its character
    count = np.uint64(0)
    filled = np.uint64(0)
    inside = False
    value = FNV_OFFSET
    bounds[0] = 0
    while at < end:
        point, width = decode(buffer, at)
        following_at = at + np.uint64(width)
        kind = class_of(point, classes)
        if kind == APOSTROPHE:
            kind = SEPARATOR
            if inside and following_at < end:
                following, _ = decode(buffer, following_at)
                if class_of(following, classes) == WORD:
                    kind = WORD
        if inside and kind != WORD:
            hashes[count] = value
            ends[count] = at
            count += one
            bounds[count] = filled
            inside = False
        if kind != SEPARATOR:
            if point < PLANE:
                point = np.int64(lower[np.uint64(point)])
            if not inside:
                value = FNV_OFFSET
                places[count] = np.int32(at - ahead)
                inside = True
            points[filled] = point
            filled += one
            value = (value ^ np.uint64(point)) * FNV_PRIME
            if kind == ALONE:
                hashes[count] = value
                ends[count] = following_at
                count += one
                bounds[count] = filled
                inside = False
        ahead += np.uint64(width - 1)
        at = following_at
    if inside:
        hashes[count] = value
        ends[count] = stop
        count += one
        bounds[count] = filled
    return np.int64(count)


@njit(inline="always", nogil=True)
def _is_space(point: int) -> bool:
    return point == 0x20 or 0x09 <= point <= 0x0D or point == 0xA0 or point == 0x3000


@njit(inline="always", nogil=True)
def _closes(point: int) -> bool:
    """Tell whether the character may stand between a full stop and the space after it."""
    return (
        point == ord('"')
        or point == ord("'")
        or point == ord(")")
        or point == ord("]")
        or point == 0x2019
        or point == 0x201C
        or point == 0x201D
        or point == 0xBB
    )


@njit(inline="always", nogil=True)
def _is_abbreviation(
    word: int, stop_at: int, words: Words, abbreviations: NDArray[np.uint64]
) -> bool:
    """Tell whether the word that ends right before character `stop_at` wants its full stop."""
    if word < 0:
        return False
    length = words.bounds[word + 1] - words.bounds[word]
    if words.places[word] + length != stop_at:
        return False
    if length == 1:  # initials, and the letters of "U.S."
        return True
    at = np.searchsorted(abbreviations, words.hashes[word])
    return bool(at < len(abbreviations) and abbreviations[at] == words.hashes[word])


@njit(inline="always", nogil=True)
def _end_sentence(spans: NDArray[np.int32], sentences: int, first: int, last: int) -> int:
    """Write the span of the open sentence; return how many there are now."""
    spans[sentences, 0] = first
    spans[sentences, 1] = last
    return sentences + 1


@njit(cache=True, nogil=True)
def split_sentences(
    buffer: NDArray[np.uint8],
    start: int,
    stop: int,
    classes: NDArray[np.uint8],
    lower: NDArray[np.uint16],
    count: int,
    words: Words,
    abbreviations: NDArray[np.uint64],
    spans: NDArray[np.int32],
) -> int:
    """Find the sentences of bytes `start` to `stop`, which have `count` words; return how many.

    Fills `spans` (int32[n, 2]) with their first character and the one after their last, and
    `words.sentences`. A sentence ends at a blank line, or at . ! ? … with the quotes and brackets
    that close after it, when white space and no lower-case letter follow, unless the full stop
    belongs to an abbreviation. `spans` must have room for (stop - start) / 2 + 1 sentences.

    Only what stands between words can end a sentence, and mostly that is one space: the letters
    are not read again.
    """
    sentences = 0
    character = 0
    at = start
    first = -1  # first character of the open sentence
    last = 0  # the character after its last that is not white space
    ended = False  # a sentence's end was seen; closing marks may still follow
    spaced = False  # and white space after it
    newline = False
    for word in range(count + 1):
        begins = words.places[word] if word < count else -1
        while at < stop and character != begins:
            point, width = decode(buffer, at)
            if _is_space(point):
                if point == 0x0A:
                    if newline and first >= 0:  # a blank line
                        sentences = _end_sentence(spans, sentences, first, last)
                        first = -1
                        ended = False
                    newline = True
                spaced = ended
            else:
                newline = False
                if ended and spaced:
                    if first >= 0:
                        sentences = _end_sentence(spans, sentences, first, last)
                        first = -1
                    ended = False
                elif ended and not _closes(point):
                    ended = False
                if first < 0:
                    first = character
                last = character + 1
                if point == ord("!") or point == ord("?") or point == 0x2026:
                    ended = True
                    spaced = False
                elif point == ord("."):
                    ended = not _is_abbreviation(word - 1, character, words, abbreviations)
                    spaced = False
                elif point == 0x3002 or point == 0xFF01 or point == 0xFF1F:
                    ended = True
                    spaced = True  # no space follows in these scripts
            character += 1
            at += width
        if word == count:
            break
        if ended and spaced and first >= 0:
            point, _ = decode(buffer, at)
            if not _is_small(point, classes, lower):
                sentences = _end_sentence(spans, sentences, first, last)
                first = -1
        ended = False
        newline = False
        if first < 0:
            first = character
        words.sentences[word] = sentences
        character += words.bounds[word + 1] - words.bounds[word]
        at = words.ends[word]
        last = character
    if first >= 0:
        sentences = _end_sentence(spans, sentences, first, last)
    return sentences


@njit(inline="always", nogil=True)
def _is_small(point: int, classes: NDArray[np.uint8], lower: NDArray[np.uint16]) -> bool:
    """Tell whether a sentence may go on with this letter after what looked like its end."""
    return (
        point < PLANE
        and class_of(point, classes) == WORD
        and np.int64(lower[point]) == point
        and not (0x30 <= point <= 0x39)
    )

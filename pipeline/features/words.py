"""Words and sentences of a text, by compiled passes over its UTF-8 bytes.

`reference.py` says the same in plain Python and is what the tests compare with.
"""

from typing import Final

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


@njit(cache=True, nogil=True)
def split_words(
    buffer: NDArray[np.uint8],
    start: int,
    stop: int,
    classes: NDArray[np.uint8],
    lower: NDArray[np.uint16],
    points: NDArray[np.int32],
    bounds: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    places: NDArray[np.int32],
) -> int:
    """Find the words of bytes `start` to `stop`; return how many, n.

    Fills the caller's arrays: the lower-cased code points of all words one after another
    (`points`), where word w's begin (`bounds[w]` to `bounds[w + 1]`), its FNV-1a hash
    (`hashes[w]`), and the character of the text it begins with (`places[w]`). Each must have
    room for stop - start + 1 entries.
    """
    words = 0
    filled = 0
    character = 0
    at = start
    inside = False
    value = FNV_OFFSET
    bounds[0] = 0
    while at < stop:
        point, width = decode(buffer, at)
        kind = class_of(point, classes)
        if kind == APOSTROPHE:
            kind = SEPARATOR
            if inside and at + width < stop:
                following, _ = decode(buffer, at + width)
                if class_of(following, classes) == WORD:
                    kind = WORD
        if inside and kind != WORD:
            hashes[words] = value
            words += 1
            bounds[words] = filled
            inside = False
        if kind != SEPARATOR:
            if point < PLANE:
                point = np.int64(lower[point])
            if not inside:
                value = FNV_OFFSET
                places[words] = character
                inside = True
            points[filled] = point
            filled += 1
            value = (value ^ np.uint64(point)) * FNV_PRIME
            if kind == ALONE:
                hashes[words] = value
                words += 1
                bounds[words] = filled
                inside = False
        character += 1
        at += width
    if inside:
        hashes[words] = value
        words += 1
        bounds[words] = filled
    return words


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
    word: int,
    stop_at: int,
    bounds: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    places: NDArray[np.int32],
    abbreviations: NDArray[np.uint64],
) -> bool:
    """Tell whether the word that ends right before character `stop_at` wants its full stop."""
    if word < 0:
        return False
    length = bounds[word + 1] - bounds[word]
    if places[word] + length != stop_at:
        return False
    if length == 1:  # initials, and the letters of "U.S."
        return True
    at = np.searchsorted(abbreviations, hashes[word])
    return bool(at < len(abbreviations) and abbreviations[at] == hashes[word])


@njit(cache=True, nogil=True)
def split_sentences(
    buffer: NDArray[np.uint8],
    start: int,
    stop: int,
    classes: NDArray[np.uint8],
    lower: NDArray[np.uint16],
    words: int,
    bounds: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    places: NDArray[np.int32],
    abbreviations: NDArray[np.uint64],
    spans: NDArray[np.int32],
) -> int:
    """Find the sentences of bytes `start` to `stop`, whose words are known; return how many.

    Fills `spans` (int32[n, 2]) with their first character and the one after their last. A
    sentence ends at a blank line, or at . ! ? … with the quotes and brackets that close after it,
    when white space and no lower-case letter follow, unless the full stop belongs to an
    abbreviation. `spans` must have room for (stop - start) / 2 + 1 sentences.
    """
    sentences = 0
    character = 0
    at = start
    first = -1  # first character of the open sentence
    last = 0  # the character after its last that is not white space
    word = -1  # the last word that began before `character`
    ended = False  # a sentence's end was seen; closing marks may still follow
    spaced = False  # and white space after it
    newline = False
    while at < stop:
        point, width = decode(buffer, at)
        while word + 1 < words and places[word + 1] < character:
            word += 1
        if _is_space(point):
            if point == 0x0A:
                if newline and first >= 0:  # a blank line
                    spans[sentences, 0] = first
                    spans[sentences, 1] = last
                    sentences += 1
                    first = -1
                    ended = False
                newline = True
            spaced = ended
        else:
            newline = False
            if ended and spaced and first >= 0:
                small = (
                    point < PLANE
                    and class_of(point, classes) == WORD
                    and np.int64(lower[point]) == point
                    and not (0x30 <= point <= 0x39)
                )
                if not small:
                    spans[sentences, 0] = first
                    spans[sentences, 1] = last
                    sentences += 1
                    first = -1
                ended = False
                spaced = False
            elif ended and not _closes(point):
                ended = False
            if first < 0:
                first = character
            last = character + 1
            if point == ord("!") or point == ord("?") or point == 0x2026:
                ended = True
                spaced = False
            elif point == ord("."):
                ended = not _is_abbreviation(word, character, bounds, hashes, places, abbreviations)
                spaced = False
            elif point == 0x3002 or point == 0xFF01 or point == 0xFF1F:
                ended = True
                spaced = True  # no space follows in these scripts
        character += 1
        at += width
    if first >= 0:
        spans[sentences, 0] = first
        spans[sentences, 1] = last
        sentences += 1
    return sentences

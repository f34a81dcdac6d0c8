"""What of a text is compared: its words, their 5-grams, and a short signature of these.

The words of a text are its runs of letters, digits and underscores after Unicode compatibility
normalisation (NFKC) and case folding. Soft hyphens and zero-width characters are passed over. So
case, white space, punctuation, the form of quotes and of composed letters do not count.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

Hashes: TypeAlias = npt.NDArray[np.uint64]
Signatures: TypeAlias = npt.NDArray[np.uint32]

SHINGLE_WORDS: Final = 5
PERMUTATIONS: Final = 128
# Any fixed number: equal texts must get equal signatures in every run.
SEED: Final = 1
# Share of the pairs at the threshold that the bands bring together; above it, more.
RECALL: Final = 0.999

_BETWEEN, _WORD, _PASSED_OVER = 0, 1, 2
# Soft hyphen, zero-width space, non-joiner and joiner, word joiner, byte order mark.
_INVISIBLE: Final = (0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF)
_CODE_POINTS: Final = 0x110000

# FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/).
_FNV_OFFSET: Final = np.uint64(0xCBF29CE484222325)
_FNV_PRIME: Final = np.uint64(0x100000001B3)
_SECOND_CHAIN: Final = np.uint64(0x9AE16A3B2F90404F)


@dataclass(frozen=True)
class ShingleSets:
    """The distinct word 5-grams of some texts, as hashes."""

    values: Hashes
    """Those of all texts one after another, sorted within each; a text has one at least."""
    bounds: npt.NDArray[np.int64]
    """[texts + 1] where each text's begin, and the end."""
    digests: Hashes
    """[texts, 2] equal where texts have the same words in the same order."""

    def __getitem__(self, text: int) -> Hashes:
        """Return the shingles of one text."""
        return self.values[self.bounds[text] : self.bounds[text + 1]]

    def __len__(self) -> int:
        return len(self.bounds) - 1


def shingle_sets(texts: Sequence[str]) -> ShingleSets:
    """Return the shingles of each text; of fewer than five words, one of all at once.

    A text without any word is one word, made of all that is not white space.
    """
    content = [_folded(text) for text in texts]
    ends = np.cumsum([0, *map(len, content)], dtype=np.int64)
    # There is room for a word in each two bytes, and for one in a text of none.
    values = np.empty(ends[-1] // 2 + 2 * len(texts), np.uint64)
    bounds = np.zeros(len(texts) + 1, np.int64)
    digests = np.empty((len(texts), 2), np.uint64)
    buffer = np.frombuffer(b"".join(content), np.uint8)
    size = _fill(buffer, ends, _kinds(), values, bounds, digests)
    return ShingleSets(values[:size].copy(), bounds, digests)


def minhash(sets: ShingleSets) -> Signatures:
    """Return the MinHash signature of each set: (sets, permutations)."""
    from rensa import RMinHash

    if not len(sets):
        return np.empty((0, PERMUTATIONS), np.uint32)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        sets.values, sets.bounds.astype(np.uint64), PERMUTATIONS, SEED
    )
    return np.asarray(matrix.to_rows(), np.uint32)


def banding(threshold: float) -> tuple[int, int]:
    """Return how many bands of how many rows find pairs at `threshold` with the wanted recall.

    A pair of similarity s meets in one of b bands of r rows with probability 1 - (1 - s^r)^b
    (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4.2). Long bands are
    selective, so the longest that will do are taken.
    """
    for rows in range(PERMUTATIONS, 2, -1):
        bands = PERMUTATIONS // rows
        if 1 - (1 - threshold**rows) ** bands >= RECALL:
            return bands, rows
    return PERMUTATIONS // 2, 2


def band_keys(signatures: Signatures, bands: int, rows: int) -> Hashes:
    """Return (texts, bands) keys that are equal where signatures agree in all rows of a band."""
    return _band_keys(signatures, bands, rows)


@njit(cache=True, nogil=True)
def shared(one: npt.NDArray[np.uint64], other: npt.NDArray[np.uint64]) -> int:
    """Return how many elements two sorted sets have in common."""
    at = beside = count = 0
    while at < len(one) and beside < len(other):
        mine, yours = one[at], other[beside]
        count += mine == yours
        at += mine <= yours
        beside += yours <= mine
    return count


def jaccard(one: Hashes, other: Hashes) -> float:
    """Return the Jaccard similarity of two sorted sets."""
    both = shared(one, other)
    return both / (len(one) + len(other) - both)


def containment(one: Hashes, other: Hashes) -> float:
    """Return the share of the smaller of two sorted sets that is in the larger."""
    return shared(one, other) / min(len(one), len(other))


def _folded(text: str) -> bytes:
    if not text.isascii():  # the compiled pass lowers ASCII letters itself
        text = unicodedata.normalize("NFKC", text).casefold()
    return text.encode()


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """Return for each code point whether it stands in words, between them, or is passed over."""
    kinds = np.full(_CODE_POINTS, _BETWEEN, np.uint8)
    points = np.arange(_CODE_POINTS, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    for run in re.finditer(r"\w+", points):
        kinds[run.start() : run.end()] = _WORD
    kinds[list(_INVISIBLE)] = _PASSED_OVER
    return kinds


@njit(cache=True, nogil=True)
def _scrambled(value: int) -> int:
    """Spread a value over all 64 bits.

    One round of SplitMix64 (Steele, Lea and Flood 2014, https://doi.org/10.1145/2660193.2660195).
    """
    mixed = np.uint64(value) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@njit(cache=True, nogil=True)
def _point(buffer: npt.NDArray[np.uint8], at: int) -> tuple[int, int]:
    """Return the code point whose UTF-8 begins at byte `at`, and how many bytes it takes."""
    first = np.int64(buffer[at])
    if first < 0x80:
        return first, 1
    size = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    point = first & (0x7F >> size)
    for further in range(1, size):
        point = (point << 6) | (np.int64(buffer[at + further]) & 0x3F)
    return point, size


@njit(cache=True, nogil=True)
def _words(
    buffer: npt.NDArray[np.uint8],
    start: int,
    stop: int,
    kinds: npt.NDArray[np.uint8],
    words: Hashes,
) -> int:
    """Write the hash of each word of one text to `words`; return how many there are."""
    count = 0
    hashed = whole = _FNV_OFFSET
    within = False
    at = start
    while at < stop:
        point, size = _point(buffer, at)
        kind = kinds[point]
        if kind == _WORD:
            lowers = 65 <= point <= 90
            for place in range(at, at + size):
                byte = np.uint64(buffer[place]) | np.uint64(32 if lowers else 0)
                hashed = (hashed ^ byte) * _FNV_PRIME
            within = True
        elif kind == _BETWEEN:
            if within:
                words[count] = _scrambled(hashed)
                count += 1
                hashed = _FNV_OFFSET
                within = False
            if point > 32:
                for place in range(at, at + size):
                    whole = (whole ^ np.uint64(buffer[place])) * _FNV_PRIME
        at += size
    if within or count == 0:
        words[count] = _scrambled(hashed if within else whole)
        count += 1
    return count


@njit(cache=True, nogil=True)
def _fill(
    buffer: npt.NDArray[np.uint8],
    ends: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.uint8],
    values: Hashes,
    bounds: npt.NDArray[np.int64],
    digests: Hashes,
) -> int:
    """Write the shingles, their bounds and the digests of all texts; return how many there are."""
    filled = 0
    for text in range(len(ends) - 1):
        words = values[filled:]
        count = _words(buffer, ends[text], ends[text + 1], kinds, words)
        one, two = np.uint64(count), _SECOND_CHAIN
        for word in words[:count]:
            one = _scrambled(one ^ word)
            two = _scrambled((two + word) * _FNV_PRIME)
        digests[text, 0], digests[text, 1] = one, two
        size = min(SHINGLE_WORDS, count)
        for at in range(count - size + 1):
            mixed = np.uint64(size)
            for offset in range(size):
                mixed = _scrambled(mixed ^ words[at + offset])
            words[at] = mixed
        ordered = np.sort(words[: count - size + 1])
        last = 0
        words[0] = ordered[0]
        for shingle in ordered[1:]:
            if shingle != words[last]:
                last += 1
                words[last] = shingle
        filled += last + 1
        bounds[text + 1] = filled
    return filled


@njit(cache=True, nogil=True)
def _band_keys(signatures: Signatures, bands: int, rows: int) -> Hashes:
    keys = np.empty((len(signatures), bands), np.uint64)
    for text in range(len(signatures)):
        for band in range(bands):
            key = np.uint64(band)
            for column in range(band * rows, (band + 1) * rows):
                key = _scrambled(key ^ np.uint64(signatures[text, column]))
            keys[text, band] = key
    return keys

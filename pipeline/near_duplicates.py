"""Find the articles whose texts are the same or nearly, by MinHash and exact verification."""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from rensa import RMinHash

Hashes: TypeAlias = npt.NDArray[np.uint64]
# Positions of pairs of articles, (n, 2), the earlier one first.
Pairs: TypeAlias = npt.NDArray[np.int64]

SHINGLE_WORDS: Final = 5
PERMUTATIONS: Final = 128
# Any fixed number: equal texts must get equal signatures in every run.
SEED: Final = 1
# Share of the pairs at the threshold that the bands bring together; above it, more.
RECALL: Final = 0.999
# The estimate of 128 permutations has a standard deviation of 0.044 at most.
ESTIMATE_MARGIN: Final = 0.2
ARTICLES_AT_ONCE: Final = 1024
PAIRS_AT_ONCE: Final = 65_536


@dataclass(frozen=True)
class NearDuplicates:
    """Which of n articles are near-duplicates of which."""

    first: list[int]
    """For each article, the first one with the same words in the same order: often itself."""
    similar: dict[int, list[tuple[int, float]]]
    """For each such first article with any, the other first articles that are similar to it, in
    order, and their Jaccard similarities."""

    def of(self, article: int) -> Iterator[tuple[int, float]]:
        """Yield the first articles that `article` is a near-duplicate of, its own among them."""
        yield self.first[article], 1.0
        yield from self.similar.get(self.first[article], ())


def find_near_duplicates(texts: pa.ChunkedArray, threshold: float) -> NearDuplicates:
    """Find all pairs of texts whose word 5-grams have a Jaccard similarity of `threshold` or more.

    Case and punctuation do not count. A text of fewer than five words is one shingle, so it is
    similar to nothing but its equals. Similarities are exact; the search for pairs to verify
    misses one in a thousand at the threshold (two at one of 0.3, seventy at 0.2), hardly any
    above it.

    Keeps about 700 bytes per article, whatever its length, and 8 bytes per word of the articles
    that have a near-duplicate.
    """
    first, signatures = _signatures(texts)
    distinct = np.flatnonzero(np.asarray(first) == np.arange(len(first)))
    bands, rows = _banding(threshold)
    pairs = _candidates(signatures, bands, rows)
    pairs = distinct[_promising(pairs, signatures, threshold - ESTIMATE_MARGIN)]
    similar: dict[int, list[tuple[int, float]]] = {}
    for one, other, similarity in _verified(pairs, texts, threshold):
        similar.setdefault(one, []).append((other, similarity))
        similar.setdefault(other, []).append((one, similarity))
    return NearDuplicates(first, {article: sorted(near) for article, near in similar.items()})


class WordHashes(dict[str, int]):
    """The hash of each word that was met, the same in every process."""

    def __missing__(self, word: str) -> int:
        """Hash a word when it is met for the first time."""
        self[word] = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")
        return self[word]


def word_hashes(text: str, hashes: WordHashes) -> Hashes:
    """Hash the words of `text` in their order; a text without any is one word."""
    words = re.findall(r"\w+", text.casefold()) or [" ".join(text.split())]
    return np.fromiter(map(hashes.__getitem__, words), np.uint64, len(words))


def shingles(words: Hashes) -> Hashes:
    """Return the hashes of the distinct word 5-grams, sorted; of fewer words, of all at once."""
    size = min(SHINGLE_WORDS, len(words))
    count = len(words) - size + 1
    mixed = np.full(count, size, np.uint64)
    for offset in range(size):
        mixed = _scrambled(mixed ^ words[offset : offset + count])
    return np.unique(mixed)


def _scrambled(values: Hashes) -> Hashes:
    """Spread each value over all 64 bits.

    One round of SplitMix64 (Steele, Lea and Flood 2014, https://doi.org/10.1145/2660193.2660195).
    """
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def jaccard(one: Hashes, other: Hashes) -> float:
    """Return the Jaccard similarity of two sorted sets."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)


def _signatures(texts: pa.ChunkedArray) -> tuple[list[int], npt.NDArray[np.uint32]]:
    """Return each article's first equal, and the signatures of the articles without earlier one.

    The signatures are (distinct articles, permutations).
    """
    hashes = WordHashes()
    firsts: dict[bytes, int] = {}
    first: list[int] = []
    blocks = [np.empty((0, PERMUTATIONS), np.uint32)]
    for start in range(0, len(texts), ARTICLES_AT_ONCE):
        new: list[Hashes] = []
        for text in texts.slice(start, ARTICLES_AT_ONCE).to_pylist():
            words = word_hashes(text, hashes)
            here = len(first)
            first.append(firsts.setdefault(blake2b(words.tobytes(), digest_size=16).digest(), here))
            if first[-1] == here:
                new.append(shingles(words))
        blocks.append(_minhash(new))
    return first, np.concatenate(blocks)


def _minhash(sets: list[Hashes]) -> npt.NDArray[np.uint32]:
    """Return the MinHash signature of each set: (sets, permutations)."""
    if not sets:
        return np.empty((0, PERMUTATIONS), np.uint32)
    ends = np.cumsum([0, *map(len, sets)], dtype=np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        np.concatenate(sets), ends, PERMUTATIONS, SEED
    )
    return np.asarray(matrix.to_rows(), np.uint32)


def _banding(threshold: float) -> tuple[int, int]:
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


def _candidates(signatures: npt.NDArray[np.uint32], bands: int, rows: int) -> Pairs:
    """Return the pairs of signatures that agree in all rows of a band, in order."""
    count = len(signatures)
    found = np.empty(0, np.int64)
    for band in range(bands):
        keys = np.full(count, band, np.uint64)
        for column in range(band * rows, (band + 1) * rows):
            keys = _scrambled(keys ^ signatures[:, column].astype(np.uint64))
        found = np.union1d(found, _pairs_of_equals(keys))
    return np.column_stack((found // max(count, 1), found % max(count, 1)))


def _pairs_of_equals(keys: Hashes) -> npt.NDArray[np.int64]:
    """Return the pairs of positions that have the same key, each as `first * count + second`."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=~keys[order][:1]))
    ends = np.append(starts[1:], len(keys))
    pairs = [np.empty(0, np.int64)]
    for start, end in zip(starts[ends - starts > 1], ends[ends - starts > 1], strict=True):
        members = order[start:end]
        one, other = np.triu_indices(len(members), k=1)
        pairs.append(members[one] * len(keys) + members[other])
    return np.concatenate(pairs)


def _promising(pairs: Pairs, signatures: npt.NDArray[np.uint32], least: float) -> Pairs:
    """Keep the pairs whose estimated similarity is `least` or more."""
    kept = [np.empty((0, 2), np.int64)]
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        part = pairs[start : start + PAIRS_AT_ONCE]
        agreeing = signatures[part[:, 0]] == signatures[part[:, 1]]
        kept.append(part[agreeing.mean(axis=1) >= least])
    return np.concatenate(kept)


def _verified(
    pairs: Pairs, texts: pa.ChunkedArray, threshold: float
) -> Iterator[tuple[int, int, float]]:
    """Yield the pairs that are similar indeed, with their similarity."""
    shingles_of = _shingle_reader(texts)
    for one, others in itertools.groupby(pairs.tolist(), key=lambda pair: pair[0]):
        for _, other in others:
            similarity = jaccard(shingles_of(one), shingles_of(other))
            if similarity >= threshold:
                yield one, other, similarity


def _shingle_reader(texts: pa.ChunkedArray) -> Callable[[int], Hashes]:
    """Return a function from an article's position to its shingles that remembers them."""
    hashes = WordHashes()
    known: dict[int, Hashes] = {}

    def read(article: int) -> Hashes:
        if article not in known:
            known[article] = shingles(word_hashes(texts[article].as_py(), hashes))
        return known[article]

    return read

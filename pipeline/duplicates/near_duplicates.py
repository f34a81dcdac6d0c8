"""Find the articles whose texts are the same or nearly, by MinHash and exact verification."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from pipeline.duplicates.shingles import (
    Hashes,
    ShingleSets,
    band_keys,
    banding,
    minhash,
    shared,
    shingle_sets,
)

# Positions of pairs of articles, (n, 2), the earlier one first.
Pairs: TypeAlias = npt.NDArray[np.int64]

# The estimate of 128 permutations has a standard deviation of 0.044 at most.
ESTIMATE_MARGIN: Final = 0.2
ARTICLES_AT_ONCE: Final = 1024
PAIRS_AT_ONCE: Final = 65_536
# In a larger bucket an article is paired with the first so many of each side.
LARGE_BUCKET: Final = 128
FIRST_OF_A_SIDE: Final = 16


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


def find_near_duplicates(
    texts: pa.ChunkedArray, threshold: float, sides: Sequence[str | None] = ()
) -> NearDuplicates:
    """Find all pairs of texts whose word 5-grams have a Jaccard similarity of `threshold` or more.

    What does not count is said in `shingles`. A text of fewer than five words is one shingle, so it
    is similar to nothing but its equals. Similarities are exact; the search for pairs to verify
    misses one in a thousand at the threshold (two at one of 0.3, seventy at 0.2), hardly any
    above it. Of more than 128 texts that look alike, each is paired with the first 16 of each of
    the `sides` on which the articles are, so that many copies do not make all their pairs.

    Keeps about 500 bytes per article, whatever its length, 8 bytes per word of the articles that
    may have a near-duplicate, and about 200 bytes per pair.
    """
    first, signatures = _signatures(texts)
    distinct = np.flatnonzero(first == np.arange(len(first)))
    pairs = _candidates(signatures, _sides_of(first, sides)[distinct], *banding(threshold))
    pairs = distinct[_promising(pairs, signatures, threshold - ESTIMATE_MARGIN)]
    similar: dict[int, list[tuple[int, float]]] = {}
    for (one, other), similarity in _verified(pairs, texts, threshold):
        similar.setdefault(one, []).append((other, similarity))
        similar.setdefault(other, []).append((one, similarity))
    return NearDuplicates(
        first.tolist(), {article: sorted(near) for article, near in similar.items()}
    )


def first_equals(digests: Hashes) -> npt.NDArray[np.int64]:
    """Return for each row of `digests`, (n, 2), the first row that equals it."""
    order = np.lexsort((digests[:, 1], digests[:, 0]))
    ordered = digests[order]
    is_new = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))[: len(order)]
    first = np.empty(len(order), np.int64)
    first[order] = order[is_new][np.cumsum(is_new) - 1]
    return first


def _signatures(texts: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]:
    """Return each article's first equal, and the signatures of the articles without earlier one.

    The signatures are (distinct articles, permutations).
    """
    digests = [np.empty((0, 2), np.uint64)]
    blocks = [minhash(shingle_sets([]))]
    for start in range(0, len(texts), ARTICLES_AT_ONCE):
        sets = shingle_sets(texts.slice(start, ARTICLES_AT_ONCE).to_pylist())
        digests.append(sets.digests)
        blocks.append(minhash(sets))
    first = first_equals(np.concatenate(digests))
    is_first = first == np.arange(len(first))
    place = 0
    for number, block in enumerate(blocks):
        blocks[number] = block[is_first[place : place + len(block)]]
        place += len(block)
    return first, np.concatenate(blocks)


def _sides_of(first: npt.NDArray[np.int64], sides: Sequence[str | None]) -> npt.NDArray[np.int64]:
    """Return for each article a number that says on which sides the copies of its text are."""
    on = np.zeros(len(first), np.int64)
    names = {side: number for number, side in enumerate(dict.fromkeys(sides))}
    if sides:
        bits = np.array([1 << min(names[side], 62) for side in sides], np.int64)
        np.bitwise_or.at(on, first, bits)
    return on


def _candidates(
    signatures: npt.NDArray[np.uint32], sides: npt.NDArray[np.int64], bands: int, rows: int
) -> Pairs:
    """Return the pairs of signatures that agree in all rows of a band, in order."""
    count = len(signatures)
    found = np.empty(0, np.int64)
    for band in range(bands):
        columns = np.ascontiguousarray(signatures[:, band * rows : (band + 1) * rows])
        found = np.union1d(found, _pairs_of_equals(band_keys(columns, 1, rows)[:, 0], sides))
    return np.column_stack((found // max(count, 1), found % max(count, 1)))


def _pairs_of_equals(keys: Hashes, sides: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the pairs of positions that have the same key, each as `first * count + second`."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=~keys[order][:1]))
    ends = np.append(starts[1:], len(keys))
    pairs = [np.empty(0, np.int64)]
    for start, end in zip(starts[ends - starts > 1], ends[ends - starts > 1], strict=True):
        members = order[start:end]
        if len(members) <= LARGE_BUCKET:
            one, other = np.triu_indices(len(members), k=1)
        else:
            one, other = _pairs_with_first(sides[members])
        pairs.append(members[one] * len(keys) + members[other])
    return np.concatenate(pairs)


def _pairs_with_first(
    sides: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the pairs of the first few of each side with all, the earlier one first."""
    firsts = [np.flatnonzero(sides == side)[:FIRST_OF_A_SIDE] for side in np.unique(sides)]
    one, other = np.meshgrid(np.concatenate(firsts), np.arange(len(sides)))
    is_pair = one != other
    return np.minimum(one, other)[is_pair], np.maximum(one, other)[is_pair]


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
) -> Iterator[tuple[list[int], float]]:
    """Yield the pairs that are similar indeed, with their similarity."""
    involved = np.unique(pairs)
    sets = _sets_of(texts, involved)
    similarities = _jaccards(np.searchsorted(involved, pairs), sets.values, sets.bounds)
    is_similar = similarities >= threshold
    yield from zip(pairs[is_similar].tolist(), similarities[is_similar].tolist(), strict=True)


def _sets_of(texts: pa.ChunkedArray, articles: npt.NDArray[np.int64]) -> ShingleSets:
    """Return the shingles of some articles."""
    parts = [
        shingle_sets(texts.take(articles[start : start + ARTICLES_AT_ONCE]).to_pylist())
        for start in range(0, max(len(articles), 1), ARTICLES_AT_ONCE)
    ]
    sizes = np.concatenate([np.diff(part.bounds) for part in parts])
    return ShingleSets(
        np.concatenate([part.values for part in parts]),
        np.append(0, np.cumsum(sizes)),
        np.concatenate([part.digests for part in parts]),
    )


@njit(cache=True, nogil=True)
def _jaccards(
    pairs: Pairs, values: Hashes, bounds: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return the Jaccard similarity of each pair of sets."""
    found = np.empty(len(pairs), np.float64)
    for row in range(len(pairs)):
        one, other = pairs[row]
        mine = values[bounds[one] : bounds[one + 1]]
        yours = values[bounds[other] : bounds[other + 1]]
        both = shared(mine, yours)
        found[row] = both / (len(mine) + len(yours) - both)
    return found

"""Group articles into stories: the same text, nearly the same, or a part of a longer one.

The texts pass by once, in batches. Of each a digest and the keys of its MinHash bands are kept in
memory, and its shingles in a scratch file, in which candidates are compared exactly.
"""

import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

from pipeline.duplicates.near_duplicates import first_equals
from pipeline.duplicates.shingles import (
    SHINGLE_WORDS,
    Hashes,
    band_keys,
    banding,
    minhash,
    shared,
    shingle_sets,
)

# Upper halves of shingles: two texts of 1,000 words share 0.0002 of them by chance.
Shingles: TypeAlias = npt.NDArray[np.uint32]
Places: TypeAlias = npt.NDArray[np.int64]
Parents: TypeAlias = npt.NDArray[np.int32]

# An article is compared with the last so many others of its bucket, and of a story that is there
# already with so many of its articles: 10,000 copies do not make 50 million pairs.
_MOST_COMPARED: Final = 64
_MOST_OF_A_STORY: Final = 4
# Shingles that are in memory at a time, 16 MB.
_SHINGLES_AT_ONCE: Final = 1 << 22

# One shingle in 8 is looked up in other texts, to find parts of longer ones: of a text of 50 words
# none is with a probability of 0.002.
_SAMPLED: Final = 8
# Samples that are sorted at a time, 32 MB.
_SAMPLES_AT_ONCE: Final = 1 << 22
# What more stories than this say is a phrase or a footer, and tells nothing.
_COMMON: Final = 32
_OF_MANY: Final = 0xFFFFFFFF
# Share of the sampled shingles that tell something, found in another text before all are compared.
_PROMISING: Final = 0.5


class StoryFinder:
    """Takes texts in the order of the articles, and tells which belong together at the end.

    Two texts are linked where the Jaccard similarity of their word 5-grams is `near_duplicate` or
    more, or where both have `shortest` words or more and the share `contained` of the shorter one's
    is in the longer (None: not looked for). A story is all that is linked, through whatever
    many others. Both shares are exact; candidates of near-duplicates are found as `banding` says.

    `scratch` is an empty file that is read and written, 4 bytes per word. Memory is 4 bytes per
    article and band (42 at a threshold of 0.6, 25 at 0.8), some 200 for digests and sorting, and
    with `contained` 8 bytes for each sampled shingle that several stories have.
    """

    def __init__(
        self, near_duplicate: float, contained: float | None, shortest: int, scratch: BinaryIO
    ) -> None:
        self._near_duplicate = near_duplicate
        self._contained = contained
        # Of n words there are n - 4 shingles at most.
        self._fewest = shortest - SHINGLE_WORDS + 1
        self._bands, self._rows = banding(near_duplicate)
        self._scratch = _Scratch(scratch)
        self._digests = [np.empty((0, 2), np.uint64)]
        self._keys = [np.empty((0, self._bands), np.uint32)]

    def add(self, texts: Sequence[str]) -> None:
        """Take the texts of the next articles; a few thousand at a time are quickest."""
        sets = shingle_sets(texts)
        self._digests.append(sets.digests)
        keys = band_keys(minhash(sets), self._bands, self._rows)
        self._keys.append((keys >> np.uint64(32)).astype(np.uint32))
        self._scratch.add((sets.values >> np.uint64(32)).astype(np.uint32), np.diff(sets.bounds))

    def stories(self) -> Parents:
        """Return, for each article, the position of the first article of its story."""
        parents = first_equals(np.concatenate(self._digests)).astype(np.int32)
        distinct = np.flatnonzero(parents == np.arange(len(parents), dtype=np.int32))
        self._scratch.close()
        for band in range(self._bands):
            self._link_band(band, distinct, parents)
        if self._contained is not None:
            self._link_parts(self._contained, distinct, parents)
        return _roots(parents)

    def _link_band(self, band: int, distinct: Places, parents: Parents) -> None:
        """Link the articles that share a key of the band, and are similar indeed."""
        keys = self._column(band)[distinct]
        # Within a bucket those that share the next key too stand side by side.
        beside = self._column((band + 1) % self._bands)[distinct]
        order = np.lexsort((beside, keys))
        members, keys = distinct[order], keys[order]
        starts = np.flatnonzero(np.diff(keys, prepend=~keys[:1]))
        ends = np.append(starts[1:], len(keys))
        open_ = _undecided(parents, members, starts, ends)
        for some, bounds in _portions(members, starts[open_], ends[open_], self._scratch.sizes):
            places = np.unique(some)
            shingles, offsets = self._scratch.read(places)
            _link_buckets(
                parents, some, bounds, np.searchsorted(places, some), shingles, offsets,
                self._near_duplicate,
            )  # fmt: skip

    def _column(self, band: int) -> npt.NDArray[np.uint32]:
        return np.concatenate([block[:, band] for block in self._keys])

    def _link_parts(self, contained: float, distinct: Places, parents: Parents) -> None:
        """Link the articles that are parts of others."""
        fitting = distinct[self._scratch.sizes[distinct] >= self._fewest]
        postings = self._postings(fitting, parents)
        hits = np.zeros(len(parents), np.int32)
        for some in _runs(fitting, self._scratch.sizes):
            shingles, offsets = self._scratch.read(some)
            for one, other in _promising_parts(
                parents, some, shingles, offsets, postings, hits
            ).tolist():
                mine, yours = self._scratch.read_one(one), self._scratch.read_one(other)
                if shared(mine, yours) >= contained * min(len(mine), len(yours)):
                    _union(parents, one, other)

    def _postings(self, articles: Places, parents: Parents) -> Hashes:
        """Return the sampled shingles that several stories have, sorted, and whose they are."""
        sizes = self._scratch.sizes
        parts = 1 + int(sizes[articles].sum()) // (_SAMPLED * _SAMPLES_AT_ONCE)
        found = [np.empty(0, np.uint64)]
        for part in range(parts):
            samples = [self._scratch.samples(some, part, parts) for some in _runs(articles, sizes)]
            found.append(_thinned(parents, np.sort(np.concatenate([found[0], *samples]))))
        return np.sort(np.concatenate(found))


class _Scratch:
    """The shingles of all articles, in a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._written = [np.empty(0, np.int64)]
        self.sizes: Places = np.empty(0, np.int64)
        """How many each article has; there once the file is closed to additions."""

    def add(self, shingles: Shingles, sizes: Places) -> None:
        self._file.write(shingles.tobytes())
        self._written.append(sizes)

    def close(self) -> None:
        self._file.flush()
        self.sizes = np.concatenate(self._written)
        self._written = [self.sizes]
        self._starts = np.cumsum(self.sizes) - self.sizes

    def read_one(self, article: int) -> Shingles:
        return self.read(np.array([article]))[0]

    def read(self, articles: Places) -> tuple[Shingles, Places]:
        """Return the shingles of the articles, one after another, and where each one's begin."""
        offsets = np.append(0, np.cumsum(self.sizes[articles]))
        shingles = np.empty(offsets[-1], np.uint32)
        room = shingles.view(np.uint8)
        starts = self._starts[articles]
        # What stands in a row in the file is read at once.
        breaks = np.flatnonzero(starts[1:] != starts[:-1] + self.sizes[articles][:-1]) + 1
        pieces = np.concatenate(([0], breaks))
        lows, highs = 4 * offsets[pieces], 4 * offsets[np.append(breaks, len(articles))]
        where = zip(4 * starts[pieces], lows, highs, strict=True)
        for start, low, high in where:
            os.preadv(self._file.fileno(), [room[low:high].data], start)
        return shingles, offsets

    def samples(self, articles: Places, part: int, parts: int) -> Hashes:
        """Return one part of the sampled shingles, in the upper half, and whose they are."""
        shingles, offsets = self.read(articles)
        is_wanted = (shingles % _SAMPLED == 0) & (shingles // _SAMPLED % parts == part)
        places = np.flatnonzero(is_wanted)
        whose = articles[np.searchsorted(offsets, places, side="right") - 1]
        upper = shingles[places].astype(np.uint64) << np.uint64(32)
        found: Hashes = upper | whose.astype(np.uint64)
        return found


def _portions(
    members: Places, starts: Places, ends: Places, sizes: Places
) -> Iterator[tuple[Places, Places]]:
    """Yield the members of some buckets at a time, and where in them each bucket ends.

    A bucket with more shingles than fit is cut.
    """
    some: list[Places] = []
    bounds: list[int] = []
    count = shingles = 0
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        for piece in _runs(members[start:end], sizes):
            some.append(piece)
            count += len(piece)
            bounds.append(count)
            shingles += int(sizes[piece].sum())
            if shingles >= _SHINGLES_AT_ONCE:
                yield np.concatenate(some), np.array(bounds)
                some, bounds, count, shingles = [], [], 0, 0
    if some:
        yield np.concatenate(some), np.array(bounds)


def _runs(articles: Places, sizes: Places) -> Iterator[Places]:
    """Cut the articles into runs whose shingles fit into memory together."""
    if not len(articles):
        return
    portion = np.cumsum(sizes[articles]) // _SHINGLES_AT_ONCE
    yield from np.split(articles, np.flatnonzero(np.diff(portion)) + 1)


@njit(cache=True, nogil=True)
def _root(parents: Parents, article: int) -> int:
    while parents[article] != article:
        # Halving the path on the way keeps later walks short.
        parents[article] = parents[parents[article]]
        article = parents[article]
    return article


@njit(cache=True, nogil=True)
def _union(parents: Parents, one: int, other: int) -> None:
    first, second = _root(parents, one), _root(parents, other)
    parents[max(first, second)] = min(first, second)


@njit(cache=True, nogil=True)
def _roots(parents: Parents) -> Parents:
    roots = np.empty_like(parents)
    for article in range(len(parents)):
        roots[article] = _root(parents, article)
    return roots


@njit(cache=True, nogil=True)
def _undecided(
    parents: Parents, members: Places, starts: Places, ends: Places
) -> npt.NDArray[np.bool_]:
    """Return which buckets have articles of several stories."""
    undecided = np.zeros(len(starts), np.bool_)
    for bucket in range(len(starts)):
        root = _root(parents, members[starts[bucket]])
        for at in range(starts[bucket] + 1, ends[bucket]):
            if _root(parents, members[at]) != root:
                undecided[bucket] = True
                break
    return undecided


@njit(cache=True, nogil=True)
def _link_buckets(
    parents: Parents,
    members: Places,
    ends: Places,
    places: Places,
    shingles: Shingles,
    offsets: Places,
    threshold: float,
) -> None:
    """Link what is similar in each bucket; `places` says where in `offsets` a member stands."""
    kept = np.empty(_MOST_COMPARED, np.int64)
    start = 0
    for end in ends:
        count = 0
        for at in range(start, end):
            of_own = 0
            mine = shingles[offsets[places[at]] : offsets[places[at] + 1]]
            for back in range(1, min(count, _MOST_COMPARED) + 1):
                other = kept[(count - back) % _MOST_COMPARED]
                if _root(parents, members[at]) == _root(parents, members[other]):
                    of_own += 1
                    continue
                yours = shingles[offsets[places[other]] : offsets[places[other] + 1]]
                if _is_similar(mine, yours, threshold):
                    _union(parents, members[at], members[other])
                    of_own += 1
            if of_own < _MOST_OF_A_STORY:
                kept[count % _MOST_COMPARED] = at
                count += 1
        start = end


@njit(cache=True, nogil=True)
def _is_similar(one: Shingles, other: Shingles, threshold: float) -> bool:
    if min(len(one), len(other)) < threshold * max(len(one), len(other)):
        return False
    both = shared(one, other)
    return bool(both / (len(one) + len(other) - both) >= threshold)


@njit(cache=True, nogil=True)
def _thinned(parents: Parents, samples: Hashes) -> Hashes:
    """Keep of sorted samples the first article of each story, where a shingle is in several.

    What is in more than `_COMMON` stories is `_OF_MANY`.
    """
    low, high = np.uint64(0xFFFFFFFF), np.uint64(32)
    roots = np.empty(_COMMON, np.int64)
    kept = start = 0
    while start < len(samples):
        end = start
        first = kept
        stories = 0
        while end < len(samples) and samples[end] >> high == samples[start] >> high:
            root = _root(parents, np.int64(samples[end] & low))
            if stories <= _COMMON and not (roots[:stories] == root).any():
                if stories < _COMMON:
                    roots[stories] = root
                    samples[kept] = samples[end]
                    kept += 1
                stories += 1
            end += 1
        if stories == 1:
            kept = first
        elif stories > _COMMON:
            samples[first] |= np.uint64(_OF_MANY)
            kept = first + 1
        start = end
    return samples[:kept].copy()


@njit(cache=True, nogil=True)
def _promising_parts(
    parents: Parents,
    articles: Places,
    shingles: Shingles,
    offsets: Places,
    postings: Hashes,
    hits: npt.NDArray[np.int32],
) -> npt.NDArray[np.int32]:
    """Return the pairs (n, 2) of one of `articles` and another of another story that may hold it.

    `postings` are the sampled shingles of all and whose they are; `hits`, all zero, is room to
    count in.
    """
    low, high = np.uint64(0xFFFFFFFF), np.uint64(32)
    found = np.empty((1024, 2), np.int32)
    count = 0
    touched = np.empty(1024, np.int64)
    for row in range(len(articles)):
        article = articles[row]
        root = _root(parents, article)
        samples = number = 0
        for shingle in shingles[offsets[row] : offsets[row + 1]]:
            if shingle % _SAMPLED:
                continue
            samples += 1
            at = np.searchsorted(postings, np.uint64(shingle) << high)
            while at < len(postings) and postings[at] >> high == shingle:
                other = np.int64(postings[at] & low)
                at += 1
                if other == _OF_MANY:
                    samples -= 1
                    break
                if _root(parents, other) == root:
                    continue
                if hits[other] == 0:
                    if number == len(touched):
                        touched = np.append(touched, np.empty_like(touched))
                    touched[number] = other
                    number += 1
                hits[other] += 1
        for other in touched[:number]:
            # Of a short text none or one may be sampled.
            if hits[other] >= max(1.0, _PROMISING * samples):
                if count == len(found):
                    found = np.concatenate((found, np.empty_like(found)))
                found[count, 0], found[count, 1] = article, other
                count += 1
            hits[other] = 0
    return found[:count]

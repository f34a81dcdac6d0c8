"""The compiled passes over many examples: counting, vectorising, and scoring in one go.

All three call the same `emit`, so training and prediction cannot see different features. They
release the interpreter's lock: `parallel` runs them on as many threads as there are cores.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline import processors
from pipeline.features.ngrams import BLOCKS, SCALES, emit_article, emit_target, room_for
from pipeline.features.words import Words, split_sentences, split_words, words_room

T = TypeVar("T")

# Labels whose weights are added up at once: eight floats are a vector of AVX2.
LANES: Final = 8

# Examples in one task of a thread: enough to hide the hand-over, few enough to balance.
CHUNK: Final = 128


class Corpus(NamedTuple):
    """`Texts` and `Asked` as the compiled code takes them."""

    buffer: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    body: NDArray[np.int32]
    text_of: NDArray[np.int64]
    bounds: NDArray[np.int64]
    mentions: NDArray[np.int32]
    roles: NDArray[np.int8]


class Recipe(NamedTuple):
    """Which features are taken, as the compiled code takes it."""

    sees_target: bool
    words: int
    shortest_chars: int
    longest_chars: int  # 0 for none
    window: int
    show_mention: bool
    shift: np.uint64  # 64 minus the binary logarithm of the number of buckets
    classes: NDArray[np.uint8]
    lower: NDArray[np.uint16]
    abbreviations: NDArray[np.uint64]


class Scratch(NamedTuple):
    """Working space for one text at a time; see `split_words` and `emit_article`."""

    words: Words
    own: NDArray[np.int32]
    buckets: NDArray[np.uint32]
    owners: NDArray[np.int32]
    ends: NDArray[np.int64]


@njit(nogil=True)
def _scratch(corpus: Corpus, recipe: Recipe, first: int, stop: int) -> Scratch:
    longest = 0
    for example in range(first, stop):
        text = corpus.text_of[example]
        longest = max(longest, corpus.offsets[text + 1] - corpus.offsets[text])
    words = words_room(longest)
    most = len(words.hashes)
    room = room_for(most, longest, recipe.words, recipe.shortest_chars, recipe.longest_chars)
    return Scratch(
        words,
        np.arange(most, dtype=np.int32),
        np.empty(room, np.uint32),
        np.empty(room, np.int32),
        np.zeros(BLOCKS, np.int64),
    )


@njit(nogil=True)
def _split(corpus: Corpus, recipe: Recipe, text: int, scratch: Scratch) -> int:
    return split_words(
        corpus.buffer, corpus.offsets[text], corpus.offsets[text + 1], recipe.classes,
        recipe.lower, scratch.words,
    )  # fmt: skip


@njit(nogil=True)
def _emit(corpus: Corpus, recipe: Recipe, example: int, count: int, scratch: Scratch) -> int:
    if not recipe.sees_target:
        places = scratch.words.places[:count]
        headline = np.searchsorted(places, corpus.body[corpus.text_of[example]])
        return emit_article(
            count, scratch.words, scratch.own, headline, recipe.words,
            recipe.shortest_chars, recipe.longest_chars, recipe.shift, scratch.buckets,
            scratch.owners, scratch.ends,
        )  # fmt: skip
    first = corpus.bounds[example]
    stop = corpus.bounds[example + 1]
    return emit_target(
        count, scratch.words, corpus.mentions[first:stop], corpus.roles[first:stop], recipe.words,
        recipe.shortest_chars, recipe.longest_chars, recipe.window, recipe.show_mention,
        recipe.shift, scratch.buckets, scratch.owners, scratch.ends,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def emit_one(
    corpus: Corpus, recipe: Recipe, example: int
) -> tuple[NDArray[np.uint32], NDArray[np.int32], NDArray[np.int64]]:
    """Return the buckets, their owners and the blocks' ends of one example."""
    scratch = _scratch(corpus, recipe, example, example + 1)
    words = _split(corpus, recipe, corpus.text_of[example], scratch)
    count = _emit(corpus, recipe, example, words, scratch)
    return scratch.buckets[:count], scratch.owners[:count], scratch.ends


@njit(cache=True, nogil=True)
def count_examples(
    corpus: Corpus, recipe: Recipe, first: int, stop: int, seen_in: NDArray[np.int32]
) -> None:
    """Add to `seen_in[bucket]` the number of examples, of `first` to `stop`, that have it."""
    scratch = _scratch(corpus, recipe, first, stop)
    last = np.full(len(seen_in), -1, np.int32)
    text = -1
    words = 0
    for example in range(first, stop):
        if corpus.text_of[example] != text:
            text = corpus.text_of[example]
            words = _split(corpus, recipe, text, scratch)
        count = _emit(corpus, recipe, example, words, scratch)
        for at in range(count):
            bucket = scratch.buckets[at]
            if last[bucket] != example:
                last[bucket] = example
                seen_in[bucket] += 1


class Index(NamedTuple):
    """Which buckets are kept, and what each counts: a column is a kept bucket's rank.

    A bit per bucket and a rank per 64 of them fit into the processor's cache, where a table of
    columns by bucket would not: the look-ups are half of the time of a pass.
    """

    bits: NDArray[np.uint64]
    ranks: NDArray[np.uint32]  # kept buckets before each word of `bits`
    idf: NDArray[np.float32]  # by column


def index_of(kept: NDArray[np.uint32], idf: NDArray[np.float32], buckets_log2: int) -> Index:
    """Index the sorted `kept` buckets."""
    bits = np.zeros(1 << (buckets_log2 - 6), np.uint64)
    np.bitwise_or.at(bits, kept >> 6, np.uint64(1) << (kept & 63).astype(np.uint64))
    ranks = np.searchsorted(kept, np.arange(len(bits), dtype=np.uint64) << np.uint64(6))
    return Index(bits, ranks.astype(np.uint32), idf)


@njit(inline="always", nogil=True)
def _bits_set(word: np.uint64) -> np.uint32:
    """Count the bits of a word (Warren, Hacker's Delight, 5-1)."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.uint32((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


# Places are unsigned where time counts: a signed one is checked for being negative each time.
NONE: Final = np.uint32(0xFFFFFFFF)


@njit(inline="always", nogil=True)
def _column_of(index: Index, bucket: np.uint32) -> np.uint32:
    """Return the column of a bucket, NONE where it is not kept."""
    place = bucket >> np.uint32(6)
    word = index.bits[place]
    bit = np.uint64(bucket & np.uint32(63))
    if not (word >> bit) & np.uint64(1):
        return NONE
    below = word & ((np.uint64(1) << bit) - np.uint64(1))
    return np.uint32(index.ranks[place] + _bits_set(below))


# 1 + ln tf, for the tf that nearly all have.
_DAMPED: Final = (1 + np.log(np.maximum(np.arange(256), 1))).astype(np.float32)


class Row(NamedTuple):
    """Working space for the weighted features of one example, at most n of them."""

    slot_of: NDArray[np.uint32]  # [columns] place of a column in `kept`; NONE between blocks
    kept: NDArray[np.uint32]  # [n] each column once a block, block after block
    counts: NDArray[np.uint32]  # [n] occurrences of it
    values: NDArray[np.float32]  # [n] (1 + ln tf) · idf, not yet scaled
    gains: NDArray[np.float32]  # [n] what one occurrence adds to a label's score
    ends: NDArray[np.int64]  # [blocks] where each block ends in these four
    scales: NDArray[np.float32]  # [blocks] what brings the block to its length
    slots: NDArray[np.uint32]  # [n] the place in `kept` of each occurrence, NONE where it has none


@njit(nogil=True)
def _row(columns: int, room: int) -> Row:
    return Row(
        np.full(columns, NONE, np.uint32),
        np.empty(room, np.uint32),
        np.empty(room, np.uint32),
        np.empty(room, np.float32),
        np.empty(room, np.float32),
        np.zeros(BLOCKS, np.int64),
        np.zeros(BLOCKS, np.float32),
        np.empty(room, np.uint32),
    )


@njit(nogil=True)
def _weigh(scratch: Scratch, index: Index, row: Row) -> int:
    """Turn emitted buckets into weighted columns in `row`; return how many."""
    one = np.uint32(1)
    filled = np.uint32(0)
    start = 0
    for block in range(BLOCKS):
        first = filled
        for at in range(np.uint64(start), np.uint64(scratch.ends[block])):
            column = _column_of(index, scratch.buckets[at])
            if column == NONE:
                row.slots[at] = NONE
                continue
            slot = row.slot_of[column]
            if slot == NONE:
                slot = filled
                row.slot_of[column] = slot
                row.kept[slot] = column
                row.counts[slot] = one
                filled = np.uint32(filled + one)
            else:
                row.counts[slot] += one
            row.slots[at] = slot
        start = scratch.ends[block]
        squares = np.float32(0.0)
        for slot in range(np.uint64(first), np.uint64(filled)):
            column = row.kept[slot]
            row.slot_of[column] = NONE
            count = row.counts[slot]
            value = index.idf[column]
            if count < len(_DAMPED):
                value *= _DAMPED[count]
            else:
                value *= np.float32(1.0) + np.float32(np.log(np.float32(count)))
            row.values[slot] = value
            squares += value * value
        row.scales[block] = SCALES[block] / np.sqrt(squares) if squares > 0 else np.float32(0.0)
        row.ends[block] = filled
    return np.int64(filled)


@njit(cache=True, nogil=True)
def vectorise(
    corpus: Corpus, recipe: Recipe, index: Index, first: int, stop: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Return the rows of examples `first` to `stop` as the three arrays of a CSR matrix."""
    scratch = _scratch(corpus, recipe, first, stop)
    row = _row(len(index.idf), len(scratch.buckets))
    row_ends = np.zeros(stop - first + 1, np.int64)
    indices = np.empty(1 << 16, np.int32)
    data = np.empty(1 << 16, np.float32)
    text = -1
    words = 0
    filled = 0
    for example in range(first, stop):
        if corpus.text_of[example] != text:
            text = corpus.text_of[example]
            words = _split(corpus, recipe, text, scratch)
        _emit(corpus, recipe, example, words, scratch)
        count = _weigh(scratch, index, row)
        if filled + count > len(indices):
            grown = max(2 * len(indices), filled + count)
            more_indices = np.empty(grown, np.int32)
            more_indices[:filled] = indices[:filled]
            indices = more_indices
            more_data = np.empty(grown, np.float32)
            more_data[:filled] = data[:filled]
            data = more_data
        start = 0
        for block in range(BLOCKS):
            for at in range(start, row.ends[block]):
                indices[filled] = row.kept[at]
                data[filled] = row.values[at] * row.scales[block]
                filled += 1
            start = row.ends[block]
        row_ends[example - first + 1] = filled
    return row_ends, indices[:filled].copy(), data[:filled].copy()


def in_lanes(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `weights` [columns, labels] with zeros up to a multiple of 8 labels.

    Rows of whole vectors are added up a quarter faster.
    """
    columns, labels = weights.shape
    lanes = np.zeros((columns, -(-labels // LANES) * LANES), np.float32)
    lanes[:, :labels] = weights
    return lanes


@njit(cache=True, nogil=True)
def score(
    corpus: Corpus,
    recipe: Recipe,
    index: Index,
    weights: NDArray[np.float32],
    bias: NDArray[np.float32],
    first: int,
    stop: int,
    scores: NDArray[np.float32],
    spans: NDArray[np.int32],
    gains: NDArray[np.float32],
) -> None:
    """Score examples `first` to `stop` and find the sentences that speak for the best label.

    `weights` is float32[columns, lanes] of `in_lanes`. Fills `scores` (float32[examples, labels])
    with weights · features + bias, and for the label
    with the highest score `spans` (int32[examples, k, 2], characters of the body; -1 where there
    is none) and `gains` (float32[examples, k], what the sentence adds to that score, descending,
    always positive). k = 0 leaves evidence out and saves its time.
    """
    scratch = _scratch(corpus, recipe, first, stop)
    row = _row(len(index.idf), len(scratch.buckets))
    labels = len(bias)
    lanes = weights.shape[1]
    block_scores = np.zeros(lanes, np.float32)
    wanted = spans.shape[1]
    sentences = np.empty((len(scratch.words.points) // 2 + 2 if wanted else 1, 2), np.int32)
    adds = np.zeros(len(sentences), np.float32)
    text = -1
    words = 0
    found = 0
    for example in range(first, stop):
        if corpus.text_of[example] != text:
            text = corpus.text_of[example]
            words = _split(corpus, recipe, text, scratch)
            if wanted:
                found = split_sentences(
                    corpus.buffer, corpus.offsets[text], corpus.offsets[text + 1], recipe.classes,
                    recipe.lower, words, scratch.words, recipe.abbreviations, sentences,
                )  # fmt: skip
        _emit(corpus, recipe, example, words, scratch)
        _weigh(scratch, index, row)
        scores[example] = bias
        start = 0
        for block in range(BLOCKS):
            if start == row.ends[block]:
                continue
            block_scores[:] = 0
            for slot in range(np.uint64(start), np.uint64(row.ends[block])):
                value = row.values[slot]
                of_column = weights[row.kept[slot]]
                for label in range(lanes):
                    block_scores[label] += value * of_column[label]
            for label in range(labels):
                scores[example, label] += row.scales[block] * block_scores[label]
            start = row.ends[block]
        if wanted:
            best = np.argmax(scores[example])
            adds[:found] = 0
            _add_up(scratch, row, weights, best, adds)
            _best_sentences(
                sentences, adds, found, corpus.body[text], spans[example], gains[example]
            )


@njit(nogil=True)
def _add_up(
    scratch: Scratch, row: Row, weights: NDArray[np.float32], label: int, adds: NDArray[np.float32]
) -> None:
    """Share what each feature adds to the label's score among the sentences it occurs in."""
    start = 0
    for block in range(BLOCKS):
        for slot in range(np.uint64(start), np.uint64(row.ends[block])):
            gain = row.values[slot] * row.scales[block] * weights[row.kept[slot], label]
            row.gains[slot] = gain / np.float32(row.counts[slot])
        start = row.ends[block]
    for at in range(np.uint64(scratch.ends[BLOCKS - 1])):
        slot = row.slots[at]
        if slot != NONE:
            adds[scratch.words.sentences[scratch.owners[at]]] += row.gains[slot]


@njit(nogil=True)
def _best_sentences(
    sentences: NDArray[np.int32],
    adds: NDArray[np.float32],
    found: int,
    body: int,
    spans: NDArray[np.int32],
    gains: NDArray[np.float32],
) -> None:
    """Write the sentences of the body that add most, in the order of what they add."""
    for rank in range(len(spans)):
        best = -1
        for sentence in range(found):
            if sentences[sentence, 0] < body or adds[sentence] <= 0:
                continue
            if best < 0 or adds[sentence] > adds[best]:
                best = sentence
        if best < 0:
            spans[rank:] = -1
            gains[rank:] = 0
            return
        spans[rank, 0] = sentences[best, 0] - body
        spans[rank, 1] = sentences[best, 1] - body
        gains[rank] = adds[best]
        adds[best] = 0


def parallel(count: int, work: Callable[[int, int], T], chunk: int = CHUNK) -> list[T]:
    """Run `work(first, stop)` over `count` examples in chunks, on all cores; results in order."""
    starts = range(0, count, chunk)
    if len(starts) < 2:
        return [work(start, min(start + chunk, count)) for start in starts]
    with ThreadPoolExecutor(processors.available()) as pool:
        return list(pool.map(lambda start: work(start, min(start + chunk, count)), starts))

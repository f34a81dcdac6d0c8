"""Hashed n-grams of one text: which features it has, in blocks that are weighted apart.

An article's view has three blocks: its words, its characters, and its headline's words once more.
The view of a target has seven: the whole text with each mention collapsed into one mark, the
window around the mentions, the window with its sides told apart, what stands between the source
entity and the target, the mention's own words, and the characters of the text and of the window.
Since each block is scaled to a length of its own, a long article does not drown the window.

`reference.py` says the same in plain Python and is what the tests compare with.
"""

from enum import IntEnum
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.features.words import FNV_OFFSET, FNV_PRIME, Words


class Block(IntEnum):
    """The groups of features that are scaled apart."""

    TEXT = 0
    CHARS = 1
    HEADLINE = 2
    WINDOW = 3
    SIDES = 4
    BETWEEN = 5
    MENTION = 6
    WINDOW_CHARS = 7


BLOCKS: Final = len(Block)
# Length that each block is scaled to. The headline's was chosen on the dev sides of two public
# sets of news topics: 0, 0.3, 0.5, 0.7 and 1 were tried.
SCALES: Final = np.array([1, 1, 0.5, 1, 1, 1, 1, 1], np.float32)

# Roles of a span in a target's view, and the code points that stand for its mark.
TARGET: Final = 1
SOURCE: Final = 2
# Word boundary in character n-grams: a code point that no word contains.
EDGE: Final = 1
# Odd constants of splitmix64 (Steele, Lea and Flood, 2014): they spread a hash over all its bits.
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
FAR: Final = 1 << 30

_TEXT: Final = int(Block.TEXT)
_CHARS: Final = int(Block.CHARS)
_HEADLINE: Final = int(Block.HEADLINE)
_WINDOW: Final = int(Block.WINDOW)
_SIDES: Final = int(Block.SIDES)
_BETWEEN: Final = int(Block.BETWEEN)
_MENTION: Final = int(Block.MENTION)
_WINDOW_CHARS: Final = int(Block.WINDOW_CHARS)


@njit(inline="always", nogil=True)
def bucket_of(value: np.uint64, block: int, shift: np.uint64) -> np.uint32:
    """Return the bucket of a hash in a block: the top 64 - `shift` bits of its mix."""
    value = value + _GOLDEN * np.uint64(block + 1)
    value = (value ^ (value >> np.uint64(30))) * _MIX_1
    value = (value ^ (value >> np.uint64(27))) * _MIX_2
    value = value ^ (value >> np.uint64(31))
    return np.uint32(value >> shift)


@njit(inline="always", nogil=True)
def chain(left: np.uint64, right: np.uint64) -> np.uint64:
    """Return the hash of an n-gram from that of all but its last word and of the last."""
    return (left ^ (right >> np.uint64(32)) ^ right) * FNV_PRIME + right


@njit(inline="always", nogil=True)
def mark_of(role: int) -> np.uint64:
    """Return the hash of the mark that stands for all mentions of a role."""
    return (FNV_OFFSET ^ np.uint64(role + 1)) * FNV_PRIME


@njit(nogil=True)
def _emit_words(
    values: NDArray[np.uint64],
    owners: NDArray[np.int32],
    first: int,
    stop: int,
    longest: int,
    block: int,
    shift: np.uint64,
    out: NDArray[np.uint32],
    out_owner: NDArray[np.int32],
    filled: int,
) -> int:
    """Add the n-grams of words `first` to `stop`, up to `longest` words; return the new end."""
    for position in range(first, stop):
        value = values[position]
        out[filled] = bucket_of(value, block, shift)
        out_owner[filled] = owners[position]
        filled += 1
        for following in range(position + 1, min(position + longest, stop)):
            value = chain(value, values[following])
            out[filled] = bucket_of(value, block, shift)
            out_owner[filled] = owners[position]
            filled += 1
    return filled


@njit(nogil=True)
def _emit_chars(
    points: NDArray[np.int32],
    bounds: NDArray[np.int32],
    word: int,
    shortest: int,
    longest: int,
    block: int,
    shift: np.uint64,
    out: NDArray[np.uint32],
    out_owner: NDArray[np.int32],
    filled: int,
) -> int:
    """Add the character n-grams of one word with an edge on each side; return the new end."""
    first = bounds[word] - 1
    stop = bounds[word + 1] + 1
    for start in range(first, stop - shortest + 1):
        value = FNV_OFFSET
        for at in range(start, min(start + longest, stop)):
            point = EDGE if at == first or at == stop - 1 else points[at]
            value = (value ^ np.uint64(point)) * FNV_PRIME
            if at - start + 1 >= shortest:
                out[filled] = bucket_of(value, block, shift)
                out_owner[filled] = word
                filled += 1
    return filled


@njit(inline="always", nogil=True)
def room_for(
    words: int, letters: int, longest: int, shortest_chars: int, longest_chars: int
) -> int:
    """Return how many features a text of so many words and letters has at the most."""
    chars = 0
    if longest_chars > 0:
        chars = (letters + 2 * words) * (longest_chars - shortest_chars + 1)
    return 4 * words * longest + 4 * words + 2 * chars + 16


@njit(nogil=True)
def emit_article(
    count: int,
    words: Words,
    own: NDArray[np.int32],
    headline: int,
    longest: int,
    shortest_chars: int,
    longest_chars: int,
    shift: np.uint64,
    out: NDArray[np.uint32],
    out_owner: NDArray[np.int32],
    ends: NDArray[np.int64],
) -> int:
    """Write the features of an article's view, of `count` words; return how many.

    `out` gets the bucket of each occurrence and `out_owner` the word that it begins with; block b
    stands at `ends[b - 1]` to `ends[b]`. `own` is 0, 1, 2, …; the first `headline` words are the
    headline's.
    """
    hashes = words.hashes
    filled = _emit_words(hashes, own, 0, count, longest, _TEXT, shift, out, out_owner, 0)
    ends[_TEXT] = filled
    if longest_chars > 0:
        for word in range(count):
            filled = _emit_chars(
                words.points, words.bounds, word, shortest_chars, longest_chars, _CHARS, shift,
                out, out_owner, filled,
            )  # fmt: skip
    ends[_CHARS] = filled
    filled = _emit_words(
        hashes, own, 0, headline, longest, _HEADLINE, shift, out, out_owner, filled
    )
    ends[_HEADLINE:] = filled
    return filled


@njit(nogil=True)
def collapse(
    count: int,
    words: Words,
    mentions: NDArray[np.int32],
    roles: NDArray[np.int8],
    tokens: NDArray[np.uint64],
    owners: NDArray[np.int32],
    kinds: NDArray[np.int8],
) -> int:
    """Turn words into tokens: each mention becomes one mark; return how many tokens.

    `mentions` (int32[k, 2], characters) are in order and do not overlap. `kinds` gets the role of
    each token (0 for a plain word), `owners` the word it stands for or begins with. A word that a
    mention cuts through belongs to the mention.
    """
    filled = 0
    mention = 0
    inside = -1
    for word in range(count):
        begin = words.places[word]
        end = begin + words.bounds[word + 1] - words.bounds[word]
        while mention < len(mentions) and mentions[mention, 1] <= begin:
            mention += 1
        if mention < len(mentions) and mentions[mention, 0] < end:
            if inside != mention:
                inside = mention
                tokens[filled] = mark_of(roles[mention])
                owners[filled] = word
                kinds[filled] = roles[mention]
                filled += 1
            continue
        tokens[filled] = words.hashes[word]
        owners[filled] = word
        kinds[filled] = 0
        filled += 1
    return filled


@njit(nogil=True)
def distances(count: int, kinds: NDArray[np.int8], away: NDArray[np.int32]) -> None:
    """Fill `away` with the tokens from each to the nearest target mark; negative before it.

    Where two are as near, the one before the token counts. FAR where there is none.
    """
    last = -FAR
    for position in range(count):
        if kinds[position] == TARGET:
            last = position
        away[position] = min(position - last, FAR)
    following = FAR
    for position in range(count - 1, -1, -1):
        if kinds[position] == TARGET:
            following = position
        if following - position < away[position]:
            away[position] = position - following


@njit(nogil=True)
def nearest_pair(count: int, kinds: NDArray[np.int8]) -> tuple[int, int]:
    """Return the positions of the closest source and target marks; (-1, -1) without a pair."""
    source = -1
    target = -1
    best_source = -1
    best_target = -1
    for position in range(count):
        if kinds[position] == SOURCE:
            source = position
        elif kinds[position] == TARGET:
            target = position
        else:
            continue
        if (
            source >= 0
            and target >= 0
            and (best_source < 0 or abs(source - target) < abs(best_source - best_target))
        ):
            best_source = source
            best_target = target
    return best_source, best_target


@njit(nogil=True)
def emit_target(
    word_count: int,
    words: Words,
    mentions: NDArray[np.int32],
    roles: NDArray[np.int8],
    longest: int,
    shortest_chars: int,
    longest_chars: int,
    window: int,
    show_mention: bool,
    shift: np.uint64,
    out: NDArray[np.uint32],
    out_owner: NDArray[np.int32],
    ends: NDArray[np.int64],
) -> int:
    """Write the features of a target's view; return how many. See `emit_article`."""
    points, bounds = words.points, words.bounds
    tokens = np.empty(word_count, np.uint64)
    owners = np.empty(word_count, np.int32)
    kinds = np.empty(word_count, np.int8)
    away = np.empty(word_count, np.int32)
    count = collapse(word_count, words, mentions, roles, tokens, owners, kinds)
    distances(count, kinds, away)

    filled = _emit_words(tokens, owners, 0, count, longest, _TEXT, shift, out, out_owner, 0)
    ends[_TEXT] = filled
    if longest_chars > 0:
        for position in range(count):
            if kinds[position] == 0:
                filled = _emit_chars(
                    points, bounds, owners[position], shortest_chars, longest_chars, _CHARS, shift,
                    out, out_owner, filled,
                )  # fmt: skip
    ends[_CHARS : _HEADLINE + 1] = filled  # the headline has no block of its own here

    position = 0
    while position < count:  # each stretch of tokens that lie in the window
        stop = position
        while stop < count and abs(away[stop]) <= window:
            stop += 1
        filled = _emit_words(
            tokens, owners, position, stop, longest, _WINDOW, shift, out, out_owner, filled
        )
        position = stop + 1
    ends[_WINDOW] = filled

    for position in range(count):
        if abs(away[position]) <= window and kinds[position] != TARGET:
            side = np.uint64(3 if away[position] < 0 else 5)
            out[filled] = bucket_of(chain(side, tokens[position]), _SIDES, shift)
            out_owner[filled] = owners[position]
            filled += 1
    ends[_SIDES] = filled

    source, target = nearest_pair(count, kinds)
    if source >= 0:
        first = min(source, target)
        stop = max(source, target) + 1
        filled = _emit_words(
            tokens, owners, first, stop, 2, _BETWEEN, shift, out, out_owner, filled
        )
        order = np.uint64(3 if source < target else 5)
        out[filled] = bucket_of(order, _BETWEEN, shift)
        out_owner[filled] = owners[first]
        filled += 1
    ends[_BETWEEN] = filled

    if show_mention:
        filled = _emit_mentions(word_count, words, mentions, roles, shift, out, out_owner, filled)
    ends[_MENTION] = filled

    if longest_chars > 0:
        for position in range(count):
            if kinds[position] == 0 and abs(away[position]) <= window:
                filled = _emit_chars(
                    points, bounds, owners[position], shortest_chars, longest_chars,
                    _WINDOW_CHARS, shift, out, out_owner, filled,
                )  # fmt: skip
    ends[_WINDOW_CHARS] = filled
    return filled


@njit(nogil=True)
def _emit_mentions(
    count: int,
    words: Words,
    mentions: NDArray[np.int32],
    roles: NDArray[np.int8],
    shift: np.uint64,
    out: NDArray[np.uint32],
    out_owner: NDArray[np.int32],
    filled: int,
) -> int:
    """Add the words of the target's mentions; return the new end."""
    mention = 0
    for word in range(count):
        begin = words.places[word]
        end = begin + words.bounds[word + 1] - words.bounds[word]
        while mention < len(mentions) and mentions[mention, 1] <= begin:
            mention += 1
        if mention == len(mentions):
            break
        if mentions[mention, 0] < end and roles[mention] == TARGET:
            out[filled] = bucket_of(words.hashes[word], _MENTION, shift)
            out_owner[filled] = word
            filled += 1
    return filled

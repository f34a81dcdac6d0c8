"""Which lines of a text may be boilerplate, found at hundreds of megabytes a second."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from pipeline.preparation.rules import HEAD, TAIL, BoilerplateRule, Stands, Takes

# Of FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
_BASIS: Final = np.uint64(0xCBF29CE484222325)
_PRIME: Final = np.uint64(0x100000001B3)
# Tells the hash of a word that opens a line from that of the word elsewhere.
_OPENS: Final = np.uint64(0x9E3779B97F4A7C15)
_BITS: Final = 63
# Words of a line that can be a repeated caption.
_REPEATED_WORDS: Final = 4
_COPYRIGHT: Final = "©"
_LINE_END: Final = 10


class Screen(NamedTuple):
    """What the compiled pass looks for. Each rule has a bit; of more than 63 some share one."""

    keys: NDArray[np.uint64]  # hashes of words, open addressing; 0 is empty
    masks: NDArray[np.uint64]  # rules that have the word
    limits: NDArray[np.int64]  # by bit: characters of the longest line
    every_line: np.uint64  # rules without words
    repeated: np.uint64  # rules for lines that stood in the text before
    copyright_sign: np.uint64  # rules for lines with the sign ©


def bit_of(place: int) -> int:
    """Return the bit of the rule at this place among the rules."""
    return 1 << (place % _BITS)


def screen_for(rules: Mapping[str, BoilerplateRule]) -> Screen:
    """Return the screen for the rules in their order; rules of first lines need none."""
    words: dict[int, int] = {}
    limits = np.zeros(_BITS, np.int64)
    every_line = repeated = copyright_sign = 0
    for place, rule in enumerate(rules.values()):
        bit = bit_of(place)
        beyond = rule.takes is Takes.BEGINNING  # of a line of any length
        limit = np.iinfo(np.int64).max if beyond else rule.longest
        limits[place % _BITS] = max(limits[place % _BITS], limit)
        for key in [
            *(_hash(form) ^ int(_OPENS) for word in rule.opens for form in _forms(word)),
            *(_hash(form) for word in rule.words for form in _forms(word)),
        ]:
            words[key] = words.get(key, 0) | bit
        if _COPYRIGHT in rule.words:
            copyright_sign |= bit
        if rule.pattern is None:
            repeated |= bit
        elif not rule.words and not rule.opens and rule.stands is not Stands.FIRST:
            every_line |= bit
    keys, masks = _table(words)
    return Screen(
        keys, masks, limits, np.uint64(every_line), np.uint64(repeated), np.uint64(copyright_sign)
    )


def _forms(word: str) -> set[str]:
    """Return a word in the cases whose letters beyond ASCII differ."""
    return {word.lower(), word.upper(), word.capitalize()}


def _hash(word: str) -> int:
    key = int(_BASIS)
    for byte in word.encode():
        lower = byte + 32 if 65 <= byte <= 90 else byte
        key = ((key ^ lower) * int(_PRIME)) & 0xFFFFFFFFFFFFFFFF
    return key


def _table(words: Mapping[int, int]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    size = 64
    while size < 4 * len(words):
        size *= 2
    keys, masks = np.zeros(size, np.uint64), np.zeros(size, np.uint64)
    for key, mask in words.items():
        at = key % size
        while keys[at]:
            at = (at + 1) % size
        keys[at], masks[at] = key, mask
    return keys, masks


class Suspects(NamedTuple):
    """Lines of n texts that some rule may fit, in their order."""

    texts: NDArray[np.int64]  # [k] number of the text
    lines: NDArray[np.int64]  # [k] number of its line, blank ones too
    masks: NDArray[np.uint64]  # [k] bits of the rules


def suspects(texts: pa.Array, screen: Screen) -> Suspects:
    """Return the lines of a large_string array that may be boilerplate."""
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    content = np.frombuffer(data or b"", np.uint8)
    return Suspects(*_suspects(content, bounds, *screen))


@njit(cache=True, nogil=True)
def _suspects(
    content: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    keys: NDArray[np.uint64],
    masks: NDArray[np.uint64],
    limits: NDArray[np.int64],
    every_line: np.uint64,
    repeated: np.uint64,
    copyright_sign: np.uint64,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]:
    count = 0
    of_text, of_line = np.empty(64, np.int64), np.empty(64, np.int64)
    rules = np.empty(64, np.uint64)
    seen = np.zeros(64, np.uint64)  # hashes of the text's lines, open addressing
    for text in range(len(bounds) - 1):
        size = bounds[text + 1]
        start = bounds[text]
        number = 0
        held = 0
        while start < size:
            stop = _line_end(content, start, size)
            if stop > start:
                mask, words, line = _ends(content, start, stop, keys, masks, copyright_sign)
                mask |= every_line
                if repeated and words >= _REPEATED_WORDS:
                    if 2 * held > len(seen):
                        seen = _larger(seen)
                    if _add(seen, line):
                        held += 1
                    else:
                        mask |= repeated
                if mask:
                    mask = _within(mask, _characters(content, start, stop), limits)
                if mask:
                    if count == len(rules):
                        of_text = np.concatenate((of_text, np.empty_like(of_text)))
                        of_line = np.concatenate((of_line, np.empty_like(of_line)))
                        rules = np.concatenate((rules, np.empty_like(rules)))
                    of_text[count] = text
                    of_line[count] = number
                    rules[count] = mask
                    count += 1
            number += 1
            start = stop + 1
        if held:
            seen[:] = 0
    return of_text[:count], of_line[:count], rules[:count]


@njit(cache=True, nogil=True)
def _line_end(content: NDArray[np.uint8], start: int, size: int) -> int:
    """Return where the line ends, by blocks whose loop becomes vector instructions."""
    at = start
    while at + 32 <= size:
        hit = np.uint8(0)
        for place in range(at, at + 32):
            hit |= np.uint8(content[place] == _LINE_END)
        if hit:
            break
        at += 32
    while at < size and content[at] != _LINE_END:
        at += 1
    return at


@njit(cache=True, nogil=True)
def _ends(
    content: NDArray[np.uint8],
    start: int,
    stop: int,
    keys: NDArray[np.uint64],
    masks: NDArray[np.uint64],
    copyright_sign: np.uint64,
) -> tuple[np.uint64, int, np.uint64]:
    """Look at the head and tail of a line: rules, words, and a hash in which its length is too."""
    until = stop if stop - start <= HEAD + TAIL else start + HEAD
    mask, words, line = _look(content, start, until, keys, masks, copyright_sign, True)
    if until < stop:
        ending = _look(content, stop - TAIL, stop, keys, masks, copyright_sign, False)
        mask |= ending[0]
        words += ending[1]
        line = line * _PRIME ^ ending[2]
    return mask, words, (line ^ np.uint64(stop - start)) * _PRIME


@njit(cache=True, nogil=True)
def _characters(content: NDArray[np.uint8], start: int, stop: int) -> int:
    count = 0
    for at in range(start, stop):
        count += (content[at] & 0xC0) != 0x80
    return count


@njit(cache=True, nogil=True)
def _within(mask: np.uint64, characters: int, limits: NDArray[np.int64]) -> np.uint64:
    """Return the rules of `mask` that look at lines of so many characters."""
    kept = np.uint64(0)
    for place in range(len(limits)):
        bit = np.uint64(1) << np.uint64(place)
        if mask & bit and characters <= limits[place]:
            kept |= bit
    return kept


@njit(cache=True, nogil=True)
def _look(
    content: NDArray[np.uint8],
    start: int,
    stop: int,
    keys: NDArray[np.uint64],
    masks: NDArray[np.uint64],
    copyright_sign: np.uint64,
    opening: bool,
) -> tuple[np.uint64, int, np.uint64]:
    """Return the rules whose words are in a part of a line, the count of words, and its hash.

    `opening` says that the part begins the line.
    """
    mask = np.uint64(0)
    words = 0
    line = _BASIS
    word = _BASIS
    inside = False
    at = start
    while at < stop:
        byte = content[at]
        step = _step(byte)
        if _is_part(byte, step):
            if 65 <= byte <= 90:
                byte = np.uint8(byte + 32)
            word = (word ^ np.uint64(byte)) * _PRIME
            inside = True
        elif inside:
            mask |= _rules_of_word(word, opening and words == 0, keys, masks)
            words += 1
            line = (line ^ word) * _PRIME
            word = _BASIS
            inside = False
        if step == 2 and at + 1 < stop and content[at + 1] == 0xA9:  # ©
            mask |= copyright_sign
        at += step
    if inside:
        mask |= _rules_of_word(word, opening and words == 0, keys, masks)
        words += 1
        line = (line ^ word) * _PRIME
    return mask, words, line


@njit(cache=True, nogil=True)
def _step(byte: np.uint8) -> int:
    """Return the bytes of a sign that begins so; letters are read a byte at a time."""
    if byte == 0xC2:  # signs such as « and ·
        return 2
    if byte == 0xE2:  # dashes, quotes, bullets, arrows
        return 3
    return 4 if byte >= 0xF0 else 1  # emoji


@njit(cache=True, nogil=True)
def _is_part(byte: np.uint8, step: int) -> bool:
    """Tell whether a byte is of a word: a letter or a digit."""
    if byte >= 128:
        return step == 1
    return (97 <= byte <= 122) or (65 <= byte <= 90) or (48 <= byte <= 57)


@njit(cache=True, nogil=True)
def _rules_of_word(
    word: np.uint64, opens: bool, keys: NDArray[np.uint64], masks: NDArray[np.uint64]
) -> np.uint64:
    """Return the rules that a word is of, with those of words that open a line where it does."""
    mask = _rules_of(word, keys, masks)
    return mask | _rules_of(word ^ _OPENS, keys, masks) if opens else mask


@njit(cache=True, nogil=True)
def _rules_of(key: np.uint64, keys: NDArray[np.uint64], masks: NDArray[np.uint64]) -> np.uint64:
    room = np.uint64(len(keys) - 1)  # the size is a power of two
    at = key & room
    while keys[at]:
        if keys[at] == key:
            found: np.uint64 = masks[at]
            return found
        at = (at + np.uint64(1)) & room
    return np.uint64(0)


@njit(cache=True, nogil=True)
def _add(seen: NDArray[np.uint64], key: np.uint64) -> bool:
    """Add a hash; False where it was there."""
    room = np.uint64(len(seen) - 1)
    at = key & room
    while seen[at]:
        if seen[at] == key:
            return False
        at = (at + np.uint64(1)) & room
    seen[at] = key
    return True


@njit(cache=True, nogil=True)
def _larger(seen: NDArray[np.uint64]) -> NDArray[np.uint64]:
    larger = np.zeros(2 * len(seen), np.uint64)
    for key in seen:
        if key:
            _add(larger, key)
    return larger

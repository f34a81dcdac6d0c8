"""Which characters make words, and their lower-case form: two tables over the basic plane.

Letters, marks and digits of every script make words. Ideographs, kana and emoji are words by
themselves, since no space parts them. All else separates words; an apostrophe between two word
characters belongs to the word. Nothing is dropped as a stop word: "not" decides a stance.
"""

import unicodedata
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

SEPARATOR: Final = 0
WORD: Final = 1
ALONE: Final = 2
APOSTROPHE: Final = 3

PLANE: Final = 0x10000  # code points of the basic plane; those above have one rule each
# Scripts written without spaces, by the ranges of their blocks in the basic plane.
_ALONE_RANGES: Final = ((0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))
# Letters above the basic plane begin here with historic scripts, symbols and emoji at 0x1F000.
FIRST_EMOJI: Final = 0x1F000


@cache
def classes() -> NDArray[np.uint8]:
    """Return the class of each code point of the basic plane; uint8[65536]."""
    table = np.zeros(PLANE, np.uint8)
    for point in range(PLANE):
        if unicodedata.category(chr(point))[0] in "LMN":
            table[point] = WORD
    for first, last in _ALONE_RANGES:
        table[first : last + 1] = ALONE
    table[0x2600:0x27C0] = ALONE  # pictographs of the basic plane
    table[0xFE00:0xFE10] = SEPARATOR  # variation selectors: they only choose how emoji look
    table[[ord("'"), 0x2019]] = APOSTROPHE
    return table


@cache
def lower() -> NDArray[np.uint16]:
    """Return the lower-case code point of each of the basic plane, where it is a single one."""
    table = np.arange(PLANE, dtype=np.uint16)
    for point in range(PLANE):
        small = chr(point).lower()
        if len(small) == 1 and ord(small) < PLANE:
            table[point] = ord(small)
    table[0x2019] = ord("'")
    return table

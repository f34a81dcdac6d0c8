"""Words whose full stop does not end a sentence, in English news."""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

ABBREVIATIONS: Final = frozenset(
    {
        "adm",
        "apr",
        "aug",
        "ave",
        "brig",
        "capt",
        "cf",
        "co",
        "col",
        "corp",
        "cpl",
        "dec",
        "dept",
        "dr",
        "etc",
        "feb",
        "fr",
        "gen",
        "gov",
        "inc",
        "jan",
        "jr",
        "lt",
        "ltd",
        "maj",
        "mgr",
        "mr",
        "mrs",
        "ms",
        "msgr",
        "mt",
        "nov",
        "oct",
        "prof",
        "rep",
        "rev",
        "rt",
        "sec",
        "sen",
        "sep",
        "sept",
        "sgt",
        "sr",
        "st",
        "supt",
        "vs",
    }
)


@cache
def abbreviation_hashes() -> NDArray[np.uint64]:
    """Return the hashes of the abbreviations as `split_words` makes them, sorted."""
    return np.array(sorted(fnv(word) for word in ABBREVIATIONS), np.uint64)


def fnv(word: str) -> int:
    """Return the FNV-1a hash of a word over its code points."""
    value = 0xCBF29CE484222325
    for character in word:
        value = (value ^ ord(character)) * 0x100000001B3 % 2**64
    return value

"""Where a piece of a tidied text stands in the text as it came in."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

# What `tidy` may remove, add or exchange; all other characters it only composes.
_WHITE: Final = " \t\n\r\u00a0\u2007\u202f\ufeff"
_BASIC_PLANE: Final = 0x10000


def spans_in_raw(raw: str, tidied: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return where each of `spans`, characters of `tidied`, stands in the `raw` text it was.

    A span begins and ends with a character that is no white space. Both texts have the same
    canonical decomposition but for white space, so its code points are what is counted.
    """
    ours, theirs = _counted(tidied), _counted(raw)
    begins = ours[[start for start, _ in spans]]
    ends = ours[[end for _, end in spans]]
    starts = np.searchsorted(theirs, begins, side="right") - 1
    stops = np.searchsorted(theirs, ends, side="left")
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def _counted(text: str) -> NDArray[np.int64]:
    """Return how many decomposed code points stand before each character, white space apart."""
    points = np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), np.uint32)
    sizes = _sizes()[np.minimum(points, _BASIC_PLANE)].astype(np.int64)
    for place in np.flatnonzero(points >= _BASIC_PLANE).tolist():
        sizes[place] = len(unicodedata.normalize("NFD", text[place]))
    return np.concatenate([[0], np.cumsum(sizes)])


@cache
def _sizes() -> NDArray[np.uint8]:
    """Return the length of each character's decomposition; 0 for white space."""
    characters = map(chr, range(_BASIC_PLANE + 1))
    table = np.array([len(unicodedata.normalize("NFD", one)) for one in characters], np.uint8)
    table[[ord(one) for one in _WHITE]] = 0
    return table

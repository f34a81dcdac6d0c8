"""Normalise the form of a text and none of its words."""

import unicodedata
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Tab, no-break space, figure space, narrow no-break space.
_OTHER_SPACES: Final = ("\t", "\u00a0", "\u2007", "\u202f")
_BYTE_ORDER_MARK: Final = "\ufeff"

# Below it no character is a combining one, nor composed in another way than NFC has it.
_FIRST_COMBINING_BYTE: Final = "\u0300".encode()[0]


def tidy(text: str) -> str:
    r"""Return `text` in Unicode NFC with plain spaces and line ends.

    `\r\n` and `\r` become `\n`; a run of spaces, tabs and no-break spaces becomes one space; there
    are no spaces around a line end, at most two line ends in a row, none of either at the ends of
    the text, and no byte order marks. Everything else stays: case, accents, punctuation and every
    word, for "not" decides a stance.

    Clean text of the Latin scripts is recognised at some gigabytes a second and returned as it is.
    """
    content = np.frombuffer(text.encode(errors="surrogatepass"), np.uint8)
    if _is_surely_tidy(content):
        return text
    if not text.isascii():
        text = text.replace(_BYTE_ORDER_MARK, "")
        if not unicodedata.is_normalized("NFC", text):
            text = unicodedata.normalize("NFC", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    for space in _OTHER_SPACES:
        if space in text:
            text = text.replace(space, " ")
    text = _collapse(text, "  ", " ")
    text = text.replace(" \n", "\n").replace("\n ", "\n")
    text = _collapse(text, "\n\n\n", "\n\n")
    return text.strip(" \n")


def _collapse(text: str, run: str, shorter: str) -> str:
    """Replace `run` until there is none; each round shrinks a run by a third at least."""
    while run in text:
        text = text.replace(run, shorter)
    return text


@njit(cache=True, nogil=True)
def _is_surely_tidy(content: NDArray[np.uint8]) -> bool:
    """False where `tidy` has to look at the text of these bytes; it may be clean all the same.

    Without a branch inside the loop, so that it becomes vector instructions.
    """
    size = len(content)
    if size < 3 or content[0] <= 32 or content[size - 1] <= 32:
        return False
    doubt = np.uint8(0)
    for at in range(size - 2):
        one, two, three = content[at], content[at + 1], content[at + 2]
        white = (one <= 32) & (two <= 32)
        control = (one < 32) & (one != 10)
        spaces = white & ((one != 10) | (two != 10) | (three <= 32))
        no_break = (one == 0xC2) & (two == 0xA0)
        # Dashes, quotes and ellipses (but for the narrow no-break space), and currency signs.
        common = (two == 0x80) & (three >= 0x90) & (three != 0xAF) | (two == 0x82)
        beyond = (one >= _FIRST_COMBINING_BYTE) & ~((one == 0xE2) & common)
        doubt |= np.uint8(control | spaces | no_break | beyond)
    for at in (size - 2, size - 1):
        byte = content[at]
        doubt |= np.uint8((byte < 32) & (byte != 10) | (byte >= _FIRST_COMBINING_BYTE))
    doubt |= np.uint8((content[size - 2] == 0xC2) & (content[size - 1] == 0xA0))
    return bool(doubt == 0)

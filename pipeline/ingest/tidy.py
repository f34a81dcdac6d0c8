"""Normalise the form of a text and none of its words."""

import unicodedata
from typing import Final

import numpy as np

# Tab, no-break space, figure space, narrow no-break space.
_OTHER_SPACES: Final = ("\t", "\u00a0", "\u2007", "\u202f")
_BYTE_ORDER_MARK: Final = "\ufeff"
_SHORT: Final = 1000


def tidy(text: str) -> str:
    r"""Return `text` in Unicode NFC with plain spaces and line ends.

    `\r\n` and `\r` become `\n`; a run of spaces, tabs and no-break spaces becomes one space; there
    are no spaces around a line end, at most two line ends in a row, none of either at the ends of
    the text, and no byte order marks. Everything else stays: case, accents, punctuation and every
    word, for "not" decides a stance.

    Clean text is recognised in about a microsecond per kilobyte and returned as it is.
    """
    if not text.isascii():
        text = text.replace(_BYTE_ORDER_MARK, "")
        if not unicodedata.is_normalized("NFC", text):
            text = unicodedata.normalize("NFC", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    for space in _OTHER_SPACES:
        if space in text:
            text = text.replace(space, " ")
    if not _has_tidy_spaces(text):
        text = _collapse(text, "  ", " ")
        text = text.replace(" \n", "\n").replace("\n ", "\n")
        text = _collapse(text, "\n\n\n", "\n\n")
    return text.strip(" \n")


def _collapse(text: str, run: str, shorter: str) -> str:
    """Replace `run` until there is none; each round shrinks a run by a third at least."""
    while run in text:
        text = text.replace(run, shorter)
    return text


def _has_tidy_spaces(text: str) -> bool:
    """False where spaces or line ends inside `text` need work; may be False for clean text."""
    if len(text) < _SHORT:
        return not ("  " in text or " \n" in text or "\n " in text or "\n\n\n" in text)
    # Spaces are too frequent for a substring search to skip over, so longer texts are compared
    # as bytes: of two white characters in a row, both must be line ends, and there are no three.
    # (UTF-8 has no byte below 128 inside a longer character; unpaired surrogates are let pass.)
    content = np.frombuffer(text.encode(errors="surrogatepass"), np.uint8)
    white = content <= ord(" ")
    ends = content == ord("\n")
    pairs = white[1:] & white[:-1]
    if np.count_nonzero(pairs) != np.count_nonzero(ends[1:] & ends[:-1]):
        return False
    return not np.count_nonzero(pairs[1:] & pairs[:-1])

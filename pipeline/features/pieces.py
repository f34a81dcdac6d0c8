"""Cut pieces out of texts by their characters, without turning the texts into Python strings."""

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from pipeline.features.texts import Texts

# Bytes whose characters are counted at once: the count of a whole block is a few vector steps.
_BLOCK = 64


def cut(texts: Texts, text_of: NDArray[np.int64], spans: NDArray[np.int32]) -> pa.Array:
    """Return the pieces [n] of bodies as large_string; `spans` [n, 2] counts the body's characters.

    Time grows with the bytes before each piece, at about 20 GB/s.
    """
    ends = _byte_spans(texts.buffer, texts.offsets, texts.body, text_of, spans)
    offsets = np.zeros(len(spans) + 1, np.int64)
    np.cumsum(ends[:, 1] - ends[:, 0], out=offsets[1:])
    data = np.empty(offsets[-1], np.uint8)
    _copy(texts.buffer, ends, offsets, data)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_string(), len(spans), buffers)


@njit(cache=True, nogil=True)
def _byte_spans(
    buffer: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    body: NDArray[np.int32],
    text_of: NDArray[np.int64],
    spans: NDArray[np.int32],
) -> NDArray[np.int64]:
    found = np.empty((len(spans), 2), np.int64)
    for piece in range(len(spans)):
        text = text_of[piece]
        stop = offsets[text + 1]
        start = _byte_of(buffer, offsets[text], stop, body[text] + spans[piece, 0])
        found[piece, 0] = start
        found[piece, 1] = _byte_of(buffer, start, stop, spans[piece, 1] - spans[piece, 0])
    return found


@njit(nogil=True)
def _byte_of(buffer: NDArray[np.uint8], start: int, stop: int, characters: int) -> int:
    """Return the byte at which the character begins that is so many after byte `start`."""
    at = start
    left = characters
    while at + _BLOCK <= stop:
        first_bytes = 0
        for byte in buffer[at : at + _BLOCK]:
            first_bytes += (byte & np.uint8(0xC0)) != np.uint8(0x80)
        if first_bytes > left:
            break
        left -= first_bytes
        at += _BLOCK
    while at < stop:
        if (buffer[at] & np.uint8(0xC0)) != np.uint8(0x80):
            if left == 0:
                return at
            left -= 1
        at += 1
    return stop


@njit(cache=True, nogil=True)
def _copy(
    buffer: NDArray[np.uint8],
    ends: NDArray[np.int64],
    offsets: NDArray[np.int64],
    data: NDArray[np.uint8],
) -> None:
    for piece in range(len(ends)):
        data[offsets[piece] : offsets[piece + 1]] = buffer[ends[piece, 0] : ends[piece, 1]]

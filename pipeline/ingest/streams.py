"""Open a file, unpack it, and cut it into lines, in bounded memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

import pyarrow as pa

from pipeline.ingest.files import SourceFile

LINE_LIMIT: Final = 64 << 20
LIMIT_NAME: Final = "64 MB"
_BLOCK: Final = 1 << 20
# Bytes of an overlong line that are kept, to show where it stood.
_SHOWN: Final = 1000
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class UnreadableFileError(Exception):
    """The file, or the rest of it, cannot be read; the message is one plain sentence."""


@contextmanager
def readable() -> Iterator[None]:
    """Turn what reading a file may raise into UnreadableFileError."""
    try:
        yield
    except (OSError, EOFError, pa.ArrowException) as error:
        strerror = getattr(error, "strerror", None)
        message = strerror or (str(error).splitlines() or [type(error).__name__])[0]
        raise UnreadableFileError(f"cannot be read ({message})") from None


@contextmanager
def opened(file: SourceFile) -> Iterator[BinaryIO]:
    """Open `file` as a stream of its unpacked bytes; UnreadableFileError inside as well."""
    with readable():
        if file.stream is not None:
            yield file.stream
        elif file.compression is None:
            with file.path.open("rb", buffering=_BLOCK) as stream:
                yield stream
        else:
            with pa.input_stream(
                str(file.path), compression=file.compression, buffer_size=_BLOCK
            ) as stream:
                yield stream


def read_whole(stream: BinaryIO) -> bytes | None:
    """Return all bytes of `stream`, without a byte order mark; None where it passes the limit."""
    content = stream.read(LINE_LIMIT + 1)
    return None if len(content) > LINE_LIMIT else content.removeprefix(_BYTE_ORDER_MARK)


def lines(stream: BinaryIO, limit: int = LINE_LIMIT) -> Iterator[tuple[int, bytes, bool]]:
    r"""Yield number (from 1), content without its `\n`, and True of each line.

    Of a line longer than `limit` bytes the beginning is yielded, and False. A byte order mark
    before the first line is dropped.
    """
    # What is there is taken at once: a pipe may be slow to fill a block.
    read: Any = getattr(stream, "read1", stream.read)
    number = 1
    held = _Held(limit)
    while block := read(_BLOCK):
        *ended, rest = block.split(b"\n")
        for piece in ended:
            if held.empty and len(piece) <= limit and number > 1:  # nearly all lines
                yield number, piece, True
            else:
                held.add(piece)
                yield number, *held.take(number)
            number += 1
        if rest:
            held.add(rest)
    if not held.empty:
        yield number, *held.take(number)


class _Held:
    """The pieces of a line that runs over the ends of blocks."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def empty(self) -> bool:
        return self._size == 0

    def add(self, piece: bytes) -> None:
        if self._size <= self._limit:
            self._pieces.append(piece)
        self._size += len(piece)

    def take(self, number: int) -> tuple[bytes, bool]:
        line, whole = b"".join(self._pieces), self._size <= self._limit
        self._pieces, self._size = [], 0
        if number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        return (line if whole else line[:_SHOWN]), whole


def not_utf8(error: UnicodeDecodeError) -> str:
    """Say where text stops being UTF-8."""
    return f"bytes that are not UTF-8 (from byte {error.start + 1} on)"

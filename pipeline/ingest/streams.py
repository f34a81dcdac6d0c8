"""Open a file, unpack it, and cut it into lines, in bounded memory."""

import codecs
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import pyarrow as pa

from pipeline.errors import first_line
from pipeline.ingest import limits
from pipeline.ingest.files import SourceFile

LINE_LIMIT: Final = limits.LINE_BYTES
LIMIT_NAME: Final = limits.in_megabytes(LINE_LIMIT)
_BLOCK: Final = 1 << 20
# Bytes of an overlong line that are kept, to show where it stood.
_SHOWN: Final = 1000
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_UTF_16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Readable(Protocol):
    """What a reader needs of a stream."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, none at the end."""


class UnreadableFileError(Exception):
    """The file, or the rest of it, cannot be read; the message is one plain sentence."""


class ExpandedError(UnreadableFileError):
    """The file unpacks to more than it may: nothing further is unpacked of it."""


@contextmanager
def readable() -> Iterator[None]:
    """Turn what reading a file may raise into UnreadableFileError."""
    try:
        yield
    except MemoryError:
        raise UnreadableFileError("cannot be read (it needs more memory than there is)") from None
    except (
        OSError,
        EOFError,
        pa.ArrowException,
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        NotImplementedError,  # a zip packed in an unusual way
        UnicodeDecodeError,  # names in a broken Parquet file; texts are decoded with more care
    ) as error:
        strerror = getattr(error, "strerror", None)
        message = strerror or first_line(error)
        raise UnreadableFileError(f"cannot be read ({message})") from None


class Allowance:
    """What is left of the bytes that one file may unpack to, with all that is packed in it."""

    def __init__(self, packed: int) -> None:
        self._packed = packed
        self._left = max(limits.EXPANSION_FLOOR, limits.EXPANSION * packed)

    def spend(self, size: int) -> None:
        """Count unpacked bytes; ExpandedError where they are too many."""
        self._left -= size
        if self._left < 0:
            raise ExpandedError(
                f"its {self._packed:,} bytes unpack to more than {limits.EXPANSION} times as many "
                f"(and over {limits.in_megabytes(limits.EXPANSION_FLOOR)}); the rest is not read"
            )


class Metered:
    """A stream whose bytes are counted against an allowance; like a file, for those who ask."""

    closed = False

    def __init__(self, stream: Readable, allowance: Allowance) -> None:
        self._stream = stream
        self._allowance = allowance
        self._place = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes; ExpandedError where they are too many."""
        try:
            block = self._stream.read(size)
        except ValueError as error:  # a place in a zip that is none
            raise UnreadableFileError(f"cannot be read ({error})") from None
        self._allowance.spend(len(block))
        self._place += len(block)
        return block

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._place

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return False."""
        return False

    def close(self) -> None:
        """Leave the stream to whoever opened it."""


@contextmanager
def opened(file: SourceFile) -> Iterator[Any]:
    """Open `file` as a stream of its unpacked bytes; UnreadableFileError inside as well."""
    with readable():
        if file.compression is None:
            with _plain(file) as stream:
                yield stream
        else:
            with _unpacked(file, file.compression) as stream:
                yield Metered(stream, allowance_of(file))


def allowance_of(file: SourceFile) -> Allowance:
    """Return what `file`, or the archive that it is in, may unpack to."""
    return file.allowance or Allowance(file.path.stat().st_size)


@contextmanager
def _plain(file: SourceFile) -> Iterator[Any]:
    if file.stream is not None:
        yield file.stream
    else:
        with file.path.open("rb", buffering=_BLOCK) as stream:
            yield stream


@contextmanager
def _unpacked(file: SourceFile, compression: str) -> Iterator[Readable]:
    if compression == "xz":
        with _plain(file) as stream:
            yield _Xz(stream)
        return
    source = str(file.path) if file.stream is None else pa.PythonFile(file.stream, mode="r")
    with pa.input_stream(source, compression=compression, buffer_size=_BLOCK) as stream:
        yield stream


class _Xz:
    """Unpacks .xz in limited memory, which the standard library's file object does not do."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._unpacker = self._new()

    def _new(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=limits.XZ_MEMORY)

    def read(self, size: int = -1) -> bytes:
        """Return up to a block of bytes, or `size` where that is less."""
        most = _BLOCK if size < 0 else min(size, _BLOCK)
        while True:
            if self._unpacker.eof:
                rest = self._unpacker.unused_data or self._stream.read(_BLOCK)
                rest = rest.lstrip(b"\0")  # padding between streams
                if not rest:
                    return b""
                self._unpacker = self._new()
            else:
                rest = self._stream.read(_BLOCK) if self._unpacker.needs_input else b""
                if not rest and self._unpacker.needs_input:
                    raise EOFError("the file is cut off")
            if block := self._unpacker.decompress(rest, most):
                return block


@contextmanager
def opened_text(file: SourceFile) -> Iterator[Any]:
    """Open `file` as a stream of UTF-8, whatever character set the source names.

    A byte order mark of UTF-16 names it as well. Bytes that the character set does not have
    become bytes that are no UTF-8.
    """
    with opened(file) as stream:
        if file.encoding is None:
            yield _Begun(stream)
        else:
            yield _Transcoded(stream, file.encoding)


class _Begun:
    """A stream that becomes a transcoded one where it begins with a mark of UTF-16."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        # What is there is taken at once: a pipe may be slow to fill a block.
        self._read: Any = getattr(stream, "read1", stream.read)
        self._is_begun = False

    def read(self, size: int) -> bytes:
        """Return the next bytes, none at the end."""
        block: bytes = self._read(size)
        if not self._is_begun:
            self._is_begun = True
            if block.startswith(_UTF_16_MARKS):
                transcoded = _Transcoded(self._stream, "utf-16", block)
                self._read = transcoded.read
                return transcoded.read(size)
        return block


class _Transcoded:
    """A stream of another character set as one of UTF-8."""

    def __init__(self, stream: Any, encoding: str, begun: bytes = b"") -> None:
        codecs.register_error("slant.broken", _keep_broken)
        self._read: Any = getattr(stream, "read1", stream.read)
        self._begun = begun
        self._decoder = codecs.getincrementaldecoder(encoding)("slant.broken")

    def read(self, size: int) -> bytes:
        """Return the next bytes, none at the end; they may be more than `size`."""
        while True:
            block = self._begun or self._read(size)
            self._begun = b""
            text = self._decoder.decode(block, final=not block)
            if text or not block:
                return text.encode(errors="surrogateescape")


def _keep_broken(error: UnicodeError) -> tuple[str, int]:
    """Stand for broken bytes by a byte that no UTF-8 has, so that their row is rejected."""
    assert isinstance(error, UnicodeDecodeError)
    return "\udcff", error.end


@contextmanager
def seekable(file: SourceFile) -> Iterator[Path | BinaryIO]:
    """Yield what a format that is read from its end can be read of: the path, or all its bytes."""
    if file.stream is None:
        yield file.path
        return
    with opened(file) as stream:
        content = read_whole(stream, limits.MEMBER_BYTES)
    if content is None:
        size = limits.in_megabytes(limits.MEMBER_BYTES)
        raise UnreadableFileError(f"over {size}, and {file.format} is not streamed in an archive")
    yield io.BytesIO(content)


def read_whole(stream: Readable, limit: int = LINE_LIMIT, begun: bytes = b"") -> bytes | None:
    """Return all bytes of `stream`, without a byte order mark; None where it passes the limit.

    `begun` was read of it before.
    """
    blocks, size = [begun], len(begun)
    while size <= limit and (block := stream.read(_BLOCK)):
        blocks.append(block)
        size += len(block)
    return None if size > limit else b"".join(blocks).removeprefix(_BYTE_ORDER_MARK)


def lines(
    stream: Readable, limit: int = LINE_LIMIT, *, begun: bytes = b""
) -> Iterator[tuple[int, bytes, bool]]:
    r"""Yield number (from 1), content without its `\n`, and True of each line.

    Of a line longer than `limit` bytes the beginning is yielded, and False. A byte order mark
    before the first line is dropped. `begun` was read of the stream before.
    """
    number = 1
    held = _Held(limit)
    while block := begun or stream.read(_BLOCK):
        begun = b""
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


def not_in(encoding: str | None, error: UnicodeDecodeError) -> str:
    """Say where text stops being what the source says that it is; None stands for UTF-8."""
    if encoding is not None:
        return f"bytes that are not {encoding}, which the source names as its encoding"
    return (
        f"bytes that are not UTF-8 (from byte {error.start + 1} on); "
        "if the file is in another character set, set the source's encoding, or --encoding"
    )

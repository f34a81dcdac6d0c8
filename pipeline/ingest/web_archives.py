"""The web pages in a WARC file."""

import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

from pipeline import config
from pipeline.ingest import limits
from pipeline.ingest.rows import Document, DocumentKind, Flaw
from pipeline.ingest.streams import UnreadableFileError

_PAGES: Final = ("text/html", "application/xhtml+xml")
_OK: Final = 200
_BEYOND_LIMIT: Final = f"the page is larger than {limits.in_megabytes(limits.PAGE_BYTES)}"
# How compressed bodies begin, for those that name of zlib that has a mark.
_GZIP_MARK: Final = b"\x1f\x8b"
# The size of a chunk, after which HTTP allows extensions (RFC 9112, section 7.1).
# `int` would take signs and underscores as well.
_CHUNK_HEAD: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,100})?\r\n")
_ARROWS_NAME: Final = {"gzip": "gzip", "x-gzip": "gzip", "br": "brotli", "zstd": "zstd"}


class _BodyError(Exception):
    """The body of a response cannot be unpacked; the message is one plain sentence."""


def documents(stream: Any, fields: config.Fields) -> Iterator[Document | Flaw]:
    """Yield the pages of a WARC file that is unpacked already; places count all its records.

    A page is the HTML body of a response with the status 200. All other records are passed over:
    requests, redirects, images, and the archive's notes about itself. Of a file without any page
    one flaw says what it has instead. The address of the record, and the time of its capture as
    the date, are kept where the page has none; the time also as the field `captured`.
    """
    kinds: Counter[str] = Counter()
    # A record shows to be whole when the next one begins where it says that it ends.
    held: Document | Flaw | None = None
    has_pages = False
    place = 0
    records = _records(stream)
    while True:
        try:
            record = next(records, None)
            found = None if record is None else _document(record, place + 1, fields)
        except OSError as error:
            if held is not None:
                yield Flaw(held.place, f"its length is not the stated one ({error})", _shown(held))
            what = f"after record {place}" if place else "from its beginning on"
            raise UnreadableFileError(f"cannot be read {what} ({error})") from None
        if held is not None:
            yield held
        if record is None:
            break
        place += 1
        held = found
        has_pages = has_pages or found is not None
        kinds[str(record.record_type)] += 1
    if not has_pages:
        names = ", ".join(f"{count:,} {name}" for name, count in sorted(kinds.items()))
        yield Flaw(
            0, f"no HTML response with the status 200; the records are: {names or 'none'}", b""
        )


def _records(stream: Any) -> Iterator[Any]:
    from fastwarc.warc import ArchiveIterator

    return iter(
        ArchiveIterator(
            stream, parse_http=True, max_header_len=limits.WARC_HEADER, stream_detect=False
        )
    )


def _shown(held: Document | Flaw) -> bytes:
    return held.content[:1000] if isinstance(held, Document) else held.shown


def _document(record: Any, place: int, fields: config.Fields) -> Document | Flaw | None:
    """Return the page in a record, a flaw where it is broken, None where the record has none."""
    if str(record.record_type) != "response":
        return None
    http = record.http_headers
    status = http.status_code if http is not None else None
    if status is None:
        return Flaw(place, "the response is not one of HTTP", record.reader.read(1000))
    if status != _OK or record.http_content_type not in _PAGES:
        return None
    stated = record.content_length
    body = record.reader.read(min(stated, limits.PAGE_BYTES + 1))
    if len(body) > limits.PAGE_BYTES:
        return Flaw(place, _BEYOND_LIMIT, body[:1000])
    if len(body) < stated:
        return Flaw(place, f"cut off: {len(body):,} of its {stated:,} bytes are there", body[:1000])
    try:
        page = _unpacked(body, http)
    except _BodyError as error:
        return Flaw(place, str(error), body[:1000])
    captured = record.record_date.isoformat() if record.record_date else ""
    address = record.headers.get("WARC-Target-URI", "").strip("<> ")
    given = {fields.url: address, fields.published: captured, "captured": captured}
    return Document(place, DocumentKind.HTML, page, record.http_charset, given)


def _unpacked(body: bytes, http: Any) -> bytes:
    """Undo what HTTP does to a body; some archives have undone it and kept its headers."""
    if "chunked" in (http.get("Transfer-Encoding") or "").lower():
        body = _joined(body)
    encodings = (http.get("Content-Encoding") or "").lower().split(",")
    for name in reversed([one.strip() for one in encodings]):
        if name in ("", "identity") or body.lstrip()[:1] == b"<":
            continue
        if name == "deflate":
            body = _inflated(body)
        elif name in _ARROWS_NAME:
            body = _decompressed(body, name)
        else:
            raise _BodyError(f"its Content-Encoding cannot be read: {name[:40]!r}")
    return body


def _joined(body: bytes) -> bytes:
    """Return the chunks of a body as one; the body itself where it is in none."""
    pieces: list[bytes] = []
    at = 0
    while head := _CHUNK_HEAD.match(body, at):
        size = int(head[1], 16)
        if size == 0:
            return b"".join(pieces)
        pieces.append(body[head.end() : head.end() + size])
        at = head.end() + size + 2  # always further on
    return b"".join(pieces) if pieces else body


def _inflated(body: bytes) -> bytes:
    # With the header of zlib, as the standard says, or without it, as some servers do.
    for bits in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
        unpacker = zlib.decompressobj(bits)
        try:
            page = unpacker.decompress(body, limits.PAGE_BYTES + 1)
        except zlib.error:
            continue
        return _whole(page)
    raise _BodyError("its body is not packed as its Content-Encoding says (deflate)")


def _decompressed(body: bytes, name: str) -> bytes:
    if name.endswith("gzip") and not body.startswith(_GZIP_MARK):
        return body
    try:
        with pa.input_stream(io.BytesIO(body), compression=_ARROWS_NAME[name]) as stream:
            return _whole(stream.read(limits.PAGE_BYTES + 1))
    except (OSError, pa.ArrowException):
        raise _BodyError(f"its body is not packed as its Content-Encoding says ({name})") from None


def _whole(page: bytes) -> bytes:
    if len(page) > limits.PAGE_BYTES:
        raise _BodyError(_BEYOND_LIMIT)
    return page

"""From files to rows, one reader per format.

A reader yields a Row for every row, a Flaw for every place that is none, and a Document for what
is to be parsed elsewhere; it raises UnreadableFileError where it cannot go on. A further format is
one more reader in READERS.
"""

import csv
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, TypeAlias

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline import config
from pipeline.config import SourceFormat
from pipeline.ingest import limits
from pipeline.ingest.files import SourceFile
from pipeline.ingest.rows import Document, DocumentKind, Flaw, Row
from pipeline.ingest.streams import (
    LIMIT_NAME,
    LINE_LIMIT,
    UnreadableFileError,
    allowance_of,
    lines,
    not_in,
    opened,
    opened_text,
    read_whole,
    readable,
    seekable,
)

Item: TypeAlias = Row | Flaw | Document
# The last argument: whether fields that the config does not name are wanted.
Reader: TypeAlias = Callable[[SourceFile, config.Fields, bool], Iterator[Item]]

# Bytes that show whether a file of JSON is one array.
_BEGINNING: Final = 1000
_TOO_LONG: Final = f"the line is longer than {LIMIT_NAME}"
# Rows of Parquet that are Python objects at a time.
_PARQUET_ROWS: Final = 256


def read_file(file: SourceFile, fields: config.Fields, keep_extra: bool) -> Iterator[Item]:
    """Yield the rows and flaws of one file; UnreadableFileError where it cannot be read on."""
    return READERS[file.format](file, fields, keep_extra)


def _read_json(file: SourceFile, _fields: config.Fields, _keep_extra: bool) -> Iterator[Item]:
    with opened_text(file) as stream:
        begun = stream.read(_BEGINNING) if _may_be_array(file) else b""
        if begun.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
            yield from _read_json_array(stream, begun)
            return
        for number, line, whole in lines(stream, begun=begun):
            if not whole:
                yield Flaw(number, _TOO_LONG, line)
            elif line and not line.isspace():
                yield _json_row(number, line, file.encoding)


def _json_row(number: int, line: bytes, encoding: str | None) -> Item:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Flaw(number, _broken_json(line, error, encoding), line)
    if type(value) is dict:
        return Row(number, value, line)
    return Flaw(number, "not a JSON object", line)


def _broken_json(line: bytes, error: orjson.JSONDecodeError, encoding: str | None) -> str:
    try:
        line.decode()
    except UnicodeDecodeError as undecodable:
        return not_in(encoding, undecodable)
    return f"broken JSON at column {error.colno}: {error.msg}"


def _may_be_array(file: SourceFile) -> bool:
    """True for a `.json` file, which may be one array instead of a line per object."""
    return ".json" in map(str.lower, file.path.suffixes)


def _read_json_array(stream: Any, begun: bytes) -> Iterator[Item]:
    content = read_whole(stream, begun=begun)
    if content is None:
        raise UnreadableFileError(
            f"a JSON array over {LIMIT_NAME} cannot be streamed; write one object per line"
        )
    try:
        values = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise UnreadableFileError(f"broken JSON in line {error.lineno}: {error.msg}") from None
    for number, value in enumerate(values, start=1):
        if isinstance(value, dict):
            yield Row(number, value, None)
        else:
            yield Flaw(number, "not a JSON object", str(value).encode(errors="replace"))


class _TextLines:
    """The lines of a file as the csv module takes them, and what it took since `start`."""

    def __init__(self, stream: Any, encoding: str | None) -> None:
        self._lines = lines(stream)
        self._encoding = encoding
        self.number = 0
        self.start()

    def start(self) -> None:
        """Forget what was taken: a new record begins."""
        self.flaw: str | None = None
        self._taken: list[bytes] = []

    @property
    def shown(self) -> bytes:
        return b"\n".join(self._taken)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.number, line, whole = next(self._lines)
        if len(self._taken) < 200:  # a quote that is never closed takes a whole file
            self._taken.append(line)
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            self.flaw = not_in(self._encoding, error)
            text = line.decode(errors="replace")
        if not whole:
            self.flaw = _TOO_LONG
            text = ""
        return text + "\n"


def _read_csv(
    file: SourceFile, _fields: config.Fields, _keep_extra: bool, delimiter: str
) -> Iterator[Item]:
    """Read a table with a header. The csv module's limit is the process's own, so only raised."""
    csv.field_size_limit(max(csv.field_size_limit(), LINE_LIMIT))
    with opened_text(file) as stream:
        text = _TextLines(stream, file.encoding)
        first = next(text, "")
        if "," not in first and ";" in first and delimiter == ",":
            delimiter = ";"  # as spreadsheets write it where the comma is in decimals
        records = csv.reader(itertools.chain([first], text), delimiter=delimiter, strict=True)
        header = _header(records, text)
        while True:
            text.start()
            place = text.number + 1
            try:
                cells = next(records)
            except StopIteration:
                return
            except csv.Error as error:
                yield Flaw(place, _broken_csv(place, text.number, error), text.shown)
                continue
            is_blank = len(cells) <= 1 and not "".join(cells).strip()
            if text.flaw or not is_blank:
                yield _csv_row(place, header, cells, text)


def _header(records: Iterator[list[str]], text: _TextLines) -> list[str]:
    try:
        cells = next((cells for cells in records if any(map(str.strip, cells))), [])
    except csv.Error as error:
        raise UnreadableFileError(f"the header is not valid CSV ({error})") from None
    if text.flaw:
        raise UnreadableFileError(f"the header cannot be read: {text.flaw}")
    names = [cell.strip() for cell in cells]
    for name in names:
        if names.count(name) > 1:
            raise UnreadableFileError(f"the header names the column '{name}' more than once")
    return names


def _csv_row(place: int, header: list[str], cells: list[str], text: _TextLines) -> Item:
    if text.flaw:
        return Flaw(place, text.flaw, text.shown)
    if len(cells) != len(header):
        count = f"{len(cells)} cell{'s' * (len(cells) != 1)}"
        return Flaw(place, f"{count} where the header has {len(header)}", text.shown)
    return Row(place, dict(zip(header, cells, strict=True)), text.shown)


def _broken_csv(first: int, last: int, error: csv.Error) -> str:
    if last > first:
        return f"not valid CSV from here to line {last}, all of which is left out ({error})"
    return f"not valid CSV ({error})"


def _read_parquet(file: SourceFile, fields: config.Fields, keep_extra: bool) -> Iterator[Item]:
    with readable(), seekable(file) as source, pq.ParquetFile(source, pre_buffer=False) as table:
        allowance = allowance_of(file)
        for group in range(table.num_row_groups):
            allowance.spend(table.metadata.row_group(group).total_byte_size)
        wanted = set(fields.model_dump().values())
        names = [name for name in table.schema_arrow.names if keep_extra or name in wanted]
        if fields.text not in names:
            names = table.schema_arrow.names  # to say what there is instead
        place = 1
        for batch in table.iter_batches(batch_size=_PARQUET_ROWS, columns=names):
            allowance.spend(batch.nbytes)
            yield from _batch_rows(batch, place)
            place += batch.num_rows


def _batch_rows(batch: pa.RecordBatch, first: int) -> Iterator[Item]:
    names = batch.schema.names
    try:
        columns = [column.to_pylist() for column in batch.columns]
    except UnicodeDecodeError:
        for index in range(batch.num_rows):
            yield _scalar_row(batch, index, first + index)
        return
    for place, values in enumerate(zip(*columns, strict=True), start=first):
        yield Row(place, dict(zip(names, values, strict=True)), None)


def _scalar_row(batch: pa.RecordBatch, index: int, place: int) -> Item:
    values: dict[str, Any] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            values[name] = column[index].as_py()
        except UnicodeDecodeError as error:
            known = f"'{name}' holds bytes that are not UTF-8 (from byte {error.start + 1} on)"
            return Flaw(place, known, error.object)
    return Row(place, values, None)


def _read_html(file: SourceFile, _fields: config.Fields, _keep_extra: bool) -> Iterator[Item]:
    yield _document(file, DocumentKind.HTML)


def _read_feed(file: SourceFile, _fields: config.Fields, _keep_extra: bool) -> Iterator[Item]:
    yield _document(file, DocumentKind.FEED)


def _document(file: SourceFile, kind: DocumentKind) -> Item:
    with opened(file) as stream:
        content = read_whole(stream, limits.PAGE_BYTES)
    if content is None:
        return Flaw(1, f"the file is larger than {limits.in_megabytes(limits.PAGE_BYTES)}", b"")
    return Document(1, kind, content, file.encoding)


def _read_warc(file: SourceFile, fields: config.Fields, _keep_extra: bool) -> Iterator[Item]:
    from pipeline.ingest import web_archives

    with opened(file) as stream:
        yield from web_archives.documents(stream, fields)


def _read_excel(file: SourceFile, fields: config.Fields, _keep_extra: bool) -> Iterator[Item]:
    from pipeline.ingest import workbooks

    with readable(), seekable(file) as source:
        yield from workbooks.rows(source, file.sheet, fields, allowance_of(file))


def _read_text(file: SourceFile, fields: config.Fields, _keep_extra: bool) -> Iterator[Item]:
    from pipeline.ingest import pages

    with opened_text(file) as stream:
        content = read_whole(stream)
    if content is None:
        yield Flaw(1, f"the file is larger than {LIMIT_NAME}", b"")
        return
    try:
        yield Row(1, pages.text_fields(content.decode(), fields), content)
    except UnicodeDecodeError as error:
        yield Flaw(1, not_in(file.encoding, error), content)


READERS: Final[dict[SourceFormat, Reader]] = {
    SourceFormat.JSONL: _read_json,
    SourceFormat.CSV: partial(_read_csv, delimiter=","),
    SourceFormat.TSV: partial(_read_csv, delimiter="\t"),
    SourceFormat.PARQUET: _read_parquet,
    SourceFormat.EXCEL: _read_excel,
    SourceFormat.HTML: _read_html,
    SourceFormat.WARC: _read_warc,
    SourceFormat.FEED: _read_feed,
    SourceFormat.TEXT: _read_text,
}

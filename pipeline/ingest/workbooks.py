"""Rows of a sheet of an Excel workbook."""

import warnings
import zipfile
from collections.abc import Iterator
from contextlib import closing, nullcontext
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, BinaryIO, Final
from xml.parsers import expat

from pipeline import config
from pipeline.ingest import limits
from pipeline.ingest.rows import Flaw, Row
from pipeline.ingest.streams import Allowance, UnreadableFileError

_SHEETS: Final = "xl/worksheets/"
_STRINGS: Final = "xl/sharedStrings.xml"
_TYPES: Final = "[Content_Types].xml"
_SHEET_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_FILES: Final = 1000
_BLOCK: Final = 64 << 10


def rows(
    source: Path | BinaryIO, sheet: str | None, fields: config.Fields, allowance: Allowance
) -> Iterator[Row | Flaw]:
    """Yield the rows below the first one that is not blank, which names the columns.

    A cell of a date is a date. A number where a text must be is its text. A formula is what it
    came to when the workbook was saved. UnreadableFileError where the workbook cannot be read.
    """
    try:
        # Opened here, since openpyxl leaves it open where a sheet was not read to its end.
        with source.open("rb") if isinstance(source, Path) else nullcontext(source) as stream:
            _check(stream, allowance)
            yield from _rows(stream, sheet, fields)
    except (UnreadableFileError, MemoryError, OSError):
        raise
    except Exception as error:  # zipfile and openpyxl, whatever they stumble on
        message = (str(error).splitlines() or [""])[0][:200]
        raise UnreadableFileError(
            f"the workbook cannot be read on ({type(error).__name__}: {message})"
        ) from None


def _check(source: BinaryIO, allowance: Allowance) -> None:
    """Raise UnreadableFileError where the workbook would take too much; zipfile holds it to it."""
    with zipfile.ZipFile(source) as parts:
        infos = parts.infolist()
        if len(infos) > _FILES:
            raise UnreadableFileError(
                f"the workbook has {len(infos):,} parts, more than {_FILES:,}"
            )
        streamed = _sheets(parts)
        for info in infos:
            allowance.spend(info.file_size)
            most = _most(info.filename, streamed)
            if most is not None and info.file_size > most:
                raise UnreadableFileError(
                    f"its part {info.filename[:80]} is larger than {limits.in_megabytes(most)}"
                )
            if info.filename.endswith((".xml", ".rels")) and _has_doctype(parts, info):
                raise UnreadableFileError(
                    f"its part {info.filename[:80]} has a document type, which no workbook has"
                )


def _sheets(parts: zipfile.ZipFile) -> set[str]:
    """Return the parts that are streamed: those that are stated to be sheets and nothing else.

    openpyxl finds the texts of all cells by their stated type, wherever they are.
    """
    stated: dict[str, set[str]] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "Override":
            name = attributes.get("PartName", "")[1:]  # what openpyxl does, whatever is first
            stated.setdefault(name, set()).add(attributes.get("ContentType", ""))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = _raising(_DoctypeError)
    if parts.getinfo(_TYPES).file_size <= limits.SHEET_PART:
        try:
            parser.Parse(parts.read(_TYPES), True)
        except (_DoctypeError, expat.ExpatError):
            return set()  # which the checks of each part, or openpyxl, report
    return {
        name
        for name, types in stated.items()
        if types == {_SHEET_TYPE} and name.startswith(_SHEETS) and name.endswith(".xml")
    }


def _most(part: str, streamed: set[str]) -> int | None:
    """Return how large a part may be; None for those that are streamed."""
    if part in streamed:
        return None
    return limits.SHEET_STRINGS if part == _STRINGS else limits.SHEET_PART


class _BegunError(Exception):
    """The first element: a document type can no longer come."""


class _DoctypeError(Exception):
    """A document type, and with it perhaps entities, begins."""


def _has_doctype(parts: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    parser = expat.ParserCreate()
    parser.StartElementHandler = _raising(_BegunError)
    parser.StartDoctypeDeclHandler = _raising(_DoctypeError)
    with parts.open(info) as stream:
        try:
            while block := stream.read(_BLOCK):
                parser.Parse(block)
        except _DoctypeError:
            return True
        except (_BegunError, expat.ExpatError):  # a broken part is reported by openpyxl
            return False
    return False


def _raising(error: type[Exception]) -> Any:
    def handler(*_: object) -> None:
        raise error

    return handler


def _rows(source: BinaryIO, sheet: str | None, fields: config.Fields) -> Iterator[Row | Flaw]:
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and checks that do not matter here
        workbook = openpyxl.load_workbook(source, read_only=True, data_only=True, keep_links=False)
    with closing(workbook):
        table = workbook[_sheet_name(workbook, sheet)]
        table.reset_dimensions()  # what the file says of its size may be a lie
        header, first = _header(table)
        texts = {fields.title, fields.text, fields.outlet, fields.url, fields.language}
        # One cell more shows a row that is too long.
        found = table.iter_rows(min_row=first, max_col=len(header) + 1, values_only=True)
        for place, cells in enumerate(found, start=first):
            if any(cell is not None for cell in cells):
                yield _row(place, header, cells, texts)


def _sheet_name(workbook: Any, stated: str | None) -> str:
    names = [table.title for table in workbook.worksheets]
    if stated is None and names:
        return str(names[0])
    if stated not in names:
        have = ", ".join(f"'{name}'" for name in names[:10]) or "none"
        raise UnreadableFileError(
            f"the workbook has no sheet {stated!r}; its sheets are {have}; name one as the "
            "source's sheet"
        )
    return str(stated)


def _header(table: Any) -> tuple[list[str], int]:
    """Return the names of the columns, and the number of the row after them."""
    found = table.iter_rows(max_col=limits.SHEET_COLUMNS, values_only=True)
    for place, cells in enumerate(found, start=1):
        names = ["" if cell is None else str(cell).strip() for cell in cells]
        while names and not names[-1]:
            names.pop()
        if not names:
            continue
        for name in names:
            if name and names.count(name) > 1:
                raise UnreadableFileError(f"the header names the column '{name}' more than once")
        return names, place + 1
    return [], 1


def _row(place: int, header: list[str], cells: tuple[Any, ...], texts: set[str]) -> Row | Flaw:
    if any(cell is not None for cell in cells[len(header) :]):
        shown = ", ".join(str(cell) for cell in cells if cell is not None)
        reason = f"a cell beyond the {len(header)} columns that the header names"
        return Flaw(place, reason, shown.encode(errors="replace"))
    values = {name: _value(cell) for name, cell in zip(header, cells, strict=False) if name}
    for name in texts & values.keys():
        if isinstance(values[name], int | float | date) and not isinstance(values[name], bool):
            values[name] = str(values[name])
    return Row(place, values, None)


def _value(cell: Any) -> Any:
    """Return a day for a time that is midnight, since Excel has no other days."""
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date()
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell

"""CSV as people and programs write it: rows with the lines on which they begin, and back."""

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from pipeline.errors import DataError

# Longer than any text that somebody writes into a cell.
CELL_LIMIT: Final = 2**30


def read_rows(
    path: Path,
    separator: Callable[[str], str] = lambda _: ",",
    opened: Callable[[Path], BinaryIO] = lambda path: path.open("rb"),
) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, cells): first the header, which may have no cell, then each row that has some.

    `separator` says from the first line what stands between cells. DataError where the file is no
    CSV or no UTF-8, OSError where it cannot be opened.
    """
    csv.field_size_limit(max(csv.field_size_limit(), CELL_LIMIT))
    line = 1
    try:
        with io.TextIOWrapper(opened(path), encoding="utf-8-sig", newline="") as stream:
            first = stream.readline()
            lines = itertools.chain([first], stream)
            reader = csv.reader(lines, delimiter=separator(first), strict=True)
            yield line, [name.strip() for name in next(reader, [])]
            line = reader.line_num + 1
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8 text; save it as CSV UTF-8") from None
    except csv.Error as error:
        raise DataError(f"{path}:{line}: not valid CSV: {error}") from None


def by_column(where: str, header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """Return the cells by column, those that are there; DataError where there are too many."""
    if len(cells) > len(header):
        raise DataError(
            f"{where}: {len(cells)} cells under {len(header)} columns; "
            "put quotes around a cell that has a comma in it"
        )
    return dict(zip(header, cells, strict=False))


def check_columns(where: str, found: Sequence[str], needed: Iterable[str]) -> None:
    """Raise DataError where a column is missing."""
    if missing := [name for name in needed if name not in found]:
        raise DataError(
            f"{where}: no column {', '.join(missing)}; the columns are {', '.join(found) or 'none'}"
        )


def write_rows(stream: TextIO, header: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Write CSV without its header.

    Python's writer leaves a carriage return without quotes, and its reader ends a row there.
    """
    plain, quoted = (
        csv.DictWriter(stream, header, restval="", lineterminator="\n", quoting=quoting)
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
    )
    for row in rows:
        (quoted if any("\r" in cell for cell in row.values()) else plain).writerow(row)

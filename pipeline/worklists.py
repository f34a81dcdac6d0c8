"""Worklists: which examples people should look at, in which order and why, as a file of JSON lines.

Whatever finds such examples (ties, likely label errors, the queue, a changed codebook) writes one,
and whatever hands examples to coders reads one.
"""

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from pipeline.artifacts import write_lines
from pipeline.errors import DataError
from pipeline.records import WORKLIST


def write_worklist(path: Path, worklist: pa.Table) -> None:
    """Write records.WORKLIST, one JSON object a line, in its order."""
    write_lines(path, worklist.to_pylist())


def read_worklist(path: Path) -> pa.Table:
    """Read what `write_worklist` wrote, maybe shortened or reordered by hand.

    DataError names file and line of what is none.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    rows = [
        _row(f"{path}:{number}", line) for number, line in enumerate(lines, start=1) if line.strip()
    ]
    return pa.Table.from_pylist(rows, schema=WORKLIST)


def _row(where: str, line: bytes) -> dict[str, Any]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DataError(f"{where}: not valid JSON ({error})") from None
    if not isinstance(row, dict):
        raise DataError(f"{where}: must be a JSON object, found {type(row).__name__}")
    for field in WORKLIST:
        if field.nullable and row.get(field.name) is None:
            continue
        if field.name not in row:
            raise DataError(
                f"{where}: no {field.name!r}; the line has {', '.join(row) or 'nothing'}"
            )
        if not isinstance(row[field.name], str):
            value = orjson.dumps(row[field.name]).decode()
            raise DataError(f"{where}: {field.name} must be text; it is {value}")
    return row

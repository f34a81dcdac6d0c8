"""Read files of annotations: one row per coder, example and label."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import orjson
import pyarrow as pa

from pipeline.artifacts import replacing
from pipeline.errors import DataError
from pipeline.label.answers import AnswerBook, Note, Problems
from pipeline.label.csv_rows import by_column, check_columns, read_rows, write_rows
from pipeline.records import NONE_HOLDS

# Where a row stands, as `file:line`, and its cells.
Row: TypeAlias = tuple[str, Mapping[str, str]]

COLUMNS: Final = ("article_id", "task", "target", "coder", "label", *Note._fields)
# Files whose tasks are all asked of the article need no target, and notes are told if known.
NEEDED: Final = ("article_id", "task", "coder", "label")
JSON_LINES: Final = (".jsonl", ".ndjson")


def read_annotations(path: Path, book: AnswerBook, problems: Problems) -> None:
    """Add the answers in the file at `path` to `book`, and what is wrong to `problems`.

    CSV, with tabs where the name ends in .tsv, or one JSON object per line. DataError where it
    cannot be read at all.
    """
    read = _json_rows if path.suffix in JSON_LINES else _csv_rows
    try:
        for where, row in read(path):
            try:
                _add(row, book)
            except ValueError as error:
                problems.add(where, str(error))
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file; look at label.annotations") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def write_annotations(path: Path, annotations: pa.Table) -> None:
    """Write records.ANNOTATIONS as CSV; DataError where the name ends in anything else."""
    if path.suffix != ".csv":
        raise DataError(f"{path}: annotations are written as CSV; name a file that ends in .csv")
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        write_rows(stream, COLUMNS, [dict(zip(COLUMNS, COLUMNS, strict=True))])
        write_rows(stream, COLUMNS, map(_as_text, annotations.to_pylist()))


def _as_text(row: Mapping[str, str | None]) -> dict[str, str]:
    return {name: row[name] or "" for name in COLUMNS} | {"label": row["label"] or NONE_HOLDS}


def _add(row: Mapping[str, str], book: AnswerBook) -> None:
    for column in ("article_id", "coder"):
        if not row[column]:
            raise ValueError(f"no {column}")
    book = book.of_version(row["codebook"] or None)
    example = book.example(row["article_id"], row["task"], row["target"])
    if row["label"] == NONE_HOLDS:
        book.add_none(example, row["coder"])
    else:
        book.add(example, row["coder"], [row["label"]])
    book.note(example, row["coder"], Note(*(row[name] or None for name in Note._fields)))


def _csv_rows(path: Path) -> Iterator[Row]:
    rows = read_rows(path, lambda _: "\t" if path.suffix == ".tsv" else ",")
    _, header = next(rows)
    check_columns(f"{path}:1", header, NEEDED)
    for line, cells in rows:
        where = f"{path}:{line}"
        row = by_column(where, header, cells)
        yield where, {column: row.get(column, "").strip() for column in COLUMNS}


def _json_rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                where = f"{path}:{number}"
                yield where, _from_object(where, line)


def _from_object(where: str, line: str) -> Mapping[str, str]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DataError(f"{where}: not valid JSON ({error})") from None
    if not isinstance(value, dict):
        raise DataError(f"{where}: must be a JSON object, found {type(value).__name__}")
    check_columns(where, list(value), NEEDED)
    return {column: _cell(where, column, value.get(column)) for column in COLUMNS}


def _cell(where: str, column: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value).strip()
    raise DataError(f"{where}: {column} must be text; it is {value!r}")

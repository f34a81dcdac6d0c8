"""Vectors that were computed once, on disk: by encoder and by what it read."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.encoders.precision import Half
from pipeline.errors import DataError

_ASKED_AT_ONCE: Final = 500


class VectorCache:
    """One SQLite file per encoder, width and precision; several processes may use it at once.

    Costs 4 bytes a number and about 40 a row on disk, nothing in memory.
    """

    def __init__(self, folder: Path, encoder: str, width: int, half: Half | None) -> None:
        name = "-".join([encoder[:16], str(width), *([half] if half else [])])
        self._path = folder / f"{name}.sqlite"
        self._width = width

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(self._path, timeout=60)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute(
                "CREATE TABLE IF NOT EXISTS vectors (input BLOB PRIMARY KEY, vector BLOB NOT NULL)"
                " WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error) as error:
            raise DataError(
                f"features.cache: {self._path} cannot be used ({error}); remove it, or set "
                "features.cache to null or another folder"
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._base.close()

    def fill(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> NDArray[np.int64]:
        """Write the vectors that are known into their rows; return the rows of the others."""
        found: set[bytes] = set()
        rows: dict[bytes, list[int]] = {}
        for row, key in enumerate(keys):
            rows.setdefault(key, []).append(row)
        wanted = list(rows)
        for start in range(0, len(wanted), _ASKED_AT_ONCE):
            part = wanted[start : start + _ASKED_AT_ONCE]
            marks = ",".join("?" * len(part))
            query = f"SELECT input, vector FROM vectors WHERE input IN ({marks})"  # noqa: S608
            for key, vector in self._base.execute(query, part):
                vectors[rows[key]] = np.frombuffer(vector, np.float32)
                found.add(key)
        return np.array([row for row, key in enumerate(keys) if key not in found], np.int64)

    def add(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Remember the vectors [n, width]."""
        rows = [(key, vector.tobytes()) for key, vector in zip(keys, vectors, strict=True)]
        with self._base:
            self._base.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

"""Vectors that were computed once, on disk: by encoder and by what it read."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.caches import open_cache
from pipeline.encoders.precision import Half

_ASKED_AT_ONCE: Final = 500
_TABLE: Final = "vectors (input BLOB PRIMARY KEY, vector BLOB NOT NULL)"


class VectorCache:
    """One SQLite file per encoder, width and precision; several processes may use it at once.

    Costs 4 bytes a number and about 40 a row on disk, nothing in memory.
    """

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, encoder: str, width: int, half: Half | None) -> Iterator[Self]:
        """Open the encoder's cache in this folder; DataError where it cannot be used."""
        name = "-".join([encoder[:16], str(width), *([half] if half else [])])
        key, otherwise = "features.cache", "set features.cache to null or another folder"
        with open_cache(folder / f"{name}.sqlite", _TABLE, key, otherwise) as base:
            yield cls(base)

    def fill(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> NDArray[np.int64]:
        """Write the vectors of `keys`, all different, that are known; return the others' rows."""
        missing = {key: row for row, key in enumerate(keys)}
        for start in range(0, len(keys), _ASKED_AT_ONCE):
            part = keys[start : start + _ASKED_AT_ONCE]
            marks = ",".join("?" * len(part))
            query = f"SELECT input, vector FROM vectors WHERE input IN ({marks})"  # noqa: S608
            for key, vector in self._base.execute(query, part):
                vectors[missing.pop(key)] = np.frombuffer(vector, np.float32)
        return np.array(list(missing.values()), np.int64)

    def add(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Remember the vectors [n, width]."""
        rows = [(key, vector.tobytes()) for key, vector in zip(keys, vectors, strict=True)]
        with self._base:
            self._base.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

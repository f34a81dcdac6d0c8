"""Answers of language models that were paid for once, on disk: by address, model and prompt."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import orjson

from pipeline.caches import open_cache
from pipeline.votes.asking import Reply

_FILE: Final = "answers.sqlite"
_TABLE: Final = (
    "answers (asked BLOB PRIMARY KEY, content TEXT NOT NULL, input_tokens INTEGER, "
    "output_tokens INTEGER)"
)


def key_of(url: str, body: dict[str, Any]) -> bytes:
    """Return the digest of all that the answer depends on, 32 bytes."""
    asked = orjson.dumps({"url": url, "body": body}, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(asked).digest()


class AnswerCache:
    """A SQLite file; several processes may use it at once. It holds no prompt and no key."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base

    @classmethod
    @contextmanager
    def opened(cls, folder: Path) -> Iterator[Self]:
        """Open the cache in this folder; DataError where it cannot be used."""
        key, otherwise = "label.endpoint.cache", "name another folder"
        with open_cache(folder / _FILE, _TABLE, key, otherwise) as base:
            yield cls(base)

    def get(self, key: bytes) -> Reply | None:
        """Return the answer that is known, if any."""
        found = self._base.execute(
            "SELECT content, input_tokens, output_tokens FROM answers WHERE asked = ?", (key,)
        ).fetchone()
        return None if found is None else Reply(*found)

    def add(self, key: bytes, reply: Reply) -> None:
        """Keep an answer; it is on the disk when this returns."""
        with self._base:
            self._base.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)",
                (key, reply.content, reply.input_tokens, reply.output_tokens),
            )

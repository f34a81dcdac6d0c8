"""Answers of language models that were paid for once, on disk: by address, model and prompt."""

import hashlib
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import orjson

from pipeline.errors import DataError
from pipeline.votes.asking import Reply

_FILE: Final = "answers.sqlite"


def key_of(url: str, body: dict[str, Any]) -> bytes:
    """Return the digest of all that the answer depends on, 32 bytes."""
    asked = orjson.dumps({"url": url, "body": body}, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(asked).digest()


class AnswerCache:
    """A SQLite file; several processes may use it at once. It holds no prompt and no key."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(self._path, timeout=60)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute(
                "CREATE TABLE IF NOT EXISTS answers (asked BLOB PRIMARY KEY, content TEXT NOT NULL,"
                " input_tokens INTEGER, output_tokens INTEGER) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error) as error:
            raise DataError(
                f"label.endpoint.cache: {self._path} cannot be used ({error}); remove it, or name "
                "another folder"
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._base.close()

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

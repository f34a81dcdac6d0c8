"""SQLite files that keep what was expensive to get; several processes may use one at once."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from pipeline.errors import UnavailableError


@contextmanager
def open_cache(path: Path, table: str, key: str, otherwise: str) -> Iterator[sqlite3.Connection]:
    """Open the file at `path`, made if need be, with a table as SQL declares it.

    UnavailableError, where it cannot be used, names the config's key and what to do `otherwise`.
    """
    with ExitStack() as opened:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            base = opened.enter_context(closing(sqlite3.connect(path, timeout=60)))
            base.execute("PRAGMA journal_mode=WAL")
            base.execute(f"CREATE TABLE IF NOT EXISTS {table} WITHOUT ROWID")
        except (OSError, sqlite3.Error) as error:
            raise UnavailableError(
                f"{key}: {path} cannot be used ({error}); remove it, or {otherwise}"
            ) from None
        yield base

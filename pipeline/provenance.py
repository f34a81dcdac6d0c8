"""Where an article came from: what is carried to every prediction of it."""

import hashlib
from typing import Final

import pyarrow as pa

from pipeline.records import PROVENANCE

# Columns of records.ARTICLES.
COLUMNS: Final = tuple(field.name for field in PROVENANCE)


def content_digest(title: str | None, text: str) -> str:
    """Return the SHA-256 of title, a NUL character and text in UTF-8, 64 digits.

    Both are tidied, and otherwise as they came in: nothing is masked or set apart. So one content
    has one digest, whatever the config asks for.
    """
    return hashlib.sha256(f"{title or ''}\0{text}".encode(errors="surrogatepass")).hexdigest()


def provenance_of(articles: pa.Table) -> pa.StructArray:
    """Return the provenance of each of `articles`; null where the table has none of its columns."""
    if not set(COLUMNS) <= set(articles.column_names):
        return pa.nulls(len(articles), PROVENANCE)
    columns = [articles[name].combine_chunks() for name in COLUMNS]
    return pa.StructArray.from_arrays(columns, fields=list(PROVENANCE))

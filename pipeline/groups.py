"""What articles may have in common besides their text: the outlet however spelt, or any field."""

import re
import unicodedata
from typing import Final

import orjson
import pyarrow as pa

OUTLET: Final = "outlet"

# Sections and editions: "Herald - Opinion", "Herald (Online News)", "Herald Editorial Board".
_ASIDE: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_SECTION: Final = re.compile(r"\s+[-–—|/]\s+.*|\s*[|:]\s.*")
_WORDS: Final = re.compile(
    r"\b(?:online|web|digital|print|opinions?|op-?eds?|editorial board|editorials?|blogs?)\b"
)
_ADDRESS: Final = re.compile(
    r"(?:https?://)?(?:www\.)?([\w-]+(?:\.[\w-]+)*?)"
    r"(?:\.(?:com?|org|net|gov|edu|info|news|ac))?\.[a-z]{2,6}(?:/.*)?"
)
_ARTICLE: Final = re.compile(r"the\b\s*")


def outlet_key(name: str) -> str:
    """Return what the spellings of an outlet have in common, such as `newyorktimes`.

    Case, punctuation, a leading article, web addresses, and sections and editions do not count:
    "The New York Times", "New York Times - Opinion" and "New York Times (Online News)" are one
    outlet. An abbreviation and its long form are not brought together.
    """
    plain = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    address = _ADDRESS.fullmatch(plain)
    short = address[1] if address else _SECTION.sub("", _ASIDE.sub(" ", plain).strip())
    short = _ARTICLE.sub("", _WORDS.sub(" ", short).strip(), count=1)
    return _letters(short) or _letters(plain) or plain


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def field_values(articles: pa.Table, field: str) -> list[str | None]:
    """Return a column of records.ARTICLES, or a field that its rows have besides, as text.

    None where a row has no such field or nothing in it.
    """
    if field in articles.column_names and field != "extra":
        values = articles[field].to_pylist()
    else:
        values = [_in_extra(extra, field) for extra in articles["extra"].to_pylist()]
    return [str(value) if value not in (None, "") else None for value in values]


def _in_extra(extra: str | None, field: str) -> object:
    return orjson.loads(extra).get(field) if extra else None


def group_keys(articles: pa.Table, field: str) -> list[str | None]:
    """Return the key of each article's group: equal where articles belong together."""
    values = field_values(articles, field)
    if field == OUTLET:
        return [(outlet_key(value) or None) if value else None for value in values]
    return [" ".join(value.split()).casefold() or None if value else None for value in values]

"""What articles may have in common besides their text: the outlet however spelt, day, any field."""

import re
import unicodedata
from datetime import date
from typing import Any, Final

import orjson
import pyarrow as pa

OUTLET: Final = "outlet"

# Sections and editions: "Herald - Opinion", "Herald (Online News)", "Herald Editorial Board".
_WORDS: Final = (
    "editorial board|online|web|digital|print|opinions?|op-?eds?|editorials?|blogs?|news|edition"
)
_ASIDE: Final = re.compile(rf"[(\[](?:(?:{_WORDS})\W*)+[)\]]")
_SECTION: Final = re.compile(r"\s+[-–—|/]\s+.*|\s*[|:]\s.*")
# "news" is a name as often as a section: it goes from "Herald (News)" and stays in "Fox News".
_LATE: Final = re.compile(rf"(?<=\w)\s+(?:{_WORDS.replace('|news', '')})\b")
_ADDRESS: Final = re.compile(
    r"(?P<http>https?://)?(?P<sub>(?:www|m|edition|amp)\.)?(?P<name>[\w-]+(?:\.[\w-]+)*?)"
    r"(?P<end>\.(?:com|org|net|info|news|tv|(?:co|com|org|net|ac|gov)\.[a-z]{2}|[a-z]{2}))"
    r"(?::\d+)?(?:[/?#].*)?"
)
_ARTICLE: Final = re.compile(r"the\b\s*")
# Endings that outlets leave out of their names.
_EVERYWHERE: Final = re.compile(r"\.(?:com|co\.uk)")


def outlet_key(name: str) -> str:
    """Return what the spellings of an outlet have in common, such as `newyorktimes`.

    Case, punctuation, a leading article, web addresses, and sections and editions do not count:
    "The New York Times", "New York Times - Opinion", "New York Times (Online News)" are one outlet,
    and so are "The Guardian" and "theguardian.com". An abbreviation and its long form are not
    brought together, and what stands before a dash or colon is taken for the outlet.
    """
    plain = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    short = _SECTION.sub("", _ASIDE.sub(" ", plain)).strip()
    address = _ADDRESS.fullmatch(short)
    if address:
        short = re.sub(r"\Athe(?=\w{3})", "", address["name"])
        # Of two countries' outlets with one name the ending is part of it.
        short += "" if _EVERYWHERE.fullmatch(address["end"]) else address["end"]
    else:
        short = _ARTICLE.sub("", _LATE.sub("", short), count=1)
    return _letters(short) or _letters(plain) or plain


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def field_values(articles: pa.Table, field: str) -> list[str | None]:
    """Return a column of records.ARTICLES, or a field that its rows have besides, as text.

    A column goes before a field of the same name. None where a row has no such field or nothing in
    it.
    """
    if field in articles.column_names and field not in ("extra", "set_apart"):
        return [as_text(value) for value in articles[field].to_pylist()]
    return [as_text(row.get(field)) for row in extra_fields(articles)]


def extra_fields(articles: pa.Table) -> list[dict[str, Any]]:
    """Return what each row has besides the columns."""
    return [orjson.loads(extra) if extra else {} for extra in articles["extra"].to_pylist()]


def as_text(value: object) -> str | None:
    """Return a value of a row as text, None where there is nothing in it."""
    if value is None or value in ([], {}):
        return None
    return str(value).strip() or None


def group_keys(articles: pa.Table, field: str) -> list[str | None]:
    """Return the key of each article's group: equal where articles belong together."""
    values = field_values(articles, field)
    if field == OUTLET:
        return [outlet_key(value) if value else None for value in values]
    return [" ".join(value.split()).casefold() if value else None for value in values]


def iso_day(text: str) -> str | None:
    """Return the date at the beginning of an ISO date or time, as it stands there."""
    found = re.match(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]|\Z)", text)
    if not found:
        return None
    try:
        return date.fromisoformat(found[1]).isoformat()
    except ValueError:
        return None

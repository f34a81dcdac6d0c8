"""From a row as its source holds it to an article, or to the reason why it is none."""

import hashlib
import math
import unicodedata
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

from pipeline import config, records
from pipeline.ingest.dates import to_iso
from pipeline.ingest.seen import SeenIds
from pipeline.ingest.tidy import tidy
from pipeline.provenance import content_digest

_SIDES: Final = {
    "training": records.Side.TRAIN,
    "validation": records.Side.DEV,
    "valid": records.Side.DEV,
    "val": records.Side.DEV,
    "testing": records.Side.TEST,
}
_ID_DIGITS: Final = 16
# Categories of Unicode: control and format characters, such as the zero-width space, and marks
# that show on others. Blanks and fillers are letters and symbols there.
_INVISIBLE: Final = ("Cc", "Cf", "Mn")
_FILLERS: Final = "\u115f\u1160\u2800\u3164\uffa0"
_DECLARED: Final = "declared"


class Row(NamedTuple):
    """One row of a source. `shown` is what stood there; None where only `fields` is known."""

    place: int
    fields: dict[str, Any]
    shown: bytes | None


class Origin(NamedTuple):
    """Where rows come from."""

    source: str  # file or hub name, as in records.ARTICLES
    extractor: str
    licence: str | None
    side: str | None  # the one that the source names for all its rows


class Flaw(NamedTuple):
    """A place in a source that could not be read as a row."""

    place: int
    reason: str
    shown: bytes


class DocumentKind(StrEnum):
    """What the bytes of a Document are."""

    HTML = "html"
    FEED = "feed"


class Document(NamedTuple):
    """A page or a feed, still to be parsed: one place of a source that gives rows or flaws."""

    place: int
    kind: DocumentKind
    content: bytes
    charset: str | None = None
    """The character set that stands outside of it: in the HTTP header, or in the config."""
    given: Mapping[str, str] = {}
    """Fields of its row where the page itself has none."""


class Article(NamedTuple):
    """One row of records.ARTICLES."""

    id: str
    title: str | None
    text: str
    outlet: str | None
    published: str | None
    url: str | None
    language: str | None
    language_from: str | None
    given_split: str | None
    source: str
    place: int
    digest: str
    extractor: str
    licence: str | None
    extra: str | None
    story: str | None = None  # known when all articles are
    set_apart: list[dict[str, Any]] | None = None  # see pipeline/preparation/


class UnfitError(Exception):
    """The row is no article; the message is one plain sentence."""


class RepeatedError(Exception):
    """The row is an article that came before; the message is one plain sentence."""


class ArticleMaker:
    """Makes articles of rows, and remembers their ids to refuse a second article of one id."""

    def __init__(self, fields: config.Fields, *, keep_extra: bool) -> None:
        self._fields = fields
        self._keep_extra = keep_extra
        self._seen = SeenIds()
        self._mapped = frozenset(fields.model_dump().values()) - {fields.split}

    def make(self, row: Row, origin: Origin) -> Article:
        """Return the article in `row`; UnfitError where it is none."""
        fields, values = self._fields, row.fields
        text = _required(values, fields.text)
        title = _optional(values, fields.title)
        given = _id(values, fields.id)
        own_side = _side(values.get(fields.split)) if origin.side is None else None
        digest = content_digest(title, text)
        language = _optional(values, fields.language)
        return Article(
            id=given or digest[:_ID_DIGITS],
            title=title,
            text=text,
            outlet=_optional(values, fields.outlet),
            published=_published(values, fields.published),
            url=_optional(values, fields.url),
            language=language,
            language_from=None if language is None else _DECLARED,
            given_split=origin.side or own_side,
            source=origin.source,
            place=row.place,
            digest=digest,
            extractor=origin.extractor,
            licence=origin.licence,
            extra=self._extra(values, own_side) if self._keep_extra else None,
        )

    def keep(self, article: Article) -> Article:
        """Return an article that stays, and remember its id; UnfitError where it occurred before.

        An id that was made of title and text is that of the first article that has both; further
        ones are told apart by outlet and address. RepeatedError where these are the same, too.
        """
        is_new = self._seen.add(article.id)
        if article.id != article.digest[:_ID_DIGITS]:
            if not is_new:
                raise UnfitError(f"the id '{_clip(article.id)}' occurred before")
            return article
        elsewhere = _id_of_copy(article)
        if not self._seen.add(elsewhere):
            raise RepeatedError(f"the same text as the article with the id '{article.id}'")
        return article if is_new else article._replace(id=elsewhere)

    def _extra(self, values: Mapping[str, Any], own_side: str | None) -> str:
        rest = {name: value for name, value in values.items() if name not in self._mapped}
        if own_side is not None:
            rest.pop(self._fields.split, None)
        try:
            return to_json(rest)
        except TypeError as error:
            raise UnfitError(f"its fields cannot be kept as JSON ({error})") from None


def _id_of_copy(article: Article) -> str:
    parts = "\0".join((article.digest, article.outlet or "", article.url or ""))
    return hashlib.sha256(parts.encode(errors="surrogatepass")).hexdigest()[:_ID_DIGITS]


def to_json(values: Mapping[str, Any]) -> str:
    """Return `values` as JSON with sorted keys; what JSON has no form for becomes its `str`."""
    options = orjson.OPT_SORT_KEYS
    try:
        return orjson.dumps(values, default=str, option=options).decode()
    except TypeError:  # keys that are no text, which are slower to write
        options |= orjson.OPT_NON_STR_KEYS
        return orjson.dumps(values, default=str, option=options).decode()


def _required(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if type(value) is str:
        if text := _clean(value, name):
            return text
        raise UnfitError(f"'{name}' is blank")
    if name not in values:
        names = ", ".join(f"'{_clip(str(key))}'" for key in list(values)[:10])
        more = ", …" if len(values) > 10 else ""
        raise UnfitError(f"no '{name}'; the row has {names or 'no fields'}{more}")
    if _is_missing(value):
        raise UnfitError(f"'{name}' is null")
    raise _wrong_type(name, value)


def _optional(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    if type(value) is str:
        return _clean(value, name) or None
    if _is_missing(value):
        return None
    raise _wrong_type(name, value)


def _clean(value: str, name: str) -> str:
    """Return the tidied text, empty where it is blank."""
    if "\0" in value:
        raise UnfitError(f"'{name}' holds a NUL character")
    text = tidy(value)
    # Nearly every text shows itself at once; of the others each character is looked at once.
    if any(map(_is_visible, text[:64])) or any(map(_is_visible, set(text[64:]))):
        return text
    return ""


def _is_visible(character: str) -> bool:
    return not (
        character.isspace()
        or unicodedata.category(character) in _INVISIBLE
        or character in _FILLERS
    )


def _id(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    if type(value) is int:
        return str(value)
    if type(value) is str:
        if "\0" in value:
            raise UnfitError(f"'{name}' holds a NUL character")
        return value.strip() or None
    if _is_missing(value):
        return None
    raise _wrong_type(name, value)


def _published(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    if isinstance(value, date):  # datetime is one too
        return value.isoformat()
    if type(value) is int:
        return to_iso(str(value))
    text = _optional(values, name)
    return text and to_iso(text)


def _side(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    name = value.strip()
    folded = name.lower()
    if folded in _SIDES or folded in list(records.Side):
        return str(_SIDES.get(folded, folded))
    return name if records.is_test(name) else None


def _is_missing(value: Any) -> bool:
    """True for null, and for the NaN that pandas writes where a column has no value."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _wrong_type(name: str, value: Any) -> UnfitError:
    return UnfitError(f"'{name}' is {_kind(value)}; it must be text")


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "true or false"
        case int():
            return "a number"
        case float():
            return "a number with a fraction"
        case list() | tuple():
            return "a list"
        case dict():
            return "an object"
        case bytes():
            return "bytes"
        case date():
            return "a date"
        case _:
            return f"of the type {type(value).__name__}"


def _clip(text: str, length: int = 80) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"

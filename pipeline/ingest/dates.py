"""Read dates of publication that can be read in one way only."""

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sept", "sep"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ),
        start=1,
    )
    for name in names
}
_MONTH: Final = rf"(?P<month>{'|'.join(_MONTHS)})\.?"
_WEEKDAY: Final = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_DAY: Final = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th|\.)?"
_YEAR: Final = r"(?P<year>[0-9]{4})"

# Year, month, day; the same mark between both, or none.
_YEAR_FIRST: Final = re.compile(
    r"(?P<year>[0-9]{4})(?P<mark>[-/.])(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})"
)
_ISO_DATETIME: Final = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})[Tt ]"
    r"(?P<time>[0-9]{2}:?[0-9]{2}(?::?[0-9]{2}(?:[.,][0-9]+)?)?)"
    r"\s?(?P<zone>[Zz]|UTC|GMT|[-+][0-9]{2}(?::?[0-9]{2})?)?"
)
_COMPACT: Final = re.compile(r"[0-9]{8}")
_RFC_2822: Final = re.compile(
    r"(?:[A-Za-z]{3},\s*)?[0-9]{1,2}\s+[A-Za-z]{3}\s+[0-9]{4}\s+[0-9]{2}:[0-9]{2}(?::[0-9]{2})?"
    r"\s+(?:[-+][0-9]{4}|UTC?|GMT|Z|[ECMP][SD]T)"
)
_IN_WORDS: Final = (
    re.compile(rf"{_WEEKDAY}{_DAY}\s+{_MONTH},?\s+{_YEAR}", re.IGNORECASE),
    re.compile(rf"{_WEEKDAY}{_MONTH}\s+{_DAY},?\s+{_YEAR}", re.IGNORECASE),
)


@lru_cache(maxsize=1 << 14)
def to_iso(text: str) -> str:
    """Return the date or the time in `text` as ISO 8601, or `text` itself.

    Read are ISO 8601 and its variants with the year first, RFC 2822, `20310417`, and English dates
    with the month as a word. `03/04/2031` has two readings, and a number may count seconds or
    days: such values stay as they are, and so does what is no date, such as `2004-2005`.
    """
    try:
        return _read(text)
    except ValueError:  # the 30th of February
        return text


def _read(text: str) -> str:
    if match := _YEAR_FIRST.fullmatch(text):
        return date(*(int(match[part]) for part in ("year", "month", "day"))).isoformat()
    if _COMPACT.fullmatch(text):
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date().isoformat()
    if match := _ISO_DATETIME.fullmatch(text):
        zone = match["zone"] or ""
        zone = "+00:00" if zone.isalpha() else zone
        return datetime.fromisoformat(f"{match['date']}T{match['time']}{zone}").isoformat()
    if _RFC_2822.fullmatch(text):
        return parsedate_to_datetime(text).isoformat()
    for pattern in _IN_WORDS:
        if match := pattern.fullmatch(text):
            month = _MONTHS[match["month"].lower()]
            return date(int(match["year"]), month, int(match["day"])).isoformat()
    return text

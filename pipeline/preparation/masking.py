"""Mask personal data, character for character, so that all offsets stay what they were.

A mask keeps the form of what it hides: letters become x, digits 0, and signs stay
(`ada@mail.example` becomes `xxx@xxxx.xxxxxxx`). What is masked already stays as it is.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from pipeline.config import PersonalData
from pipeline.preparation.pieces import Span

_LETTER: Final = "x"
_DIGIT: Final = "0"

_NAME: Final = r"[\w.+%-]"
_EMAIL: Final = re.compile(
    rf"(?<!\w)\w{_NAME}{{0,63}}@(?:[\w-]{{1,63}}\.){{1,8}}[^\W\d_]{{2,24}}(?![\w-])"
)
# ada (at) mail (dot) example, ada[at]mail.example
_HIDDEN_EMAIL: Final = re.compile(
    rf"(?<!\w)(\w{_NAME}{{0,63}})\s?[(\[{{]\s?(?:at|@|ät)\s?[)\]}}]\s?"
    r"(\w[\w-]{0,62}(?:(?:\.|\s?[(\[{]\s?(?:dot|punkt|\.)\s?[)\]}]\s?)[\w-]{1,63}){1,8})",
    re.IGNORECASE,
)
# ada at mail dot example, where a word before says that it is an address.
_SPOKEN_EMAIL: Final = re.compile(
    r"\b(?:e-?mail(?:s|ed|en)?|mails?|write|writing|contact|reach|schreiben|adresse|address)\b"
    rf"[^.!?\n]{{0,40}}?\s(\w{_NAME}{{0,63}}) at (\w[\w-]{{0,62}}(?: dot \w[\w-]{{0,62}}){{1,8}})",
    re.IGNORECASE,
)
_SIGNED_AT: Final = re.compile(r"[(\[{]\s?(?:[aä]t|@)\s?[)\]}]", re.IGNORECASE)
_HANDLE: Final = re.compile(
    r"(?<![\w@.+%-])@(?=\w{0,30}[^\W\d])\w[\w.]{0,49}(?<!\.)(?:@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})?"
)

_ADDRESS: Final = re.compile(r"(?:\bhttps?://|\bftp://|\bwww\.)[^\s<>\"“”„«»]+", re.IGNORECASE)
_AUTHORITY: Final = re.compile(r"(?:\w+://)?([^/?#\s]*)")
_UUID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_LONG: Final = re.compile(r"[A-Za-z0-9+%=]{16,}")
_PARAMETER: Final = re.compile(r"[^&;]+")

_GAP: Final = r"[ .\u2010\u2011–/-]"
_PHONES: Final = (
    # +49 30 901820-0, +44 (0)20 7946 0018, 0049 30 901820
    rf"(?:\+|00)[1-9]\d{{0,13}}(?:{_GAP}?\(\d{{1,5}}\)\d{{0,12}})?(?:{_GAP}{{1,2}}\d{{1,12}}){{0,7}}",
    # 030/901820-0, 020 7946 0018, (0171) 123 45 67
    rf"(?:\(0\d{{2,5}}\)|0\d{{2,5}})(?:{_GAP}|\s/\s|(?<=\)))\s?\d{{2,9}}(?:{_GAP}\d{{1,9}}){{0,4}}",
    # 01 42 68 53 00
    r"(?<!\d[ .])0[1-9](?:([ .])\d\d)(?:\1\d\d){3}(?!\1\d)",
    # 02079460018
    r"0[1-9]\d{8,9}",
    # 555-010-0199, (555) 010-0199, 1-800-555-0199
    r"(?:1[ .-])?(?:\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}([-.])\d{3}\2\d{4}"
    r"|[2-9]\d{2} [2-9]\d{2}[ -]\d{4})",
)
_PHONE: Final = re.compile(
    rf"(?<![\w.,:/@#$€£+–-])(?:{'|'.join(_PHONES)})(?![\w%€$£]|[.,:/–-]\d|\s?(?:euros?|dollars?|pounds?)\b)"
)
# What every telephone number is, and most texts do not have.
_MAY_BE_PHONE: Final = re.compile(r"\d[\d\s().\u2010\u2011/–-]{3,}\d")
# Characters before and after it that say whether it is one.
_BEFORE: Final = 40
_AFTER: Final = 12
# A number that a word calls a telephone number may have any form.
_CALLED_PHONE: Final = re.compile(
    r"\b(?:tele(?:phone|fon)|tel|phone|fon|fax|mobile|mobil|handy|hotline|whatsapp|call us"
    r"|rufnummer)"
    r"(?: (?:number|no|nr|is|at|on|us|unter)\b)*[.:]{0,2}\s?"
    rf"(\(?\+?\d[\d()]*(?:{_GAP}{{1,3}}[\d()]+){{0,6}})",
    re.IGNORECASE,
)
_OTHER_NUMBER: Final = re.compile(
    r"(?:isbn|issn|doi|iban|isin|art|no|nr|nos|id|§|case|az)(?:-1[03])?[.:#]?\s?$", re.IGNORECASE
)
_PERIOD: Final = re.compile(r"(?:1[5-9]|20)\d\d\s?[-–/]\s?(?:1[5-9]|20)\d\d")
_DATE: Final = re.compile(r"(?:00)?\d{1,4}([-./ ])\d{1,2}\1\d{1,4}")
# Digits of a telephone number, by ITU-T E.164 (at most 15) and what is dialled within a town.
_DIGITS: Final = range(7, 16)
_CALLED_DIGITS: Final = range(5, 16)


def _emails(text: str) -> Iterator[list[Span]]:
    if "@" in text:
        yield from ([found.span()] for found in _EMAIL.finditer(text))
    if any(sign in text for sign in "([{") and _SIGNED_AT.search(text):
        yield from ([found.span(1), found.span(2)] for found in _HIDDEN_EMAIL.finditer(text))
    if " dot " in text or " DOT " in text:
        yield from ([found.span(1), found.span(2)] for found in _SPOKEN_EMAIL.finditer(text))


def _handles(text: str) -> Iterator[list[Span]]:
    if "@" in text:
        yield from ([found.span()] for found in _HANDLE.finditer(text))


def _phones(text: str) -> Iterator[list[Span]]:
    found: set[Span] = set()
    for near in _MAY_BE_PHONE.finditer(text):
        start, end = near.span()
        found.update(_phones_in(text, max(0, start - _BEFORE), end + _AFTER))
    yield from ([span] for span in _joined(sorted(found)))


def _joined(found: Sequence[Span]) -> Iterator[Span]:
    """Yield one span for each run of sorted spans that overlap.

    A number that is found by its form and by what it is called is one.
    """
    run: Span | None = None
    for start, end in found:
        if run is None or start >= run[1]:
            if run is not None:
                yield run
            run = start, end
        else:
            run = run[0], max(run[1], end)
    if run is not None:
        yield run


def _phones_in(text: str, first: int, last: int) -> Iterator[Span]:
    for found in _PHONE.finditer(text, first, last):
        start, end = found.span()
        before = text[max(0, start - 12) : start]
        is_other = _OTHER_NUMBER.search(before) or _DATE.fullmatch(found[0])
        if _digits(found[0]) in _DIGITS and not is_other:
            yield start, end
    for found in _CALLED_PHONE.finditer(text, first, last):
        number = found[1]
        is_other = _PERIOD.search(number) or _DATE.fullmatch(number)
        if _digits(number) in _CALLED_DIGITS and not is_other:
            yield found.span(1)


def _digits(number: str) -> int:
    return sum(one.isdigit() for one in number)


def _urls(text: str) -> Iterator[list[Span]]:
    if "://" in text or "www." in text or "WWW." in text:
        for found in _ADDRESS.finditer(text):
            address = found[0].rstrip(".,;:!?)’'")
            if spans := list(_tokens(address, found.start())):
                yield spans


def _tokens(address: str, at: int) -> Iterator[Span]:
    """Yield what may lead to a person: user name, values of the query, long ids."""
    authority = _AUTHORITY.match(address)
    assert authority is not None
    host, end = authority[1], authority.end()
    if "@" in host:
        start = authority.start(1)
        yield at + start, at + start + host.rindex("@")
    rest, _, fragment = address.partition("#")
    path, _, query = rest.partition("?")
    for start, stop in _ids(path[end:]):
        yield at + end + start, at + end + stop
    first = len(path) + 1
    yield from _values(query, at + first)
    first = len(rest) + 1
    if "=" in fragment:
        yield from _values(fragment, at + first)
    else:
        yield from ((at + first + start, at + first + stop) for start, stop in _ids(fragment))


def _values(query: str, at: int) -> Iterator[Span]:
    """Yield the values of `name=value&…`; of a query without names all of it."""
    for found in _PARAMETER.finditer(query):
        name, equals, value = found[0].partition("=")
        start = found.start() + len(name) + 1 if equals else found.start()
        if value or not equals:
            yield at + start, at + found.end()


def _ids(path: str) -> Iterator[Span]:
    for found in _UUID.finditer(path):
        yield found.span()
    for found in _LONG.finditer(path):
        digits = sum(one.isdigit() for one in found[0])
        # Words have no digits, and a date in a slug no letters around it.
        if digits >= 3 or (digits and not found[0].islower()):
            yield found.span()


_FINDERS: Final[Mapping[PersonalData, Callable[[str], Iterator[list[Span]]]]] = {
    PersonalData.URL: _urls,
    PersonalData.EMAIL: _emails,
    PersonalData.HANDLE: _handles,
    PersonalData.PHONE: _phones,
}


# What a text must have to hold any of the kind, in RE2's syntax: Arrow looks through a column of
# texts at about a gigabyte a second.
_SCREENS: Final = {
    PersonalData.URL: r"://|(?i:www)\.",
    PersonalData.EMAIL: r"@|[(\[{]\s?(?i:[aä]t)\s?[)\]}]| (?i:dot) ",
    PersonalData.HANDLE: "@",
    PersonalData.PHONE: r"\p{Nd}[\p{Nd}\s().\x{2010}\x{2011}/\x{2013}-]{3,}\p{Nd}",
}


class Masker:
    """Masks some kinds of personal data, and counts what it has masked."""

    def __init__(self, kinds: Sequence[PersonalData]) -> None:
        """Mask these kinds, always in the same order."""
        self._finders = [(kind, find) for kind, find in _FINDERS.items() if kind in kinds]
        self.counts: Counter[PersonalData] = Counter()
        self.screen = "|".join(_SCREENS[kind] for kind, _ in self._finders)
        """What every text that is masked fits, as RE2 reads it."""

    def mask(self, text: str) -> str:
        """Return `text`, of the same length, without personal data."""
        for kind, find in self._finders:
            found = list(find(text))
            if found:
                masked = _masked(text, [span for spans in found for span in spans])
                if masked != text:
                    self.counts[kind] += len(found)
                    text = masked
        return text

    def mask_json(self, text: str) -> str:
        """Return a JSON object with all texts in it masked; the names of its fields stay."""
        masked = self._mask_value(orjson.loads(text))
        return orjson.dumps(masked, option=orjson.OPT_SORT_KEYS).decode()

    def _mask_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, list):
            return [self._mask_value(one) for one in value]
        if isinstance(value, dict):
            return {name: self._mask_value(one) for name, one in value.items()}
        return value


def _masked(text: str, spans: Sequence[Span]) -> str:
    characters = list(text)
    for start, end in spans:
        stop = end
        # A mark that belongs to the last letter would join the letter that hides it.
        while stop < len(characters) and unicodedata.combining(characters[stop]):
            stop += 1
        for place in range(start, stop):
            one = characters[place]
            if one.isdigit():
                characters[place] = _DIGIT
            elif one.isalpha() or unicodedata.combining(one):
                characters[place] = _LETTER
    return "".join(characters)

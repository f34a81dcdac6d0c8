"""Which character set a page or a feed is in."""

import codecs
import re
from typing import Final

# Bytes at the beginning that may declare the character set or the language.
_BEGINNING: Final = 4096
_DECLARED: Final = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""")
_LANGUAGE: Final = re.compile(rb"""<html\b[^>]{0,1000}?\blang\s*=\s*["']?([A-Za-z]{2,3})\b""", re.I)
_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# What browsers take names for, where Python takes them literally: https://encoding.spec.whatwg.org
_LABELS: Final = {
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
}
# Their bytes are ASCII, and so UTF-8 as well.
_SEVEN_BITS: Final = ("iso-2022-", "iso2022_", "hz")
# Names that a page cannot mean: no character sets, or not those of the bytes that name them.
_NOT_MEANT: Final = ("utf-7", "utf7", "idna", "punycode", "unicode", "raw", "undefined")
_WIDE: Final = ("utf-16", "utf16", "utf-32", "utf32", "ucs-2")
# What browsers take for undeclared where the user's language is this one:
# https://html.spec.whatwg.org/multipage/parsing.html#determining-the-character-encoding
_OF_LANGUAGE: Final = {
    "ar": "cp1256", "be": "cp1251", "bg": "cp1251", "cs": "cp1250", "el": "iso-8859-7",
    "et": "cp1257", "fa": "cp1256", "he": "cp1255", "hr": "cp1250", "hu": "iso-8859-2",
    "ja": "cp932", "ko": "cp949", "ku": "cp1254", "ky": "cp1251", "lt": "cp1257",
    "lv": "cp1257", "mk": "cp1251", "pl": "iso-8859-2", "ru": "cp1251", "sk": "cp1250",
    "sl": "iso-8859-2", "sr": "cp1251", "tg": "cp1251", "th": "cp874", "tr": "cp1254",
    "tt": "cp1251", "uk": "cp1251", "vi": "cp1258", "zh": "gb18030",
}  # fmt: skip
# Languages of the Latin script have fewer of their letters beyond ASCII: Czech and Turkish, with
# the most, have about an eighth.
_MOST_BEYOND_ASCII: Final = 0.25
_ASCII_LETTER: Final = re.compile(rb"[A-Za-z]")
# As `surrogateescape` has bytes that are not UTF-8.
_BROKEN: Final = re.compile("[\udc80-\udcff]")
_NOT_ASCII: Final = re.compile("[^\x00-\x7f]")
_TAG: Final = re.compile(rb"<[^>]{0,2000}>")
_BEYOND_ASCII: Final = bytes(range(128, 256))
# Bytes that a guess looks at.
_SAMPLE: Final = 32 << 10


def decode(content: bytes, outside: str | None = None) -> str:
    """Return the text of a page or feed; every page has one, if with replaced characters.

    In this order: a byte order mark; UTF-8, if all bytes are; the character set named `outside`,
    such as in the HTTP header, then that which it declares; UTF-8, if a few bytes are not, which
    are then taken for cp1252; that of its language; cp1252, or for other scripts the guess of
    charset-normalizer.
    """
    for mark, name in _MARKS.items():
        if content.startswith(mark):
            return content[len(mark) :].decode(name, errors="replace")
    claims = (_known(one, content) for one in (outside, _declared(content)))
    named = [claim for claim in claims if claim is not None]
    seven_bits = [name for name in named if name.startswith(_SEVEN_BITS)]
    for name in [*seven_bits, "utf-8", *named]:
        if (text := _strictly(content, name)) is not None:
            return text
    if (text := _mixed(content)) is not None:
        return text
    return _guessed(content)


def _declared(content: bytes) -> str | None:
    found = _DECLARED.search(content, 0, _BEGINNING)
    return found[1].decode() if found else None


def _known(name: str | None, content: bytes) -> str | None:
    """Return Python's name of what a page means by `name`, or None where it cannot mean it."""
    label = (name or "").strip().lower()
    if not label or label.startswith(_NOT_MEANT):
        return None
    if label.startswith(_WIDE) and b"\0" not in content[:200]:
        return None
    return _LABELS.get(label, label)


def _strictly(content: bytes, name: str) -> str | None:
    try:
        return content.decode(name)
    except (LookupError, ValueError):
        return None


def _mixed(content: bytes) -> str | None:
    """Return UTF-8 with other bytes among it, or None where these are not the fewer ones."""
    text = content.decode(errors="surrogateescape")
    broken = len(_BROKEN.findall(text))
    good = len(_NOT_ASCII.findall(text)) - broken
    return _BROKEN.sub(_in_cp1252, text) if good > broken else None


def _in_cp1252(broken: "re.Match[str]") -> str:
    return broken[0].encode(errors="surrogateescape").decode("cp1252", errors="replace")


def _guessed(content: bytes) -> str:
    language = _LANGUAGE.search(content, 0, _BEGINNING)
    usual = _OF_LANGUAGE.get(language[1].decode().lower()) if language else None
    if usual and (text := _strictly(content, usual)) is not None:
        return text
    words = _TAG.sub(b"", content)
    beyond = len(words) - len(words.translate(None, _BEYOND_ASCII))
    letters = len(_ASCII_LETTER.findall(words)) + beyond
    if beyond <= _MOST_BEYOND_ASCII * letters and (text := _strictly(content, "cp1252")):
        return text
    from charset_normalizer import from_bytes

    best = from_bytes(words[:_SAMPLE]).best()
    if best is not None:
        return content.decode(best.encoding, errors="replace")
    return content.decode("cp1252", errors="replace")


def mended(text: str) -> str:
    """Return `text` with what was decoded wrongly before it came here put right.

    Such as `FÃ¼r` for `Für`, where a site stored its own pages in the wrong character set. Text
    without such marks stays as it is.
    """
    if text.isascii():
        return text
    import ftfy
    from ftfy.badness import is_bad

    return ftfy.fix_encoding(text) if is_bad(text) else text

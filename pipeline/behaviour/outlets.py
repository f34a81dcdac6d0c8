"""Where an article names the outlet that published it: in its lead, its byline, its headline."""

import re
from collections.abc import Iterator
from typing import Final

from pipeline.groups import outlet_key
from pipeline.mentions import Span

_TOKEN: Final = re.compile(r"[\w&]+(?:[.'’-][\w&]+)*")
# What a line of a byline has at most: "By Ilka Brandt, political correspondent of the Herald".
BYLINE_WORDS: Final = 12
_SENTENCE_END: Final = re.compile(r"[.!?:;][\"'”’)*]*\s*\Z")
# No name goes on behind brackets, commas or a dash with blanks around it.
_BREAK: Final = re.compile(r"[^\w\s&.'’-]|\s-\s|\n")
_BRACKETS: Final = {"(": ")", "[": "]"}
_SEPARATOR_BEFORE: Final = re.compile(r"\s+[|–—/-]\s*\Z")
_SEPARATOR_AFTER: Final = re.compile(r"\s*[|–—/-]\s+")
_BYLINE: Final = re.compile(r"\W*(?:by|from|reporting|source|copyright)\b|\s*©", re.IGNORECASE)
_ARTICLE_BEFORE: Final = re.compile(r"\b[Tt]he\s+\Z")


def places_of(text: str, outlet: str) -> Iterator[Span]:
    """Yield what has to go for the text not to name the outlet, in order and not overlapping.

    That is the name in any of its spellings, with brackets or dash around it, or the line where it
    is a byline. A name in lower case counts only as a web address.
    """
    done = 0
    for start, end in list(_names(text, outlet)):
        start, end = _byline(text, start, end) or _with_marks(text, start, end)
        if start >= done:
            yield start, end
            done = end


def _names(text: str, outlet: str) -> Iterator[Span]:
    """Yield where the outlet is named, the longest spelling at each place."""
    key = outlet_key(outlet)
    if not key:
        return
    tokens = [token.span() for token in _TOKEN.finditer(text)]
    longest = len(_TOKEN.findall(outlet)) + 1
    at = 0
    while at < len(tokens):
        for count in range(min(longest, len(tokens) - at), 0, -1):
            start, end = tokens[at][0], tokens[at + count - 1][1]
            if _is_name(text[start:end], key):
                yield start, end
                at += count - 1
                break
        at += 1


def _is_name(words: str, key: str) -> bool:
    if _BREAK.search(words) or not (words[0].isupper() or "." in words):
        return False
    # The key's own letters are looked for first, for they are in nearly no place.
    return key[:4] in re.sub(r"[\W_]+", "", words.casefold()) and outlet_key(words) == key


def _byline(text: str, start: int, end: int) -> Span | None:
    """Return the line in which the name stands where it is a byline; None in running text."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    line = text[first:] if last < 0 else text[first:last]
    is_all = first == 0 and last < 0  # a headline, or a text of one line
    if is_all or len(line.split()) > BYLINE_WORDS or _SENTENCE_END.search(line):
        return None
    is_at_an_end = not text[first:start].strip() or not text[end : first + len(line)].strip()
    if not is_at_an_end and not _BYLINE.match(line):
        return None
    return (first, len(text)) if last < 0 else (first, last + 1)


def _with_marks(text: str, start: int, end: int) -> Span:
    """Take brackets, a dash or a bar that set the name off along with it, and a blank."""
    if article := _ARTICLE_BEFORE.search(text, 0, start):
        start = article.start()
    if start and end < len(text) and _BRACKETS.get(text[start - 1]) == text[end]:
        start, end = start - 1, end + 1
    elif (mark := _SEPARATOR_BEFORE.search(text, 0, start)) and text[end : end + 1] in ("", "\n"):
        start = mark.start()
    elif (start == 0 or text[start - 1] == "\n") and (mark := _SEPARATOR_AFTER.match(text, end)):
        return start, mark.end()
    if start and text[start - 1] == " ":
        start -= 1
    return start, end

"""Mentions by a part of a name: "Obama" where the target is called "Barack Obama"."""

import functools
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from pipeline.features.ngrams import SOURCE, TARGET
from pipeline.features.texts import Asked, Texts

_LETTER: Final = r"[^\W_]"
_WORD: Final = re.compile(_LETTER + "+")
# Shorter words of a name ("of", "the") stand everywhere; abbreviations are kept at any length.
_LONG: Final = 4
# How far an ending may differ: "Democratic" and "Democrats", "Iran" and "Iranian".
_ENDING: Final = 3
_FEWEST_INITIALS: Final = 3

_Span = tuple[int, int]


def with_partial_mentions(texts: Texts, asked: Asked) -> Asked:
    """Return `asked` with the words of names as further mentions, in bodies.

    The words of a name count that have four letters or more, or none in lower case, and that the
    other party's name does not have; so do its initials. A word of the text is one of them if it
    begins alike and differs in the last letters at most; one that is written with a capital in the
    name has one in the text. What is part of a mention already is passed over.
    """
    if not asked.parties:
        return asked
    rows: list[tuple[int, int, int]] = []
    bounds = [0]
    read, text = -1, ""
    for example, at in enumerate(asked.text_of.tolist()):
        if at != read:
            read, text = at, texts.text(at)
        first, last = asked.bounds[example : example + 2]
        spans = asked.mentions[first:last].tolist()
        known = [
            (start, end, role)
            for (start, end), role in zip(spans, asked.roles[first:last].tolist(), strict=True)
        ]
        target, source = asked.parties[example]
        for name, other, role in ((target, source, TARGET), (source, target, SOURCE)):
            pattern = _pattern(name, other or "") if name else None
            if pattern is not None:
                found = (match.span() for match in pattern.finditer(text, int(texts.body[at])))
                taken = sorted((start, end) for start, end, _ in known)
                known += [(start, end, role) for start, end in _apart(found, taken)]
        rows += sorted(known)
        bounds.append(len(rows))
    table = np.array(rows, np.int32).reshape(-1, 3)
    return Asked(
        asked.text_of,
        np.array(bounds, np.int64),
        np.ascontiguousarray(table[:, :2]),
        np.ascontiguousarray(table[:, 2]).astype(np.int8),
        asked.parties,
    )


def _apart(spans: Iterator[_Span], taken: Sequence[_Span]) -> Iterator[_Span]:
    """Yield those of `spans` that overlap none of `taken`, which are sorted and apart."""
    for start, end in spans:
        before = bisect_left(taken, (end, 0)) - 1  # the last that begins before this one ends
        if before < 0 or taken[before][1] <= start:
            yield start, end


@functools.lru_cache(maxsize=4096)
def _pattern(name: str, other: str) -> re.Pattern[str] | None:
    """Match what stands for `name` beside `other`: neighbouring words are one match."""
    spoken = _WORD.findall(name)
    others = {word.lower() for word in _WORD.findall(other)}
    choices = [
        _alike(word)
        for word in spoken
        if word.lower() not in others and (len(word) >= _LONG or word == word.upper())
    ]
    initials = "".join(word[0] for word in spoken if word[0].isupper())
    if len(initials) >= _FEWEST_INITIALS:
        choices.append(re.escape(initials))
    if not choices:
        return None
    word = rf"(?<!{_LETTER})(?:{'|'.join(choices)})(?!{_LETTER})"
    return re.compile(rf"{word}(?:[\W_]{word})*")


def _alike(part: str) -> str:
    """Return the pattern of the words that are taken for the word `part` of a name."""
    if len(part) < _LONG:
        return re.escape(part)
    stem = part[: max(_LONG, len(part) - _ENDING + 1)]
    ending = len(part) + _ENDING - len(stem)
    rest = rf"(?i:{re.escape(stem[1:])}){_LETTER}{{0,{ending}}}"
    first = re.escape(stem[0]) if stem[0].isupper() else rf"(?i:{re.escape(stem[0])})"
    return first + rest

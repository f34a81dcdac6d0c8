"""Mentions by a part of a name: "Obama" where the target is called "Barack Obama"."""

import re
from collections.abc import Iterator
from typing import Final

import numpy as np

from pipeline.features.ngrams import SOURCE, TARGET
from pipeline.features.texts import Asked, Texts, names_of_pair

_WORD: Final = re.compile(r"[^\W_]+")
# Shorter words of a name ("of", "the") stand everywhere; abbreviations are kept at any length.
_LONG: Final = 4
# How an ending may differ: "Democratic" and "Democrats", "Iran" and "Iranian".
_ENDING: Final = 3
_FEWEST_INITIALS: Final = 3


def with_partial_mentions(texts: Texts, asked: Asked) -> Asked:
    """Return `asked` with mentions by parts of a name where the whole name stands nowhere.

    The words of a name count that have four letters or more, or none in lower case, and that the
    other party's name does not have; so do its initials. A word of the text is one of them if it
    begins alike and differs in the last three letters at most; one that is written with a capital
    in the name has one in the text. Only bodies are searched. About 20,000 sentences a second.
    """
    if not asked.names:
        return asked
    bodies: dict[int, list[re.Match[str]]] = {}
    rows: list[tuple[int, int, int]] = []
    bounds = [0]
    for example, text in enumerate(asked.text_of.tolist()):
        first, last = asked.bounds[example : example + 2]
        known = [
            (int(start), int(end), int(role))
            for (start, end), role in zip(
                asked.mentions[first:last], asked.roles[first:last], strict=True
            )
        ]
        if text not in bodies:
            bodies[text] = list(_WORD.finditer(_text(texts, text), int(texts.body[text])))
        source, target = names_of_pair(asked.names[example])
        for name, other, role in ((target, source, TARGET), (source, target, SOURCE)):
            if name and all(role != there for _, _, there in known):
                known += [
                    (start, end, role)
                    for start, end in _parts(bodies[text], name, other or "")
                    if all(end <= begun or ended <= start for begun, ended, _ in known)
                ]
        rows += sorted(known)
        bounds.append(len(rows))
    table = np.array(rows, np.int32).reshape(-1, 3)
    return Asked(
        asked.text_of,
        np.array(bounds, np.int64),
        np.ascontiguousarray(table[:, :2]),
        np.ascontiguousarray(table[:, 2]).astype(np.int8),
        asked.names,
    )


def _text(texts: Texts, text: int) -> str:
    return texts.buffer[texts.offsets[text] : texts.offsets[text + 1]].tobytes().decode()


def _parts(words: list[re.Match[str]], name: str, other: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the words that are parts of `name`; neighbours are one span."""
    spoken = _WORD.findall(name)
    others = {word.lower() for word in _WORD.findall(other)}
    wanted = [
        word
        for word in spoken
        if word.lower() not in others and (len(word) >= _LONG or word == word.upper())
    ]
    initials = "".join(word[0] for word in spoken if word[0].isupper())
    start = end = -1
    for word in words:
        found = word.group()
        if not (
            any(_alike(found, part) for part in wanted)
            or (found == initials and len(initials) >= _FEWEST_INITIALS)
        ):
            continue
        if start >= 0 and word.start() == end + 1:
            end = word.end()
            continue
        if start >= 0:
            yield start, end
        start, end = word.span()
    if start >= 0:
        yield start, end


def _alike(word: str, part: str) -> bool:
    if part[0].isupper() and not word[0].isupper():
        return False
    if len(part) < _LONG:
        return word == part
    stem = max(_LONG, len(part) - _ENDING + 1)
    return (
        len(word) <= len(part) + _ENDING
        and len(word) >= stem
        and word[:stem].lower() == part[:stem].lower()
    )

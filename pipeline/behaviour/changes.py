"""What a test does to a text or to the question."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final, TypeAlias

import numpy as np

from pipeline.behaviour import outlets
from pipeline.behaviour.passages import (
    Edit,
    EditsOf,
    Passage,
    Targets,
    edited,
    overlaps,
    rewritten,
)
from pipeline.behaviour.suite import (
    Alias,
    Change,
    OtherTarget,
    Quotes,
    RemoveOutlet,
    Replace,
    SwapAmong,
    Typos,
    UpperHeadline,
)
from pipeline.mentions import MentionFinder, Span

_WORD: Final = re.compile(r"[^\W\d_]{4,}")
_STRAIGHT: Final = {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'"}
_OPENED_AFTER: Final = "([{–—-/“‘\"'"


class LeftOut(StrEnum):
    """Why a change of a text makes no case."""

    UNCHANGED = "unchanged"
    NO_OTHER = "no other target named"
    LOST = "target no longer found"


Changing: TypeAlias = Callable[[Passage], Passage | LeftOut]


def changing(change: Change, targets: Targets) -> Changing:
    """Return what does `change` to a passage, or says why there is nothing to compare.

    The same passage is always changed in the same way.
    """
    change_it = _change_of(change, targets)

    def checked(passage: Passage) -> Passage | LeftOut:
        changed = change_it(passage)
        if isinstance(changed, LeftOut):
            return changed
        if changed == passage or not changed.text.strip():
            return LeftOut.UNCHANGED
        return _as_found(passage, changed, targets)

    return checked


def _change_of(change: Change, targets: Targets) -> Changing:
    match change:
        case Typos():
            return lambda passage: _misspelt(passage, change.share, targets)
        case Replace():
            return _editing(_replacing(change.words), targets)
        case SwapAmong():
            after = [*change.names[1:], change.names[0]]
            return _editing(_replacing(dict(zip(change.names, after, strict=True))), targets)
        case Quotes():
            return _editing(_straight if change.to == "straight" else _curly, targets)
        case RemoveOutlet():
            return lambda passage: _without_outlet(passage, targets)
        case Alias():
            return lambda passage: _renamed(passage, targets)
        case OtherTarget():
            return lambda passage: _asked_of_another(passage, change.to, targets)
        case UpperHeadline():
            return lambda passage: replace(passage, title=passage.title and passage.title.upper())


def _editing(edits_of: EditsOf, targets: Targets) -> Changing:
    return lambda passage: edited(passage, edits_of, targets)


def _as_found(before: Passage, after: Passage, targets: Targets) -> Passage | LeftOut:
    """Return the changed passage with the mentions that prediction finds in it.

    Where they were not found by their words before, but marked by their place, they stay as moved.
    """
    if before.target is None or after.target is None:
        return after
    if targets.mentions(before.text, before.target) != before.mentions:
        return after
    found = targets.mentions(after.text, after.target)
    return replace(after, mentions=found) if found else LeftOut.LOST


def _misspelt(passage: Passage, share: float, targets: Targets) -> Passage:
    # One word of each headline, which is what "one at least" would come to, is no small share.
    body = edited(
        replace(passage, title=None), lambda text, kept: _typos(text, kept, share), targets
    )
    return replace(body, title=passage.title)


def _typos(text: str, kept: Sequence[Span], share: float) -> Iterator[Edit]:
    words = [
        places
        for word in _WORD.finditer(text)
        if not overlaps(word.span(), kept) and (places := _exchangeable(text, *word.span()))
    ]
    if not words:
        return
    draw = np.random.default_rng(list(hashlib.sha256(text.encode()).digest()))
    count = max(1, round(share * len(words)))
    for chosen in draw.choice(len(words), count, replace=False).tolist():
        place = int(draw.choice(words[chosen]))
        yield Edit(place, place + 2, text[place + 1] + text[place])


def _exchangeable(text: str, start: int, end: int) -> list[int]:
    """Return where a letter of the word differs from the next one; the first is left alone."""
    return [place for place in range(start + 1, end - 1) if text[place] != text[place + 1]]


def _replacing(words: Mapping[str, str]) -> EditsOf:
    finder = MentionFinder({old: [old] for old in words})

    def edits_of(text: str, _: Sequence[Span]) -> Iterator[Edit]:
        for old, spans in finder.find(text).items():
            for start, end in spans:
                yield Edit(start, end, _cased(words[old], old, text[start]))

    return edits_of


def _cased(new: str, old: str, first: str) -> str:
    """Begin with a capital where the text has one and the wording that was looked for has none."""
    return new[0].upper() + new[1:] if first.isupper() and old[0].islower() else new


def _straight(text: str, _: Sequence[Span]) -> Iterator[Edit]:
    for place, character in enumerate(text):
        if character in _STRAIGHT:
            yield Edit(place, place + 1, _STRAIGHT[character])


def _curly(text: str, _: Sequence[Span]) -> Iterator[Edit]:
    for place, character in enumerate(text):
        if character in "\"'":
            opens = not place or text[place - 1].isspace() or text[place - 1] in _OPENED_AFTER
            pair = "“”" if character == '"' else "‘’"
            yield Edit(place, place + 1, pair[0] if opens else pair[1])


def _without_outlet(passage: Passage, targets: Targets) -> Passage:
    if passage.outlet is None:
        return passage
    outlet = passage.outlet

    def edits_of(text: str, _: Sequence[Span]) -> Iterator[Edit]:
        for start, end in outlets.places_of(text, outlet):
            yield Edit(start, end, "")

    return edited(passage, edits_of, targets)


def _renamed(passage: Passage, targets: Targets) -> Passage:
    """Return the passage with each wording of its target exchanged for the next one."""
    wordings = targets.wordings.get(passage.target or "", [])
    if passage.target is None or len(wordings) < 2:
        return passage
    after = dict(zip(wordings, [*wordings[1:], wordings[0]], strict=True))
    finder = MentionFinder({wording: [wording] for wording in wordings})

    def edits(text: str, mentions: Sequence[Span]) -> list[Edit]:
        return [
            Edit(
                start,
                end,
                _cased(_with_article(after[found], found, text[:start]), found, text[start]),
            )
            for start, end in mentions
            if (found := next(iter(finder.find(text[start:end])), None)) is not None
        ]

    title = passage.title or ""
    return rewritten(
        passage,
        edits(title, targets.mentions(title, passage.target)),
        edits(passage.text, passage.mentions),
    )


def _with_article(new: str, old: str, before: str) -> str:
    """Let there be one article where the one wording has its own and the other has none."""
    if new.lower().startswith("the "):
        return new[4:] if before.lower().endswith("the ") else new
    return f"the {new}" if old.lower().startswith("the ") else new


def _asked_of_another(passage: Passage, to: str | None, targets: Targets) -> Passage | LeftOut:
    if to is not None:
        other = targets.about(passage.text, to)
        if not other.mentions or other.target == passage.target:
            return LeftOut.NO_OTHER
        return _about(passage, other.target, other.mentions)
    named = targets.named(passage.text)
    others = sorted(set(named) - {passage.target})
    if not others:
        return LeftOut.NO_OTHER
    # The next one in their order, so that no target is everyone's other one.
    other_id = next((each for each in others if each > (passage.target or "")), others[0])
    return _about(passage, other_id, tuple(named[other_id]))


def _about(passage: Passage, target: str | None, mentions: tuple[Span, ...]) -> Passage:
    return replace(
        passage, target=target, mentions=mentions, source_entity=None, source_mentions=()
    )

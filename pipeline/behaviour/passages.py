"""A text and what is asked of it; edits to it that keep the places of its mentions right."""

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from pipeline.codebook import Codebook
from pipeline.mentions import MentionFinder, Span


@dataclass(frozen=True)
class Passage:
    """What a model is asked about once."""

    title: str | None
    text: str
    target: str | None = None  # None for tasks that are asked of the whole article
    mentions: tuple[Span, ...] = ()  # of the target, in the text
    source_entity: str | None = None
    source_mentions: tuple[Span, ...] = ()
    outlet: str | None = None

    @property
    def whole(self) -> str:
        """The headline, a blank line, and the text."""
        return f"{self.title}\n\n{self.text}" if self.title else self.text


class Targets:
    """The codebook's targets, and where texts name them."""

    def __init__(self, codebook: Codebook) -> None:
        """Take the targets of `codebook`."""
        self.wordings = {target.id: target.wordings for target in codebook.targets}
        self._id_of = codebook.target_id
        self._finder = functools.cache(self._new_finder)

    def _new_finder(self, further: str | None) -> MentionFinder:
        # A target that the codebook does not have is found as it is written.
        own = {} if further is None else {further: [further]}
        return MentionFinder({**self.wordings, **own})

    def about(self, text: str, target: str | None) -> Passage:
        """Return `text` asked about `target`, an id or a wording."""
        if target is None:
            return Passage(None, text)
        known = self._id_of(target)
        return Passage(None, text, known, self.mentions(text, known))

    def mentions(self, text: str, target: str) -> tuple[Span, ...]:
        """Return where `text` names the target with this id."""
        return tuple(self.named(text, target).get(target, ()))

    def named(self, text: str, target: str | None = None) -> dict[str, list[Span]]:
        """Return where `text` names targets of the codebook, and `target` if it is not of it."""
        return self._finder(None if target in self.wordings else target).find(text)


@dataclass(frozen=True)
class Edit:
    """Other words in the place of some."""

    start: int
    end: int
    text: str


# From a text, and the spans in it that must stay as they are, to what is edited.
EditsOf: TypeAlias = Callable[[str, Sequence[Span]], Iterable[Edit]]


def edited(passage: Passage, edits_of: EditsOf, targets: Targets) -> Passage:
    """Return the passage with headline and text edited, but for the names of targets."""
    names = _spans(targets, passage.text, passage.target)
    text = _allowed(passage.text, edits_of, [*names, *passage.mentions, *passage.source_mentions])
    headline = passage.title or ""
    title = _allowed(headline, edits_of, _spans(targets, headline, passage.target))
    return rewritten(passage, title, text)


def rewritten(passage: Passage, title: Sequence[Edit], text: Sequence[Edit]) -> Passage:
    """Return the passage after edits that each replace whole mentions, or touch none."""
    return replace(
        passage,
        title=_applied(passage.title or "", title).strip() or None if title else passage.title,
        text=_applied(passage.text, text),
        mentions=tuple(_moved(span, text) for span in passage.mentions),
        source_mentions=tuple(_moved(span, text) for span in passage.source_mentions),
    )


def overlaps(span: Span, others: Iterable[Span]) -> bool:
    """Tell whether `span` has a character in common with one of `others`."""
    return any(span[0] < end and start < span[1] for start, end in others)


def _spans(targets: Targets, text: str, target: str | None) -> list[Span]:
    return [span for spans in targets.named(text, target).values() for span in spans]


def _allowed(text: str, edits_of: EditsOf, kept: Sequence[Span]) -> list[Edit]:
    edits = sorted(edits_of(text, kept), key=lambda edit: edit.start)
    return [edit for edit in edits if not overlaps((edit.start, edit.end), kept)]


def _applied(text: str, edits: Sequence[Edit]) -> str:
    parts, done = [], 0
    for edit in edits:
        parts += [text[done : edit.start], edit.text]
        done = edit.end
    return "".join([*parts, text[done:]])


def _moved(span: Span, edits: Sequence[Edit]) -> Span:
    start, end = span
    shift = sum(len(e.text) - (e.end - e.start) for e in edits if e.end <= start)
    for edit in edits:
        if (edit.start, edit.end) == span:
            return start + shift, start + shift + len(edit.text)
    return start + shift, end + shift

"""Pieces that were set apart from a text: put in again, and places before and after."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias

Span: TypeAlias = tuple[int, int]


class Piece(NamedTuple):
    """What a rule set apart; as in the column `set_apart` of records.ARTICLES."""

    rule: str
    start: int
    """Its first character in the whole text."""
    text: str
    """All that was taken out there, with the white space that stood between it and the body."""


def pieces_of(value: Iterable[Mapping[str, Any]] | None) -> list[Piece]:
    """Return the pieces in one value of the column `set_apart`; none where it is null."""
    return [Piece(one["rule"], one["start"], one["text"]) for one in value or ()]


def cut_out(whole: str, spans: Iterable[tuple[str, int, int]]) -> tuple[str, list[Piece]]:
    """Return `whole` without the spans (rule, start, end), which do not overlap, and the pieces."""
    kept, pieces, at = [], [], 0
    for rule, start, end in sorted(spans, key=lambda span: span[1]):
        kept.append(whole[at:start])
        pieces.append(Piece(rule, start, whole[start:end]))
        at = end
    kept.append(whole[at:])
    return "".join(kept), pieces


def put_together(body: str, pieces: Sequence[Piece]) -> str:
    """Return the whole text that `cut_out` took the pieces out of."""
    parts, taken, at = [], 0, 0
    for piece in pieces:
        kept = piece.start - at
        parts += [body[taken : taken + kept], piece.text]
        taken += kept
        at = piece.start + len(piece.text)
    parts.append(body[taken:])
    return "".join(parts)


def in_whole(spans: Sequence[Span], pieces: Sequence[Piece]) -> list[Span]:
    """Return where spans of the body stand in the whole text.

    A span that runs over the place of a piece holds the piece.
    """
    if not pieces:
        return list(spans)
    before = [0, *accumulate(len(piece.text) for piece in pieces)]
    # Where in the body each piece was taken out.
    places = [piece.start - taken for piece, taken in zip(pieces, before, strict=False)]
    return [
        (
            start + before[bisect_right(places, start)],
            end + before[bisect_left(places, end)],
        )
        for start, end in spans
    ]


def in_body(span: Span, pieces: Sequence[Piece]) -> Span | None:
    """Return where a span of the whole text stands in the body; None where a piece touches it."""
    start, end = span
    taken = 0
    for piece in pieces:
        stop = piece.start + len(piece.text)
        if stop <= start:
            taken += len(piece.text)
        elif piece.start < end:
            return None
    return start - taken, end - taken

"""Find the lines of a text that are no part of its body, and set them apart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.preparation.pieces import Piece, cut_out
from pipeline.preparation.rules import BoilerplateRule, Stands, Takes
from pipeline.preparation.screen import bit_of, screen_for, suspects

# Lines at the beginning and at the end, not counting those that are set apart.
_NEAR: Final = 5
# Characters of the longest line that is taken for a headline; it does not end as a sentence.
_HEADLINE: Final = 200
_SENTENCE_ENDS: Final = (".", "!", "?", "”", '"', "“", "…", ":")
_BULLETS: Final = ("- ", "* ", "• ", "– ", "· ")


class _Line(NamedTuple):
    start: int
    end: int
    text: str
    repeats: bool
    """Whether a line before it has the same text."""


@dataclass
class _Found:
    """What is set apart of a line: all of it, or its beginning and ending."""

    whole: str | None = None
    beginning: tuple[str, int] | None = None
    ending: tuple[str, int] | None = None


class BoilerplateFinder:
    """Finds what rules describe, in text after text."""

    def __init__(self, rules: Mapping[str, BoilerplateRule]) -> None:
        """Compile the rules, which are tried in their order."""
        self._rules = list(rules.items())
        self._screen = screen_for(rules)
        self._by_mask: dict[int, list[tuple[str, BoilerplateRule]]] = {}
        self._first = [
            (name, rule)
            for name, rule in self._rules
            if rule.stands is Stands.FIRST and not rule.words and not rule.opens
        ]
        self._head = max((rule.longest for _, rule in self._first), default=0)

    def set_apart(self, texts: pa.Array) -> dict[int, tuple[str, list[Piece]]]:
        """Return, of the tidy texts with boilerplate, the body and the pieces, by row.

        The body is tidy as well. A text that would be nothing but boilerplate stays whole. Most
        texts are passed over by a compiled screen; `texts` is of large_string without nulls.
        """
        first = set(self._rows_with_first(texts))
        bits: dict[int, dict[int, int]] = {row: {} for row in first}
        found = suspects(texts, self._screen)
        for row, line, mask in zip(*(column.tolist() for column in found), strict=True):
            bits.setdefault(row, {})[line] = mask
        results = {}
        for row in sorted(bits):
            text = texts[row].as_py()
            if row in first or self._fits(text, bits[row]):
                body, pieces = self._searched(text, bits[row])
                if pieces:
                    results[row] = body, pieces
        return results

    def _rows_with_first(self, texts: pa.Array) -> list[int]:
        """Return the texts whose first line fits a rule that needs no screen."""
        if not self._first:
            return []
        heads = pc.utf8_slice_codeunits(texts, 0, _HEADLINE + 2 + self._head).to_pylist()
        return [
            row
            for row, head in enumerate(heads)
            if any(
                rule.found_in(line)
                for line in _openings([line for line in head.split("\n", 3) if line])
                for _, rule in self._first
            )
        ]

    def _fits(self, text: str, bits: Mapping[int, int]) -> bool:
        """Tell whether a rule fits one of the lines, wherever the line stands."""
        lines = text.split("\n")
        return any(
            rule.pattern is None or rule.found_in(lines[number])
            for number, mask in bits.items()
            for _, rule in self._rules_in(mask)
        )

    def _rules_in(self, mask: int) -> list[tuple[str, BoilerplateRule]]:
        """Return the rules whose bits are in `mask`."""
        if mask not in self._by_mask:
            self._by_mask[mask] = [
                named for at, named in enumerate(self._rules) if mask & bit_of(at)
            ]
        return self._by_mask[mask]

    def _searched(self, text: str, bits: Mapping[int, int]) -> tuple[str, list[Piece]]:
        lines, numbers = _lines(text)
        doubts = {place: bits[number] for place, number in enumerate(numbers) if number in bits}
        found: dict[int, _Found] = {}
        for place, mask in doubts.items():
            self._try(place, lines, mask, (Stands.ANYWHERE,), found)
        for stands, order in (
            ((Stands.BEGINNING, Stands.EDGES), range(len(lines))),
            ((Stands.END, Stands.EDGES), range(len(lines) - 1, -1, -1)),
        ):
            near = _NEAR
            for place in order:
                if near > 0 and place in doubts and not _is_gone(found, place):
                    self._try(place, lines, doubts[place], stands, found)
                near -= not _is_gone(found, place)
        kept = [place for place in range(len(lines)) if not _is_gone(found, place)]
        if not kept:
            return text, []
        for place in kept[: len(_openings([lines[place].text for place in kept[:2]]))]:
            self._try_first(place, lines, doubts.get(place, 0), found)
        if all(_is_gone(found, place) for place in kept):
            return text, []
        return cut_out(text, _spans(lines, found))

    def _try(
        self,
        place: int,
        lines: list[_Line],
        mask: int,
        stands: tuple[Stands, ...],
        found: dict[int, _Found],
    ) -> None:
        """Note what the rules whose bits are in `mask` find in a line."""
        for name, rule in self._rules_in(mask):
            if rule.stands in stands:
                _note(name, rule, place, lines, found)
                if _is_gone(found, place):
                    return

    def _try_first(
        self, place: int, lines: list[_Line], mask: int, found: dict[int, _Found]
    ) -> None:
        worded = [named for named in self._rules_in(mask) if named[1].stands is Stands.FIRST]
        for name, rule in [*self._first, *worded]:
            _note(name, rule, place, lines, found)


def _openings(lines: list[str]) -> list[str]:
    """Return the line that opens a text, and the next one too where the first is a headline."""
    is_headline = lines and len(lines[0]) <= _HEADLINE and not lines[0].endswith(_SENTENCE_ENDS)
    return lines[:2] if is_headline else lines[:1]


def _lines(text: str) -> tuple[list[_Line], list[int]]:
    """Return the lines that are not blank, and their numbers among all."""
    lines, numbers, start = [], [], 0
    seen: set[str] = set()
    for number, line in enumerate(text.split("\n")):
        if line:
            lines.append(_Line(start, start + len(line), line, line in seen))
            numbers.append(number)
            seen.add(line)
        start += len(line) + 1
    return lines, numbers


def _is_gone(found: Mapping[int, _Found], place: int) -> bool:
    return place in found and found[place].whole is not None


def _note(
    name: str, rule: BoilerplateRule, place: int, lines: list[_Line], found: dict[int, _Found]
) -> None:
    line = lines[place].text
    if rule.pattern is None:
        # The screen compares hashes; here it is certain.
        if lines[place].repeats:
            found[place] = _Found(whole=name)
        return
    span = rule.found_in(line)
    if span is None:
        return
    start, end = span
    if rule.takes is Takes.LINE or not (line[:start] + line[end:]).strip():
        found[place] = _Found(whole=name)
        if rule.list_follows:
            for further in _list_after(place, lines):
                found[further] = _Found(whole=name)
        return
    mine = found.setdefault(place, _Found())
    if rule.takes is Takes.BEGINNING:
        end += len(line[end:]) - len(line[end:].lstrip(" "))
        mine.beginning = mine.beginning or (name, end)
    else:
        start = len(line[:start].rstrip(" "))
        mine.ending = mine.ending or (name, start)
    if mine.beginning and mine.ending and mine.beginning[1] >= mine.ending[1]:
        found[place] = _Found(whole=name)


def _list_after(place: int, lines: list[_Line]) -> Iterator[int]:
    for further in range(place + 1, len(lines)):
        if not lines[further].text.startswith(_BULLETS):
            return
        yield further


def _spans(lines: list[_Line], found: Mapping[int, _Found]) -> Iterator[tuple[str, int, int]]:
    """Yield (rule, start, end) of what is cut out, so that what stays is tidy.

    Of the line ends around lines that go, the longest stays.
    """
    kept = [place for place in range(len(lines)) if not _is_gone(found, place)]
    for before, after in zip([-1, *kept], [*kept, len(lines)], strict=True):
        yield from _run(lines, before, after, found)
    for place in kept:
        line = lines[place]
        parts = found.get(place, _Found())
        if parts.beginning:
            yield parts.beginning[0], line.start, line.start + parts.beginning[1]
        if parts.ending:
            yield parts.ending[0], line.start + parts.ending[1], line.end


def _run(
    lines: list[_Line], before: int, after: int, found: Mapping[int, _Found]
) -> Iterator[tuple[str, int, int]]:
    """Yield the lines between two that stay; -1 and the number of lines stand for the ends."""
    gone = range(before + 1, after)
    if before < 0:
        stays = before
    elif after == len(lines):
        stays = after - 1
    else:
        ends = [lines[place + 1].start - lines[place].end for place in range(before, after)]
        stays = before + ends.index(max(ends))
    for place in gone:
        name = found[place].whole
        assert name is not None
        if place <= stays:
            yield name, lines[place - 1].end, lines[place].end
        else:
            yield name, lines[place].start, lines[place + 1].start

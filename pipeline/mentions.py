"""Find where texts name the targets: literally, at word boundaries."""

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.codebook import Target

# Start (inclusive) and end (exclusive), in characters.
Span: TypeAlias = tuple[int, int]

APOSTROPHES: Final = "'’‘ʼ"
HYPHENS: Final = "-‐‑"
# RE2 gives up its fast automaton for patterns that are much longer.
SCREEN_LENGTH: Final = 10_000
# The screen may let too much through, so it need not know the end of a long wording.
SCREENED_CHARACTERS: Final = 40
ROWS_AT_ONCE: Final = 4096
# No character from here on has case (Unicode 16).
CASELESS_FROM: Final = 0x1F000


class MentionFinder:
    """Finds the wordings of many targets in one pass.

    A wording is taken literally, with a boundary on each side: the neighbouring character is no
    letter, digit or underscore. A wording without any lower-case letter is found in exactly that
    case, the others in any. White space, apostrophes and hyphens match all of their kind.
    """

    def __init__(self, wordings: Mapping[str, Sequence[str]]) -> None:
        """Take each target's wordings, by its id. A wording of two targets is the first one's."""
        self._owners: dict[_Wording, str] = {}
        for target, texts in wordings.items():
            for wording in map(_wording, texts):
                if wording.text:
                    self._owners.setdefault(wording, target)
        longest_first = sorted(self._owners, key=lambda wording: (-len(wording.text), wording))
        self._pattern = _pattern(longest_first) if longest_first else None
        self._screens = list(_screens(longest_first))

    def find(self, text: str) -> dict[str, list[Span]]:
        """Return the spans of each target that `text` names, in order and not overlapping.

        Where wordings overlap, of one target or of two, the longest one is the mention.
        """
        spans: dict[str, list[Span]] = {}
        for start, end in _without_overlaps(list(self._candidates(text))):
            spans.setdefault(self._owner(text[start:end]), []).append((start, end))
        return spans

    def find_in(
        self, texts: pa.Array | pa.ChunkedArray
    ) -> Iterator[tuple[int, dict[str, list[Span]]]]:
        """Yield (row, spans by target) of each text that names a target; a null names none.

        Texts that cannot name one are passed over by a compiled automaton, at about 0.8 GB/s for
        up to some hundred wordings.
        """
        for start in range(0, len(texts), ROWS_AT_ONCE):
            part = texts.slice(start, ROWS_AT_ONCE)
            rows = self._screen(part)
            for row, text in zip(rows.to_pylist(), part.take(rows).to_pylist(), strict=True):
                spans = self.find(text)
                if spans:
                    yield start + row, spans

    def _screen(self, texts: pa.Array | pa.ChunkedArray) -> pa.Array:
        """Return the rows whose text may name a target; no other row does."""
        matches = [pc.match_substring_regex(texts, screen) for screen in self._screens]
        if not matches:
            return pa.array([], pa.uint64())
        return pc.indices_nonzero(functools.reduce(pc.or_, matches))

    def _candidates(self, text: str) -> Iterator[Span]:
        """Yield the longest wording at each place where one begins."""
        if self._pattern is None:
            return
        for match in self._pattern.finditer(text):
            start, end = match.start(), match.end(1)
            if not _inside_word(text, start, end):
                yield start, end

    def _owner(self, mention: str) -> str:
        text = _tidy(mention)
        return self._owners.get(_Wording(text, True)) or self._owners[_Wording(_fold(text), False)]


def for_targets(targets: Iterable[Target]) -> MentionFinder:
    """Make the finder of a codebook's targets, by their names and aliases."""
    return MentionFinder({target.id: target.wordings for target in targets})


class _Wording(NamedTuple):
    """A wording as it is compared: tidied, and folded unless its case matters."""

    text: str
    in_exact_case: bool


def _wording(text: str) -> _Wording:
    tidy = _tidy(text)
    in_exact_case = not any(character.islower() for character in tidy)
    return _Wording(tidy if in_exact_case else _fold(tidy), in_exact_case)


def _tidy(text: str) -> str:
    kinds = str.maketrans(dict.fromkeys(APOSTROPHES, "'") | dict.fromkeys(HYPHENS, "-"))
    return " ".join(text.translate(kinds).split())


def _fold(text: str) -> str:
    return "".join(_same(character)[0] for character in text)


def _without_overlaps(spans: Sequence[Span]) -> Sequence[Span]:
    """Keep the longer of overlapping spans, of equal ones the first; `spans` are by start."""
    if all(one[1] <= other[0] for one, other in itertools.pairwise(spans)):
        return spans
    kept: list[Span] = []
    for start, end in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        if all(end <= other[0] or other[1] <= start for other in kept):
            kept.append((start, end))
    return sorted(kept)


def _inside_word(text: str, start: int, end: int) -> bool:
    # Vowel signs of Hindi or Thai and loose accents continue a word, but `\w` does not know them.
    return _is_mark(text[end : end + 1]) or (start > 0 and _is_mark(text[start - 1]))


def _is_mark(character: str) -> bool:
    if character < "\u0300" or character in "\ufe0e\ufe0f":  # the latter belong to emoji
        return False
    return unicodedata.category(character) in ("Mn", "Mc")


def _pattern(longest_first: Iterable[_Wording]) -> re.Pattern[str]:
    """Match the first character of a wording; group 1 is the rest of it.

    The set of first characters stands in front because `re` skips to the next of them quickly.
    What follows is looked at without being consumed, so that overlapping wordings are all found.
    """
    branches: dict[str, list[str]] = {}
    for text, exact in longest_first:
        case = f"(?<={re.escape(text[0])})" if exact and text[0].isalpha() else ""
        rest = "".join(_written(character, exact, r"\s+") for character in text[1:])
        branches.setdefault(_same(text[0]), []).append(case + rest)
    choices = "|".join(
        f"(?<={_one_of(letters)})(?:{'|'.join(rests)})" for letters, rests in branches.items()
    )
    return re.compile(rf"{_one_of(''.join(branches))}(?<!\w.)(?=({choices})(?!\w))", re.DOTALL)


def _screens(wordings: Iterable[_Wording]) -> Iterator[str]:
    """Yield RE2 patterns; one of them matches in every text that has one of the wordings."""
    alternatives: list[str] = []
    length = 0
    for screen in map(_screen, wordings):
        if length + len(screen) > SCREEN_LENGTH and alternatives:
            yield "|".join(alternatives)
            alternatives, length = [], 0
        alternatives.append(screen)
        length += len(screen)
    if alternatives:
        yield "|".join(alternatives)


def _screen(wording: _Wording) -> str:
    text, exact = wording
    shown = text[:SCREENED_CHARACTERS]
    # RE2's classes know ASCII only, so `\W` matches all white space, and much else.
    screen = "".join(_written(character, exact, r"\W+") for character in shown)
    # Without these, "US" would let every "BUSINESS" through.
    before = r"\b" if exact and re.match(r"\w", shown, re.ASCII) else ""
    after = r"\b" if exact and shown == text and re.search(r"\w\Z", shown, re.ASCII) else ""
    return before + screen + after


def _written(character: str, exact: bool, space: str) -> str:
    """Return the pattern of one character of a wording."""
    if character == " ":
        return space
    return re.escape(character) if exact and character.isalpha() else _one_of(_same(character))


def _one_of(characters: str) -> str:
    if len(characters) == 1:
        return re.escape(characters)
    return f"[{''.join(map(re.escape, characters))}]"


def _same(character: str) -> str:
    """Return all characters that are taken for `character` in any case, sorted."""
    for kind in (APOSTROPHES, HYPHENS):
        if character in kind:
            return kind
    return _case_variants().get(character, character)


@functools.cache
def _case_variants() -> Mapping[str, str]:
    """Map each character that has case to all that `re.IGNORECASE` takes for equal to it."""
    families: dict[str, str] = {}
    for character in map(chr, range(CASELESS_FROM)):
        if character.lower() != character or character.upper() != character:
            # The Turkish dotted and dotless i both count as i there, but do not fold to it.
            folded = "i" if character in "İı" else character.casefold()
            families[folded] = families.get(folded, "") + character
    return {character: family for family in families.values() for character in family}

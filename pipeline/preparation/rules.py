"""The rules by which boilerplate is known: their schema, and their files."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from pipeline import documents
from pipeline.codebook import Slug, Text
from pipeline.config import Boilerplate
from pipeline.documents import Section, suggest
from pipeline.errors import ConfigError

PACKAGED: Final = Path(__file__).with_name("boilerplate.yaml")


class Stands(StrEnum):
    """Where a line may stand, counted among the lines that are not set apart themselves."""

    ANYWHERE = "anywhere"
    FIRST = "first"
    BEGINNING = "beginning"
    END = "end"
    EDGES = "edges"


class Takes(StrEnum):
    """What of a line is set apart."""

    LINE = "line"
    BEGINNING = "beginning"
    ENDING = "ending"


class BoilerplateRule(Section):
    """One kind of line that is no part of the body."""

    about: str = ""
    """What it is, in a sentence."""
    opens: list[Text] = []
    """A line is looked at where its first word is one of these, whatever the case,"""
    words: list[Text] = []
    """or where one of these is near its beginning or end. Without either every line is looked at,
    which costs more."""
    pattern: Text | None = None
    """A regular expression (Python's `re`) that the whole line, its beginning or its ending must
    fit; null for a line of four words and more that stood in the text before."""
    case: bool = False
    """Whether the pattern tells capitals from small letters."""
    takes: Annotated[Takes, Field(strict=False)] = Takes.LINE
    """What is set apart: the `line`, or the `beginning` or `ending` of it that fits."""
    stands: Annotated[Stands, Field(strict=False)] = Stands.ANYWHERE
    """Where: `anywhere`, as the `first` line (or the next after a headline), at the `beginning` or
    `end` (among the first or last five lines), or at both (`edges`)."""
    longest: Annotated[int, Field(ge=1, le=1000)] = 200
    """Characters of the longest line that is looked at; of a beginning, its own."""
    list_follows: bool = False
    """Whether the lines of a list that follows are set apart with it."""
    catches: list[Text] = []
    """Lines that it must catch."""
    leaves: list[Text] = []
    """Lines that it must leave."""

    @cached_property
    def compiled(self) -> re.Pattern[str] | None:
        """The pattern, anchored where it must be."""
        return None if self.pattern is None else _compiled(self.pattern, self.case, self.takes)

    @model_validator(mode="after")
    def _check_pattern(self) -> Self:
        try:
            pattern = self.compiled
        except re.error as error:
            raise ValueError(f"the pattern is no regular expression: {error}") from None
        if pattern is not None and pattern.fullmatch(""):
            raise ValueError("the pattern fits an empty line; it must ask for something")
        return self

    def is_candidate(self, line: str) -> bool:
        """Tell whether the line has the words for which the screen looks."""
        if not self.opens and not self.words:
            return True
        found = words_near_ends(line)
        opens, words = ([word.lower() for word in some] for some in (self.opens, self.words))
        return found[:1] != [] and (found[0] in opens or not set(words).isdisjoint(found))

    def found_in(self, line: str) -> tuple[int, int] | None:
        """Return the characters of `line` that fit the pattern, or None."""
        if self.compiled is None:
            return None
        start = 0
        match self.takes:
            case Takes.BEGINNING:
                line = line[: self.longest]
            case Takes.ENDING:
                start = max(0, len(line) - LONGEST_ENDING)
        if len(line) > self.longest:
            return None
        found = self.compiled.search(line, start)
        return found and found.span()


def _compiled(pattern: str, case: bool, takes: Takes) -> re.Pattern[str]:
    anchored = {
        Takes.LINE: rf"\A(?:{pattern})\Z",
        Takes.BEGINNING: rf"\A(?:{pattern})",
        Takes.ENDING: rf"(?:{pattern})\Z",
    }[takes]
    return re.compile(anchored, 0 if case else re.IGNORECASE)


# Characters of the longest ending that is set apart.
LONGEST_ENDING: Final = 160
# The bytes at the beginning and end of a line in which the screen looks for words.
HEAD: Final = 48
TAIL: Final = 72
# Letters and digits of ASCII, letters beyond it, and © by itself: as in screen.py.
_WORD: Final = re.compile(r"©|[A-Za-z0-9\u00c0-\u1fff\u3000-\uffff]+")


def words_near_ends(line: str) -> list[str]:
    """Return the words at the ends of a line, in lower case; the first is the one that opens it."""
    content = line.encode(errors="surrogatepass")
    parts = [content] if len(content) <= HEAD + TAIL else [content[:HEAD], content[-TAIL:]]
    return [word.lower() for part in parts for word in _WORD.findall(part.decode(errors="replace"))]


class _WrittenRule(BoilerplateRule):
    """A rule in a file, which must show what it catches and what it leaves."""

    catches: Annotated[list[Text], Field(min_length=1)]
    leaves: Annotated[list[Text], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_lines(self) -> Self:
        for line in self.catches:
            if self.pattern is not None and not (self.is_candidate(line) and self.found_in(line)):
                why = "the pattern does not fit it"
                if not self.is_candidate(line):
                    why = "it has none of the words, and does not open with one"
                raise ValueError(f"must catch {line!r}, and does not: {why}")
        for line in self.leaves:
            if self.is_candidate(line) and self.found_in(line):
                raise ValueError(f"must leave {line!r}, and catches it")
        return self


class RuleFile(Section):
    """A file of rules."""

    version: Text
    """Version of the file, in quotes."""
    rules: Annotated[dict[Slug, _WrittenRule], Field(min_length=1)]
    """The rules by their names."""


def load_rules(section: Boilerplate) -> dict[str, BoilerplateRule]:
    """Return the rules that the section asks for, by name, the packaged ones first.

    ConfigError names file, line and key of what is wrong, and the rule that does not catch the
    lines which it must.
    """
    if section.texts == "none":
        return {}
    found: dict[str, BoilerplateRule] = dict(packaged_rules())
    for path in section.rules:
        for name, rule in _read(path).rules.items():
            if name in found:
                raise ConfigError(
                    f"{path}: rules.{name}: there is a rule of this name already; name it otherwise"
                )
            found[name] = rule
    for name in section.without:
        if name not in found:
            raise ConfigError(
                f"ingest.boilerplate.without: no rule {name!r}{suggest(name, list(found), 'rule')}"
            )
    return {name: rule for name, rule in found.items() if name not in section.without}


@cache
def packaged_rules() -> Mapping[str, BoilerplateRule]:
    """Return the rules that come with the package."""
    return dict(_read(PACKAGED).rules)


def _read(path: Path) -> RuleFile:
    return documents.validate(documents.read(path), RuleFile, ConfigError)


def dump_rules(rules: Mapping[str, BoilerplateRule]) -> dict[str, Any]:
    """Return the rules as a bundle carries them: all but the lines that test them."""
    return {
        name: rule.model_dump(
            mode="json", exclude={"about", "catches", "leaves"}, exclude_defaults=True
        )
        for name, rule in rules.items()
    }


def restore_rules(values: Mapping[str, Any]) -> dict[str, BoilerplateRule]:
    """Return the rules that `dump_rules` wrote; pydantic's ValidationError where they are none."""
    return {name: BoilerplateRule.model_validate(value) for name, value in values.items()}


def rule_files(section: Boilerplate) -> Sequence[Path]:
    """Return the user's own files of rules that are read."""
    return [] if section.texts == "none" else section.rules

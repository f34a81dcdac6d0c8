"""Labelling rules, as they stand in a codebook beside the label that they vote for."""

from enum import StrEnum
from typing import Annotated, Final, Self, TypeAlias

from pydantic import Field, StringConstraints, field_validator, model_validator

from pipeline.documents import Section

Words: TypeAlias = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]

LEAD_WORDS: Final = 30  # of the text, where a rule does not say
WINDOW_WORDS: Final = 12  # to each side of a mention, where a rule does not say
# RE2 refuses what would need more memory; this keeps a pattern readable as well.
LONGEST_PATTERN: Final = 1000


class Where(StrEnum):
    """The part of an article that a rule looks at."""

    ANYWHERE = "anywhere"
    TITLE = "title"
    TEXT = "text"
    LEAD = "lead"
    WINDOW = "window"


class LabelRule(Section):
    """Votes for its label where it finds one of its keywords, or its pattern."""

    name: Words | None = None
    """What tables call it; its number among the label's rules where it is not given."""
    keywords: list[Words] | None = None
    """Words and phrases, found literally and at word boundaries, as aliases of targets are."""
    pattern: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PATTERN)] | None = (
        None
    )
    """Or a regular expression in RE2's syntax: no look-around and no back-references, and so a time
    that grows only as the text does. `(?i)` at its beginning finds any case."""
    where: Where | None = Field(default=None, strict=False)
    """`title`, `text`, `lead` (first words of the text), `window` (words around each mention of
    the target), or `anywhere` (title and text). Where it is not given: `window` for tasks that are
    asked of a target, `anywhere` for the others."""
    words: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Words of the lead, or to each side of a mention; where it is not given, those of
    `LEAD_WORDS` and `WINDOW_WORDS`."""
    unless: list[Words] = []
    """Words that undo a hit in the same sentence, such as negations: "not", "no longer"."""

    @field_validator("keywords")
    @classmethod
    def _check_keywords(cls, keywords: list[str] | None) -> list[str] | None:
        if keywords == []:
            raise ValueError("must not be empty; give a word, or a pattern instead")
        return keywords

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, pattern: str | None) -> str | None:
        import pyarrow as pa
        import pyarrow.compute as pc

        if pattern is None:
            return None
        try:
            found = pc.match_substring_regex(pa.array([""]), pattern)
        except pa.ArrowInvalid as error:
            reason = str(error).removeprefix("Invalid regular expression: ")
            raise ValueError(
                f"not a pattern that RE2 reads ({reason}); it is {pattern!r}"
            ) from None
        if found[0].as_py():
            raise ValueError(f"finds the empty text, and so every article; it is {pattern!r}")
        return pattern

    @model_validator(mode="after")
    def _check_one_kind(self) -> Self:
        if (self.keywords is None) == (self.pattern is None):
            raise ValueError("a rule has either keywords or a pattern")
        if self.words is not None and self.where not in (None, Where.LEAD, Where.WINDOW):
            raise ValueError(f"words are of a lead or a window; where is {self.where.value!r}")
        return self

    def reach(self, where: Where) -> int:
        """Return the words of the lead, or to each side of a mention."""
        return self.words or (LEAD_WORDS if where is Where.LEAD else WINDOW_WORDS)

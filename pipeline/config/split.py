"""The sections `split` and `audit`: what is learned from, chosen on and tested on."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from pipeline.config.values import Share
from pipeline.documents import Section

Apart: TypeAlias = Annotated[str, Field(min_length=1)] | None


class GivenSplit(Section):
    """The sides that the sources name."""

    by: Literal["given"]
    """The sources or the rows name the side."""
    dev: Share = 0.1
    """Share of the training articles that become dev, drawn by the stories of ingest (or by what is
    kept apart), where no source names a dev side."""
    apart: Apart = None
    """What must not be on two sides besides stories: `outlet`, or a field of the rows such as
    `author`. Articles of train and dev that share one with a test side are set aside, and of train
    those that share one with dev."""
    near_duplicate: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Jaccard similarity of word 5-grams from which on two articles are one story."""


class HashSplit(Section):
    """Sides by a hash of what must not be divided: the same article is always on the same side."""

    by: Literal["id", "story", "outlet", "field"] = "story"
    """What stays together on one side; an outlet however it is spelt."""
    field: str | None = None
    """With `field`: which one of the rows, such as `author`."""
    dev: Share = 0.15
    """Expected share of the dev side."""
    test: Share = 0.15
    """Expected share of the test side."""
    near_duplicate: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Jaccard similarity of word 5-grams from which on two articles are one story."""
    salt: str = ""
    """Another salt gives another split."""

    @model_validator(mode="after")
    def _check_field(self) -> Self:
        if (self.by == "field") != (self.field is not None):
            raise ValueError("split.by: field and split.field: NAME need each other")
        return self

    @property
    def group(self) -> str | None:
        """The field whose values stay together; None where it is the article or its story."""
        return self.field if self.by == "field" else "outlet" if self.by == "outlet" else None


class FoldSplit(Section):
    """The stories in parts of like size, one of which is the test side."""

    by: Literal["folds"]
    """Folds by a hash of the story."""
    folds: Annotated[int, Field(ge=2, le=20)] = 5
    """How many parts."""
    fold: Annotated[int, Field(ge=0)] = 0
    """The part that is tested, from 0; `repeat.folds` tests each in turn."""
    dev: Share = 0.15
    """Expected share of dev in what is not tested."""
    apart: Apart = None
    """What must not be on two sides besides stories: `outlet`, or a field of the rows such as
    `author`. Its values are what is put into parts then."""
    near_duplicate: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Jaccard similarity of word 5-grams from which on two articles are one story."""
    salt: str = ""
    """Another salt gives other folds."""

    @model_validator(mode="after")
    def _check_fold(self) -> Self:
        if self.fold >= self.folds:
            raise ValueError(f"fold must be less than folds, {self.folds}; it is {self.fold}")
        return self


class TimeSplit(Section):
    """Sides by date of publication: train is before dev, dev before test."""

    by: Literal["time"]
    """The date of publication decides."""
    dev_from: str
    """First date of the dev side, such as 2024-01-01."""
    test_from: str
    """First date of the test side."""
    apart: Apart = None
    """What must not be on two sides besides stories: `outlet`, or a field of the rows such as
    `author`. Its values are drawn to sides, and only articles whose date is of that side stay."""
    apart_dev: Share = 0.15
    """Share of the outlets (or other values) that are drawn to dev."""
    apart_test: Share = 0.3
    """Share of the outlets (or other values) that are drawn to test."""
    salt: str = ""
    """Another salt draws others."""
    near_duplicate: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Jaccard similarity of word 5-grams from which on two articles are one story."""


SplitSection: TypeAlias = Annotated[
    GivenSplit | HashSplit | FoldSplit | TimeSplit, Field(discriminator="by")
]


class Audit(Section):
    """What is looked for between the sides, and when the run stops."""

    fail_on: Literal["warning", "error"] | None = "error"
    """The run stops at a finding so severe or worse; null never stops."""
    near_duplicate: Annotated[float, Field(ge=0.2, lt=0.8)] = 0.3
    """Jaccard similarity of word 5-grams from which on a test article counts as an edited copy."""
    groups: list[str] = ["outlet"]
    """What is looked up on both sides: `outlet`, or fields of the rows such as `author`."""

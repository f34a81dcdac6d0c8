"""The sections `behaviour` and `evaluate`: how a model is tested and scored."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.config.intervals import Intervals
from pipeline.documents import Section


class Behaviour(Section):
    """What the model has to do besides scoring well; see docs/behaviour.md."""

    suites: list[str] = ["general"]
    """Suites of tests: `general` is the packaged one, all else the path of a file; empty for none.
    A test on articles costs two predictions for each case, one where tests share the articles."""
    most: Annotated[int, Field(ge=1)] = 100
    """Most cases of a test on articles, drawn by a hash of the examples' ids."""

    @model_validator(mode="after")
    def _check_suites(self) -> Self:
        if len(set(self.suites)) < len(self.suites):
            raise ValueError(f"each suite once; they are {self.suites}")
        return self


class Evaluate(Intervals):
    """How the test side is scored."""

    resample_by: Literal["story", "article", "outlet"] = "story"
    """What is drawn with replacement."""
    bins: Annotated[int, Field(ge=2)] = 10
    """Bins of the calibration error, of equal mass."""
    slices: list[str] = ["outlet", "period", "length", "language", "target", "voice"]
    """Parts of the test side that are scored by themselves: `outlet`, `period` (years, or quarters
    of a short time), `length` in words, `language`, `target`, `voice` (whether a target is named in
    quotations), or any field of the rows."""
    slice_support: Annotated[int, Field(ge=2)] = 10
    """Examples that a slice must have to be scored."""
    blind_twin: bool = True
    """Train each target task a second time without its target, to compare with."""

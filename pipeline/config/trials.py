"""The sections `tune` and `repeat`: one experiment with several settings, seeds or folds."""

import math
from typing import Annotated, Any, Self, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator

from pipeline.documents import Section


class Range(Section):
    """Numbers to choose from, between two ends."""

    low: float = Field(strict=False)
    """The least."""
    high: float = Field(strict=False)
    """The greatest."""
    log: bool = False
    """Choose by the logarithm: for what differs by factors, such as learning rates."""
    whole: bool = False
    """Whole numbers only."""

    @model_validator(mode="after")
    def _check_ends(self) -> Self:
        if self.whole and math.ceil(self.low) > math.floor(self.high):
            raise ValueError(f"no whole number lies between {self.low} and {self.high}")
        if self.low >= self.high or (self.log and self.low <= 0):
            above = " above 0 and" if self.log else ""
            raise ValueError(f"low must be{above} less than high; they are {self.low}, {self.high}")
        return self


def _kind_of_choices(value: Any) -> str:
    return "(list)" if isinstance(value, list) else "(range)"


Choices: TypeAlias = Annotated[
    Annotated[Range, Tag("(range)")] | Annotated[list[Any], Field(min_length=1), Tag("(list)")],
    Discriminator(_kind_of_choices),
]


class Tune(Section):
    """What `slant tune` varies, and for how long. Trials are not repeated by `repeat`."""

    space: Annotated[dict[str, Choices], Field(min_length=1)]
    """By key with dots, of features, train and seed: a range, or a list of values. What is a list
    itself needs a list of lists (`train.C: [[0.1], [1.0]]`)."""
    trials: Annotated[int, Field(ge=1)] = 20
    """Settings that are tried."""
    minutes: Annotated[float, Field(gt=0, strict=False)] | None = None
    """No trial begins after so many minutes; null sets no end."""
    prune: bool = True
    """Ends a fine-tuning that is worse than the median of the earlier ones after as many epochs."""


class Repeat(Section):
    """The same experiment several times, to see how far its scores depend on chance."""

    seeds: Annotated[list[Annotated[int, Field(ge=0, lt=2**32)]], Field(min_length=1)] | None = None
    """Once for each seed; null keeps the config's own."""
    folds: bool = False
    """Once for each fold of `split.by: folds`, so that every article is tested once."""

    @model_validator(mode="after")
    def _check_repeats(self) -> Self:
        if self.seeds is None and not self.folds:
            raise ValueError("name seeds, or set folds to true; or repeat to null, to run once")
        if self.seeds is not None and len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"each seed once: the same run twice says nothing; {self.seeds}")
        return self

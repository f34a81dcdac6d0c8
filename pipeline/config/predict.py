"""The section `predict`: what stands in a prediction."""

from typing import Annotated

from pydantic import Field

from pipeline.documents import Section


class Abstain(Section):
    """When no answer is better than one."""

    risk: Annotated[float, Field(gt=0, lt=1)]
    """Largest share of wrong answers among those that are given, on dev."""


class Sets(Section):
    """When several labels are named beside the one answer."""

    coverage: Annotated[float, Field(gt=0, lt=1)]
    """Share of the examples whose set holds the right label, over all labels together."""
    by_label: bool = False
    """True asks it of each label by itself: rare labels are found as often, and sets are larger. A
    label with too few examples on dev (fewer than 9 for .9) is in every set."""


class Predict(Section):
    """What stands in a prediction."""

    evidence: Annotated[int, Field(ge=0, le=20)] = 2
    """Sentences of evidence on each row."""
    back_off: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Where labels have parents, in tasks with one label: the answer goes down from the likeliest
    label at the top as long as one below is at least so likely; null answers with the likeliest
    single label. Scores are of the labels as they were coded."""
    abstain: Abstain | None = None
    """Withhold unsure answers in tasks with one label; null answers everything. Scores are of all
    answers, and say what withholding came to on test."""
    sets: Sets | None = None
    """Name with each answer the labels that may well be right, in tasks with one label, so that the
    right one is among them so often (split conformal prediction on dev); null names none."""

"""What all intervals by resampling are made with."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.documents import Section


class Intervals(Section):
    """How intervals are made: by a bootstrap of whole clusters."""

    resamples: Annotated[int, Field(ge=100)] = 1000
    """Bootstrap resamples behind each interval."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Coverage of the intervals."""
    interval: Literal["percentile", "bca"] = "bca"
    """`percentile`: between quantiles of the resampled scores. `bca`: between quantiles that are
    corrected for bias and skewness (Efron 1987) and for few clusters, which covers better."""

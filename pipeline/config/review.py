"""The section `review`: which examples people should look at."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from pipeline.documents import Section

Ranking: TypeAlias = Literal[
    "self_confidence", "margin", "adjusted_self_confidence", "adjusted_margin", "confident_learning"
]


class LabelErrors(Section):
    """How `slant label errors` looks for wrong answers."""

    folds: Annotated[int, Field(ge=2, le=20)] = 5
    """Parts of the stories; what is said of each part comes from a model of the others."""
    ranking: Ranking = "self_confidence"
    """What makes an answer doubtful: that it is itself unlikely, that another is likelier, either
    one against what its label usually gets, or that confident learning counts it as an error."""
    share: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of the coded examples that the list holds at most, the most doubtful first."""


class Queue(Section):
    """How `slant label queue` picks what to code next."""

    size: Annotated[int, Field(ge=1)] = 100
    """Examples in the list."""
    breadth: Annotated[int, Field(ge=1)] = 5
    """Of so many times the size the most useful examples are taken, and the list is spread over
    the groups of like texts among them; 1 takes the most useful ones as they are."""
    rare: Annotated[float, Field(ge=0, le=2)] = 0.5
    """How much more the labels are wanted that few coded examples have: a label with a quarter of
    the most frequent one's counts 4 to this power; 0 counts all alike."""
    disagreement: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the disagreement of several models against their uncertainty."""
    outlet_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Most of the list that comes from one outlet, as long as there are others."""
    considered: Annotated[int, Field(ge=1)] = 5000
    """Without a model: examples that are drawn at random, over whose groups the list is spread."""


class Review(Section):
    """Lists of examples that people should look at."""

    errors: LabelErrors = LabelErrors()
    """Answers that are likely wrong."""
    queue: Queue = Queue()
    """What to code next."""

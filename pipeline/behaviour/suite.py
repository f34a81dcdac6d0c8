"""The schema of a suite: tests of what a model should do, whatever its score.

The kinds of test are those of CheckList (Ribeiro et al., 2020,
https://aclanthology.org/2020.acl-main.442/): minimum functionality, invariance, direction.
"""

from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from pipeline.codebook import Slug, Text
from pipeline.documents import Section

Slot: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Share: TypeAlias = Annotated[float, Field(ge=0, lt=1)]


class Typos(Section):
    """Two neighbouring letters exchanged in some words of the text, never in a name of a target."""

    kind: Literal["typos"]
    """Typing errors."""
    share: Annotated[float, Field(gt=0, le=1)] = 0.02
    """Share of the words of four letters and more that are misspelt; one at least."""


class Replace(Section):
    """Wordings exchanged for others, as whole words and the longest first."""

    kind: Literal["replace"]
    """Wordings for wordings."""
    words: Annotated[dict[Text, Text], Field(min_length=1)]
    """What is found, and what is put there."""


class SwapAmong(Section):
    """Each name that is found becomes the next one of the list, everywhere in the text."""

    kind: Literal["swap_among"]
    """Names for names."""
    names: Annotated[list[Text], Field(min_length=2)]
    """Names of one sort: countries, persons, towns."""


class RemoveOutlet(Section):
    """The outlet's name taken out of headline and text, however spelt, and bylines with it."""

    kind: Literal["remove_outlet"]
    """The text does not say who published it."""


class Alias(Section):
    """The target named by another of its wordings in the codebook."""

    kind: Literal["alias"]
    """The next wording for each."""


class OtherTarget(Section):
    """The same text asked about another target that it names."""

    kind: Literal["target"]
    """The text stays, the question changes."""
    to: Text | None = None
    """Id or wording of the other target; null takes the next of the codebook's that is named."""


class Quotes(Section):
    """Quotation marks and apostrophes of the other style."""

    kind: Literal["quotes"]
    """Straight for curly, or curly for straight."""
    to: Literal["straight", "curly"]
    """Which ones the text has afterwards."""


class UpperHeadline(Section):
    """The headline in capitals."""

    kind: Literal["upper_headline"]
    """Articles without a headline are left out."""


Change: TypeAlias = Annotated[
    Typos | Replace | SwapAmong | RemoveOutlet | Alias | OtherTarget | Quotes | UpperHeadline,
    Field(discriminator="kind"),
]


class Pair(Section):
    """Two written texts."""

    before: Text
    """The first one."""
    after: Text
    """The one that is compared with it."""


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class _Test(Section):
    description: str = ""
    """What it shows, in a sentence."""
    target: Text | None = None
    """Id or wording of the target that written texts are asked about; may be a slot."""
    slots: dict[Slot, Annotated[list[Text], Field(min_length=1)]] = {}
    """What may stand in each `{slot}` of the written texts; every combination is a case."""
    allow: Share | None = None
    """Largest share of failures with which the test passes; null only reports the share."""


class Minimum(_Test):
    """Written texts whose answer is beyond doubt."""

    on_articles: ClassVar[bool] = False

    kind: Literal["minimum"]
    """The answer is known."""
    task: Slug
    """The task of the codebook."""
    texts: Annotated[list[Text], Field(min_length=1)]
    """The texts, with `{slots}`."""
    label: Annotated[list[Text], BeforeValidator(_as_list), Field(min_length=1)]
    """The right label, or several of which any is right. Where many labels may hold, one of them
    must be in the answer."""


class _Compared(_Test):
    articles: Literal["test"] | None = None
    """`test`: the examples of the run's test sides, or of the articles that are given."""
    texts: Annotated[list[Text], Field(min_length=1)] | None = None
    """Or written texts, with `{slots}`."""
    change: Change | None = None
    """What is done to the articles or texts."""
    pairs: Annotated[list[Pair], Field(min_length=1)] | None = None
    """Or written texts before and after, without a change."""

    @property
    def on_articles(self) -> bool:
        """Whether its texts are articles, and not written in the suite."""
        return self.articles is not None

    @model_validator(mode="after")
    def _check_source(self) -> Self:
        sources = [name for name in ("articles", "texts", "pairs") if getattr(self, name)]
        if len(sources) != 1:
            found = " and ".join(sources) or "none"
            raise ValueError(f"needs one of articles, texts and pairs; it has {found}")
        if (self.change is None) != (self.pairs is not None):
            raise ValueError("articles and texts need a change, and pairs have none")
        if self.articles and (self.target or self.slots):
            raise ValueError("target and slots are for written texts; articles have their own")
        return self


class Invariance(_Compared):
    """The answer must stay the same."""

    kind: Literal["invariance"]
    """The same labels before and after."""
    task: Slug | None = None
    """The task; null tests each one that it fits."""

    @model_validator(mode="after")
    def _check_task(self) -> Self:
        if self.task is None and not self.articles:
            raise ValueError("written texts need a task")
        return self


class Direction(_Compared):
    """The probability of a label must go up, or down."""

    kind: Literal["direction"]
    """A label's probability moves."""
    task: Slug
    """The task of the codebook."""
    label: Text
    """The label."""
    moves: Literal["rises", "falls"]
    """Which way."""
    by: Share = 0.0
    """Least move that counts; with 0 any does."""


Test: TypeAlias = Annotated[Minimum | Invariance | Direction, Field(discriminator="kind")]


class Suite(Section):
    """Tests of behaviour, by name."""

    name: Slug
    """The suite's own name."""
    version: Text
    """Changes whenever a test does. In quotes, or 1.10 would be 1.1."""
    tests: Annotated[dict[Slug, Test], Field(min_length=1)]
    """The tests, by name."""

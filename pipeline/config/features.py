"""The section `features`: what a model sees of a text."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from pipeline.config.values import EncoderName, FilePath, kind_unless_given
from pipeline.documents import Section


class TargetView(Section):
    """What a model of a target task sees of the target and of the text around it."""

    window: Annotated[int, Field(ge=1, le=200)] = 8
    """Words on each side of a mention that count as its window."""
    mention: Literal["mask", "mark"] = "mask"
    """`mask` hides the mention's words, so that nothing is learnt about the target's name;
    `mark` shows them, as mention."""
    parts: bool = False
    """Words of the names of the target, and of who acts, count as mentions too: "Obama" of "Barack
    Obama", "Democrats" of "Democratic Party"."""


def _check_order(lengths: list[int]) -> list[int]:
    if lengths[0] > lengths[1]:
        raise ValueError(f"the shortest comes first; it is {lengths}")
    return lengths


CharLengths: TypeAlias = Annotated[
    list[Annotated[int, Field(ge=1, le=20)]],
    Field(min_length=2, max_length=2),
    AfterValidator(_check_order),
]


class NgramFeatures(Section):
    """Hashed n-grams of words and characters, weighted by TF-IDF."""

    kind: Literal["ngrams"] = "ngrams"
    """Hashed n-grams, counted in one compiled pass."""
    words: Annotated[int, Field(ge=1, le=3)] = 2
    """Longest word n-gram."""
    chars: CharLengths | None = None
    """Shortest and longest character n-gram inside words; null for none."""
    min_count: Annotated[int, Field(ge=1)] = 2
    """Training examples that a feature must occur in to be kept."""
    buckets_log2: Annotated[int, Field(ge=10, le=26)] = 22
    """Binary logarithm of the number of hash buckets."""
    target: TargetView = TargetView()
    """The view of the target, for tasks that are asked of one."""


class MentionView(Section):
    """How a rung that reads whole sentences is shown the target."""

    mention: Literal["mark", "mask", "ignore"] = "mark"
    """`mark`: the mention stands in brackets, and the target's name after the text. `mask`: the
    mention is hidden and nothing is named. `ignore`: the text as it is, whatever the target, where
    the answer is of the whole sentence."""
    parts: bool = False
    """Words of the names of the target, and of who acts, count as mentions too: "Obama" of "Barack
    Obama", "Democrats" of "Democratic Party"."""
    name: Literal["plain", "marked"] = "plain"
    """The name after the text: as it is, or `marked` with the brackets of its mentions; then it
    also counts as the mention where the text has none."""


class EncoderFeatures(Section):
    """A transformer's contextual vectors of tokens, averaged over windows of the text."""

    kind: Literal["encoder"]
    """A transformer encoder; needs the extra `encoder`."""
    model: EncoderName = "embedded:minilm"
    """`embedded:minilm` (all-MiniLM-L6-v2, from a package), a folder, the model folder of a run
    (its encoder, as it was trained there), or a name on the hub."""
    revision: str | None = None
    """Commit or tag on the hub; name one, or tomorrow's run may read other weights."""
    reads: Literal["article", "headline"] = "article"
    """`article`: headline and body. `headline`: the headline alone, and the body only of articles
    that have none; a member of an ensemble that errs elsewhere, many times as fast."""
    window: Annotated[int, Field(ge=16, le=8192)] = 256
    """Tokens that are read at once, at most what the encoder was made for."""
    overlap: Annotated[int, Field(ge=0)] = 32
    """Tokens that a window shares with the one before it."""
    windows: Annotated[int, Field(ge=1)] = 8
    """Most windows of an article that are read; those that mention the target go first."""
    mention_weight: Annotated[float, Field(ge=1)] = 2.0
    """Weight of a window that mentions the target, against one that does not."""
    batch: Annotated[int, Field(ge=1)] = 32
    """Windows that are read at once."""
    precision: Literal["float32", "auto"] = "float32"
    """`auto` multiplies in 16 bits where the GPU or the CPU does: nearly three times as fast there,
    and probabilities differ from those of another machine in the third decimal."""
    cache: FilePath | None = Path(".cache/embeddings")
    """Folder of the vectors of training texts, by encoder and input; null keeps none."""
    target: MentionView = MentionView()
    """The view of the target, for tasks that are asked of one."""

    @property
    def sees_target(self) -> bool:
        """Whether it tells one target of a text from another."""
        return self.target.mention != "ignore"


class StaticFeatures(Section):
    """Vectors of tokens without context, distilled from an encoder, averaged over the text."""

    kind: Literal["static"]
    """Static token vectors: distilling needs the extra `encoder`, predicting does not."""
    model: EncoderName = "embedded:minilm"
    """The encoder whose vocabulary is distilled; see `features.model` of the encoder."""
    revision: str | None = None
    """Commit or tag on the hub."""
    dimensions: Annotated[int, Field(ge=2)] = 256
    """Principal components that are kept, at most the numbers in a vector of the encoder."""
    frequency: Annotated[float, Field(gt=0, lt=1)] = 1e-3
    """Smoothing of the weights by frequency: a token of this share weighs one half."""
    window: Annotated[int, Field(ge=1, le=200)] = 12
    """Tokens on each side of a mention that count as its window."""
    cache: FilePath | None = Path(".cache/embeddings")
    """Folder of the vocabulary's vectors, by encoder; null keeps none."""


def _check_window(section: EncoderFeatures) -> EncoderFeatures:
    if section.overlap >= section.window:
        raise ValueError(
            f"overlap must be less than the window of {section.window}; it is {section.overlap}"
        )
    return section


def _check_target(section: EncoderFeatures) -> EncoderFeatures:
    if not section.sees_target and (section.target.parts or section.target.name == "marked"):
        raise ValueError(
            "target.mention: ignore sees nothing of the target; leave out target.parts and "
            "target.name, or set mention to mark"
        )
    if section.target.mention == "mask" and section.target.name == "marked":
        raise ValueError(
            "target.name: marked names the target after the text, and target.mention: mask hides "
            "it; leave out target.name, or set mention to mark"
        )
    return section


FeaturesSection: TypeAlias = Annotated[
    Annotated[
        NgramFeatures
        | StaticFeatures
        | Annotated[EncoderFeatures, AfterValidator(_check_window), AfterValidator(_check_target)],
        Field(discriminator="kind"),
    ],
    kind_unless_given("ngrams"),
]

"""The config of a run: one schema with every default in it, and its reader.

Relative paths are taken from the folder in which the command runs.
"""

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from pipeline import documents
from pipeline.codebook import Slug
from pipeline.documents import Section
from pipeline.errors import ConfigError, PipelineError
from pipeline.records import Side, is_test

FilePath: TypeAlias = Annotated[Path, Field(strict=False)]
Share: TypeAlias = Annotated[float, Field(ge=0, lt=1)]


def _check_side(side: str) -> str:
    if side not in list(Side) and not is_test(side):
        raise ValueError(f"a split is train, dev, test or test_…; it is {side!r}")
    return side


GivenSide: TypeAlias = Annotated[str, AfterValidator(_check_side)]


class SourceFormat(StrEnum):
    """How the articles in a source are written."""

    AUTO = "auto"
    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"
    PARQUET = "parquet"
    HTML = "html"
    TEXT = "text"


class FileSource(Section):
    """Articles in a file, a folder, or all files that a pattern fits."""

    path: str
    """A file, a folder (read with all below it, in sorted order), or a pattern such as
    `2024/*.jsonl.gz`; relative to `ingest.root`."""
    format: SourceFormat = Field(default=SourceFormat.AUTO, strict=False)
    """How it is written; `auto` goes by the file's ending."""
    split: GivenSide | None = None
    """The side all its articles are on, for `split.by: given`: train, dev, test or test_…"""


class HubSource(Section):
    """A data set by its hub name, read through `datasets`: needs the extra `hub` and a network."""

    hub: str
    """The data set's name on the hub, such as `fancyzhx/ag_news`."""
    revision: str | None = None
    """The commit or tag to read; name one, or tomorrow's run may read other rows."""
    subset: str | None = None
    """The data set's configuration, where it has several."""
    rows: str = "train"
    """The data set's own name of the part to read."""
    split: GivenSide | None = None
    """The side all its articles are on, for `split.by: given`."""


def _kind_of_source(value: Any) -> str:
    is_hub = "hub" in value if isinstance(value, dict) else isinstance(value, HubSource)
    # A tag must not be the name of a key, or an error would seem to be about that key.
    return "(hub)" if is_hub else "(file)"


Source: TypeAlias = Annotated[
    Annotated[FileSource, Tag("(file)")] | Annotated[HubSource, Tag("(hub)")],
    Discriminator(_kind_of_source),
]


class Fields(Section):
    """Which field of a row holds what. A field that is not named here goes into `extra`."""

    id: str = "id"
    """Field of the article's id; made from the content where a row has none."""
    title: str = "title"
    """Field of the headline."""
    text: str = "text"
    """Field of the body text: the one field that a row must have."""
    outlet: str = "outlet"
    """Field of the outlet."""
    published: str = "published"
    """Field of the date of publication."""
    url: str = "url"
    """Field of the address."""
    language: str = "language"
    """Field of the language."""
    split: str = "split"
    """Field of the side, where each row names its own."""


class Ingest(Section):
    """From sources to articles."""

    root: FilePath = Path()
    """The folder that the sources' paths start from."""
    sources: Annotated[list[Source], Field(min_length=1)]
    """Where the articles are, in the order in which they are read."""
    fields: Fields = Fields()
    """Which field of a row holds what."""
    max_rejects: Annotated[int, Field(ge=0)] = 1000
    """The run stops when more rows than this cannot be read."""


class InlineGold(Section):
    """Which fields of an article's own row hold the answer to a task."""

    label: str = "label"
    """Field with the label, or with a list of labels. Where many may hold, an empty list is an
    answer: none does. An empty text is none."""
    target: str | None = None
    """Field with the target's wording, for tasks that are asked of a target."""
    target_start: str | None = None
    """Field with the first character of the target's mention in the text."""
    target_end: str | None = None
    """Field with the character after the mention."""
    source_entity: str | None = None
    """Field with who acts towards the target."""


class LabelSection(Section):
    """From articles to examples with gold labels."""

    inline: dict[Slug, InlineGold] = {}
    """Tasks whose answers stand in the articles' own rows."""
    annotations: list[FilePath] = []
    """Files with one row per coder, example and label (CSV or JSONL): article_id, task, target,
    coder, label; if known also time, comment, and codebook, the version that the coder had."""
    earlier: list[FilePath] = []
    """Files of earlier versions of the codebook. Annotations that name such a version are carried
    over where they surely hold, and are to be given again where not; see `slant codebook diff`."""
    no_answer: list[str] = [""]
    """Values in a label's place that mean that nobody answered."""


Apart: TypeAlias = Annotated[str, Field(min_length=1)] | None


class GivenSplit(Section):
    """The sides that the sources name."""

    by: Literal["given"]
    """The sources or the rows name the side."""
    dev: Share = 0.1
    """Share of the training articles that become dev, where no source names a dev side."""
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


class TargetView(Section):
    """What a model of a target task sees of the target and of the text around it."""

    window: Annotated[int, Field(ge=1, le=200)] = 8
    """Words on each side of a mention that count as its window."""
    mention: Literal["mask", "mark"] = "mask"
    """`mask` hides the mention's words, so that nothing is learnt about the target's name;
    `mark` shows them, as mention."""


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


# A folder, a name on the hub, or the packaged encoder.
EncoderName: TypeAlias = Annotated[str, Field(min_length=1)]


class MentionView(Section):
    """How a rung that reads whole sentences is shown the target."""

    mention: Literal["mark", "mask"] = "mark"
    """`mark`: the mention stands in brackets, and the target's name after the text. `mask`: the
    mention is hidden and nothing is named."""


class EncoderFeatures(Section):
    """A transformer's contextual vectors of tokens, averaged over windows of the text."""

    kind: Literal["encoder"]
    """A transformer encoder; needs the extra `encoder`."""
    model: EncoderName = "embedded:minilm"
    """`embedded:minilm` (all-MiniLM-L6-v2, from a package), a folder, or a name on the hub."""
    revision: str | None = None
    """Commit or tag on the hub; name one, or tomorrow's run may read other weights."""
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


class StaticFeatures(Section):
    """Vectors of tokens without context, distilled from an encoder, averaged over the text."""

    kind: Literal["static"]
    """Static token vectors: distilling needs the extra `encoder`, predicting does not."""
    model: EncoderName = "embedded:minilm"
    """The encoder whose vocabulary is distilled; see `features.model` of the encoder."""
    revision: str | None = None
    """Commit or tag on the hub."""
    dimensions: Annotated[int, Field(ge=2)] = 256
    """Principal components that are kept."""
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


def _kind_unless_given(kind: str) -> BeforeValidator:
    """Let a section be written without its kind, which is then `kind`."""

    def fill(value: Any) -> Any:
        return {"kind": kind, **value} if isinstance(value, dict) else value

    return BeforeValidator(fill)


FeaturesSection: TypeAlias = Annotated[
    Annotated[
        NgramFeatures | StaticFeatures | Annotated[EncoderFeatures, AfterValidator(_check_window)],
        Field(discriminator="kind"),
    ],
    _kind_unless_given("ngrams"),
]


def _check_folds(folds: int) -> int:
    if folds == 1:
        raise ValueError("one fold leaves nothing to train on; use 0, or 2 and more")
    return folds


Folds: TypeAlias = Annotated[int, Field(ge=0, le=20), AfterValidator(_check_folds)]


class LinearTrain(Section):
    """A linear classifier per task, its strength chosen on held-out training data."""

    kind: Literal["linear"] = "linear"
    """A linear classifier by scikit-learn."""
    loss: Literal["log", "squared_hinge"] = "log"
    """`log`: logistic regression. `squared_hinge`: a linear support vector machine."""
    C: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)] = [0.3, 1.0, 3.0, 10.0]
    """Inverse strengths of regularisation to try; the best on held-out data is taken."""
    class_weight: Literal["balanced", "sqrt", "none"] = "balanced"
    """Weight of a class: inverse to its frequency, to the root of it, or equal."""
    thresholds: Literal["f1", "half"] = "f1"
    """Where many labels may hold: a label is in the answer from the probability on that gives it
    the best F1 on held-out data, or from one half on."""
    folds: Folds = 0
    """Held-out data by this many folds over the training stories; 0 uses the dev side."""
    refit: bool = True
    """Train the final model on train and dev together, after C is chosen."""


class FinetuneTrain(Section):
    """The encoder is trained further, with one head per task; all tasks share it."""

    kind: Literal["finetune"]
    """Fine-tuning by transformers' Trainer; needs features of the kind `encoder`."""
    epochs: Annotated[int, Field(ge=1)] = 4
    """Most passes over the training examples; the learning rate falls to zero over them."""
    patience: Annotated[int, Field(ge=1)] = 3
    """Stops after so many epochs without a better macro-F1 on dev."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    """Of the encoder's last layer, at its peak."""
    head_learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Of the heads, at its peak."""
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Learning rate of a layer against that of the layer above it."""
    frozen_layers: Annotated[int, Field(ge=0)] = 0
    """Lowest layers that stay as they are, and the embeddings with them; 0 trains all."""
    batch: Annotated[int, Field(ge=1)] = 16
    """Examples in a step."""
    accumulate: Annotated[int, Field(ge=1)] = 1
    """Steps whose gradients are added up before the weights change."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the steps over which the learning rate rises."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """Weight decay of AdamW."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Dropout before the heads."""
    contrastive_pairs: Annotated[int, Field(ge=0)] = 0
    """Most pairs of examples that the encoder learns from before the heads: alike or not. For
    fewer than about 50 examples a label; 0 for none."""
    class_weight: Literal["balanced", "sqrt", "none"] = "sqrt"
    """Weight of a class: inverse to its frequency, to the root of it, or equal."""
    thresholds: Literal["f1", "half"] = "f1"
    """As in linear training."""
    precision: Literal["auto", "float32"] = "auto"
    """`auto` multiplies in 16 bits where the GPU or the CPU does (bfloat16; float16 on older GPUs):
    2 to 3 times as fast on such a CPU. `float32` gives the same on every kind of CPU, nearly."""
    refit: bool = True
    """Train again on train and dev together, for as many epochs as were best on dev."""
    cache: FilePath | None = Path(".cache/finetuned")
    """Folder of finished trainings (90 MB each with the packaged encoder), so that an ensemble or
    a repeated run need not train what was trained before; null keeps none."""


class Rung(Section):
    """A kind of model, complete: what it sees and how it learns."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    """A seed of its own; null takes the run's."""
    features: FeaturesSection = NgramFeatures()
    """What it sees of a text."""
    train: Annotated[
        Annotated[LinearTrain | FinetuneTrain, Field(discriminator="kind")],
        _kind_unless_given("linear"),
    ] = LinearTrain()
    """How it learns."""

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        _check_pair(self.features.kind, self.train.kind)
        return self


def _check_pair(features: str, train: str) -> None:
    if train == "finetune" and features != "encoder":
        raise ValueError(
            f"train.kind finetune trains an encoder; set features.kind to encoder, it is {features}"
        )


class EnsembleTrain(Section):
    """Several rungs that answer together, each with its own weight."""

    kind: Literal["ensemble"]
    """The mean of the members' log-probabilities, weighted as fits dev best."""
    members: Annotated[dict[Slug, Rung], Field(min_length=2)]
    """The rungs, by a name of your own."""
    thresholds: Literal["f1", "half"] = "f1"
    """As in linear training, for the joint probabilities."""


TrainSection: TypeAlias = Annotated[
    Annotated[LinearTrain | FinetuneTrain | EnsembleTrain, Field(discriminator="kind")],
    _kind_unless_given("linear"),
]


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
            above = " above 0" if self.log else ""
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
            raise ValueError("name seeds, or set folds to true")
        if self.seeds is not None and len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"each seed once: the same run twice says nothing; {self.seeds}")
        return self


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


class Evaluate(Section):
    """How the test side is scored."""

    resamples: Annotated[int, Field(ge=100)] = 1000
    """Bootstrap resamples behind each interval."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Coverage of the intervals."""
    interval: Literal["percentile", "bca"] = "bca"
    """`percentile`: between quantiles of the resampled scores. `bca`: between quantiles that are
    corrected for bias and skewness (Efron 1987) and for few clusters, which covers better."""
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


class Gate(Section):
    """When a model takes the champion's place."""

    level: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """Level of the paired test, adjusted for how many sides and tasks there are (Holm)."""
    margin: Annotated[float, Field(gt=0, lt=1, strict=False)] = 0.01
    """Loss of macro-F1 that a faster model must be shown not to have."""
    faster: Annotated[float, Field(ge=1, strict=False)] = 1.5
    """How many times as fast it must be then."""
    behaviour: Literal["pass", "no_worse", "report"] = "pass"
    """`pass`: no test of behaviour fails; one without `allow` cannot. `no_worse`: none fails that
    the champion passes. `report`: they do not count."""


class Track(Section):
    """Where the run is recorded in MLflow."""

    enabled: bool = True
    """False leaves MLflow alone."""
    experiment: str = "slant"
    """The experiment that the run is listed under."""
    uri: str | None = None
    """The tracking server; `MLFLOW_TRACKING_URI`, else sqlite in mlflow.db of this folder."""
    registered_model: str | None = None
    """Name in the model registry; `slant-` and the codebook's name where it is null."""
    promote: Literal["better", "always", "never"] = "better"
    """When the new version becomes `@champion`: where it passes the gate, as `slant promote` asks;
    always; never."""
    gate: Gate = Gate()
    """What `slant promote` asks for."""


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
    """Where labels have parents: the answer goes down from the likeliest label at the top as long
    as one below is at least so likely; null answers with the likeliest single label. Scores are of
    the labels as they were coded."""
    abstain: Abstain | None = None
    """Withhold unsure answers in tasks with one label; null answers everything. Scores are of all
    answers, and say what withholding came to on test."""
    sets: Sets | None = None
    """Name with each answer the labels that may well be right, in tasks with one label, so that the
    right one is among them so often (split conformal prediction on dev); null names none."""


class Config(Section):
    """One experiment, complete in one file."""

    name: Slug
    """The run's name, and its folder below `runs/`."""
    description: str = ""
    """What the run is for, in a sentence; shown in MLflow."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """The one source of randomness."""
    codebook: FilePath
    """The codebook's file."""
    ingest: Ingest
    """Where the articles are, and which field of them holds what."""
    label: LabelSection = LabelSection()
    """Where the answers are."""
    split: SplitSection = HashSplit()
    """What is learned from, what is chosen on, and what is tested on."""
    audit: Audit = Audit()
    """What may give the answers away, looked for before anything is trained."""
    features: FeaturesSection | None = None
    """What the model sees of a text; n-grams where it is left out. An ensemble's members have
    features of their own."""
    train: TrainSection = LinearTrain()
    """How it learns."""
    behaviour: Behaviour = Behaviour()
    """What it has to do besides scoring well."""
    evaluate: Evaluate = Evaluate()
    """How it is scored."""
    track: Track = Track()
    """Where the run is recorded."""
    predict: Predict = Predict()
    """What its predictions hold."""
    tune: Tune | None = None
    """What `slant tune` varies; null for nothing."""
    repeat: Repeat | None = None
    """How often `slant run` repeats the experiment; null for once."""

    @model_validator(mode="after")
    def _check_repeat(self) -> Self:
        if self.repeat is not None and self.repeat.folds and self.split.by != "folds":
            raise ValueError(
                f"repeat.folds needs split.by folds, which makes them; it is {self.split.by}"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _fill_features(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "features" in values:
            return values
        train = values.get("train")
        kind = train.get("kind") if isinstance(train, dict) else getattr(train, "kind", None)
        return values if kind == "ensemble" else {**values, "features": {}}

    @model_validator(mode="after")
    def _check_rung(self) -> Self:
        if isinstance(self.train, EnsembleTrain):
            if self.features is not None:
                raise ValueError(
                    "an ensemble's members have features of their own; move features into "
                    "train.members.<name>"
                )
            return self
        if self.features is None:
            raise ValueError("features must hold keys and values; it is null")
        _check_pair(self.features.kind, self.train.kind)
        return self

    @property
    def rungs(self) -> Mapping[str, Rung]:
        """The rungs that are trained, by name: one without a name, or an ensemble's members."""
        if isinstance(self.train, EnsembleTrain):
            return self.train.members
        assert self.features is not None
        return {"": Rung(features=self.features, train=self.train)}


def load(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read the config at `path` with `section.key=value` overrides; ConfigError says where."""
    document = documents.read(path)
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key:
            raise ConfigError(f"--set {override}: must look like section.key=value")
        if not isinstance(document.value, dict):
            raise PipelineError(f"{path}: must hold keys and values, found nothing of the kind")
        document.set(key, value)
    return documents.validate(document, Config, ConfigError)

"""The section `label`: where the answers are, which of them is gold, and how far they agree."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from pipeline.codebook import Slug
from pipeline.config.intervals import Intervals
from pipeline.config.values import FilePath, Share
from pipeline.config.votes import Endpoint, Votes, ZeroShot
from pipeline.documents import Section


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


class Majority(Section):
    """What most coders say is gold; a tie has none."""

    by: Literal["majority"] = "majority"
    """Where one label is chosen, the one that most coders chose; where many are, each that more
    than half of them chose."""


class CoderModel(Section):
    """What a model of the coders takes for likeliest is gold: their errors are estimated too."""

    min_confidence: Share = 0.7
    """Probability that the likeliest answer must have to be gold; the others go to the worklist.
    Where many labels may hold, each of them must be as sure to hold or not."""
    rounds: Annotated[int, Field(ge=1)] = 200
    """Most rounds of the estimate; where they do not suffice, the label stage says so."""


class DawidSkene(CoderModel):
    """Each coder has a table of errors of their own: which label they take for which."""

    by: Literal["dawid_skene"]
    """Dawid and Skene (1979)."""
    prior: Annotated[float, Field(gt=0)] = 10.0
    """How many answers to each label the assumption is worth that a coder errs as the coders do on
    average: it decides for coders with few answers, and is outweighed by many."""


class OneCoin(CoderModel):
    """Each coder has one accuracy, whatever the label; wrong answers are all alike."""

    by: Literal["one_coin"]
    """One number a coder, which fewer answers can tell."""
    prior: Annotated[float, Field(gt=0)] = 2.0
    """How many answers the assumption is worth that a coder is as accurate as the coders are on
    average."""


class Nobody(Section):
    """Nobody decides."""

    by: Literal["none"]
    """No gold."""


class NamedCoder(Section):
    """What one coder says is gold, such as an expert's answers."""

    by: Literal["coder"]
    """One coder decides."""
    coder: Annotated[str, Field(min_length=1)]
    """Whose answers count, as in the column `coder`."""
    otherwise: Annotated[Majority | DawidSkene | OneCoin | Nobody, Field(discriminator="by")] = (
        Majority()
    )
    """What decides where this coder gave no answer. A model of the coders learns from the coder's
    answers as from known truth."""


Adjudicate: TypeAlias = Annotated[
    Majority | DawidSkene | OneCoin | NamedCoder, Field(discriminator="by")
]


class Agreement(Intervals):
    """How the coders' agreement is measured; whole stories are drawn where they are known."""


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
    adjudicate: Adjudicate = Majority()
    """From the answers of several coders to gold."""
    agreement: Agreement = Agreement()
    """How far the coders agree."""
    no_answer: list[str] = [""]
    """Values in a label's place that mean that nobody answered."""
    functions: FilePath | None = None
    """A Python file with labelling functions in `FUNCTIONS`, which is run as it stands; null for
    none."""
    zero_shot: ZeroShot | None = None
    """Votes from the labels' descriptions by an encoder; null for none."""
    endpoint: Endpoint | None = None
    """Votes of a language model that you name; null for none."""
    votes: Votes = Votes()
    """What becomes of the votes."""

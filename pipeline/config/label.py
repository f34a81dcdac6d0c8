"""The section `label`: where the answers are."""

from pipeline.codebook import Slug
from pipeline.config.values import FilePath
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

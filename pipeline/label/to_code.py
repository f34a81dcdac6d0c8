"""What there is to code, and who has answered what of it; nothing is decided."""

import pyarrow as pa

from pipeline.codebook import Codebook
from pipeline.config import LabelSection
from pipeline.label.answers import Example
from pipeline.label.gathering import gather
from pipeline.label.inline import TAKEN
from pipeline.mentions import Span


def examples_to_code(
    articles: pa.Table, codebook: Codebook, section: LabelSection
) -> tuple[dict[Example, list[Span]], dict[str, set[Example]]]:
    """Return the examples with their target's mentions, and those that each coder has answered.

    They are those of `label_articles`, with nothing decided: whoever is to have the last word may
    not have said it yet.
    """
    gathered = gather(articles, codebook, section)
    answered: dict[str, set[Example]] = {}
    for example, coders in gathered.book.labels.items():
        for coder in coders:
            answered.setdefault(coder, set()).add(example)
    listed = {
        example: list(found or ())
        for example, (found, _) in zip(gathered.examples, gathered.spans, strict=True)
    }
    return listed, answered


def columns_to_code(section: LabelSection) -> list[str]:
    """Return the columns of records.ARTICLES that `examples_to_code` and `coding_tasks` read."""
    columns = ["id", "title", "text", "extra", "source", "place"]
    if section.inline:
        columns += TAKEN
    if any(gold.target_start for gold in section.inline.values()):
        columns.append("set_apart")
    return list(dict.fromkeys(columns))

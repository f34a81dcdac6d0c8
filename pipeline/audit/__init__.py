"""Look for what scores may owe to other things than skill: leaks, giveaways, shifts."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from pipeline.audit.coded import Coded
from pipeline.audit.copies import copies, headlines
from pipeline.audit.divided import dates, groups, stories
from pipeline.audit.findings import Finding, Severity, worst
from pipeline.audit.giveaways import fields, words
from pipeline.audit.shift import labels, vocabulary
from pipeline.codebook import Codebook
from pipeline.config import Audit

__all__ = ["Finding", "Severity", "audit_run", "worst"]


def audit_run(
    articles: pa.Table,
    splits: pa.Table,
    examples: pa.Table,
    codebook: Codebook,
    section: Audit,
    apart: str | None,
    by_time: bool,
    gold_fields: Sequence[str],
) -> list[Finding]:
    """Audit records.ARTICLES, SPLITS and EXAMPLES of a run; the worst findings first.

    `apart` is what the split keeps on one side, `gold_fields` are the fields that hold the answers.
    Only articles with a coded example count. Costs what finding near-duplicates costs, and one
    pass over the texts for each of the checks on words.
    """
    coded = Coded.of(articles, splits, examples)
    found = list(_all(coded, codebook, section, apart, by_time, gold_fields))
    return sorted(found, key=lambda each: -each.severity.rank)


def _all(
    coded: Coded,
    codebook: Codebook,
    section: Audit,
    apart: str | None,
    by_time: bool,
    gold_fields: Sequence[str],
) -> Iterator[Finding]:
    yield from copies(coded, section.near_duplicate)
    yield from headlines(coded)
    yield from stories(coded)
    yield from groups(coded, section.groups, apart)
    yield from dates(coded, by_time)
    yield from fields(coded, codebook.tasks, gold_fields)
    yield from words(coded, codebook.tasks)
    yield from vocabulary(coded)
    yield from labels(coded, codebook.tasks)

"""All checks of a run in their order, and what they need to know of its split."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.audit.before import learned_before
from pipeline.audit.coded import Coded
from pipeline.audit.copies import copies, headlines
from pipeline.audit.divided import dates, groups, stories
from pipeline.audit.findings import Finding
from pipeline.audit.giveaways import fields, words
from pipeline.audit.shift import labels, vocabulary
from pipeline.audit.unnamed import unnamed_targets
from pipeline.codebook import Codebook
from pipeline.config import Audit


@dataclass(frozen=True)
class Promises:
    """What the split is to have kept apart, and which fields are no finding."""

    apart: str | None = None
    """The field whose values are not divided between sides."""
    by_time: bool = False
    """Whether test is younger than what is learnt from."""
    asked_of: Sequence[str] = ()
    """Fields that hold the answers, or what is asked about."""


def audit_run(
    coded: Coded,
    codebook: Codebook,
    section: Audit,
    promises: Promises,
    begun: Mapping[str, Coded],
) -> list[Finding]:
    """Audit the coded articles of a run; the worst findings first.

    `begun` has what the models learned from that this run starts from, by their names.

    Costs what finding near-duplicates costs, and one pass over the texts for each of the checks on
    words; texts are in memory once more in lower case.
    """
    found = [*_all(coded, codebook, section, promises), *learned_before(coded, begun)]
    return sorted(found, key=lambda each: -each.severity.rank)


def _all(coded: Coded, codebook: Codebook, section: Audit, promises: Promises) -> Iterator[Finding]:
    yield from copies(coded, section.near_duplicate)
    yield from headlines(coded)
    yield from stories(coded)
    yield from groups(coded, section.groups, promises.apart)
    yield from dates(coded, promises.by_time)
    yield from fields(coded, codebook.tasks, promises.asked_of)
    yield from words(coded, codebook.tasks)
    yield from unnamed_targets(coded, codebook.tasks)
    yield from vocabulary(coded)
    yield from labels(coded, codebook.tasks)

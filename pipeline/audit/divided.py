"""What stands on both sides of a split, or in the wrong order: outlets, stories, dates."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.audit.coded import Coded
from pipeline.audit.findings import Finding, Severity
from pipeline.groups import OUTLET


def groups(coded: Coded, fields: Sequence[str], apart: str | None) -> Iterator[Finding]:
    """Say how many test articles come from an outlet, or another group, that training knows.

    It is an error only where the split promises to keep them apart.
    """
    for field in dict.fromkeys([*fields, *([apart] if apart else [])]):
        keys = coded.groups(field)
        if not any(keys):
            # A field that was asked for by name is a slip of the pen.
            severity = Severity.INFO if field == OUTLET else Severity.WARNING
            yield Finding(f"known_{field}", severity, f"no coded article has its {field}")
            continue
        seen = {key for key, known in zip(keys, coded.seen, strict=True) if known and key}
        for side in coded.test_sides:
            on_side = coded.on(side).tolist()
            touched = {at: {field: keys[at]} for at in on_side if keys[at] in seen}
            here = {keys[place] for place in on_side if keys[place]}
            known = len(here & seen)
            finding = coded.touching(
                f"known_{field}", side, touched,
                Severity.ERROR if field == apart else Severity.INFO,
                f"articles share their {field} with training; {known:,} of the {len(here):,} there "
                "are known",
            )  # fmt: skip
            counts = {"groups": len(here), "known_groups": known}
            yield replace(finding, numbers={**finding.numbers, **counts})


def stories(coded: Coded) -> Iterator[Finding]:
    """Find test articles of a story that train or dev has an article of, by other articles.

    A story is what split or ingest found; splits by story and folds have joined the two.
    """
    of_split, of_ingest = _divided(coded, coded.stories), _divided(coded, coded.ingest_stories)
    for side in coded.test_sides:
        on_side = set(coded.on(side).tolist())
        touched = {
            at: {"story": of_ingest.get(at) or of_split[at]}
            for at in sorted(on_side & (of_split.keys() | of_ingest.keys()))
        }
        said = "articles are of a story that training has an article of"
        known = {story for at, story in of_ingest.items() if at in on_side}
        if known:
            said += f"; {len(known):,} of ingest's stories are on both sides"
        finding = coded.touching("divided_story", side, touched, Severity.WARNING, said)
        yield replace(finding, numbers={**finding.numbers, "ingest_stories": len(known)})


def _divided(coded: Coded, stories: Sequence[str | None]) -> dict[int, str]:
    """Return the story of each test article, by place, that train or dev has an article of."""
    seen = {story for story, known in zip(stories, coded.seen, strict=True) if known}
    return {
        at: story
        for at, (story, known) in enumerate(zip(stories, coded.seen, strict=True))
        if story is not None and not known and story in seen
    }


def dates(coded: Coded, by_time: bool) -> Iterator[Finding]:
    """Say how many test articles are older than some training article: an error by time."""
    days = coded.days
    seen = sorted(day for day, known in zip(days, coded.seen, strict=True) if known and day)
    if not seen:
        return
    for side in coded.test_sides:
        dated = {place: day for place in coded.on(side).tolist() if (day := days[place])}
        if not dated:
            continue
        older = {place: {"published": day} for place, day in dated.items() if day <= seen[-1]}
        finding = coded.touching(
            "dates", side, older, Severity.ERROR if by_time else Severity.INFO,
            f"dated articles are not younger than the latest training article, of {seen[-1]}",
            of=len(dated),
        )  # fmt: skip
        # Where time does not divide the sides, an older article is no reason to leave it out.
        yield finding if by_time else replace(finding, articles=())

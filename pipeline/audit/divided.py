"""What stands on both sides of a split, or in the wrong order: outlets, stories, dates."""

from collections.abc import Iterator, Sequence

from pipeline.audit.coded import Coded
from pipeline.audit.findings import Finding, Severity, share
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
            touched = [place for place in on_side if keys[place] in seen]
            here = {keys[place] for place in on_side if keys[place]}
            if not touched:
                severity = Severity.INFO
            else:
                severity = Severity.ERROR if field == apart else Severity.INFO
            yield Finding(
                f"known_{field}", severity,
                f"{share(len(touched), len(on_side))} of the articles share their {field} with "
                f"training; {len(here & seen):,} of the {len(here):,} there are known",
                side,
                numbers={"n": len(touched), "of": len(on_side), "groups": len(here),
                         "known_groups": len(here & seen)},
                rows=[{**coded.where(place), field: keys[place]} for place in touched],
                articles=[coded.ids[place] for place in touched],
            )  # fmt: skip


def stories(coded: Coded) -> Iterator[Finding]:
    """Find test articles of a story that train or dev has an article of, by other articles."""
    names = coded.stories
    seen = {name for name, known in zip(names, coded.seen, strict=True) if known}
    for side in coded.test_sides:
        on_side = coded.on(side).tolist()
        touched = [place for place in on_side if names[place] in seen]
        yield Finding(
            "divided_story", Severity.WARNING if touched else Severity.INFO,
            f"{share(len(touched), len(on_side))} of the articles are of a story that training "
            "has an article of",
            side, numbers={"n": len(touched), "of": len(on_side)},
            rows=[{**coded.where(place), "story": names[place]} for place in touched],
            articles=[coded.ids[place] for place in touched],
        )  # fmt: skip


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
        older = [place for place, day in dated.items() if day <= seen[-1]]
        yield Finding(
            "dates", Severity.ERROR if by_time and older else Severity.INFO,
            f"{share(len(older), len(dated))} of the dated articles are not younger than the "
            f"latest training article, of {seen[-1]}",
            side, numbers={"n": len(older), "of": len(dated)},
            rows=[{**coded.where(place), "published": days[place]} for place in older],
            articles=[coded.ids[place] for place in older] if by_time else [],
        )  # fmt: skip

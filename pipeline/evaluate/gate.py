"""Whether a model is good enough to take another one's place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.config import Gate
from pipeline.evaluate.comparison import ComparisonRow
from pipeline.evaluate.significance import holm


@dataclass(frozen=True)
class Ruling:
    """Whether the challenger passes, why, and the numbers behind it."""

    passes: bool
    reason: str
    numbers: Mapping[str, str] = field(default_factory=dict)


def rule(
    rows: Sequence[ComparisonRow], section: Gate, times_as_fast: Callable[[], float]
) -> Ruling:
    """Judge the challenger by `rows`, its own ones of a comparison in which the champion leads.

    It passes where it is better on one side and task or more and worse on none, by the paired test
    adjusted for how many there are (Holm); or where it is worse than by the margin on none, with
    the confidence of the intervals, and so many times as fast. `times_as_fast` is asked only then.
    """
    adjusted = holm([row.p_value for row in rows])
    told = [_told(row, p if len(rows) > 1 else None) for row, p in zip(rows, adjusted, strict=True)]
    numbers = dict(_numbers(row, p) for row, p in zip(rows, adjusted, strict=True))
    sure = [
        (row.difference or 0, words)
        for row, words, p in zip(rows, told, adjusted, strict=True)
        if p is not None and p < section.level
    ]
    worse = [words for difference, words in sure if difference < 0]
    better = [words for difference, words in sure if difference > 0]
    if worse:
        return Ruling(False, f"worse: {'; '.join(worse)}", numbers)
    if better:
        return Ruling(True, f"better: {'; '.join(better)}", numbers)
    everything = "; ".join(told)
    lows = [row.difference_low for row in rows]
    if any(low is None or low <= -section.margin for low in lows):
        return Ruling(False, f"not better{_limit(rows, section)}: {everything}", numbers)
    ratio = times_as_fast()
    numbers["gate.times_as_fast"] = f"{ratio:.2f}"
    if ratio < section.faster:
        return Ruling(
            False, f"neither better nor faster ({ratio:.2g} times as fast): {everything}", numbers
        )
    return Ruling(
        True,
        f"{ratio:.2g} times as fast, and not worse by {section.margin:g}: {everything}",
        numbers,
    )


def _limit(rows: Sequence[ComparisonRow], section: Gate) -> str:
    """Say so where no difference, however large, could reach the level."""
    least = [p for p in holm([row.least_p for row in rows]) if p is not None]
    if not least or min(least) < section.level:
        return ""
    return (
        f" (and at the level {section.level:g} nothing could be: it takes more evaluate.resamples, "
        f"or a larger test side)"
    )


def _told(row: ComparisonRow, adjusted: float | None) -> str:
    decides = "" if adjusted is None else f", adjusted {_p(adjusted)}"
    return f"{row.side}/{row.task} {_difference(row)}, p {_p(row.p_value)}{decides}"


def _numbers(row: ComparisonRow, adjusted: float | None) -> tuple[str, str]:
    value = f"{_difference(row)}, p {_p(row.p_value)}, adjusted {_p(adjusted)}"
    return f"gate.{row.side}/{row.task}", value


def _difference(row: ComparisonRow) -> str:
    if row.difference is None or row.difference_low is None or row.difference_high is None:
        return "unknown"
    low, high = row.difference_low, row.difference_high
    return f"{row.difference:+.3f} ({low:+.3f} to {high:+.3f})"


def _p(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"

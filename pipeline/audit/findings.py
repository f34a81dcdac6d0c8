"""What an audit says: one finding for each side, task and check."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

ROWS_SHOWN: Final = 20


class Severity(StrEnum):
    """How much a finding matters to whoever reads the scores."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """The worse, the higher."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Finding:
    """Something in the data that scores may owe to other things than the model's skill."""

    check: str
    """What was looked for: `copies`, `known_outlet`, `dates`, …"""
    severity: Severity
    summary: str
    """What was found, in a sentence."""
    side: str | None = None
    """The test side that it is about; None for what is of the training data alone."""
    task: str | None = None
    numbers: dict[str, float | int | None] = field(default_factory=dict)
    rows: Sequence[dict[str, Any]] = ()
    """The places, worst first; all of them."""
    articles: Sequence[str] = ()
    """Test articles that it touches: the scores are given once more without them."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON, with the first rows."""
        return {
            "check": self.check,
            "severity": self.severity.value,
            "side": self.side,
            "task": self.task,
            "summary": self.summary,
            "numbers": self.numbers,
            "rows": list(self.rows[:ROWS_SHOWN]),
            "n_rows": len(self.rows),
            "articles": list(self.articles),
        }


def worst(findings: Sequence[Finding]) -> Severity | None:
    """Return the highest severity; None without findings."""
    return max((each.severity for each in findings), key=lambda each: each.rank, default=None)


def share(part: int, whole: int) -> str:
    """Return a share in words, such as `3 of 200 (1.5 %)`."""
    return f"{part:,} of {whole:,} ({100 * part / whole:.1f} %)" if whole else "none"

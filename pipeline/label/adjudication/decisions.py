"""What was decided of each example: gold or none, by whom, and how sure it is."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Decision:
    """What became of the answers to one example."""

    gold: list[str] | None
    """Sorted labels; None where the coders are split, or nothing is likely enough."""
    by: str | None
    """As in the column `decided_by`; None without gold."""
    confidence: float | None = None
    """Probability of the likeliest answer; None where no model decides."""
    likeliest: list[str] | None = None
    """What a model takes for likeliest, gold or not."""


@dataclass(frozen=True)
class Decided:
    """All decisions of a task, and what was learnt about its coders."""

    decisions: list[Decision]
    """In the order of the examples."""
    coders: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By coder, where a model estimated it: `accuracy`, and `errors` or `labels`; JSON-ready."""
    facts: dict[str, Any] = field(default_factory=dict)
    """How it was decided, JSON-ready: `by`, and of a model `rounds`, `settled`, `note`."""

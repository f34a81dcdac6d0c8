"""From the answers of several coders to the one that counts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from pipeline.codebook import Choose, Task

# The labels that each coder chose, by coder.
Answers: TypeAlias = Mapping[str, Sequence[str]]


def votes(answers: Answers) -> dict[str, int]:
    """Count the coders behind each label; sorted by label."""
    counts = Counter(label for labels in answers.values() for label in labels)
    return dict(sorted(counts.items()))


def adjudicate(task: Task, answers: Answers) -> list[str] | None:
    """Return the gold labels, sorted; None where nobody answered or the coders are split.

    Where one label is chosen, it is the one with the most votes, and two such are a tie. Where
    many are, it is all that more than half of the coders chose; no label where more than half of
    them chose none, and else a tie.
    """
    counts = votes(answers)
    if task.choose is Choose.MANY:
        found = [label for label, count in counts.items() if 2 * count > len(answers)]
        nones = sum(not labels for labels in answers.values())
        return found if found or 2 * nones > len(answers) else None
    most = max(counts.values(), default=0)
    winners = [label for label, count in counts.items() if count == most]
    return winners if len(winners) == 1 else None

"""Gold by what most coders chose."""

from collections import Counter

from pipeline.label.adjudication.decisions import Decision
from pipeline.label.answered import Answers


def coders_behind(answers: Answers) -> dict[str, int]:
    """Count the coders behind each label; sorted by label."""
    counts = Counter(label for labels in answers.values() for label in labels)
    return dict(sorted(counts.items()))


def majority(answers: Answers, *, many: bool) -> Decision:
    """Decide by the majority; no gold where nobody answered or the coders are split.

    Where one label is chosen, it is the one that most coders chose, and two such are a tie. Where
    many are, it is all that more than half of the coders chose; no label where more than half of
    them chose none, and else a tie.
    """
    counts = coders_behind(answers)
    if many:
        return _of_many(answers, counts)
    most = max(counts.values(), default=0)
    winners = [label for label, count in counts.items() if count == most]
    return _decided(winners, most, answers) if len(winners) == 1 else Decision(None, None)


def _of_many(answers: Answers, counts: dict[str, int]) -> Decision:
    n = len(answers)
    found = [label for label, count in counts.items() if 2 * count > n]
    nones = sum(not labels for labels in answers.values())
    if not found and 2 * nones <= n:
        return Decision(None, None)
    # Each label is decided for itself, and the closest decision tells most.
    closest = min((max(count, n - count) for count in counts.values()), default=nones)
    return _decided(found, closest, answers)


def _decided(gold: list[str], behind: int, answers: Answers) -> Decision:
    return Decision(gold, f"majority {behind} of {len(answers)}")

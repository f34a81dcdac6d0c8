"""How far each label can be relied on, in three tiers with open rules; see docs/reliability.md."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple


class Needs(NamedTuple):
    """What a label needs for a tier."""

    f1_low: float  # lower end of the interval of its F1
    support: int  # examples with the label in gold, which that F1 was measured on
    alpha: float  # of the coders, on this label against all others
    coded_twice: int | None  # examples behind alpha; None where alpha may also be unknown


# The values of alpha are Krippendorff's (2004): rely on data from .8 on, and draw tentative
# conclusions from .667 on, https://doi.org/10.1111/j.1468-2958.2004.tb00738.x.
NEEDS: Final = {
    "A": Needs(f1_low=0.75, support=30, alpha=0.8, coded_twice=10),
    "B": Needs(f1_low=0.5, support=10, alpha=0.667, coded_twice=None),
}
LOWEST: Final = "C"


@dataclass(frozen=True)
class Tier:
    """A label's tier, and what keeps it from the next better one; empty in tier A."""

    tier: str
    why: str


def tiers_of(
    scores: Mapping[str, Mapping[str, Any]], agreement: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, str]]:
    """Return `tier` and `why` of each label in `agreement`, JSON-ready.

    `scores` holds `f1_low` and `support` of the labels on one side, as in metrics.json; one that
    is missing there was not scored. `agreement` holds `alpha` and `coded_twice`, as agreement.json.
    """
    return {
        label: asdict(
            tier_of(
                scores.get(label, {}).get("f1_low"),
                scores.get(label, {}).get("support", 0),
                coders["alpha"],
                coders["coded_twice"],
            )
        )
        for label, coders in agreement.items()
    }


def with_tiers(
    metrics: Mapping[str, Any], tiers: Mapping[str, Mapping[str, Mapping[str, str]]]
) -> dict[str, Any]:
    """Return the scores of one side, {task: scores}, with the labels' tiers beside their F1."""
    result = {}
    for task, scores in metrics.items():
        labels = {label: {**row, **tiers[task][label]} for label, row in scores["labels"].items()}
        result[task] = {**scores, "labels": labels}
    return result


def tier_of(f1_low: float | None, support: int, alpha: float | None, coded_twice: int) -> Tier:
    """Return the best tier whose needs are all met."""
    lacks: list[str] = []
    for tier, needs in NEEDS.items():
        above, lacks = lacks, _lacks(needs, f1_low, support, alpha, coded_twice)
        if not lacks:
            return Tier(tier, ", ".join(above))
    return Tier(LOWEST, ", ".join(lacks))


def _lacks(
    needs: Needs, f1_low: float | None, support: int, alpha: float | None, coded_twice: int
) -> list[str]:
    """Say which needs are not met: `support 4 < 10`."""
    lacks = []
    if support < needs.support:
        lacks.append(f"support {support} < {needs.support}")
    elif f1_low is None:
        lacks.append("no F1 interval")
    if f1_low is not None and f1_low < needs.f1_low:
        lacks.append(f"F1 low {_short(f1_low)} < {_short(needs.f1_low)}")
    if alpha is not None and alpha < needs.alpha:
        lacks.append(f"alpha {_short(alpha)} < {_short(needs.alpha)}")
    elif needs.coded_twice is not None and alpha is None:
        lacks.append("agreement unknown")
    elif needs.coded_twice is not None and coded_twice < needs.coded_twice:
        lacks.append(f"coded twice {coded_twice} < {needs.coded_twice}")
    return lacks


def _short(value: float) -> str:
    """Write three digits, cut and not rounded, so that what is too low looks so."""
    return f"{math.floor(value * 1000) / 1000:.3f}".replace("0.", ".", 1)

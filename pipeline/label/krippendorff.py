"""Krippendorff's alpha for nominal data, with any number of coders and missing answers."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence


def nominal_alpha(units: Iterable[Sequence[Hashable]]) -> float | None:
    """Return alpha over units, each given as the values that its coders chose.

    Units with fewer than two values cannot be compared and are left out. None where alpha is not
    defined: no unit can be compared, or all values are the same.

    Source: Klaus Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section C,
    https://repository.upenn.edu/asc_papers/43.
    """
    totals: Counter[Hashable] = Counter()
    agreeing = 0.0  # the diagonal of the coincidence matrix
    for values in units:
        if len(values) < 2:
            continue
        counts = Counter(values)
        totals.update(counts)
        agreeing += sum(n * (n - 1) for n in counts.values()) / (len(values) - 1)
    n = totals.total()
    by_chance = sum(count * (count - 1) for count in totals.values())
    if by_chance == n * (n - 1):
        return None
    return ((n - 1) * agreeing - by_chance) / (n * (n - 1) - by_chance)

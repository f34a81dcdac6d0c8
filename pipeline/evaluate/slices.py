"""Scores of parts of a side, by outlet, time or length, and which of them are worse."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config import Evaluate
from pipeline.evaluate.answers import Answers, Codes, Flags, Floats
from pipeline.evaluate.significance import group_scores, holm
from pipeline.statistics.bootstrap import resampled_sums
from pipeline.statistics.rates import rate_of


@dataclass(frozen=True)
class Slicing:
    """One way of cutting n examples into slices that are large enough to be scored."""

    by: str
    values: int  # how many different ones there are
    names: list[str]
    codes: Codes  # (n,) places in `names`; -1 for an example in none of them
    unknown: int  # examples without a value
    small: dict[str, int]  # slices that are too small, and how many examples each has


def slicings(rows: pa.Table, section: Evaluate) -> list[Slicing]:
    """Return the slicings of records.SCORED, in the order of `evaluate.slices`.

    Where all examples have the same value there is nothing to tell apart, and no slice.
    """
    maps = pc.fill_null(rows["slices"].combine_chunks(), []).to_pylist()
    found = []
    for by in section.slices:
        values = [dict(row).get(by) for row in maps]
        known = sorted({value for value in values if value is not None})
        if not known:
            continue
        counts = Counter(values)
        least = section.slice_support
        names = [name for name in known if counts[name] >= least] if len(known) > 1 else []
        place = {name: at for at, name in enumerate(names)}
        codes = np.array([-1 if v is None else place.get(v, -1) for v in values], np.int64)
        small = {name: counts[name] for name in known if counts[name] < least}
        found.append(Slicing(by, len(known), names, codes, values.count(None), small))
    return found


def slice_scores(rows: pa.Table, answers: Answers, section: Evaluate) -> dict[str, Any]:
    """Score each slice, and name those that are worse than the other examples.

    `by`: the slices of each kind, by name. `weak`: those whose accuracy is below that of all other
    examples by a one-sided score test, adjusted for all slices of the side and task (Holm), the
    worst first, of `tested` many. `values`, `small` and `unknown`: how many slices there are, and
    what was not scored.
    """
    cuts = slicings(rows, section)
    scored = {cut.by: _scored(cut, answers, section) for cut in cuts}
    flat = [row for slices in scored.values() for row in slices.values()]
    for row, adjusted in zip(flat, holm([row["p_value"] for row in flat]), strict=True):
        row["p_adjusted"] = adjusted
    return {
        "by": scored,
        "weak": weak_slices(scored, 1 - section.confidence),
        "tested": sum(row["p_value"] is not None for row in flat),
        "values": {cut.by: cut.values for cut in cuts},
        "small": {cut.by: {"slices": len(cut.small), "n": sum(cut.small.values())} for cut in cuts},
        "unknown": {cut.by: cut.unknown for cut in cuts},
    }


def weak_slices(scored: dict[str, dict[str, Any]], level: float) -> list[dict[str, str]]:
    """Return kind and name of the slices that are worse than the rest, the worst first."""
    weak = [
        (row["difference"], by, name)
        for by, slices in scored.items()
        for name, row in slices.items()
        if row["p_adjusted"] is not None and row["p_adjusted"] < level
    ]
    return [{"by": by, "name": name} for _, by, name in sorted(weak)]


def _scored(cut: Slicing, answers: Answers, section: Evaluate) -> dict[str, dict[str, Any]]:
    from scipy.stats import norm

    p_values = norm.cdf(group_scores(answers.right.astype(float), cut.codes, answers.clusters))
    result = {}
    for at, name in enumerate(cut.names):
        members = cut.codes == at
        wrong = rate_of(~answers.right[members], answers.clusters[members], section.confidence)
        others = answers.right[~members]
        assert wrong.rate is not None and wrong.low is not None and wrong.high is not None
        result[name] = {
            "n": wrong.n,
            "n_stories": len(np.unique(answers.stories[members])),
            "accuracy": 1 - wrong.rate,
            "accuracy_low": 1 - wrong.high,
            "accuracy_high": 1 - wrong.low,
            "difference": 1 - wrong.rate - float(others.mean()) if len(others) else None,
            "majority": _majority(answers.gold[members]),
            # Few others say as little as few members would.
            "p_value": None if len(others) < section.slice_support else float(p_values[at]),
        }
    return result


def slice_sums(
    cut: Slicing,
    columns: Sequence[Flags],
    clusters: Codes,
    section: Evaluate,
    rng: np.random.Generator,
) -> Floats:
    """Resample each slice's count and sums of `columns` (n,): (samples, slices, 1 + columns).

    Memory: 8 bytes for each of those numbers.
    """
    from scipy.sparse import csr_array

    width = 1 + len(columns)
    member = np.flatnonzero(cut.codes >= 0)
    table = np.column_stack([np.ones(len(member)), *(column[member] for column in columns)])
    places = (cut.codes[member] * width)[:, None] + np.arange(width)
    shape = (len(cut.codes), width * len(cut.names))
    tally = csr_array((table.ravel(), (np.repeat(member, width), places.ravel())), shape=shape)
    sums = resampled_sums({"slices": tally}, clusters, section, rng)["slices"]
    return sums.reshape(len(sums), len(cut.names), width)


def _majority(gold: Flags) -> float:
    """Return the share of the commonest gold answer: what always giving it would get."""
    return float(np.unique(gold, axis=0, return_counts=True)[1].max() / len(gold))

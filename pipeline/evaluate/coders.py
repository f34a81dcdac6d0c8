"""The model beside the coders: whether it agrees with them as well as they do with one another.

Gold cannot tell: it is what most coders say, and where two are split there is none, so on examples
with gold two coders always agree. Here the model answers all that was coded twice, ties as well,
and is held against each coder alone.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config import Evaluate
from pipeline.evaluate.answers import Flags, Floats, Question, clusters_of, predicted_of, rows_of
from pipeline.records import SCORED
from pipeline.statistics import paired
from pipeline.statistics.bootstrap import resampled_sums

# Kappa of fewer examples says next to nothing.
SHARED: Final = 10
# As many as ten coders make who all share examples; it bounds the memory of the resamples.
PAIRS: Final = 45
ASKED: Final = ("article_id", "task", "target", "label", "side", "story", "outlet")
# The model's answers to test examples on which the coders are split, and which have no gold.
TIES: Final = pa.schema([SCORED.field(name) for name in ASKED])


# Which examples a coder answered, (n,), and with which labels, (n, labels).
Given: TypeAlias = tuple[Flags, Flags]


class Coded(NamedTuple):
    """What the coders said of the test sides, and what the model says where they are split."""

    annotations: pa.Table  # records.ANNOTATIONS
    ties: pa.Table  # TIES


@dataclass(frozen=True)
class Agreement:
    """How far two answer alike, in the sample and then in its resamples: (samples,) each."""

    share: Floats  # of equal answers
    kappa: Floats


@dataclass(frozen=True)
class Pair:
    """Two coders, and the model with each of them, on the n examples that both answered."""

    names: tuple[str, str]
    n: int
    coders: Agreement
    model: tuple[Agreement, Agreement]


@dataclass(frozen=True)
class Beside:
    """All pairs of coders on a side, those with the most shared examples first."""

    n: int  # examples that two coders or more answered
    ties: int  # those of them that have no gold
    pairs: Sequence[Pair]
    pairs_left_out: int  # too few shared examples, or too many pairs

    @cached_property
    def kappas(self) -> tuple[Floats, Floats]:
        """Mean kappa of the pairs of coders, and of the model with the coders of each: (samples,).

        The mean over pairs is that of Light (1971), https://doi.org/10.1037/h0031643. A pair
        counts in those samples in which all its three kappas are defined.
        """
        if not self.pairs:
            return np.full(1, np.nan), np.full(1, np.nan)
        coders = np.array([pair.coders.kappa for pair in self.pairs])
        model = np.array([np.mean([each.kappa for each in pair.model], 0) for pair in self.pairs])
        known = ~np.isnan(coders + model)
        return (
            paired.mean_of_known(np.where(known, coders, np.nan).T),
            paired.mean_of_known(np.where(known, model, np.nan).T),
        )


def beside_coders(
    scored: pa.Table, coded: Coded, question: Question, section: Evaluate, rng: np.random.Generator
) -> Beside | None:
    """Hold the model against the coders on the examples of `scored` and those without gold.

    `scored` has the rows of one test side and task. None where nothing was coded twice.
    """
    ties = rows_of(coded.ties, scored["side"][0].as_py(), question.name)
    rows = pa.concat_tables([scored.select(ASKED), ties.select(ASKED)])
    given = _given(coded.annotations, rows, question)
    twice = np.sum([answered for answered, _ in given.values()], axis=0) > 1
    if not np.any(twice):
        return None
    given = {name: (answered[twice], flags[twice]) for name, (answered, flags) in given.items()}
    names, left_out = _pairs(given)
    return Beside(
        n=int(twice.sum()),
        ties=int(twice[len(scored) :].sum()),
        pairs=_compared(rows.filter(pa.array(twice)), names, given, question, section, rng),
        pairs_left_out=left_out,
    )


def _given(annotations: pa.Table, rows: pa.Table, question: Question) -> dict[str, Given]:
    """Return the answers of each coder to the n examples in `rows`, by the coder's name."""
    examples = zip(rows["article_id"].to_pylist(), rows["target"].to_pylist(), strict=True)
    at = {example: place for place, example in enumerate(examples)}
    code = {label: place for place, label in enumerate(question.labels)}
    ours = annotations.filter(pc.equal(annotations["task"], question.name))
    shape = (len(rows), len(question.labels))
    given: dict[str, Given] = {}
    for row in ours.to_pylist():
        place = at.get((row["article_id"], row["target"]))
        if place is None:
            continue
        if row["coder"] not in given:
            given[row["coder"]] = np.zeros(len(rows), np.bool_), np.zeros(shape, np.bool_)
        answered, flags = given[row["coder"]]
        answered[place] = True
        if row["label"]:  # an empty one says that none of many labels holds
            flags[place, code[row["label"]]] = True
    return dict(sorted(given.items()))


def _pairs(given: Mapping[str, Given]) -> tuple[list[tuple[str, str]], int]:
    """Return the pairs that share enough, those that share most first; and how many are left."""
    shared = {
        (one, two): int((given[one][0] & given[two][0]).sum())
        for one, two in itertools.combinations(given, 2)
    }
    enough = [pair for pair, n in shared.items() if n >= SHARED]
    taken = sorted(enough, key=lambda pair: (-shared[pair], pair))[:PAIRS]
    return taken, sum(n > 0 for n in shared.values()) - len(taken)


def _compared(
    rows: pa.Table,
    names: Sequence[tuple[str, str]],
    given: Mapping[str, Given],
    question: Question,
    section: Evaluate,
    rng: np.random.Generator,
) -> list[Pair]:
    if not names:
        return []
    model = predicted_of(rows, question)
    tallies = {}
    for place, (one, two) in enumerate(names):
        both, first, second = given[one][0] & given[two][0], given[one][1], given[two][1]
        tallies[f"{place} coders"] = _tally(both, first, second)
        tallies[f"{place} first"] = _tally(both, first, model)
        tallies[f"{place} second"] = _tally(both, second, model)
    clusters = clusters_of(rows, section.resample_by)
    sums = resampled_sums(tallies, clusters, section, rng)
    return [
        Pair(
            pair,
            int(sums[f"{place} coders"][0, 0]),
            _agreement(sums[f"{place} coders"], question),
            (
                _agreement(sums[f"{place} first"], question),
                _agreement(sums[f"{place} second"], question),
            ),
        )
        for place, pair in enumerate(names)
    ]


def _tally(both: Flags, one: Flags, other: Flags) -> Any:
    """Tally the answers to the examples that both gave; the others add nothing."""
    from scipy.sparse import diags_array

    return diags_array(both.astype(float)) @ paired.tally(one, other)


def _agreement(sums: Floats, question: Question) -> Agreement:
    counts = paired.counts_of(sums)
    return Agreement(paired.accuracy(counts), paired.kappa(counts, question.many))

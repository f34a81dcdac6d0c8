"""Who disagrees with whom on what: coders and labels, how often, and examples to look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from pipeline.label.answered import Answered
from pipeline.records import example_id
from pipeline.statistics.bootstrap import Codes

# Examples that stand beside each count.
SHOWN: Final = 5
# Rows of each table; the rest is counted.
ROWS: Final = 200


@dataclass(frozen=True)
class Disagreements:
    """All d disagreements of two coders about an example.

    With one label to choose, `first` and `second` are the labels of the coder that comes first by
    name and of the other one. With many, each label that only one of the two chose is one
    disagreement, and the other place is -1.
    """

    answered: Answered
    example: Codes  # (d,)
    one: Codes  # (d,): a coder
    two: Codes  # (d,): a later one
    first: Codes  # (d,): a label, or -1
    second: Codes  # (d,)

    @classmethod
    def of(cls, answered: Answered) -> "Disagreements":
        """Compare all answers to the same example."""
        found = [_differing(answered, one, two) for one, two in _answer_pairs(answered)]
        columns = [np.concatenate(column) for column in zip(*found, strict=True)] if found else []
        return cls(answered, *(columns or [np.zeros(0, np.int64)] * 5))

    @cached_property
    def by_coders(self) -> list[dict[str, Any]]:
        """Who disagrees with whom on what: `coders`, `labels`, `n`, `examples`.

        The most frequent come first; a label that one of the two left out is null.
        """
        return self._table([self.one, self.two, self.first, self.second])

    @cached_property
    def by_labels(self) -> list[dict[str, Any]]:
        """Which labels are taken for one another, whoever does it: `labels`, `n`, `examples`."""
        low, high = np.minimum(self.first, self.second), np.maximum(self.first, self.second)
        if self.answered.many:  # only one of the two is a label
            low, high = high, low
        return self._table([low, high])

    def of_coder(self, coder: str) -> list[dict[str, Any]]:
        """What of `by_coders` this coder has a part in, as the second of the two."""
        found = []
        for row in self.by_coders:
            if row["coders"][0] == coder:
                both = {key: row[key][::-1] for key in ("coders", "labels")}
                found.append({**row, **both})
            elif row["coders"][1] == coder:
                found.append(row)
        return found

    @cached_property
    def compared(self) -> tuple[Codes, Codes]:
        """How many pairs of answers each coder is in, and how many equal ones: (coders,) each."""
        pairs = equal = np.zeros(len(self.answered.coders), np.int64)
        for one, two in _answer_pairs(self.answered):
            alike = self.answered.answer[one] == self.answered.answer[two]
            for side in (self.answered.coder[one], self.answered.coder[two]):
                pairs = pairs + np.bincount(side, minlength=len(pairs))
                equal = equal + np.bincount(side[alike], minlength=len(equal))
        return pairs, equal

    def _table(self, keys: list[Codes]) -> list[dict[str, Any]]:
        if not len(self.example):
            return []
        order = np.lexsort((self.example, *keys[::-1]))
        sorted_keys = np.column_stack(keys)[order]
        starts = np.flatnonzero(np.r_[True, (np.diff(sorted_keys, axis=0) != 0).any(axis=1)])
        counts = np.diff(np.r_[starts, len(order)])
        ranked = np.argsort(-counts, kind="stable")
        return [
            self._row(sorted_keys[starts[at]], int(counts[at]), order[starts[at] :][: counts[at]])
            for at in ranked.tolist()
        ]

    def _row(self, key: Codes, n: int, places: Codes) -> dict[str, Any]:
        names = [self.answered.labels[k] if k >= 0 else None for k in key[-2:]]
        coders = [self.answered.coders[c] for c in key[:-2]]
        examples = list(dict.fromkeys(self.example[places[: 2 * SHOWN]].tolist()))[:SHOWN]
        return {
            **({"coders": coders} if coders else {}),
            "labels": names,
            "n": n,
            "examples": [example_id(*self.answered.examples[at]) for at in examples],
        }


def _answer_pairs(answered: Answered) -> Iterator[tuple[Codes, Codes]]:
    """Yield the places of two answers to the same example, all pairs in a few large steps."""
    a = len(answered.example)
    for step in range(1, int(answered.answers_to.max(initial=0))):
        first = np.arange(a - step)
        same = answered.example[:-step] == answered.example[step:]
        yield first[same], first[same] + step


def _differing(answered: Answered, one: Codes, two: Codes) -> tuple[Codes, ...]:
    """Return examples, coders and labels of the disagreements among pairs of answers."""
    if answered.many:
        apart = answered.chosen[one] != answered.chosen[two]
        rows, labels = np.nonzero(apart)
        one, two = one[rows], two[rows]
        by_first = answered.chosen[one, labels]
        labels_one, labels_two = np.where(by_first, labels, -1), np.where(by_first, -1, labels)
    else:
        differ = answered.answer[one] != answered.answer[two]
        one, two = one[differ], two[differ]
        labels_one, labels_two = answered.answer[one], answered.answer[two]
    coders = answered.coder
    return answered.example[one], coders[one], coders[two], labels_one, labels_two

"""The answers to one task as arrays: who said what of which example."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.codebook import Choose, Task
from pipeline.label.answers import Example
from pipeline.statistics.bootstrap import Codes

# The labels that each coder chose, by coder.
Answers: TypeAlias = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Answered:
    """a answers of c coders to n examples, each of them some of k labels.

    The answers stand in the order of the examples, and those to one example in that of the coders.
    """

    labels: list[str]
    many: bool
    examples: list[Example]
    coders: list[str]
    example: Codes  # (a,): places in `examples`, as `coder` in `coders`
    coder: Codes  # (a,)
    # (a, k). With one label to choose, each row has one True.
    chosen: NDArray[np.bool_]

    @classmethod
    def of(cls, task: Task, answers: Mapping[Example, Answers]) -> "Answered":
        """Lay out the answers to one task."""
        return cls.lay_out(task.label_ids, task.choose is Choose.MANY, answers)

    @classmethod
    def lay_out(
        cls, labels: Sequence[str], many: bool, answers: Mapping[Example, Answers]
    ) -> "Answered":
        """Lay out the answers to a task that has these labels, sorted."""
        coders = sorted({coder for given in answers.values() for coder in given})
        place = {label: k for k, label in enumerate(labels)}
        number = {coder: at for at, coder in enumerate(coders)}
        example: list[int] = []
        coder: list[int] = []
        rows: list[int] = []
        columns: list[int] = []
        for n, given in enumerate(answers.values()):
            for name in sorted(given):
                rows += [len(coder)] * len(given[name])
                columns += [place[label] for label in given[name]]
                example.append(n)
                coder.append(number[name])
        chosen = np.zeros((len(coder), len(labels)), np.bool_)
        chosen[rows, columns] = True
        return cls(
            list(labels), many, list(answers), coders, _codes(example), _codes(coder), chosen
        )

    @cached_property
    def answers_to(self) -> Codes:
        """How many answers each example has: (n,)."""
        return np.bincount(self.example, minlength=len(self.examples))

    @cached_property
    def answer(self) -> Codes:
        """Whole answers as numbers, equal where the sets of labels are: (a,)."""
        if not self.many:
            return np.asarray(self.chosen.argmax(axis=1), np.int64)
        return self._sets[1]

    @property
    def kinds(self) -> NDArray[np.bool_]:
        """The sets of labels that `answer` numbers: (kinds, k)."""
        return np.eye(len(self.labels), dtype=np.bool_) if not self.many else self._sets[0]

    @cached_property
    def _sets(self) -> tuple[NDArray[np.bool_], Codes]:
        sets, codes = np.unique(self.chosen, axis=0, return_inverse=True)
        return sets, np.asarray(codes.ravel(), np.int64)

    def counts(self, values: Any) -> Any:
        """Sum `values`, a row for each answer, over the answers to each example: a sparse table."""
        from scipy.sparse import csr_array

        owners = csr_array(
            (np.ones(len(self.example)), (self.example, np.arange(len(self.example)))),
            shape=(len(self.examples), len(self.example)),
        )
        return owners @ values


def _codes(numbers: Iterable[int]) -> Codes:
    return np.array(list(numbers), np.int64)

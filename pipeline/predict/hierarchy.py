"""Labels below labels: a broader label is at least as likely as each of those below it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.codebook import Choose, Task


@dataclass(frozen=True)
class Hierarchy:
    """The tree of a task's labels, as places in their sorted order."""

    parents: NDArray[np.int64]  # [labels] the broader label's place; -1 at the top
    deepest_first: NDArray[np.int64]  # [labels]
    many: bool
    back_off: float | None  # a narrower label under this probability gives way to its parent

    @classmethod
    def of(cls, task: Task, back_off: float | None) -> "Hierarchy | None":
        """Return the task's tree; None where no label has a parent."""
        names = {label.id: label.parent for label in task.labels}
        if not any(names.values()):
            return None
        place = {name: at for at, name in enumerate(task.label_ids)}
        parents = np.array([place.get(names[name] or "", -1) for name in task.label_ids], np.int64)
        depths = [_depth(name, names) for name in task.label_ids]
        deepest_first = np.argsort(np.negative(depths), kind="stable")
        return cls(parents, deepest_first, task.choose is Choose.MANY, back_off)

    def rolled_up(self, probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return probabilities [n, labels] in which no label is likelier than its parent.

        Where one label is chosen, a label's probability is that of itself or any below it. Where
        many may hold, a label is at least as likely as the likeliest below it: coders name the
        narrowest label that fits, so that a model may never have seen its parent.
        """
        rolled = probabilities.copy()
        join = np.maximum if self.many else np.add
        for label in self.deepest_first.tolist():
            above = self.parents[label]
            if above >= 0:
                rolled[:, above] = join(rolled[:, above], rolled[:, label])
        return np.minimum(rolled, 1)

    def with_parents(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the chosen labels [n, labels] and all above them."""
        answer = chosen.copy()
        for label in self.deepest_first.tolist():
            if self.parents[label] >= 0:
                answer[:, self.parents[label]] |= answer[:, label]
        return answer

    def backed_off(self, best: NDArray[np.int64], rolled: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the answer to each example [n]: `best`, unless unsure answers back off.

        With `back_off` it is the likeliest label at the top, then the likeliest below that, and so
        on while one is at least so likely.
        """
        if self.back_off is None:
            return best
        answer = self._likeliest_below(np.full(len(rolled), -1), rolled)
        while True:
            below = self._likeliest_below(answer, rolled)
            sure = (below >= 0) & (rolled[np.arange(len(rolled)), below] >= self.back_off)
            if not sure.any():
                return answer
            answer = np.where(sure, below, answer)

    def _likeliest_below(
        self, above: NDArray[np.int64], rolled: NDArray[np.float32]
    ) -> NDArray[np.int64]:
        """Return the likeliest label right below each of `above` [n], -1 where there is none."""
        is_below = self.parents[None, :] == above[:, None]
        likeliest = np.where(is_below, rolled, -1).argmax(axis=1)
        return np.where(is_below.any(axis=1), likeliest, -1)


def _depth(name: str, parents: Mapping[str, str | None]) -> int:
    above = parents[name]
    return 0 if above is None else 1 + _depth(above, parents)

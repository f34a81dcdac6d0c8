"""Votes of one task as numbers: what each function says of each label of each example."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

ABSTAINS = -1


@dataclass(frozen=True)
class Matrix:
    """What m functions say of n examples and L labels."""

    functions: list[str]  # [m] in the order in which they voted first
    said: NDArray[np.int8]  # [n, m, L] 1: the label holds, -1: it does not, 0: nothing said

    @property
    def votes(self) -> NDArray[np.int16]:
        """The label that each function gives, or ABSTAINS; [n, m]. For tasks with one label."""
        found = (self.said == 1).argmax(axis=2)
        return np.where((self.said == 1).any(axis=2), found, ABSTAINS).astype(np.int16)

    def about(self, label: int) -> NDArray[np.int16]:
        """What each function says of a label: 1 or 0, or ABSTAINS, [n, m]."""
        said = self.said[:, :, label]
        return np.where(said == 0, ABSTAINS, said == 1).astype(np.int16)

    @property
    def voted(self) -> NDArray[np.bool_]:
        """Which function says anything of which example, [n, m]."""
        return np.asarray((self.said != 0).any(axis=2))

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Which examples any function says something of, [n]."""
        return np.asarray((self.said != 0).any(axis=(1, 2)))


def matrix_of(
    votes: pa.Table, functions: Sequence[str], ids: Sequence[str], labels: Sequence[str]
) -> Matrix:
    """Return what `functions` say in records.VOTES of the examples with these ids, in that order.

    Memory: a byte for each example, function and label.
    """
    said = np.zeros((len(ids), len(functions), len(labels)), np.int8)
    cast = votes.filter(pc.is_valid(votes["label"]))
    places = [
        pc.index_in(cast[column], pa.array(known, pa.string()))
        for column, known in (("example_id", ids), ("function", functions), ("label", labels))
    ]
    there = np.ones(len(cast), np.bool_)
    for column in places:
        there &= pc.is_valid(column).to_numpy()
    rows, of, about = (pc.fill_null(column, 0).to_numpy()[there] for column in places)
    said[rows, of, about] = np.where(cast["holds"].to_numpy()[there], 1, -1)
    return Matrix(list(functions), said)

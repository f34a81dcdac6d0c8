"""How often each labelling function votes, and how often it is right on gold of the train side."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.statistics.rates import rate_of
from pipeline.votes.label_model import Combined, by_label_model, by_majority
from pipeline.votes.matrix import Matrix

# The label model is judged on gold that it did not see, a fifth of the stories at a time.
_PARTS: Final = 5


@dataclass(frozen=True)
class Ballot:
    """The votes on the train side of one task, with the gold there is: n examples."""

    labels: list[str]
    many: bool
    matrix: Matrix
    gold: NDArray[np.bool_]  # [n, L]; False where nobody coded
    known: NDArray[np.bool_]  # [n] whether it has gold
    stories: Sequence[str]  # [n]

    def combined(self, combine: str, known: NDArray[np.bool_] | None = None) -> Combined:
        """Return what the votes come to, by `majority` or `label_model`."""
        if combine == "majority":
            return by_majority(self.matrix, self.many)
        seen = self.known if known is None else known
        return by_label_model(self.matrix, self.many, self.gold, seen)


def account_of(ballot: Ballot, confidence: float) -> dict[str, Any]:
    """Return the table of a task's functions and of their combinations, JSON-ready.

    All is counted on the train side. `overlap` and `conflict` are shares of its examples on which
    another function votes as well, and on which another one says something else. `accuracy` is the
    share of a function's votes that gold bears out; where many labels may hold, each label that it
    says something about is a vote. Intervals are of clusters of stories.
    """
    return {
        "examples": len(ballot.known),
        "gold": int(ballot.known.sum()),
        "covered": _share(ballot.matrix.covered),
        "functions": [
            _of_function(ballot, place, confidence) for place in range(len(ballot.matrix.functions))
        ],
        "combined": {
            "majority": _of_combined(ballot, ballot.combined("majority"), confidence),
            "label_model": _of_combined(ballot, _held_out(ballot), confidence),
        },
    }


def _of_function(ballot: Ballot, place: int, confidence: float) -> dict[str, Any]:
    said = ballot.matrix.said
    own, voted = said[:, place], ballot.matrix.voted
    others = np.delete(voted, place, axis=1).any(axis=1)
    labels = np.flatnonzero((own != 0).any(axis=0))
    return {
        "function": ballot.matrix.functions[place],
        "labels": [ballot.labels[label] for label in labels.tolist()],
        "votes": int(voted[:, place].sum()),
        "coverage": _share(voted[:, place]),
        "overlap": _share(voted[:, place] & others),
        "conflict": _share(_in_conflict(said, place, ballot.many)),
        **_accuracy(ballot, own, confidence),
    }


def _in_conflict(said: NDArray[np.int8], place: int, many: bool) -> NDArray[np.bool_]:
    """Tell on which examples another function says something else than the one at `place`."""
    own = said[:, place : place + 1]
    others = np.delete(said, place, axis=1)
    if many:
        return np.asarray((own * others < 0).any(axis=(1, 2)))
    differs = (others == 1).any(axis=2) & ~((own == 1) & (others == 1)).any(axis=2)
    return np.asarray(differs.any(axis=1) & (own == 1).any(axis=(1, 2)))


def _accuracy(ballot: Ballot, said: NDArray[np.int8], confidence: float) -> dict[str, Any]:
    """Return on how much gold `said` [n, L] can be judged, and how often it is right."""
    rows, labels = np.nonzero((said != 0) & ballot.known[:, None])
    wrong = (said[rows, labels] == 1) != ballot.gold[rows, labels]
    found = rate_of(wrong.tolist(), [ballot.stories[row] for row in rows.tolist()], confidence)
    if found.rate is None or found.low is None or found.high is None:
        return {"n": 0, "accuracy": None, "accuracy_low": None, "accuracy_high": None}
    return {
        "n": found.n,
        "accuracy": 1 - found.rate,
        "accuracy_low": 1 - found.high,
        "accuracy_high": 1 - found.low,
    }


def _of_combined(ballot: Ballot, combined: Combined, confidence: float) -> dict[str, Any]:
    voted = ballot.matrix.covered
    if ballot.many:
        said = np.where(combined.likely >= 0.5, 1, -1)
    else:
        said = np.zeros(combined.likely.shape, np.int64)
        said[np.arange(len(said)), combined.likely.argmax(axis=1)] = 1
    said[~voted] = 0
    return {
        "coverage": _share(voted),
        **_accuracy(ballot, said.astype(np.int8), confidence),
        "rounds": combined.rounds,
        "converged": combined.converged,
    }


def _held_out(ballot: Ballot) -> Combined:
    """Return the label model's probabilities, those of gold by a model that did not see it."""
    whole = ballot.combined("label_model")
    likely = whole.likely.copy()
    part = np.array([zlib.crc32(story.encode()) % _PARTS for story in ballot.stories], np.int64)
    rounds, converged = whole.rounds, whole.converged
    for number in range(_PARTS):
        hidden = ballot.known & (part == number)
        if hidden.any():
            found = ballot.combined("label_model", ballot.known & ~hidden)
            likely[hidden] = found.likely[hidden]
            rounds, converged = max(rounds, found.rounds), converged and found.converged
    return Combined(likely, rounds, converged)


def _share(which: NDArray[np.bool_]) -> float:
    return float(which.mean()) if len(which) else 0.0

"""What to code next: which of the examples that nobody has coded teach a model most."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.config import Queue
from pipeline.records import WORKLIST

_LEAST: Final = 1e-12
# Disagreement and uncertainty from which on they are named as a reason.
_NOTABLE: Final = 0.1
_UNSURE: Final = 0.5


@dataclass(frozen=True)
class Waiting:
    """Examples of one task that nobody has coded, n of them."""

    rows: pa.Table  # `example_id`, `article_id`, `task`, `target`
    stories: Sequence[str]  # [n]
    outlets: Sequence[str | None]  # [n] by their key, see groups.py

    def __len__(self) -> int:
        return len(self.stories)

    def take(self, at: NDArray[np.int64]) -> "Waiting":
        """Return the examples at these places, in that order."""
        places = at.tolist()
        return Waiting(
            self.rows.take(pa.array(places, pa.int64())),
            [self.stories[place] for place in places],
            [self.outlets[place] for place in places],
        )


@dataclass(frozen=True)
class Opinions:
    """What one model or several say of n examples."""

    labels: Sequence[str]  # sorted
    many: bool
    likely: NDArray[np.float32]  # [n, labels] mean of the models
    uncertainty: NDArray[np.float32]  # [n] from 0, sure, to 1
    disagreement: NDArray[np.float32]  # [n] from 0, of one mind, to 1

    def take(self, at: NDArray[np.int64]) -> "Opinions":
        """Return the opinions of the examples at these places, in that order."""
        return replace(
            self,
            likely=self.likely[at],
            uncertainty=self.uncertainty[at],
            disagreement=self.disagreement[at],
        )

    @classmethod
    def joined(cls, parts: Sequence["Opinions"], places: NDArray[np.int64]) -> "Opinions":
        """Put parts together so that their rows stand at `places`, each of 0 to n - 1 once."""
        whole = replace(
            parts[0],
            likely=np.concatenate([part.likely for part in parts]),
            uncertainty=np.concatenate([part.uncertainty for part in parts]),
            disagreement=np.concatenate([part.disagreement for part in parts]),
        )
        return whole.take(np.argsort(places))


def opinions_of(
    labels: Sequence[str], many: bool, answers: Sequence[NDArray[np.float32]]
) -> Opinions:
    """Sum up the probabilities [n, labels] of each model.

    Uncertain is what has two likeliest labels of like probability, or where many may hold, labels
    of a probability near one half. Disagreement is the Jensen-Shannon divergence of the models
    (Lin, 1991, https://doi.org/10.1109/18.61115), divided by the most that it can be.
    """
    stacked = np.stack(answers).astype(np.float64)
    mean = stacked.mean(axis=0)
    if many:
        uncertainty = _binary_entropy(mean).mean(axis=1)
        apart = (_binary_entropy(mean) - _binary_entropy(stacked).mean(axis=0)).mean(axis=1)
    else:
        top = np.sort(mean, axis=1)
        uncertainty = 1 - (top[:, -1] - top[:, -2]) if mean.shape[1] > 1 else np.zeros(len(mean))
        apart = _entropy(mean) - _entropy(stacked).mean(axis=0)
        apart /= np.log2(max(2, min(len(answers), len(labels))))
    return Opinions(
        labels, many, mean.astype(np.float32), uncertainty.astype(np.float32),
        np.clip(apart, 0, 1).astype(np.float32),
    )  # fmt: skip


def _entropy(likely: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the entropy of the last axis, in bits."""
    return np.asarray(-(likely * np.log2(np.maximum(likely, _LEAST))).sum(axis=-1))


def _binary_entropy(likely: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the entropy of each probability and its contrary, in bits."""
    return _entropy(np.stack([likely, 1 - likely], axis=-1))


def usefulness(opinions: Opinions, coded: Mapping[str, int], section: Queue) -> NDArray[np.float32]:
    """Return how much an answer to each example would teach, [n]; the scale has no meaning.

    Uncertainty and disagreement, times the need for the labels that the example may have: a label
    of which c examples are coded is needed (m / c)^`rare` times as much as the one with most, m.
    """
    counts = np.array([coded.get(label, 0) + 1 for label in opinions.labels], np.float64)
    need = (counts.max() / counts) ** section.rare
    share = opinions.likely / np.maximum(opinions.likely.sum(axis=1, keepdims=True), _LEAST)
    wanted = opinions.uncertainty + section.disagreement * opinions.disagreement
    return np.asarray(wanted * (share @ need), np.float32)


def first_of_stories(
    useful: NDArray[np.float32], stories: Sequence[str], most: int
) -> NDArray[np.int64]:
    """Return the places of the most useful examples, one from a story, the best first."""
    seen: set[str] = set()
    found: list[int] = []
    for at in np.argsort(-useful, kind="stable").tolist():
        if stories[at] not in seen:
            seen.add(stories[at])
            found.append(at)
        if len(found) == most:
            break
    return np.array(found, np.int64)


def spread(
    groups: NDArray[np.int64], outlets: Sequence[str | None], size: int, section: Queue
) -> list[int]:
    """Return `size` places of candidates that stand in order of usefulness, the best first.

    One from each group of like texts before a second one from any, and of an outlet no more than
    `outlet_share` of the list, unless there is nothing else.
    """
    cap = max(1, int(section.outlet_share * size))
    taken: list[int] = []
    by_outlet: Counter[str] = Counter()
    for at in _by_rounds(groups):
        outlet = outlets[at]
        if len(taken) < size and (outlet is None or by_outlet[outlet] < cap):
            taken.append(at)
            if outlet is not None:
                by_outlet[outlet] += 1
    had = set(taken)
    left = [at for at in _by_rounds(groups) if at not in had]
    return taken + left[: size - len(taken)]


def _by_rounds(groups: NDArray[np.int64]) -> Iterator[int]:
    """Yield the places: the first of each group in order, then the second of each, and so on."""
    met: Counter[int] = Counter()
    rounds = []
    for group in groups.tolist():
        rounds.append(met[group])
        met[group] += 1
    yield from np.argsort(rounds, kind="stable").tolist()


def queue_worklist(waiting: Waiting, reasons: Sequence[str]) -> pa.Table:
    """Return records.WORKLIST of these examples in their order.

    No label is suggested: coders who see what a model would say tend to say it too.
    """
    rows = waiting.rows.select(["example_id", "article_id", "task", "target"]).to_pylist()
    return pa.Table.from_pylist(
        [{**row, "why": why} for row, why in zip(rows, reasons, strict=True)], schema=WORKLIST
    )


def reasons(opinions: Opinions, coded: Mapping[str, int], models: int) -> list[str]:
    """Say of each example why it is in the list."""
    usual = np.median([coded.get(label, 0) for label in opinions.labels])
    who = "the models are" if models > 1 else "the model is"
    told = []
    for at, likely in enumerate(opinions.likely):
        why = [f"{who} {_doubt(opinions, at)}"]
        if opinions.disagreement[at] >= _NOTABLE:
            why.append("they disagree")
        likeliest = [opinions.labels[label] for label in np.argsort(-likely, kind="stable")[:2]]
        rare = [label for label in likeliest if coded.get(label, 0) < usual / 2]
        if rare:
            why.append(f"few are coded {rare[0]!r} yet ({coded.get(rare[0], 0)})")
        told.append("; ".join(why))
    return told


def _doubt(opinions: Opinions, at: int) -> str:
    likely = opinions.likely[at]
    near = np.abs(likely - 0.5) if opinions.many else -likely
    first, *second = [
        f"{opinions.labels[label]!r} ({likely[label]:.2f})"
        for label in np.argsort(near, kind="stable")[:2]
    ]
    if opinions.many:
        return f"unsure whether it has {' or '.join([first, *second])}"
    if opinions.uncertainty[at] < _UNSURE:
        return f"fairly sure of {first}"
    return f"unsure between {' and '.join([first, *second])}"

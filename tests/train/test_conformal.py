"""From which probability on a label is in the set."""

import numpy as np
import pytest

from pipeline.train.conformal import set_from


def case(own, of=None):
    """Two labels; gold is the first, or the one that `of` says, and has the probability `own`."""
    of = np.zeros(len(own), int) if of is None else np.array(of)
    gold = of[:, None] == np.arange(2)
    other = 1 - np.array(own, np.float32)
    return np.where(gold, np.array(own, np.float32)[:, None], other[:, None]), gold


@pytest.mark.parametrize(
    ("coverage", "least"),
    # Ranks of 5 of 10 and so on: ⌈10 × .45⌉ = 5, ⌈10 × .5⌉ = 5, ⌈10 × .7⌉ = 7, ⌈10 × .9⌉ = 9.
    [(0.45, 0.5), (0.5, 0.5), (0.7, 0.3), (0.9, 0.1), (0.91, 0.0)],
)
def test_the_set_starts_where_as_many_of_dev_and_one_more_are_covered(coverage, least):
    likely, gold = case([0.3, 0.9, 0.1, 0.5, 0.7, 0.2, 0.4, 0.6, 0.8])
    found = set_from(likely, gold, coverage, by_label=False)
    assert found.tolist() == pytest.approx([least, least])


def test_each_label_by_itself_starts_where_its_own_examples_are_covered():
    common, rare = np.linspace(0.5, 0.98, 49), np.linspace(0.05, 0.45, 9)
    likely, gold = case([*common, *rare], [0] * 49 + [1] * 9)
    found = set_from(likely, gold, 0.9, by_label=True)
    assert found.tolist() == pytest.approx([common[4], rare[0]])
    assert (likely[gold.argmax(axis=1) == 1, 1] >= found[1]).all()
    together = set_from(likely, gold, 0.9, by_label=False)
    assert together[0] == together[1] > found[1]


def test_too_few_examples_put_every_label_in_the_set():
    nothing = np.zeros((0, 3), np.float32), np.zeros((0, 3), bool)
    for by_label in (False, True):
        assert set_from(*nothing, 0.9, by_label=by_label).tolist() == [0, 0, 0]
    eight = case(np.linspace(0.2, 0.9, 8))
    assert set_from(*eight, 0.9, by_label=False).tolist() == [0, 0]
    assert set_from(*eight, 0.8, by_label=True)[1] == 0  # no example of it


@pytest.mark.parametrize("coverage", [0.8, 0.9])
def test_as_many_sets_hold_the_right_label_as_asked(coverage):
    rng, covered = np.random.default_rng(0), []
    for _ in range(200):
        scores = rng.normal(size=(2, 60, 4))
        gold = np.eye(4, dtype=bool)[rng.choice(4, (2, 60), p=[0.55, 0.25, 0.15, 0.05])]
        likely = np.exp(scores + 1.5 * gold)
        likely = (likely / likely.sum(axis=2, keepdims=True)).astype(np.float32)
        least = set_from(likely[0], gold[0], coverage, by_label=False)
        covered.append((likely[1] >= least)[gold[1]].mean())
    assert coverage - 0.01 < np.mean(covered) < coverage + 0.02

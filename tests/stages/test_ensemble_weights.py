"""The weights of an ensemble's members have the least log loss."""

import numpy as np
import pytest
from scipy.optimize import minimize

from pipeline.bundle import pooled
from pipeline.stages.rungs.ensemble import fit_weights


def opinions_of(gold, skills, many, rng):
    """Members' probabilities [m, n, labels] that know the answer as well as their skill."""
    members = []
    for skill in skills:
        scores = rng.normal(size=gold.shape) + skill * gold
        if many:
            members.append(1 / (1 + np.exp(-(scores - skill / 2))))
        else:
            likely = np.exp(scores)
            members.append(likely / likely.sum(axis=1, keepdims=True))
    return np.array(members, np.float32)


def made(n, many, seed=0, skills=(0.5, 1.5, 2.5)):
    rng = np.random.default_rng(seed)
    gold = rng.random((n, 4)) < 0.4 if many else np.eye(4, dtype=bool)[rng.integers(0, 4, n)]
    return opinions_of(gold, skills, many, rng), gold


def loss(likely, gold, many, weights):
    equal = 1 / len(likely)
    chances = np.clip(pooled(likely, weights, many).astype(np.float64), 1e-12, 1)
    if many:
        right = np.where(gold, np.log(chances), np.log(np.clip(1 - chances, 1e-12, 1)))
        mean = -right.mean()
    else:
        mean = -np.log(chances[gold]).mean()
    return mean + np.square(weights - equal).sum() / len(gold)


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("n", [30, 200, 1000])
def test_no_weights_have_less_loss(n, many):
    likely, gold = made(n, many)
    weights = fit_weights(likely, gold, many)
    reference = minimize(
        lambda w: loss(likely, gold, many, np.maximum(w, 0)), weights + 0.3, method="Nelder-Mead"
    )
    assert loss(likely, gold, many, weights) <= reference.fun + 1e-5
    assert (weights >= 0).all()


@pytest.mark.parametrize("many", [False, True])
def test_a_better_member_counts_more_and_noise_counts_for_nothing(many):
    likely, gold = made(2000, many, skills=(2.0, 1.0, 0.0))
    weights = fit_weights(likely, gold, many)
    assert weights[0] > weights[1] > 0.1
    assert weights[2] < 0.1


def test_without_examples_enough_the_shares_stay_near_equal():
    likely, gold = made(2000, many=False, skills=(2.0, 1.0, 0.0))
    few, enough = (fit_weights(likely[:, :n], gold[:n], False) for n in (1, 2000))
    assert np.abs(few - 1 / 3).max() < 0.3 < np.abs(enough - 1 / 3).max()

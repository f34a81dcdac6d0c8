import numpy as np
import pytest
from scipy.sparse import csr_array

from pipeline.config import Evaluate
from pipeline.evaluate.calibration import (
    Claims,
    ece,
    equal_mass_bins,
    gap_tally,
    recentred,
    reliability_curve,
)

EVALUATE = Evaluate()


def error_of(probability, right, bins=10):
    claims = Claims(np.asarray(probability, float), np.asarray(right, bool))
    gaps = csr_array(gap_tally(claims, bins)).sum(axis=0)[None, :]
    return float(ece(gaps, np.array([float(len(right))]), bins)[0])


def test_ece_by_hand():
    # Two bins: .6 claimed and half right, .9 claimed and all right.
    probability = np.array([[0.6], [0.6], [0.9], [0.9]])
    right = np.array([[True], [False], [True], [True]])
    assert error_of(probability, right, bins=2) == pytest.approx((0.1 + 0.1) / 2)


def test_ece_of_many_labels_is_the_mean_of_the_labels():
    rng = np.random.default_rng(0)
    probability = rng.random((60, 3))
    right = rng.random((60, 3)) < 0.5
    alone = [error_of(probability[:, [k]], right[:, [k]]) for k in range(3)]
    assert error_of(probability, right) == pytest.approx(np.mean(alone))


def test_probabilities_that_mean_what_they_say_have_a_small_error_and_boasts_a_large_one():
    rng = np.random.default_rng(0)
    probability = rng.uniform(0.4, 1, (5000, 1))
    honest = rng.random((5000, 1)) < probability
    assert error_of(probability, honest) < 0.03
    assert error_of(np.full((5000, 1), 0.99), honest) > 0.2


def test_bins_have_equal_mass_and_keep_equal_probabilities_together():
    spread = equal_mass_bins(np.linspace(0, 1, 100), 4)
    assert np.bincount(spread).tolist() == [25, 25, 25, 25]
    tied = equal_mass_bins(np.array([0.5] * 90 + [0.9] * 10), 10)
    assert len(set(tied[:90])) == 1
    assert tied[0] < tied[95]


def test_recentred_errors_have_the_samples_error_as_mean_and_stay_positive():
    values = recentred(np.array([0.02, 0.03, 0.04, 0.05]), EVALUATE)
    assert values.tolist() == pytest.approx([0.02, 0.01, 0.02, 0.03])
    assert recentred(np.array([0.0, 0.01, 0.03]), EVALUATE).min() == 0
    assert recentred(np.array([0.1]), EVALUATE).tolist() == [0.1]


def test_the_jackknife_is_not_recentred():
    section = Evaluate(resamples=100)
    values = recentred(np.array([0.02, *[0.05] * 100, 0.03, 0.01]), section)
    assert values.tolist() == pytest.approx([0.02] * 101 + [0.03, 0.01])


def test_the_curve_counts_every_claim_once():
    claims = Claims(np.array([[0.2, 0.8], [0.4, 0.6]]), np.array([[False, True], [True, True]]))
    curve = reliability_curve(claims, 2)
    assert curve.n.tolist() == [2, 2]
    assert curve.probability.tolist() == pytest.approx([0.3, 0.7])
    assert curve.right.tolist() == [0.5, 1.0]

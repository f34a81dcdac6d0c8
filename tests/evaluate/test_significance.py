"""Differences with interval and p."""

import numpy as np
import pytest

from pipeline.evaluate.significance import Difference, difference


def resampled_means(values, rng, resamples=4000):
    return values[rng.integers(0, len(values), (resamples, len(values)))].mean(axis=1)


@pytest.mark.parametrize("n", [12, 60])
def test_of_a_mean_it_is_about_students_paired_test(n):
    from scipy.stats import ttest_1samp

    rng = np.random.default_rng(n)
    values = rng.normal(0, 1, n)
    values += 1.7 / n**0.5 - values.mean()  # a p between .05 and .2
    tested = difference(resampled_means(values, rng), n, 0.95)
    student = ttest_1samp(values, 0)
    low, high = student.confidence_interval(0.95)
    assert tested.p_value == pytest.approx(student.pvalue, rel=0.2)
    assert (tested.low, tested.high) == pytest.approx((low, high), abs=0.12)


def test_p_is_below_the_level_just_where_the_interval_leaves_zero_out():
    rng = np.random.default_rng(5)
    seen = set()
    for shift in np.linspace(0, 1.2, 60):
        tested = difference(resampled_means(rng.normal(shift, 1, 15), rng, 1000), 15, 0.95)
        if abs(tested.p_value - 0.05) > 0.004:  # what adding one to the counts may move
            assert (tested.p_value < 0.05) == (tested.low > 0 or tested.high < 0)
            seen.add(tested.p_value < 0.05)
    assert seen == {True, False}


def test_one_example_that_flips_is_no_difference():
    values = np.zeros(50)
    values[0] = 1
    tested = difference(resampled_means(values, np.random.default_rng(0)), 50, 0.95)
    assert tested.low == 0
    assert tested.p_value > 0.3


def test_without_resamples_nothing_is_known():
    assert difference(np.array([]), 1, 0.95) == Difference(None, None, None, None)


def test_no_number_of_resamples_claims_an_impossibility():
    assert 0 < difference(np.ones(1000), 40, 0.95).p_value < 0.01

"""The interval of a share of failures, and what clusters do to it."""

import pytest

from pipeline.statistics.rates import interval_of_all_alike, rate_of

EACH = [str(number) for number in range(30)]


def test_no_failure_of_thirty_is_no_proof_of_none():
    rate = rate_of([False] * 30, EACH, 0.95)
    assert (rate.n, rate.failures, rate.rate, rate.low) == (30, 0, 0.0, 0.0)
    assert 0.10 < rate.high < 0.15


def test_all_failing_mirrors_none_failing():
    none, all_ = rate_of([False] * 30, EACH, 0.95), rate_of([True] * 30, EACH, 0.95)
    assert (all_.low, all_.high) == (pytest.approx(1 - none.high), 1.0)


def test_independent_cases_have_wilsons_interval():
    rate = rate_of([True] * 6 + [False] * 24, EACH, 0.95)
    assert rate.effective_n == pytest.approx(30)
    assert rate.low == pytest.approx(0.0951, abs=1e-4)
    assert rate.high == pytest.approx(0.3731, abs=1e-4)


def test_cases_that_fail_by_clusters_count_as_few():
    failed = [True] * 10 + [False] * 20
    apart = rate_of(failed, EACH, 0.95)
    together = rate_of(failed, [str(number // 5) for number in range(30)], 0.95)
    assert (together.rate, together.clusters) == (apart.rate, 6)
    assert together.effective_n < 6
    assert together.high - together.low > apart.high - apart.low + 0.2


def test_clusters_that_differ_less_than_by_chance_add_nothing():
    even = rate_of([True, False] * 15, [str(number // 2) for number in range(30)], 0.95)
    assert even.effective_n == pytest.approx(30 * (2.04523 / 2.14479) ** 2, rel=1e-4)


def test_one_cluster_is_one_case_and_none_has_no_rate():
    assert rate_of([False] * 40, ["a"] * 40, 0.95).effective_n == 1
    assert rate_of([], [], 0.95).rate is None


def test_a_share_without_exception_keeps_a_width_that_clusters_narrow():
    few, many = (interval_of_all_alike(1.0, n, 0.95) for n in (5, 50))
    assert few[0] < many[0] < 1 == few[1] == many[1]
    low, high = interval_of_all_alike(0.0, 1, 0.95)
    assert low == 0
    assert high > 0.7


def test_cases_of_one_cluster_count_once_where_none_fails():
    apart = rate_of([False] * 30, [str(at) for at in range(30)], 0.95)
    together = rate_of([False] * 30, [str(at % 5) for at in range(30)], 0.95)
    assert apart.effective_n == 30
    assert together.effective_n < 5
    assert together.high > 2 * apart.high

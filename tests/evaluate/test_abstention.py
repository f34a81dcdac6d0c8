"""The risk-coverage curve, its area, and what withholding comes to."""

import numpy as np
import pytest

from pipeline.evaluate import abstention
from pipeline.evaluate.answers import Answers, Question


def answers(sure, right):
    n = len(sure)
    probabilities = np.array([[p, 1 - p] for p in sure], float).reshape(n, 2)
    gold = np.array([[hit, not hit] for hit in right], bool).reshape(n, 2)
    predicted = np.tile([True, False], (n, 1))
    return Answers(
        Question("topic", ["a", "b"], many=False), gold, predicted, probabilities,
        None, None, None, None, np.arange(n), np.arange(n),
    )  # fmt: skip


def sums(given):
    return np.asarray(abstention.risk_tally(given).sum(axis=0))[None, :]


def test_the_area_is_the_mean_error_of_the_surest():
    right = [True, True, False, True]
    area = abstention.aurc(sums(answers([0.9, 0.8, 0.7, 0.6], right)))[0]
    assert area == pytest.approx(np.mean([0, 0, 1 / 3, 1 / 4]))


def test_the_order_of_the_rows_does_not_count_and_ties_go_together():
    rng = np.random.default_rng(0)
    sure, right = rng.choice([0.6, 0.7, 0.9], 300), rng.random(300) < 0.7
    order = rng.permutation(300)
    one = abstention.aurc(sums(answers(sure, right)))[0]
    other = abstention.aurc(sums(answers(sure[order], right[order])))[0]
    assert one == pytest.approx(other)
    coverage, risk = abstention.curve(sums(answers(sure, right)))
    assert len(coverage) == 3
    assert coverage[-1] == 1
    assert risk[-1] == pytest.approx(1 - right.mean())


def test_on_many_examples_it_is_near_the_exact_area():
    rng = np.random.default_rng(1)
    sure = rng.uniform(0.5, 1, 5000)
    right = rng.random(5000) < sure
    order = np.argsort(-sure)
    exact = np.mean(np.cumsum(~right[order]) / np.arange(1, 5001))
    found = abstention.aurc(sums(answers(sure, right)))[0]
    assert found == pytest.approx(exact, abs=0.005)
    assert found < 0.8 * (1 - right.mean())


def test_what_is_answered_and_wrong_from_a_probability_on():
    given = answers([0.9, 0.8, 0.7, 0.6], [True, False, True, False])
    table = abstention.answered_tally(given, 0.7).toarray()
    assert table.sum(axis=0).tolist() == [3, 1]
    assert abstention.answered_tally(given, 2.0).toarray().sum() == 0

"""From which probability on a model answers."""

import numpy as np
import pytest

from pipeline.train.abstention import NEVER, answer_from


def case(sure, right):
    """Two labels; the first is always the likelier one."""
    likely = np.array([[p, 1 - p] for p in sure], np.float32)
    gold = np.array([[hit, not hit] for hit in right], bool)
    return likely, gold


@pytest.mark.parametrize(
    ("risk", "least"),
    [(0.01, 0.9), (0.25, 0.7), (0.4, 0.6), (0.49, 0.6)],
)
def test_as_many_are_answered_as_the_risk_allows(risk, least):
    # Wrong of the 1, 2, … surest: 0, 0, 0, 1 (a quarter), 2 (two fifths), 3 (a half).
    likely, gold = case([0.99, 0.95, 0.9, 0.7, 0.6, 0.55], [True, True, True, False, False, False])
    assert answer_from(likely, gold, risk) == pytest.approx(least)


def test_a_later_error_that_is_made_good_is_allowed():
    likely, gold = case([0.9, 0.8, 0.7, 0.6], [False, True, True, True])
    assert answer_from(likely, gold, 0.25) == pytest.approx(0.6)


def test_equal_probabilities_are_answered_together_or_not_at_all():
    likely, gold = case([0.9, 0.8, 0.8], [True, True, False])
    assert answer_from(likely, gold, 0.1) == pytest.approx(0.9)


def test_where_the_surest_are_wrong_nothing_is_answered():
    assert answer_from(*case([0.9, 0.8], [False, False]), 0.1) == NEVER
    assert answer_from(*case([], []), 0.1) == NEVER

"""Weights of classes in a network's loss."""

import numpy as np
import pytest

from pipeline.train import class_weights


def gold(*counts):
    """Return one-label answers with so many examples of each label."""
    return np.repeat(np.eye(len(counts), dtype=bool), counts, axis=0)


@pytest.mark.parametrize(("kind", "ratio"), [("balanced", 9.0), ("sqrt", 3.0), ("none", 1.0)])
def test_a_rare_class_weighs_more_and_examples_weigh_1_in_the_mean(kind, ratio):
    weights = class_weights(gold(9, 1), False, kind)
    assert weights[1] / weights[0] == pytest.approx(ratio)
    assert (9 * weights[0] + weights[1]) / 10 == pytest.approx(1)


def test_where_many_may_hold_a_label_weighs_against_its_absence():
    answers = np.array([[True, True]] + [[False, True]] * 3)
    assert class_weights(answers, True, "balanced")[0] == pytest.approx(3)
    assert class_weights(answers, True, "sqrt")[0] == pytest.approx(3**0.5)


def test_a_class_without_examples_weighs_1():
    for many in (False, True):
        assert class_weights(gold(3, 0, 1), many, "balanced")[1] == 1

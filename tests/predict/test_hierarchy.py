"""Labels with parents: probabilities that nest, and answers that back off."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.codebook import Task
from pipeline.predict.hierarchy import Hierarchy

# Sorted: economy, rates, sport, trade
LABELS = [
    {"id": "economy"},
    {"id": "trade", "parent": "economy"},
    {"id": "rates", "parent": "trade"},
    {"id": "sport"},
]


def tree(choose="one", back_off=None):
    task = Task.model_validate({"asks": "article", "choose": choose, "labels": LABELS})
    return Hierarchy.of(task, back_off)


def test_a_task_without_parents_has_no_tree():
    labels = [{"id": "a"}, {"id": "b"}]
    assert Hierarchy.of(Task.model_validate({"asks": "article", "labels": labels}), 0.5) is None


def test_a_broader_label_is_as_likely_as_all_below_it_together():
    rolled = tree().rolled_up(np.array([[0.1, 0.2, 0.4, 0.3]], np.float32))
    np.testing.assert_allclose(rolled, [[0.6, 0.2, 0.4, 0.5]])


def test_where_many_may_hold_a_label_is_as_likely_as_the_likeliest_below_it():
    rolled = tree("many").rolled_up(np.array([[0.03, 0.95, 0.4, 0.1]], np.float32))
    np.testing.assert_allclose(rolled, [[0.95, 0.95, 0.4, 0.95]])


@given(
    arrays(np.float32, (5, 4), elements=st.floats(0, 1, width=32)), st.sampled_from(["one", "many"])
)
def test_no_label_is_ever_likelier_than_its_parent(probabilities, choose):
    if choose == "one":
        probabilities /= np.maximum(probabilities.sum(axis=1, keepdims=True), 1)
    hierarchy = tree(choose)
    rolled = hierarchy.rolled_up(probabilities)
    assert ((rolled >= 0) & (rolled <= 1)).all()
    for label, parent in enumerate(hierarchy.parents):
        if parent >= 0:
            assert (rolled[:, label] <= rolled[:, parent]).all()


@pytest.mark.parametrize(
    ("back_off", "answer"),
    [(None, "rates"), (0.25, "rates"), (0.4, "trade"), (0.55, "economy"), (0.99, "economy")],
)
def test_an_unsure_answer_backs_off_to_the_narrowest_that_is_sure_enough(back_off, answer):
    hierarchy = tree(back_off=back_off)
    flat = np.array([[0.15, 0.3, 0.25, 0.2]], np.float32)  # economy, rates, sport, trade
    rolled = hierarchy.rolled_up(flat)
    best = hierarchy.backed_off(flat.argmax(axis=1), rolled)
    assert sorted(label["id"] for label in LABELS)[best[0]] == answer


def test_a_label_at_the_top_has_nowhere_to_go():
    hierarchy = tree(back_off=0.9)
    flat = np.array([[0.1, 0.1, 0.7, 0.1]], np.float32)
    assert hierarchy.backed_off(flat.argmax(axis=1), hierarchy.rolled_up(flat)).tolist() == [2]

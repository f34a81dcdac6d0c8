import numpy as np
import pytest

from pipeline.bundle import LinearHead, chosen, probabilities
from pipeline.bundle.heads import NEVER

SCORES = np.array([[2.0, 0.0, -1.0], [0.0, 0.0, 0.0], [-800.0, 900.0, 0.0]], np.float32)


def test_one_answer_is_a_softmax_whose_rows_sum_to_one():
    found = probabilities(SCORES, many=False, temperature=1.0)
    assert found.dtype == np.float32
    assert found.sum(axis=1) == pytest.approx([1, 1, 1])
    assert found[0] == pytest.approx(np.exp([2, 0, -1]) / np.exp([2, 0, -1]).sum())
    assert found[1] == pytest.approx([1 / 3] * 3)
    assert found[2].tolist() == [0, 1, 0]


def test_many_answers_are_logistic_and_each_for_itself():
    found = probabilities(SCORES, many=True, temperature=2.0)
    assert found[0] == pytest.approx(1 / (1 + np.exp([-1.0, 0.0, 0.5])))
    assert found[2] == pytest.approx([0, 1, 0.5])


@pytest.mark.parametrize("temperature", [0.01, 1.0, 100.0])
def test_a_temperature_flattens_and_never_changes_the_answer(temperature):
    plain, scaled = (probabilities(SCORES, False, t) for t in (1.0, temperature))
    assert (plain.argmax(axis=1) == scaled.argmax(axis=1)).all()
    assert (scaled[0, 0] > plain[0, 0]) == (temperature < 1)


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("temperature", [0.01, 1.0, 50.0])
def test_a_label_that_training_never_saw_has_probability_zero(many, temperature):
    scores = np.array([[-3.0, NEVER, 1.0], [0.0, NEVER, 0.0]], np.float32)
    assert (probabilities(scores, many, temperature)[:, 1] == 0).all()


@pytest.mark.parametrize("many", [False, True])
def test_no_rows_give_no_rows(many):
    assert probabilities(np.zeros((0, 3), np.float32), many, 1.0).shape == (0, 3)
    cut = np.float32(0.5) if many else None
    assert chosen(np.zeros((0, 3), np.float32), cut).shape == (0, 3)


def test_one_label_is_chosen_the_first_of_equals():
    picked = chosen(np.array([[0.2, 0.4, 0.4], [0.9, 0.05, 0.05]], np.float32), None)
    assert picked.tolist() == [[False, True, False], [True, False, False]]


def test_each_label_has_a_threshold_of_its_own():
    likely = np.array([[0.5, 0.49, 0.99], [0.1, 0.2, 0.3]], np.float32)
    picked = chosen(likely, np.array([0.6, 0.2, 0.3], np.float32))
    assert picked.tolist() == [[False, True, True], [False, True, True]]


def test_many_labels_are_chosen_from_one_half_on_perhaps_none():
    picked = chosen(np.array([[0.5, 0.49, 0.99], [0.1, 0.2, 0.3]], np.float32), np.float32(0.5))
    assert picked.tolist() == [[True, False, True], [False, False, False]]


def test_a_head_scales_by_its_own_temperature():
    head = LinearHead(["a", "b"], np.zeros((1, 2), np.float32), np.zeros(2), 2.0, None)
    scores = np.array([[2.0, 0.0]], np.float32)
    assert head.probabilities(scores) == pytest.approx(probabilities(scores, False, 2.0))

import dataclasses

import numpy as np
import pytest
from scipy.sparse import csr_array

from pipeline.bundle import chosen
from pipeline.config import LinearTrain
from pipeline.errors import DataError
from pipeline.train import linear, train_task
from pipeline.train.calibration import log_loss

THREE = list("abc" * 10)
DEV = list("abc" * 6)


def train(data, **section):
    return train_task(data, LinearTrain(**section), seed=1)


def scores(head, data):
    return data.matrix @ head.weights + head.bias


def answers(head, data):
    return head.probabilities(scores(head, data)).argmax(axis=1)


def test_a_task_that_the_features_show_is_learned(make_data):
    data = make_data(THREE, DEV)
    trained = train(data)
    assert trained.head.labels == ["a", "b", "c"]
    assert trained.head.weights.shape == (8, 3)
    assert trained.head.weights.dtype == trained.head.bias.dtype == np.float32
    assert (answers(trained.head, data) == data.gold.argmax(axis=1)).mean() > 0.95
    assert trained.dev_probabilities.shape == (18, 3)
    assert trained.dev_probabilities.sum(axis=1) == pytest.approx(np.ones(18))


def test_the_strength_with_the_best_held_out_macro_f1_is_taken_and_of_several_the_least_loss(
    make_data,
):
    for noise in (0.1, 0.7, 1.2):
        tried = train(make_data(THREE, DEV, noise=noise), C=[30.0, 0.001, 1.0]).tried
        assert [row["value"] for row in tried] == [0.001, 1.0, 30.0]
        best = max(row["macro_f1"] for row in tried)
        equals = [row for row in tried if row["macro_f1"] == best]
        least = min(equals, key=lambda row: row["log_loss"])
        assert [row for row in tried if row["chosen"]] == [least]


def test_a_held_out_side_without_a_mistake_does_not_make_the_probabilities_certain(make_data):
    trained = train(make_data(THREE, DEV, noise=0.0), C=[1.0])
    assert trained.tried[0]["macro_f1"] == 1.0
    assert 0.9 < trained.dev_probabilities.max() < 0.999


def test_what_counts_is_the_dev_side_and_not_the_train_side(make_data):
    # In training column 7 gives the label away, weakly spread; on dev it lies.
    data = make_data(THREE, DEV, noise=0.6)
    table = data.matrix.toarray()
    table[:, 7] = np.where(data.is_dev, -1, 1) * (data.gold.argmax(axis=1) - 1) * 0.3
    misled = dataclasses.replace(data, matrix=csr_array(table))
    tried = train(misled, C=[0.1, 1000.0]).tried
    assert tried[0]["macro_f1"] > tried[1]["macro_f1"]
    assert tried[0]["chosen"]


def test_the_held_out_score_is_that_of_a_model_trained_without_dev(make_data):
    data = make_data(THREE, DEV, noise=0.4)
    flipped = data.gold.copy()
    flipped[data.is_dev] = np.roll(flipped[data.is_dev], 1, axis=1)
    lied_to = train(dataclasses.replace(data, gold=flipped), C=[1.0], refit=True)
    honest = train(data, C=[1.0], refit=True)
    first = chosen(lied_to.dev_probabilities, None)
    assert (first == chosen(honest.dev_probabilities, None)).all()
    assert lied_to.tried[0]["macro_f1"] + 0.3 < honest.tried[0]["macro_f1"]


@pytest.mark.parametrize("many", [False, True])
def test_the_temperature_lowers_the_log_loss_and_changes_no_answer(make_data, many):
    data = make_data(THREE, DEV, noise=0.9, many=many)
    trained = train(data, C=[1000.0], refit=False)
    plain = dataclasses.replace(trained.head, temperature=1.0)
    held_out = scores(trained.head, data)[data.is_dev]
    before, after = plain.probabilities(held_out), trained.head.probabilities(held_out)
    gold = data.gold[data.is_dev]
    assert trained.head.temperature > 1
    assert log_loss(after, gold, many) < log_loss(before, gold, many) - 0.01
    cut = np.float32(0.5) if many else None
    assert (chosen(before, cut) == chosen(after, cut)).all()
    assert trained.tried[0]["log_loss"] == pytest.approx(log_loss(after, gold, many), abs=1e-6)
    np.testing.assert_allclose(trained.dev_probabilities, after, rtol=1e-6)


def test_a_label_that_training_never_saw_has_probability_zero(make_data):
    data = make_data(list("ab" * 10), list("abc" * 3))
    trained = train(data, refit=False)
    assert (trained.dev_probabilities[:, 2] == 0).all()
    assert (trained.head.weights[:, 2] == 0).all()
    # Refitted on dev as well, the model knows it.
    assert set(answers(train(data, refit=True).head, data)) == {0, 1, 2}


def test_two_labels_share_one_set_of_weights(make_data):
    data = make_data(list("ab" * 10), list("ab" * 5), labels=2, noise=0.5)
    head = train(data).head
    np.testing.assert_allclose(head.weights.sum(axis=1), 0, atol=1e-6)
    assert (answers(head, data) == data.gold.argmax(axis=1)).mean() > 0.9


@pytest.mark.parametrize("labels", [2, 3])
def test_probabilities_are_those_of_scikit_learn(make_data, labels):
    from sklearn.linear_model import LogisticRegression

    data = make_data(THREE[:20], DEV, labels=labels, noise=0.8)
    data = dataclasses.replace(data, gold=np.eye(labels, dtype=bool)[np.arange(38) % labels])
    head = train(data, C=[2.0], class_weight="none", refit=False).head
    theirs = LogisticRegression(C=2.0).fit(data.matrix[:20], data.gold[:20].argmax(axis=1))
    ours = dataclasses.replace(head, temperature=1.0).probabilities(scores(head, data))
    np.testing.assert_allclose(ours, theirs.predict_proba(data.matrix), atol=1e-3)


def test_a_support_vector_machine_is_calibrated_too(make_data):
    data = make_data(THREE, DEV, noise=0.7)
    trained = train(data, loss="squared_hinge")
    assert trained.dev_probabilities.sum(axis=1) == pytest.approx(np.ones(18))
    assert (answers(trained.head, data) == data.gold.argmax(axis=1)).mean() > 0.7


def test_an_answer_may_have_several_labels_or_none(make_data):
    data = make_data(["a", "ab", "", "b", "abc", "c"] * 5, ["ab", "", "c"] * 4, many=True)
    trained = train(data)
    assert chosen(
        trained.head.probabilities(scores(trained.head, data)), trained.head.thresholds
    ).tolist() == (data.gold.tolist())


def test_a_label_that_all_or_none_of_the_training_rows_have_needs_no_classifier(make_data):
    data = make_data(["ab", "a"] * 6, ["ab", "a"] * 3, many=True)
    trained = train(data)
    assert (trained.dev_probabilities[:, 0] == 1).all()
    assert (trained.dev_probabilities[:, 2] == 0).all()
    assert (trained.head.weights[:, [0, 2]] == 0).all()
    assert (
        chosen(trained.dev_probabilities, trained.head.thresholds)[:, 1]
        == data.gold[data.is_dev, 1]
    ).all()


@pytest.mark.parametrize(
    ("kind", "weights"),
    [
        ("none", None),
        ("balanced", {0: 12 / (2 * 9), 1: 12 / (2 * 3)}),
        ("sqrt", {0: (12 / (2 * 9)) ** 0.5, 1: (12 / (2 * 3)) ** 0.5}),
    ],
)
def test_weights_of_classes(kind, weights):
    assert linear._class_weight(np.array([0] * 9 + [1] * 3), kind) == (
        weights and pytest.approx(weights)
    )


def test_a_heavier_weight_finds_more_of_a_rare_label(make_data):
    data = make_data(["a"] * 30 + ["b"] * 4, ["a"] * 9 + ["b"] * 4, labels=2, noise=0.8)
    found = [
        answers(train(data, C=[0.1], class_weight=kind).head, data).sum()
        for kind in ("none", "sqrt", "balanced")
    ]
    assert found == sorted(found)
    assert found[0] < found[2]


def test_refit_learns_from_dev_and_keeps_its_choice_and_temperature(make_data):
    data = make_data(THREE, DEV, noise=0.6)
    with_dev, without = train(data, refit=True), train(data, refit=False)
    assert with_dev.tried == without.tried
    assert with_dev.head.temperature == without.head.temperature
    np.testing.assert_array_equal(with_dev.dev_probabilities, without.dev_probabilities)
    assert (with_dev.head.weights != without.head.weights).any()


@pytest.mark.parametrize("loss", ["log", "squared_hinge"])
@pytest.mark.parametrize("folds", [0, 3])
def test_the_same_data_gives_the_same_bytes(make_data, loss, folds):
    data = make_data(THREE, DEV, noise=0.6)
    first, second = (train(data, loss=loss, folds=folds) for _ in range(2))
    assert first.head.weights.tobytes() == second.head.weights.tobytes()
    assert first.head.bias.tobytes() == second.head.bias.tobytes()
    assert first.tried == second.tried


@pytest.mark.parametrize(
    ("train_side", "present"),
    [(["a", "a"], "['a'] in 2 coded examples"), ([], "none in 0 coded examples")],
)
def test_fewer_than_two_labels_cannot_be_trained_on(make_data, train_side, present):
    with pytest.raises(DataError) as error:
        train(make_data(train_side, ["a", "b"]))
    assert str(error.value) == (
        f"task 'topic': training needs two labels or more; the train side has {present}"
    )


def test_without_a_dev_side_the_message_says_what_to_do(make_data):
    with pytest.raises(DataError) as error:
        train(make_data(THREE, []))
    assert str(error.value) == (
        "task 'topic': the dev side has no coded example to choose C on; "
        "raise split.dev, or set train.folds to 5"
    )


def test_folds_do_without_a_dev_side(make_data):
    data = make_data(THREE, [], noise=0.6)
    trained = train(data, folds=3)
    assert trained.dev_probabilities.shape == (0, 3)
    assert max(row["macro_f1"] for row in trained.tried) > 0.5


@pytest.mark.parametrize(
    ("answer", "gold", "expected"),
    [
        ([[1, 0], [0, 1]], [[1, 0], [0, 1]], 1.0),
        ([[1, 0], [1, 0]], [[1, 0], [0, 1]], 1 / 3),
        ([[1, 0, 0]], [[1, 0, 0]], 1.0),  # labels that nowhere occur do not count
        ([[0, 0]], [[0, 0]], 0.0),
    ],
)
def test_macro_f1(answer, gold, expected):
    assert linear.macro_f1(np.array(answer, bool), np.array(gold, bool)) == pytest.approx(expected)

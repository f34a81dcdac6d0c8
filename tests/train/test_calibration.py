"""What makes held-out scores honest probabilities: a temperature, or a bias for each label too."""

import numpy as np
import pytest
from scipy.optimize import minimize

from pipeline.bundle import NEVER, chosen, probabilities
from pipeline.config import LinearTrain
from pipeline.train import calibrate, held_out_likely, least_log_loss, log_loss, train_task

KINDS = ("temperature", "bias")


def shifted(n, many=False, seed=0, shift=(-2.0, 0.0, 2.0)):
    """Scores [n, 3] that are honest but for a constant at each label, and twice too sure."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(size=(n, 3)) * 2
    if many:
        gold = rng.random((n, 3)) < 1 / (1 + np.exp(-honest))
    else:
        likely = np.exp(honest) / np.exp(honest).sum(axis=1, keepdims=True)
        gold = np.array([rng.multinomial(1, row) for row in likely], np.bool_)
    return (2 * (honest + shift)).astype(np.float32), gold


@pytest.mark.parametrize("many", [False, True])
def test_a_bias_takes_back_what_a_label_is_over_or_underrated(many):
    scores, gold = shifted(4000, many)
    fit = calibrate(scores, gold, many, "bias")

    assert fit.temperature == pytest.approx(2, rel=0.15)
    centred = fit.bias / 2 - (0 if many else (fit.bias / 2).mean())
    assert centred == pytest.approx([2, 0, -2], abs=0.25)
    assert fit.likely(scores, many).mean(axis=0) == pytest.approx(gold.mean(axis=0), abs=0.01)


@pytest.mark.parametrize("many", [False, True])
def test_one_temperature_changes_no_answer_and_has_no_bias(many):
    scores, gold = shifted(300, many)
    fit = calibrate(scores, gold, many, "temperature")

    assert not fit.bias.any()
    assert (fit.likely(scores, many) == probabilities(scores, many, fit.temperature)).all()


@pytest.mark.parametrize("many", [False, True])
def test_no_other_weights_and_biases_have_less_loss(many):
    scores, gold = shifted(300, many)
    said = np.stack([scores, scores[::-1]]).astype(np.float64)

    def loss(fitted):
        likely = probabilities(np.tensordot(fitted[:2], said, axes=1) + fitted[2:], many, 1.0)
        strayed = fitted - [0.5, 0.5, 0, 0, 0]
        return log_loss(likely, gold, many) + strayed @ strayed / len(gold)

    weights, bias = least_log_loss(said, gold, many, np.full(2, 0.5), with_bias=True)
    found = np.concatenate([weights, bias])
    best = minimize(
        lambda fitted: loss(np.append(np.maximum(fitted[:2], 0), fitted[2:])),
        found + 0.2,
        method="Nelder-Mead",
        options={"maxiter": 4000},
    )
    assert loss(found) <= best.fun + 1e-5
    assert (weights >= 0).all()


@pytest.mark.parametrize("rows", [1, 3])
def test_few_rows_move_a_bias_little(rows):
    scores, gold = shifted(rows)
    fit = calibrate(scores, gold, False, "bias")
    assert np.abs(fit.bias / fit.temperature).max() < 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_that_training_never_saw_keeps_its_score(kind):
    scores, gold = shifted(200)
    scores[:, 1] = NEVER
    fit = calibrate(scores, gold, False, kind)  # and some rows are of that label

    assert fit.bias[1] == 0
    assert np.isfinite([fit.temperature, *fit.bias]).all()
    assert not fit.likely(scores, False)[:, 1].any()


def test_where_every_row_is_of_a_label_never_seen_the_temperature_alone_is_fitted():
    scores, _ = shifted(20)
    scores[:, 1] = NEVER
    gold = np.zeros((20, 3), np.bool_)
    gold[:, 1] = True
    assert not calibrate(scores, gold, False, "bias").bias.any()


@pytest.mark.parametrize("many", [False, True])
def test_rows_are_judged_by_biases_that_were_fitted_without_their_story(many):
    scores, gold = shifted(40, many, shift=(0, 0, 0))

    def loss(copies, stories):
        likely = held_out_likely(
            np.repeat(scores, copies, 0), np.repeat(gold, copies, 0), many, "bias", stories, 1
        )
        return log_loss(likely, np.repeat(gold, copies, 0), many)

    seen = log_loss(calibrate(scores, gold, many, "bias").likely(scores, many), gold, many)
    apart = loss(1, [f"s{row}" for row in range(40)])
    whole = loss(4, [f"s{row // 4}" for row in range(160)])
    divided = loss(4, [f"s{row}" for row in range(160)])
    assert seen < apart
    assert divided < whole


def test_the_rows_of_one_story_are_judged_by_all_there_is():
    scores, gold = shifted(30)
    likely = held_out_likely(scores, gold, False, "bias", ["one"] * 30, 1)
    assert (likely == calibrate(scores, gold, False, "bias").likely(scores, False)).all()


@pytest.mark.parametrize("folds", [0, 3])
@pytest.mark.parametrize("many", [False, True])
def test_a_task_whose_labels_became_more_frequent_is_answered_as_often_as_they_are(
    make_data, many, folds
):
    train, dev = list("aaab" * 30), list("abbb" * 30)
    data = make_data(train, dev, many, labels=2, noise=1.5)

    def shares(kind):
        section = LinearTrain(
            C=[1.0], calibration=kind, refit=False, folds=folds, thresholds="half"
        )
        trained = train_task(data, section, seed=1)
        dev_rows = data.matrix[data.is_dev]
        likely = trained.head.probabilities(dev_rows @ trained.head.weights + trained.head.bias)
        return likely.mean(axis=0), trained

    plain, biased = shares("temperature"), shares("bias")
    if folds:  # over the train side alone, whose labels are as frequent as in training
        assert biased[0] == pytest.approx([0.5, 0.5], abs=0.2)
        return
    assert biased[0] == pytest.approx([0.25, 0.75], abs=0.05)
    assert abs(plain[0][1] - 0.75) > 0.05
    assert biased[1].tried[0]["log_loss"] < plain[1].tried[0]["log_loss"]
    right = chosen(biased[1].dev_probabilities, biased[1].head.thresholds) == data.gold[data.is_dev]
    assert right.all(axis=1).mean() > 0.7

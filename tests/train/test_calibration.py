"""What makes held-out scores honest probabilities: a temperature, or a bias for each label too."""

import dataclasses

import numpy as np
import pytest
from scipy.optimize import minimize

from pipeline.bundle import NEVER, chosen, probabilities
from pipeline.config import LinearTrain
from pipeline.train import (
    HeldOut,
    SoftLabels,
    adjustment,
    calibrate,
    fit_calibration,
    least_log_loss,
    log_loss,
    train_task,
)

KINDS = ("temperature", "bias")
NOTHING = np.zeros(3)
SHARES = np.array([0.6, 0.3, 0.1])


def fitted(scores, gold, many, kind):
    return fit_calibration(
        HeldOut(scores, gold, many, [f"s{row}" for row in range(len(gold))]), kind
    )


def shifted(n, many=False, seed=0, shift=(-2.0, 0.0, 2.0)):
    """Scores [n, labels] that are honest but for a constant at each label, and twice too sure."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(size=(n, len(shift))) * 2
    if many:
        gold = rng.random(honest.shape) < 1 / (1 + np.exp(-honest))
    else:
        likely = np.exp(honest) / np.exp(honest).sum(axis=1, keepdims=True)
        gold = np.array([rng.multinomial(1, row) for row in likely], np.bool_)
    return (2 * (honest + shift)).astype(np.float32), gold


@pytest.mark.parametrize("many", [False, True])
def test_a_bias_takes_back_what_a_label_is_over_or_underrated(many):
    scores, gold = shifted(4000, many)
    fit = fitted(scores, gold, many, "bias")

    assert fit.temperature == pytest.approx(2, rel=0.15)
    centred = fit.bias / 2 - (0 if many else (fit.bias / 2).mean())
    assert centred == pytest.approx([2, 0, -2], abs=0.25)
    assert fit.likely(scores, many).mean(axis=0) == pytest.approx(gold.mean(axis=0), abs=0.01)


@pytest.mark.parametrize("many", [False, True])
def test_one_temperature_changes_no_answer_and_has_no_bias(many):
    scores, gold = shifted(300, many)
    fit = fitted(scores, gold, many, "temperature")

    assert not fit.bias.any()
    thresholds = np.float32(0.5) if many else None
    before = chosen(probabilities(scores, many, 1.0), thresholds)
    assert (chosen(fit.likely(scores, many), thresholds) == before).all()


@pytest.mark.parametrize("many", [False, True])
def test_no_other_weights_and_biases_have_less_loss(many):
    scores, gold = shifted(300, many)
    said = np.stack([scores, scores[::-1]]).astype(np.float64)

    firmness = np.array([1, 1, *[1 / 3 if many else 1] * 3]) / len(gold)

    def loss(tried):
        likely = probabilities(np.tensordot(tried[:2], said, axes=1) + tried[2:], many, 1.0)
        strayed = tried - [0.5, 0.5, 0, 0, 0]
        return log_loss(likely, gold, many) + firmness @ strayed**2

    weights, bias = least_log_loss(said, gold, many, np.full(2, 0.5), with_bias=True)
    found = np.concatenate([weights, bias])
    best = minimize(
        lambda tried: loss(np.append(np.maximum(tried[:2], 0), tried[2:])),
        found + 0.2,
        method="Nelder-Mead",
        options={"maxiter": 4000},
    )
    assert loss(found) <= best.fun + 1e-5
    assert (weights >= 0).all()


@pytest.mark.parametrize("labels", [3, 50])
def test_a_bias_is_held_back_no_more_where_there_are_more_labels(labels):
    scores, gold = shifted(500, many=True, shift=(2.0,) * labels)
    fit = fitted(scores, gold, True, "bias")
    assert (fit.bias / fit.temperature).mean() == pytest.approx(-2, abs=0.4)


@pytest.mark.parametrize("many", [False, True])
def test_a_row_whose_label_its_fold_never_saw_moves_nothing(many):
    scores, gold = shifted(200, many)
    before = fitted(scores[1:], gold[1:], many, "bias")
    gold[0] = [False, True, False]
    scores[0, 1] = NEVER
    after = fitted(scores, gold, many, "bias")

    assert after.temperature == pytest.approx(before.temperature, rel=0.05)
    assert after.bias == pytest.approx(before.bias, abs=0.2)


@pytest.mark.parametrize("rows", [1, 3])
def test_few_rows_move_a_bias_little(rows):
    scores, gold = shifted(rows)
    fit = fitted(scores, gold, False, "bias")
    assert np.abs(fit.bias / fit.temperature).max() < 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_that_training_never_saw_keeps_its_score(kind):
    scores, gold = shifted(200)
    scores[:, 1] = NEVER
    fit = fitted(scores, gold, False, kind)  # and some rows are of that label

    assert fit.bias[1] == 0
    assert np.isfinite([fit.temperature, *fit.bias]).all()
    assert not fit.likely(scores, False)[:, 1].any()


def test_where_every_row_is_of_a_label_never_seen_the_temperature_alone_is_fitted():
    scores, _ = shifted(20)
    scores[:, 1] = NEVER
    gold = np.zeros((20, 3), np.bool_)
    gold[:, 1] = True
    assert not fitted(scores, gold, False, "bias").bias.any()


@pytest.mark.parametrize("many", [False, True])
def test_rows_are_judged_by_biases_that_were_fitted_without_their_story(many):
    scores, gold = shifted(40, many, shift=(0, 0, 0))

    def loss(copies, stories):
        several = np.repeat(scores, copies, 0), np.repeat(gold, copies, 0)
        likely = calibrate(HeldOut(*several, many, stories), "bias", NOTHING, 1)[1]
        return log_loss(likely, several[1], many)

    seen = log_loss(fitted(scores, gold, many, "bias").likely(scores, many), gold, many)
    apart = loss(1, [f"s{row}" for row in range(40)])
    whole = loss(4, [f"s{row // 4}" for row in range(160)])
    divided = loss(4, [f"s{row}" for row in range(160)])
    assert seen < apart
    assert divided < whole


def test_the_rows_of_one_story_are_judged_by_all_there_is():
    scores, gold = shifted(30)
    fit, likely = calibrate(HeldOut(scores, gold, False, ["one"] * 30), "bias", NOTHING, 1)
    assert (likely == fit.likely(scores, False)).all()


def test_with_folds_a_label_that_occurs_once_leaves_the_probabilities_honest(make_data):
    data = make_data([*"ab" * 45, "c"], [*"ab" * 10], noise=0.6)
    plain, biased = (
        train_task(data, LinearTrain(C=[1.0], folds=5, calibration=kind), seed=1) for kind in KINDS
    )
    assert biased.head.temperature == pytest.approx(plain.head.temperature, rel=0.5)
    dev = data.gold[data.is_dev]
    assert log_loss(biased.dev_probabilities, dev, False) < 0.5


def test_with_folds_dev_is_not_judged_by_biases_that_were_fitted_on_it(make_data):
    data = make_data(list("ab" * 30), list("ab" * 10), labels=2, noise=0.8)
    told = data.gold.copy()
    told[data.is_dev] = [True, False]
    section = LinearTrain(C=[1.0], folds=3, calibration="bias")
    honest, lied_to = (
        train_task(each, section, seed=1) for each in (data, dataclasses.replace(data, gold=told))
    )
    # Other rows are calibrated by models that learned from dev, so that a little comes through.
    moved = lied_to.dev_probabilities.mean(axis=0) - honest.dev_probabilities.mean(axis=0)
    assert np.abs(moved).max() < 0.15


@pytest.mark.parametrize("many", [False, True])
def test_a_task_whose_labels_became_more_frequent_is_answered_as_often_as_they_are(make_data, many):
    train, dev = list("aaab" * 30), list("abbb" * 30)
    data = make_data(train, dev, many, labels=2, noise=1.5)

    def shares(kind):
        section = LinearTrain(C=[1.0], calibration=kind, refit=False, thresholds="half")
        trained = train_task(data, section, seed=1)
        dev_rows = data.matrix[data.is_dev]
        likely = trained.head.probabilities(dev_rows @ trained.head.weights + trained.head.bias)
        return likely.mean(axis=0), trained

    plain, biased = shares("temperature"), shares("bias")
    assert biased[0] == pytest.approx([0.25, 0.75], abs=0.05)
    assert abs(plain[0][1] - 0.75) > 0.05
    assert biased[1].tried[0]["log_loss"] < plain[1].tried[0]["log_loss"]
    right = chosen(biased[1].dev_probabilities, biased[1].head.thresholds) == data.gold[data.is_dev]
    assert right.all(axis=1).mean() > 0.7


def test_an_adjustment_is_taken_from_honest_log_probabilities():
    scores, gold = shifted(400, shift=(0, 0, 0))
    held_out = HeldOut(scores, gold, False, [f"s{row}" for row in range(400)])
    plain = calibrate(held_out, "temperature", NOTHING, 1)[1].astype(np.float64)
    fit, likely = calibrate(held_out, "temperature", adjustment(0.5, SHARES, False), 1)

    expected = plain / np.sqrt(SHARES)
    assert likely == pytest.approx(expected / expected.sum(axis=1, keepdims=True), abs=1e-5)
    assert fit.likely(scores, False) == pytest.approx(plain, abs=1e-6)
    again = fit.adjusted(adjustment(0.5, SHARES, False)).likely(scores, False)
    assert again == pytest.approx(likely, abs=1e-6)


def test_a_label_that_training_never_saw_is_not_adjusted():
    added = adjustment(1.0, np.array([0.0, 0.2, 0.8]), False)
    assert added[0] == 0
    assert added[1] > added[2] > 0
    assert not adjustment(0.0, SHARES, False).any()


def test_labels_with_thresholds_of_their_own_are_not_adjusted(make_data):
    data = make_data([*"a" * 60, *"b" * 20], [*"a" * 15, *"b" * 5], many=True, labels=2, noise=2.0)
    plain, adjusted = (
        train_task(data, LinearTrain(C=[0.1], logit_adjustment=amount), seed=1)
        for amount in (0.0, 1.0)
    )
    assert (adjusted.head.bias == plain.head.bias).all()
    assert (adjusted.dev_probabilities == plain.dev_probabilities).all()


@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("folds", [0, 3])
@pytest.mark.parametrize("calibration", KINDS)
def test_what_was_learned_from_says_how_rare_a_label_is(make_data, calibration, folds, refit):
    data = make_data([*"a" * 80, *"b" * 20], [*"a" * 20, *"b" * 30], labels=2, noise=2.0)

    def trained(amount):
        section = LinearTrain(
            C=[0.1], calibration=calibration, folds=folds, refit=refit, logit_adjustment=amount
        )
        return train_task(data, section, seed=1)

    plain, adjusted = trained(0.0), trained(0.5)
    shares = np.array([100, 50]) / 150 if refit else np.array([0.8, 0.2])
    added = (adjusted.head.bias - plain.head.bias) / plain.head.temperature
    assert added == pytest.approx(-0.5 * np.log(shares), abs=1e-4)
    # Dev is answered by a model that has not learned from it.
    likely = plain.dev_probabilities / np.sqrt([0.8, 0.2])
    expected = likely / likely.sum(axis=1, keepdims=True)
    assert adjusted.dev_probabilities == pytest.approx(expected, abs=1e-4)


def test_votes_count_for_the_frequency_of_a_label_by_what_they_weigh(make_data):
    data = make_data([*"a" * 6, *"b" * 4], [*"a" * 2, *"b" * 2], labels=2)
    uncoded = np.zeros(14, np.bool_)
    uncoded[6:10] = True
    soft = SoftLabels(uncoded, np.full((14, 2), 0.5, np.float32), np.full(14, 0.5, np.float32))
    rows = np.arange(10)
    assert data.shares(rows) == pytest.approx([0.6, 0.4])
    voted = dataclasses.replace(data, soft=soft)
    assert voted.shares(rows) == pytest.approx([7 / 8, 1 / 8])

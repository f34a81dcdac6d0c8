"""Training from what votes say of examples that nobody coded."""

import dataclasses

import numpy as np
import pytest

from pipeline.config import LinearTrain
from pipeline.errors import DataError
from pipeline.train import SoftLabels, linear, train_task

FEW = list("abc")
UNCODED = list("abc" * 15)
DEV = list("abc" * 6)
SECTION = LinearTrain(C=[1.0], class_weight="none")


def with_votes(data, likely, weight=1.0, first=3, count=45):
    """Let rows from `first` on be uncoded: they have `likely` [count, labels] and no gold."""
    uncoded = np.zeros(len(data.gold), bool)
    uncoded[first : first + count] = True
    shares = np.zeros(data.gold.shape, np.float32)
    shares[uncoded] = likely
    gold = data.gold & ~uncoded[:, None]
    weights = np.full(len(gold), weight, np.float32)
    return dataclasses.replace(data, gold=gold, soft=SoftLabels(uncoded, shares, weights))


def truth(data):
    return data.gold[len(FEW) : len(FEW) + len(UNCODED)].astype(np.float32)


def right_on_dev(trained, data):
    chosen = trained.dev_probabilities.argmax(axis=1)
    return (chosen == data.gold[data.is_dev].argmax(axis=1)).mean()


@pytest.mark.parametrize("loss", ["log", "squared_hinge"])
def test_votes_that_are_right_make_a_better_model_and_wrong_ones_a_worse_one(loss, make_data):
    section = SECTION.model_copy(update={"loss": loss})
    data = make_data(FEW + UNCODED, DEV, noise=0.7)
    coded = np.r_[: len(FEW), len(FEW) + len(UNCODED) : len(data.gold)]
    alone = dataclasses.replace(
        data, matrix=data.matrix[coded], gold=data.gold[coded], is_dev=data.is_dev[coded],
        stories=[data.stories[row] for row in coded],
    )  # fmt: skip
    by_gold = right_on_dev(train_task(alone, section, 1), alone)
    good = with_votes(data, truth(data) * 0.85 + 0.05)
    bad = with_votes(data, np.roll(truth(data), 1, axis=1))
    assert right_on_dev(train_task(good, section, 1), data) > by_gold
    assert right_on_dev(train_task(bad, section, 1), data) < by_gold


def test_a_vote_without_doubt_and_of_full_weight_counts_like_gold(make_data):
    data = make_data(FEW + UNCODED, DEV)
    for many in (False, True):
        whole = dataclasses.replace(data, many=many)
        section = SECTION.model_copy(update={"refit": False})
        by_gold = train_task(whole, section, 1)
        by_votes = train_task(with_votes(whole, truth(data)), section, 1)
        assert np.allclose(by_gold.head.weights, by_votes.head.weights, atol=2e-3)


def test_votes_of_little_weight_change_little(make_data):
    data = make_data(FEW + UNCODED, DEV, noise=0.7)
    wrong = np.roll(truth(data), 1, axis=1)
    heavy = train_task(with_votes(data, wrong, weight=1.0), SECTION, 1)
    light = train_task(with_votes(data, wrong, weight=0.001), SECTION, 1)
    assert right_on_dev(light, data) > right_on_dev(heavy, data)


def test_settings_are_judged_on_gold_alone(make_data, monkeypatch):
    data = with_votes(make_data(list("abc" * 3) + UNCODED, DEV), np.full((45, 3), 1 / 3), first=9)
    for section in (LinearTrain(C=[1.0]), LinearTrain(C=[1.0], folds=3)):
        parts = []

        def spy(*given, real=linear._held_out_parts, parts=parts):
            parts += real(*given)
            return parts

        monkeypatch.setattr(linear, "_held_out_parts", spy)
        train_task(data, section, 1)
        monkeypatch.undo()
        judged = np.concatenate([test for _, test in parts])
        assert data.coded[judged].all()
        assert any((~data.coded[train]).any() for train, _ in parts)


def test_no_story_is_learned_from_by_votes_where_it_is_judged_by_gold(make_data):
    train = list("abc" * 8)
    stories = [f"s{row // 2}" for row in range(len(train))] + [f"d{row}" for row in range(18)]
    data = make_data(train, DEV, stories=stories)
    uncoded = np.arange(len(data.gold)) % 2 == 1
    uncoded &= ~data.is_dev
    soft = SoftLabels(uncoded, data.gold.astype(np.float32), np.ones(len(uncoded), np.float32))
    data = dataclasses.replace(data, gold=data.gold & ~uncoded[:, None], soft=soft)
    rows = np.flatnonzero(~data.is_dev)
    parts = linear._held_out_parts(data, LinearTrain(folds=3, refit=False), 0, rows, rows[:0], rows)
    for fit, test in parts:
        assert {stories[row] for row in fit} & {stories[row] for row in test} == set()
        assert uncoded[fit].any()


def test_a_model_can_learn_from_votes_alone(make_data):
    data = make_data(UNCODED, DEV)
    voted = with_votes(data, data.gold[: len(UNCODED)].astype(np.float32), first=0)
    assert right_on_dev(train_task(voted, SECTION, 1), data) > 0.9
    silent = with_votes(data, np.tile([1.0, 0, 0], (len(UNCODED), 1)), first=0)
    with pytest.raises(DataError, match="the train side has \\['a'\\]"):
        train_task(silent, SECTION, 1)


@pytest.mark.parametrize("section", [SECTION, LinearTrain(C=[1.0], folds=3)])
def test_what_has_no_weight_is_as_if_it_were_not_there(section, make_data):
    data = make_data(list("abc" * 3) + UNCODED, DEV)
    voted = with_votes(data, np.tile([0.9, 0.1, 0.0], (len(UNCODED), 1)), first=9)
    nothing = np.where(voted.coded, voted.soft.weights, 0)
    voted = dataclasses.replace(voted, soft=dataclasses.replace(voted.soft, weights=nothing))
    rows = np.flatnonzero(voted.coded)
    alone = dataclasses.replace(
        data, matrix=data.matrix[rows], gold=data.gold[rows], is_dev=data.is_dev[rows],
        stories=[data.stories[row] for row in rows.tolist()],
    )  # fmt: skip
    one, other = (train_task(each, section, 1) for each in (voted, alone))
    assert np.allclose(one.head.weights, other.head.weights, atol=1e-5)
    assert np.allclose(one.dev_probabilities, other.dev_probabilities, atol=1e-5)

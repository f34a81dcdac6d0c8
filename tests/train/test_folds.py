import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.train.folds import group_folds


def gold_of(answers, labels="abc"):
    return np.array([[label in answer for label in labels] for answer in answers], bool)


def fold(answers, stories=None, rows=None, folds=3, seed=0):
    stories = stories or [f"s{row}" for row in range(len(answers))]
    rows = np.arange(len(answers)) if rows is None else rows
    return group_folds(gold_of(answers), stories, rows, folds, seed)


def test_every_row_is_held_out_once_and_trained_on_otherwise():
    rows = np.array([1, 2, 3, 5, 8, 13, 16, 17])
    parts = fold("abc" * 6, rows=rows)
    assert sorted(np.concatenate([held_out for _, held_out in parts])) == rows.tolist()
    for train, held_out in parts:
        assert sorted([*train, *held_out]) == rows.tolist()


def test_no_story_is_on_both_sides():
    stories = [f"s{row % 7}" for row in range(40)]
    for train, held_out in fold(("ab" * 20), stories, folds=5):
        assert not {stories[row] for row in train} & {stories[row] for row in held_out}
        assert len(held_out)


def test_each_fold_has_its_share_of_each_label():
    answers = "a" * 12 + "b" * 6 + "c" * 3
    for _, held_out in fold(answers):
        assert [sum(answers[row] == label for row in held_out) for label in "abc"] == [4, 2, 1]


def test_labels_rarer_than_the_folds_are_dealt_out_without_complaint():
    for answers in ("a" * 9 + "b", "a" * 9 + "bc", "aabbcc", ["a"] * 8 + ["ab", "abc", ""]):
        held_out = np.concatenate([held_out for _, held_out in fold(answers)])
        assert sorted(held_out) == list(range(len(answers)))


def test_one_large_story_and_a_few_small_ones_are_divided():
    stories = ["big"] * 20 + ["x", "y", "z"]
    parts = fold("ab" * 10 + "abc", stories)
    assert sorted(np.concatenate([held_out for _, held_out in parts])) == list(range(23))


def test_the_seed_decides():
    first, again, other = (fold("abc" * 8, seed=seed) for seed in (1, 1, 2))
    assert [held.tolist() for _, held in first] == [held.tolist() for _, held in again]
    assert [held.tolist() for _, held in first] != [held.tolist() for _, held in other]


def test_more_folds_than_stories_are_refused():
    with pytest.raises(DataError) as error:
        fold("abab", stories=["x", "x", "y", "y"])
    assert str(error.value) == "train.folds: 3 folds need as many stories; there are 2"
    with pytest.raises(DataError, match="there are 0"):
        fold("ab", rows=np.zeros(0, np.int64))

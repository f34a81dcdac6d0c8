"""The threshold of each label of a task where many may hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from pipeline.bundle.heads import chosen
from pipeline.train.calibration import choose_thresholds, fit_thresholds


def _f1(predicted, gold):
    return f1_score(gold, predicted, average=None, zero_division=0)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(20, 80), st.booleans())
def test_no_other_cut_has_a_better_f1_on_the_held_out_rows(seed, count, coarse):
    rng = np.random.default_rng(seed)
    gold = rng.random((count, 3)) < [0.5, 0.7, 0.9]
    likely = np.clip(0.3 * gold + rng.random((count, 3)) * 0.7, 0, 1).astype(np.float32)
    if coarse:  # many rows of one probability
        likely = np.round(likely, 1)

    reached = _f1(chosen(likely, fit_thresholds(likely, gold)), gold)

    for cut in [0.0, *np.unique(likely)]:
        others = _f1(chosen(likely, np.float32(cut)), gold)
        enough = gold.sum(axis=0) >= 10
        assert (reached >= others - 1e-9)[enough].all()


def test_a_label_with_few_examples_keeps_one_half():
    gold = np.zeros((100, 2), np.bool_)
    gold[:9, 0] = True
    gold[:10, 1] = True
    likely = np.where(gold, 0.3, 0.1).astype(np.float32)

    assert fit_thresholds(likely, gold).tolist() == [0.5, pytest.approx(0.2)]


def test_of_cuts_that_are_as_good_the_nearest_to_one_half_is_taken():
    gold = np.arange(40)[:, None] < 20
    likely = np.where(gold, 0.9, 0.2).astype(np.float32)

    assert fit_thresholds(likely, gold) == pytest.approx([0.55])


def test_no_held_out_rows_leave_one_half():
    assert fit_thresholds(np.zeros((0, 2), np.float32), np.zeros((0, 2), np.bool_)).tolist() == [
        0.5,
        0.5,
    ]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_a_shared_threshold_is_the_best_of_one_for_all_by_micro_f1(seed):
    rng = np.random.default_rng(seed)
    gold = rng.random((30, 3)) < [0.3, 0.5, 0.7]
    likely = np.clip(0.3 * gold + rng.random((30, 3)) * 0.7, 0, 1).astype(np.float32)

    shared = choose_thresholds(likely, gold, True, "shared")

    assert len(set(shared.tolist())) == 1

    def micro(cut):
        return f1_score(gold, chosen(likely, cut), average="micro", zero_division=0)

    assert micro(shared) >= max(micro(np.float32(cut)) for cut in np.unique(likely)) - 1e-9

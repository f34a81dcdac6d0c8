import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.metrics import f1_score

from pipeline.evaluate import bootstrap, metrics
from pipeline.evaluate.bootstrap import interval, resampled_sums


def f1_of_rows(rng, n=120, labels=4):
    gold = np.eye(labels, dtype=bool)[rng.choice(labels, n, p=[0.5, 0.3, 0.18, 0.02])]
    wrong = rng.random(n) < 0.3
    predicted = gold.copy()
    predicted[wrong] = np.eye(labels, dtype=bool)[rng.integers(0, labels, wrong.sum())]
    return gold, predicted


def test_each_resample_is_scored_as_scikit_learn_scores_the_drawn_rows():
    rng = np.random.default_rng(3)
    gold, predicted = f1_of_rows(rng)
    clusters = np.arange(120) // 3
    sums = resampled_sums(
        {"model": metrics.tally(gold, predicted)}, clusters, 50, np.random.default_rng(5)
    )
    ours = metrics.macro_f1(metrics.counts_of(sums["model"]))
    y, z = gold.argmax(axis=1), predicted.argmax(axis=1)
    draws = np.random.default_rng(5).integers(0, 40, size=(50, 40))
    rows = [np.concatenate([np.flatnonzero(clusters == c) for c in draw]) for draw in draws]
    expected = [f1_score(y[r], z[r], average="macro") for r in [np.arange(120), *rows]]
    assert ours == pytest.approx(expected, abs=1e-12)


def test_chunks_do_not_change_the_resamples(monkeypatch):
    tallies = {"x": csr_array(np.arange(10.0)[:, None])}
    whole = resampled_sums(tallies, np.arange(10), 40, np.random.default_rng(0))
    monkeypatch.setattr(bootstrap, "CHUNK", 40)
    pieces = resampled_sums(tallies, np.arange(10), 40, np.random.default_rng(0))
    assert (whole["x"] == pieces["x"]).all()


def test_all_tables_are_resampled_in_pairs():
    values = np.random.default_rng(0).normal(size=(30, 1))
    tallies = {"a": csr_array(values), "b": csr_array(2 * values)}
    sums = resampled_sums(tallies, np.arange(30), 20, np.random.default_rng(1))
    assert sums["b"] == pytest.approx(2 * sums["a"])
    assert len(set(sums["a"][:, 0])) > 15


def test_a_single_cluster_gives_the_sample_alone():
    tallies = {"x": csr_array(np.ones((4, 1)))}
    sums = resampled_sums(tallies, np.zeros(4, dtype=int), 20, np.random.default_rng(1))
    assert sums["x"].tolist() == [[4.0]]


def test_an_interval_leaves_out_what_is_not_a_number():
    assert interval(np.array([np.nan, 1.0, np.nan, 1.0]), 0.95) == (1.0, 1.0)
    assert interval(np.array([np.nan]), 0.95) == (None, None)
    assert interval(np.arange(101.0), 0.9) == pytest.approx((5.0, 95.0))


def test_the_interval_of_a_share_covers_its_truth_about_as_often_as_it_says():
    rng, covered = np.random.default_rng(8), 0
    for _ in range(100):
        right = (rng.random(150) < 0.7).astype(float)
        sums = resampled_sums({"x": csr_array(right[:, None])}, np.arange(150), 200, rng)
        low, high = interval(sums["x"][1:, 0] / 150, 0.9)
        covered += low <= 0.7 <= high
    assert 80 <= covered <= 98


@pytest.mark.slow
def test_twenty_five_thousand_examples_of_21_labels_take_seconds():
    import time

    rng = np.random.default_rng(0)
    codes, guess = rng.integers(0, 21, 25_000), rng.integers(0, 21, 25_000)
    eye = np.eye(21, dtype=bool)
    started = time.process_time()
    tallies = {"model": metrics.tally(eye[codes], eye[guess])}
    sums = resampled_sums(tallies, np.arange(25_000), 1000, rng)
    assert sums["model"].shape == (1001, 65)
    assert time.process_time() - started < 8

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import bootstrap, norm, t
from sklearn.metrics import f1_score

from pipeline.config import Evaluate
from pipeline.evaluate import metrics
from pipeline.statistics import bootstrap as resampling
from pipeline.statistics import paired
from pipeline.statistics.bootstrap import interval, resampled_sums, resamples_of

PERCENTILE = Evaluate(resamples=100, interval="percentile")
BCA = Evaluate(resamples=100, interval="bca")


def f1_of_rows(rng, n=120, labels=4):
    gold = np.eye(labels, dtype=bool)[rng.choice(labels, n, p=[0.5, 0.3, 0.18, 0.02])]
    wrong = rng.random(n) < 0.3
    predicted = gold.copy()
    predicted[wrong] = np.eye(labels, dtype=bool)[rng.integers(0, labels, wrong.sum())]
    return gold, predicted


def interval_of_mean(values, section, rng):
    tallies = {"x": csr_array(np.column_stack([values, np.ones(len(values))]))}
    sums = resampled_sums(tallies, np.arange(len(values)), section, rng)["x"]
    return interval(sums[:, 0] / sums[:, 1], section)


def test_each_resample_is_scored_as_scikit_learn_scores_the_drawn_rows():
    rng = np.random.default_rng(3)
    gold, predicted = f1_of_rows(rng)
    clusters = np.arange(120) // 3
    sums = resampled_sums(
        {"model": paired.tally(gold, predicted)}, clusters, PERCENTILE, np.random.default_rng(5)
    )
    ours = metrics.macro_f1(paired.counts_of(sums["model"]))
    y, z = gold.argmax(axis=1), predicted.argmax(axis=1)
    draws = np.random.default_rng(5).integers(0, 40, size=(100, 40))
    rows = [np.concatenate([np.flatnonzero(clusters == c) for c in draw]) for draw in draws]
    expected = [f1_score(y[r], z[r], average="macro") for r in [np.arange(120), *rows]]
    assert ours == pytest.approx(expected, abs=1e-12)


def test_chunks_do_not_change_the_resamples(monkeypatch):
    tallies = {"x": csr_array(np.arange(10.0)[:, None])}
    whole = resampled_sums(tallies, np.arange(10), PERCENTILE, np.random.default_rng(0))
    monkeypatch.setattr(resampling, "CHUNK", 40)
    pieces = resampled_sums(tallies, np.arange(10), PERCENTILE, np.random.default_rng(0))
    assert (whole["x"] == pieces["x"]).all()


def test_all_tables_are_resampled_in_pairs():
    values = np.random.default_rng(0).normal(size=(30, 1))
    tallies = {"a": csr_array(values), "b": csr_array(2 * values)}
    sums = resampled_sums(tallies, np.arange(30), PERCENTILE, np.random.default_rng(1))
    assert sums["b"] == pytest.approx(2 * sums["a"])
    assert len(set(sums["a"][:, 0])) > 80


def test_a_single_cluster_gives_the_sample_alone():
    tallies = {"x": csr_array(np.ones((4, 1)))}
    sums = resampled_sums(tallies, np.zeros(4, dtype=int), BCA, np.random.default_rng(1))
    assert sums["x"].tolist() == [[4.0]]


def test_an_interval_leaves_out_what_is_not_a_number():
    low, high = interval(np.array([1.0, 1.0, np.nan, 2.0]), PERCENTILE)
    assert 1 < low < high < 2
    assert interval(np.array([1.0, np.nan]), PERCENTILE) == (None, None)
    section = Evaluate(resamples=101, confidence=0.9, interval="percentile")
    assert interval(np.array([7.0, *range(101)]), section) == pytest.approx((5.0, 95.0))


@pytest.mark.parametrize("kind", ["percentile", "bca"])
def test_the_interval_of_a_share_covers_its_truth_about_as_often_as_it_says(kind):
    rng, covered = np.random.default_rng(8), 0
    section = Evaluate(resamples=200, confidence=0.9, interval=kind)
    for _ in range(100):
        low, high = interval_of_mean((rng.random(150) < 0.7).astype(float), section, rng)
        covered += low <= 0.7 <= high
    assert 80 <= covered <= 98


def test_bca_gives_the_endpoints_of_scipy_where_each_example_is_its_own_cluster():
    values = np.random.default_rng(4).lognormal(size=60)
    section = Evaluate(resamples=20_000, interval="bca")
    low, high = interval_of_mean(values, section, np.random.default_rng(1))
    # Ours allows for few clusters; scipy is asked for as much.
    wider = 2 * norm.cdf(np.sqrt(60 / 59) * t.ppf(0.975, 59)) - 1
    theirs = bootstrap(
        (values,), np.mean, n_resamples=20_000, confidence_level=wider, method="BCa",
        rng=np.random.default_rng(2),
    ).confidence_interval  # fmt: skip
    width = high - low
    assert low == pytest.approx(theirs.low, abs=0.02 * width)
    assert high == pytest.approx(theirs.high, abs=0.02 * width)
    plain = interval_of_mean(
        values, section.model_copy(update={"interval": "percentile"}), np.random.default_rng(1)
    )
    assert low - plain[0] > 0.04 * width  # the mean of so skewed a sample errs downwards
    assert high - plain[1] > 0.1 * width


def test_bca_covers_a_skewed_mean_of_few_clusters_more_often():
    covered = dict.fromkeys(("percentile", "bca"), 0)
    for kind in covered:
        rng = np.random.default_rng(3)
        section = Evaluate(resamples=200, interval=kind)
        for _ in range(300):
            low, high = interval_of_mean(rng.exponential(size=15), section, rng)
            covered[kind] += low <= 1 <= high
    assert covered["bca"] > covered["percentile"] + 6


def test_the_jackknife_leaves_out_each_cluster_or_group_of_them_in_turn(monkeypatch):
    tallies = {"x": csr_array(np.array([[1.0], [2.0], [4.0], [8.0], [16.0]]))}
    clusters = np.array([0, 0, 1, 2, 3])
    plain, sums = (
        resampled_sums(tallies, clusters, section, np.random.default_rng(0))["x"][:, 0]
        for section in (PERCENTILE, BCA)
    )
    assert sums[:101].tolist() == plain.tolist()
    assert sums[101:].tolist() == [28, 27, 23, 15]
    assert resamples_of(sums, BCA).tolist() == plain[1:].tolist()
    monkeypatch.setattr(resampling, "JACKKNIFE", 3)
    grouped = resampled_sums(tallies, clusters, BCA, np.random.default_rng(0))["x"][:, 0]
    assert grouped[101:].tolist() == [12, 27, 23]


def test_bca_is_the_widened_percentile_interval_where_nothing_can_be_corrected():
    resamples = np.arange(1.0, 101)
    still = np.full(1000, 50.0)
    for value in (0.0, 101.0, np.nan):  # all resamples on one side, or nothing to compare with
        values = np.array([value, *resamples, *still])
        assert interval(values, BCA) == pytest.approx((3.475, 97.525), abs=0.05)
    middle = np.array([50.5, *resamples, *still])
    assert interval(middle, BCA) == pytest.approx((3.475, 97.525), abs=0.05)
    lacking = np.array([50.5, *resamples, *np.full(1000, np.nan)])
    assert interval(lacking, BCA) == interval(middle, BCA)


def test_a_score_that_never_moves_has_no_interval():
    right = {"x": csr_array(np.ones((20, 1)))}
    sums = resampled_sums(right, np.arange(20), BCA, np.random.default_rng(0))["x"][:, 0]
    assert interval(np.ones_like(sums), BCA) == (None, None)
    two = resampled_sums(right, np.arange(20) % 2, BCA, np.random.default_rng(0))["x"][:, 0]
    assert interval(np.ones_like(two), BCA) == (None, None)


@pytest.mark.slow
def test_with_more_clusters_than_the_jackknife_has_rows_each_leaves_out_a_group():
    rng = np.random.default_rng(0)
    codes, guess = rng.integers(0, 21, 25_000), rng.integers(0, 21, 25_000)
    eye = np.eye(21, dtype=bool)
    tallies = {"model": paired.tally(eye[codes], eye[guess])}
    sums = resampled_sums(tallies, np.arange(25_000), Evaluate(), rng)
    assert sums["model"].shape == (2001, 65)
    whole = sums["model"][0, 0]
    assert set(sums["model"][1001:, 0].tolist()) == {whole - 25}

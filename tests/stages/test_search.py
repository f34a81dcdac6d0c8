"""Searching for settings and repeating an experiment, on the twelve small articles."""

import json

import pytest
import yaml

from pipeline.artifacts import RunFolder, read_table
from pipeline.config import load
from pipeline.errors import ConfigError
from pipeline.stages import run_repeats, run_stages, search
from pipeline.stages.variants import of_seeds_and_folds
from pipeline.tracking.store import connected, store_uri

pytestmark = pytest.mark.slow
TUNE = {
    "space": {"features.words": [1, 2], "train.class_weight": ["balanced", "none"]},
    "trials": 3,
}


@pytest.fixture
def project(tiny_project, tmp_path, monkeypatch):
    """A function that writes the tiny config with more sections and returns how to load it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def make(**sections):
        config = yaml.safe_load((tiny_project / "config.yaml").read_text())
        config |= {"evaluate": {"resamples": 100}, **sections}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
        return lambda more: load(tmp_path / "config.yaml", more)

    return make


def silent(which, outcome):
    pass


def test_settings_are_tried_and_the_best_is_written_as_a_config(project, tmp_path):
    loading = project(tune=TUNE)
    run = RunFolder(tmp_path / "search")
    found = search(loading, loading([]), run, silent)
    assert [row["state"] for row in found.trials] == ["complete"] * 3
    assert found.best["macro_f1"] == max(row["macro_f1"] for row in found.trials)
    best = load(found.config)
    assert best.features.words == found.best["changes"]["features.words"]
    assert best.tune is None
    assert json.loads((run.path / "trials.json").read_text()) == found.trials


def test_a_search_never_scores_the_test_side(project, tmp_path):
    loading = project(tune={**TUNE, "trials": 1})
    run = RunFolder(tmp_path / "search")
    search(loading, loading([]), run, silent)
    assert not list(run.path.rglob("metrics.json"))
    assert not list(run.path.rglob("predictions.parquet"))


def test_a_search_that_was_stopped_goes_on(project, tmp_path):
    loading = project(tune=TUNE)
    run = RunFolder(tmp_path / "search")

    def stop(which, outcome):
        if which == "001":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(loading, loading([]), run, stop)
    found = search(loading, loading([]), run, silent)
    states = [row["state"] for row in found.trials]
    assert states == ["complete", "fail", "complete"]
    assert [row["number"] for row in found.trials] == [0, 1, 2]


def test_the_articles_are_read_once(project, tmp_path):
    loading = project(tune=TUNE)
    told = []
    search(
        loading, loading([]), RunFolder(tmp_path / "search"),
        lambda which, outcome: told.append((which, outcome.stage, outcome.skipped)),
    )  # fmt: skip
    assert [which for which, stage, skipped in told if stage == "ingest" and not skipped] == [
        "data"
    ]


def test_a_key_that_there_is_not_is_named(project, tmp_path):
    loading = project(tune={"space": {"features.wrods": [1, 2]}, "trials": 1})
    with pytest.raises(ConfigError, match=r"features\.wrods: unknown key .*did you mean 'words'"):
        search(loading, loading([]), RunFolder(tmp_path / "search"), silent)


def test_without_a_space_there_is_nothing_to_search(project, tmp_path):
    loading = project()
    with pytest.raises(ConfigError, match="tune: missing; say what to vary"):
        search(loading, loading([]), RunFolder(tmp_path / "search"), silent)


def test_trials_stand_below_the_search_in_mlflow(project, tmp_path):
    loading = project(tune={**TUNE, "trials": 2}, track={"experiment": "searches"})
    found = search(loading, loading([]), RunFolder(tmp_path / "search"), silent)
    with connected(store_uri(None, tmp_path)) as client:
        experiment = client.get_experiment_by_name("searches").experiment_id
        runs = {run.info.run_name: run for run in client.search_runs([experiment])}
    parent = runs.pop("tiny: search")
    assert sorted(runs) == ["tiny: trial 0", "tiny: trial 1"]
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {parent.info.run_id}
    best = runs[f"tiny: trial {found.best['number']}"]
    assert best.data.params["features.words"] == str(found.best["changes"]["features.words"])
    metrics = parent.data.metrics
    assert metrics["trials/low_macro_f1"] <= metrics["trials/mean_macro_f1"]
    assert {"dev/topic.macro_f1", "dev/stance.macro_f1"} <= set(metrics)


def test_trials_of_fine_tuning_that_do_worse_are_pruned(project, tiny_bert, tmp_path):
    optuna = pytest.importorskip("optuna")
    from pipeline.stages.search import _pruning

    study = optuna.create_study(
        direction="maximize", pruner=optuna.pruners.MedianPruner(n_startup_trials=1)
    )
    good = study.ask()
    log = _pruning(good)("model")
    log({"dev_macro_f1": 0.8}, 10)
    study.tell(good, 0.8)
    bad = _pruning(study.ask())("model")
    bad({"loss": 9.0}, 5)
    with pytest.raises(optuna.exceptions.TrialPruned):
        bad({"dev_macro_f1": 0.2}, 10)


def test_seeds_give_a_mean_with_its_interval(project, tmp_path):
    loading = project(repeat={"seeds": [1, 2, 3]})
    run = RunFolder(tmp_path / "repeated")
    summary = run_repeats(loading, loading([]), run, "evaluate", silent)
    assert summary["repeats"] == ["seed-1", "seed-2", "seed-3"]
    topic = summary["scores"]["test"]["topic"]["accuracy"]
    assert len(topic["values"]) == 3
    assert topic["mean"] == pytest.approx(sum(topic["values"]) / 3)
    assert topic["low"] <= topic["mean"] <= topic["high"]
    assert json.loads(run.repeats.read_text()) == summary


def test_folds_test_every_article_once(project, tmp_path):
    split = {"by": "folds", "folds": 3, "dev": 0, "near_duplicate": 0.9}
    loading = project(split=split)
    tested = []
    for variant in of_seeds_and_folds(None, 3):
        folder = RunFolder(tmp_path / variant.name)
        run_stages(loading(variant.overrides), folder, "split", [].append)
        rows = read_table(folder.splits).to_pylist()
        tested += [row["article_id"] for row in rows if row["side"] == "test"]
        assert {row["side"] for row in rows} == {"train", "test"}
    assert sorted(tested) == sorted(read_table(folder.articles)["id"].to_pylist())


def test_folds_and_seeds_are_crossed():
    names = [variant.name for variant in of_seeds_and_folds([4, 5], 2)]
    assert names == ["fold-0-seed-4", "fold-0-seed-5", "fold-1-seed-4", "fold-1-seed-5"]


def test_repeats_stand_below_one_run_with_their_mean_in_mlflow(project, tmp_path):
    loading = project(repeat={"seeds": [1, 2]}, track={"experiment": "repeated"})
    summary = run_repeats(loading, loading([]), RunFolder(tmp_path / "runs"), "track", silent)
    with connected(store_uri(None, tmp_path)) as client:
        experiment = client.get_experiment_by_name("repeated").experiment_id
        runs = {run.info.run_name: run for run in client.search_runs([experiment])}
    parent = runs.pop("tiny: 2 repeats")
    assert sorted(runs) == ["seed-1", "seed-2"]
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {parent.info.run_id}
    mean = summary["scores"]["test"]["topic"]["macro_f1"]["mean"]
    assert parent.data.metrics["test/topic.macro_f1"] == pytest.approx(mean)


def test_repeating_folds_needs_a_split_that_makes_them(project):
    with pytest.raises(ConfigError, match=r"repeat\.folds needs split\.by folds.*it is given"):
        project(repeat={"folds": True})([])

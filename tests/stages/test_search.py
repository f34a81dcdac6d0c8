"""Searching for settings and repeating an experiment, on the twelve small articles."""

import json
import shutil

import pytest
import yaml

from pipeline.artifacts import RunFolder, read_table
from pipeline.config import load
from pipeline.errors import ConfigError, DataError, PipelineError
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
    for row in found.trials:
        of_tasks = [scores["macro_f1"] for scores in row["scores"].values()]
        assert len(of_tasks) == 3
        assert row["macro_f1"] == pytest.approx(sum(of_tasks) / 3, abs=1e-6)
        assert row["macro_f1_low"] <= row["macro_f1"] <= row["macro_f1_high"]
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
    assert [row["state"] for row in found.trials] == ["complete"] * 3
    assert [row["number"] for row in found.trials] == [0, 2, 3]  # 1 was broken off


def test_a_search_on_other_data_or_settings_is_another_one(project, tmp_path):
    run = RunFolder(tmp_path / "search")
    loading = project(tune={**TUNE, "trials": 1})
    first = search(loading, loading([]), run, silent)
    again = search(loading, loading([]), run, silent)
    assert again.trials == first.trials
    loading = project(tune={**TUNE, "trials": 1}, train={"C": [3.0]})
    other = search(loading, loading([]), run, silent)
    assert len(other.trials) == 1
    assert other.trials[0]["number"] == 0  # of its own study
    names = {path.name for path in run.path.glob("trials/000/*")}
    assert "selection.json" in names
    tried = json.loads((run.path / "trials" / "000" / "selection.json").read_text())["topic"]
    assert [row["value"] for row in tried] == [3.0]


def test_a_search_on_another_codebook_is_another_one(project, tiny_project, tmp_path):
    run = RunFolder(tmp_path / "search")
    book = tmp_path / "codebook.yaml"
    book.write_text((tiny_project / "codebook.yaml").read_text())
    loading = project(tune={**TUNE, "trials": 1}, codebook=str(book))
    first = search(loading, loading([]), run, silent)
    assert search(loading, loading([]), run, silent).trials == first.trials
    told = []
    book.write_text(book.read_text().replace("aliases: [", "aliases: [Salt Deal, ", 1))
    search(loading, loading([]), run, lambda *what: told.append(what[0]))
    assert "000" in told  # tried anew


def test_values_that_cannot_go_together_are_refused_and_the_search_goes_on(
    project, tiny_bert, tmp_path
):
    loading = project(
        features={"kind": "encoder", "model": str(tiny_bert), "window": 48, "overlap": 8},
        train={"C": [1.0]},
        seed=5,  # by which the second trial is such a pair
        tune={"space": {"features.window": [24, 48], "features.overlap": [8, 40]}, "trials": 2},
    )
    found = search(loading, loading([]), RunFolder(tmp_path / "search"), silent)
    tried, refused = found.trials
    assert refused["state"] == "refused"
    assert refused["changes"] == {"features.window": 24, "features.overlap": 40}
    assert "overlap must be less than the window of 24; it is 40" in refused["refused"]
    assert found.best == tried


def test_values_that_the_data_cannot_bear_are_refused_and_the_search_goes_on(project, tmp_path):
    loading = project(tune={"space": {"features.min_count": [1, 5000]}, "trials": 4})
    found = search(loading, loading([]), RunFolder(tmp_path / "search"), silent)
    states = {row["changes"]["features.min_count"]: row["state"] for row in found.trials}
    assert states == {1: "complete", 5000: "refused"}
    assert "no feature occurs in 5000 training examples or more" in next(
        row["refused"] for row in found.trials if "refused" in row
    )
    assert found.best["changes"] == {"features.min_count": 1}


def test_no_settings_are_tried_twice_and_a_space_that_is_exhausted_ends_the_search(
    project, tmp_path
):
    space = {
        "features.words": [1, 2, 1],
        "features.min_count": {"low": 1, "high": 2, "whole": True},
    }
    loading = project(tune={"space": space, "trials": 9}, track={"experiment": "exhausted"})
    run = RunFolder(tmp_path / "search")
    found = search(loading, loading([]), run, silent)
    tried = [tuple(row["changes"].values()) for row in found.trials]
    assert sorted(tried) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert found.is_exhausted
    again = search(loading, loading([]), run, silent)
    assert again.trials == found.trials
    assert again.is_exhausted
    with connected(store_uri(None, tmp_path)) as client:
        experiments = [each.experiment_id for each in client.search_experiments()]
        runs = client.search_runs(experiments)
    assert len(runs) == 1 + len(tried)  # the second search has none


def test_an_encoder_that_was_refused_is_tried_when_it_is_mended(project, tiny_bert, tmp_path):
    broken = shutil.copytree(tiny_bert, tmp_path / "broken")
    (broken / "tokenizer.json").rename(tmp_path / "tokenizer.json")
    loading = project(
        features={"kind": "encoder", "model": str(tiny_bert), "window": 48, "cache": None},
        train={"C": [1.0]},
        tune={"space": {"features.model": [str(tiny_bert), str(broken)]}, "trials": 2},
    )
    run = RunFolder(tmp_path / "search")
    found = search(loading, loading([]), run, silent)
    assert sorted(row["state"] for row in found.trials) == ["complete", "refused"]
    (tmp_path / "tokenizer.json").rename(broken / "tokenizer.json")
    found = search(loading, loading([]), run, silent)
    assert [row["state"] for row in found.trials] == ["complete"] * 2


def test_a_base_value_that_the_space_replaces_need_not_do(project, tiny_bert, tmp_path):
    loading = project(
        features={
            "kind": "encoder",
            "model": str(tiny_bert),
            "window": 200,
            "overlap": 8,
            "cache": None,
        },
        train={"C": [1.0]},
        tune={"space": {"features.window": [24, 48]}, "trials": 2},
    )
    found = search(loading, loading([]), RunFolder(tmp_path / "search"), silent)
    assert [row["state"] for row in found.trials] == ["complete"] * 2
    assert found.is_exhausted


def test_what_is_not_tried_yet_is_found_in_a_space_of_many_settings_too(project, tmp_path):
    loading = project(tune={"space": {"seed": [1, 2, 3, 4, 5]}, "trials": 4})
    found = search(loading, loading([]), RunFolder(tmp_path / "search"), silent)
    assert len({row["changes"]["seed"] for row in found.trials}) == 4
    assert not found.is_exhausted


def test_a_search_that_completes_nothing_says_so_and_names_no_config(project, tmp_path):
    run = RunFolder(tmp_path / "search")
    loading = project(tune={**TUNE, "trials": 1})
    search(loading, loading([]), run, silent)
    loading = project(tune={**TUNE, "minutes": 1e-9, "space": {"features.words": [1, 3]}})
    with pytest.raises(DataError, match=r"no trial was completed in tune.minutes: 1e-09; raise it"):
        search(loading, loading([]), run, silent)


def test_a_kind_of_training_can_be_searched_and_keeps_no_training(project, tiny_bert, tmp_path):
    encoder = {"kind": "encoder", "model": str(tiny_bert), "window": 48, "cache": None}
    tune = {"space": {"train.kind": ["linear", "finetune"]}, "trials": 2}
    loading = project(features=encoder, train={"kind": "linear"}, tune=tune)
    found = search(loading, loading([]), RunFolder(tmp_path / "search"), silent)
    assert {row["state"] for row in found.trials} == {"complete"}
    assert not (tmp_path / ".cache").exists()


def test_a_trial_that_diverges_is_refused(project, tiny_bert, tmp_path):
    loading = project(
        features={"kind": "encoder", "model": str(tiny_bert), "window": 48, "cache": None},
        train={"kind": "finetune", "epochs": 2},
        tune={"space": {"train.learning_rate": [1e-4, 1e30]}, "trials": 2},
    )
    found = search(loading, loading([]), RunFolder(tmp_path / "search"), silent)
    refused = next(row for row in found.trials if row["changes"]["train.learning_rate"] > 1)
    assert refused["state"] == "refused"
    assert "the fine-tuning diverged" in refused["refused"]


def test_a_search_in_which_nothing_could_be_done_says_why(project, tmp_path):
    loading = project(tune={"space": {"features.min_count": [5000, 6000]}, "trials": 2})
    with pytest.raises(DataError, match=r"no trial could be done; the first: .*no feature occurs"):
        search(loading, loading([]), RunFolder(tmp_path / "search"), silent)


def test_trainings_of_an_ensembles_trials_are_not_kept(project, tiny_bert, tmp_path):
    tuned = {
        "features": {"kind": "encoder", "model": str(tiny_bert), "window": 48},
        "train": {"kind": "finetune", "epochs": 1, "cache": str(tmp_path / "finetuned")},
    }
    train = {"kind": "ensemble", "members": {"words": {"features": {"words": 1}}, "tuned": tuned}}
    loading = project(
        features=None, train=train, tune={"space": {"train.thresholds": ["half"]}, "trials": 1}
    )
    run = RunFolder(tmp_path / "search")
    search(loading, loading([]), run, silent)
    assert not (tmp_path / "finetuned").exists()
    assert '"refit":false' in (run.trial("000").config.read_text().replace(" ", ""))


def test_a_search_goes_on_with_other_settings_than_it_began_with(project, tmp_path):
    space = {"features.target.window": {"low": 1, "high": 200, "whole": True}}
    windows = []
    for trials in (1, 2, 3):
        loading = project(tune={"space": space, "trials": trials})
        found = search(loading, loading([]), RunFolder(tmp_path / "search"), silent)
        windows = [row["changes"]["features.target.window"] for row in found.trials]
    assert len(set(windows)) == 3


def test_models_of_trials_do_not_fill_the_disk(project, tmp_path):
    loading = project(tune={**TUNE, "trials": 1})
    run = RunFolder(tmp_path / "search")
    search(loading, loading([]), run, silent)
    assert not list(run.path.rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"features.words": [1, 9]}, r"features\.words: input should be less than or equal to 3"),
        ({"train.C": {"low": 1, "high": 2}}, r"train\.C: input should be a valid list"),
        ({"split.dev": [0.1, 0.2]}, r"tune\.space: split\.dev: settings of features and train and"),
        ({"features.words": {"low": 1.2, "high": 1.8, "whole": True}}, "no whole number lies"),
        (
            {"features.words": {"low": 1, "high": 2}},
            r"^tune\.space: features\.words: 1.0 cannot be tried: features\.words: input should be "
            r"a valid integer; it is 1\.0; for whole numbers set whole: true$",
        ),
        (
            {"train.C": [0.1, 1.0]},
            r"0\.1 cannot be tried: .*; where a value is a list itself, name",
        ),
        ({"train.kind": ["finetune"]}, r'^tune\.space: train\.kind: "finetune" cannot be tried: '),
        ({"features.words": []}, r"tune\.space\.features\.words: list should have at least 1 item"),
    ],
)
def test_a_space_is_checked_before_anything_is_tried(project, tmp_path, space, message):
    loading = project(tune={"space": space, "trials": 1})
    with pytest.raises(ConfigError, match=message):
        search(loading, loading([]), RunFolder(tmp_path / "search"), silent)
    assert not (tmp_path / "search" / "trials").exists()


def test_without_dev_there_is_nothing_to_judge_by(project, tmp_path):
    split = {"by": "id", "dev": 0, "test": 0.3, "near_duplicate": 0.9}
    loading = project(tune=TUNE, split=split, train={"folds": 2})
    with pytest.raises(DataError, match="no coded example on dev, which settings are judged by"):
        search(loading, loading([]), RunFolder(tmp_path / "search"), silent)


def test_a_server_that_is_not_there_is_one_line(project, tmp_path):
    loading = project(tune=TUNE, track={"uri": "http://127.0.0.1:9"})
    with pytest.raises(PipelineError, match=r"track\.uri names another server"):
        search(loading, loading([]), RunFolder(tmp_path / "search"), silent)


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
    assert metrics["trials/min_macro_f1"] <= metrics["trials/mean_macro_f1"]
    assert metrics["trials/mean_macro_f1"] <= metrics["trials/max_macro_f1"]
    assert {"dev/topic.macro_f1", "dev/stance.macro_f1"} <= set(metrics)
    assert metrics["dev/macro_f1_low"] <= metrics["dev/macro_f1"] <= metrics["dev/macro_f1_high"]


def test_a_search_that_was_stopped_goes_on_in_its_run_and_a_finished_one_adds_none(
    project, tmp_path
):
    class Stopped(BaseException):
        pass

    loading = project(tune={**TUNE, "trials": 3}, track={"experiment": "stopped"})
    folder = RunFolder(tmp_path / "search")

    def stop(which, outcome):
        if which == "001":
            raise Stopped

    def recorded():
        with connected(store_uri(None, tmp_path)) as client:
            experiment = client.get_experiment_by_name("stopped").experiment_id
            return client.search_runs([experiment])

    with pytest.raises(Stopped):
        search(loading, loading([]), folder, stop)
    assert {run.info.run_name: run.info.status for run in recorded()} == {
        "tiny: search": "FAILED",
        "tiny: trial 0": "FINISHED",
    }
    search(loading, loading([]), folder, silent)
    whole = {run.info.run_id: run.info.status for run in recorded()}
    assert len(whole) == 4
    assert set(whole.values()) == {"FINISHED"}
    search(loading, loading([]), folder, silent)
    assert {run.info.run_id: run.info.status for run in recorded()} == whole


def test_a_trial_of_fine_tuning_that_does_worse_than_earlier_ones_is_pruned(
    project, tiny_bert, tmp_path
):
    optuna = pytest.importorskip("optuna")
    tune = {"space": {"train.learning_rate": [1e-3], "seed": [3, 4]}, "trials": 1}
    sections = {
        "features": {"kind": "encoder", "model": str(tiny_bert), "window": 48, "cache": None},
        "train": {"kind": "finetune", "epochs": 3, "class_weight": "none"},
        "track": {"experiment": "pruned"},
    }
    run = RunFolder(tmp_path / "search")
    loading = project(tune=tune, **sections)
    search(loading, loading([]), run, silent)
    # A random encoder's curves are chance; four trials without a fault leave none to a second one.
    backend = optuna.storages.journal.JournalFileBackend(str(run.path / "trials.log"))
    study = optuna.load_study(study_name=None, storage=optuna.storages.JournalStorage(backend))
    flawless = optuna.trial.create_trial(
        value=1.0,
        intermediate_values=dict.fromkeys((1, 2, 3), 1.0),
        user_attrs={"changes": study.trials[0].user_attrs["changes"]},
        params=study.trials[0].params,
        distributions=study.trials[0].distributions,
    )
    study.add_trials([flawless] * 4)
    loading = project(tune={**tune, "trials": 6}, **sections)
    found = search(loading, loading([]), run, silent)

    assert [row["state"] for row in found.trials] == ["complete"] * 5 + ["pruned"]
    last = f"tiny: trial {found.trials[-1]['number']}"
    with connected(store_uri(None, tmp_path)) as client:
        experiment = client.get_experiment_by_name("pruned").experiment_id
        runs = {run.info.run_name: run.info for run in client.search_runs([experiment])}
        curves = {
            name: client.get_metric_history(info.run_id, "training/model.dev_macro_f1")
            for name, info in runs.items()
        }
    assert {name: len(curve) for name, curve in curves.items() if curve} == {
        "tiny: trial 0": 3,
        last: 1,
    }
    assert curves["tiny: trial 0"][-1].value > 0
    assert {name: info.status for name, info in runs.items()} == {
        "tiny: search": "FINISHED",
        "tiny: trial 0": "FINISHED",
        last: "KILLED",
    }


def test_neither_a_loss_nor_a_member_of_an_ensemble_ends_a_trial():
    optuna = pytest.importorskip("optuna")
    from pipeline.stages.search import _pruning

    study = optuna.create_study(
        direction="maximize", pruner=optuna.pruners.MedianPruner(n_startup_trials=1)
    )
    good = study.ask()
    curves = []
    _pruning(good, curves)("model")({"dev_macro_f1": 0.8, "epoch": 1.0}, 10)
    study.tell(good, 0.8)
    bad = _pruning(study.ask(), curves)("model")
    bad({"loss": 9.0}, 5)
    with pytest.raises(optuna.exceptions.TrialPruned):
        bad({"dev_macro_f1": 0.2, "epoch": 1.0}, 10)
    _pruning(study.ask(), curves)("tuned model")({"dev_macro_f1": 0.1, "epoch": 1.0}, 10)
    assert [each.training for each in curves] == ["model"] * 3 + ["tuned model"]


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
    assert sorted(runs) == ["runs: seed-1", "runs: seed-2"]
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {parent.info.run_id}
    mean = summary["scores"]["test"]["topic"]["macro_f1"]["mean"]
    assert parent.data.metrics["test/topic.macro_f1"] == pytest.approx(mean)


@pytest.mark.parametrize("repeat", [{}, {"seeds": [1, 1]}, {"seeds": []}])
def test_repeats_that_repeat_nothing_are_refused(project, repeat):
    with pytest.raises(ConfigError, match="repeat"):
        project(repeat=repeat)([])


def test_repeating_folds_needs_a_split_that_makes_them(project):
    with pytest.raises(ConfigError, match=r"repeat\.folds needs split\.by folds.*it is given"):
        project(repeat={"folds": True})([])

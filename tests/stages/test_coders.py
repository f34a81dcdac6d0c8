"""Two coders from the files to the scores: ties are answered, tiers go into the model."""

import json
import random

import pytest
from sklearn.metrics import cohen_kappa_score

from pipeline.artifacts import RunFolder, read_json, read_table
from pipeline.bundle import load_bundle
from pipeline.config import load
from pipeline.predict import predict_articles
from pipeline.stages import run_stages

pytestmark = pytest.mark.slow

CODEBOOK = """\
name: shore
version: "1.0"
tasks:
  topic:
    asks: article
    labels: [{id: farming}, {id: shipping}]
"""

CONFIG = """\
name: shore
codebook: {folder}/codebook.yaml
ingest: {{root: "{folder}", sources: [path: articles.jsonl]}}
label: {{annotations: ["{folder}/annotations.csv"]}}
split: {{by: given, near_duplicate: 1.0}}
features: {{words: 1, min_count: 1, buckets_log2: 14}}
train: {{C: [1.0]}}
evaluate: {{resamples: 100}}
audit: {{fail_on: null}}
track: {{enabled: false}}
"""

WORDS = {
    "farming": ["barley", "harvest", "orchard", "growers", "soil", "ploughs"],
    "shipping": ["docks", "vessels", "captains", "ferry", "cargo", "harbour"],
}
SIDES = [("train", 20), ("dev", 64), ("test", 24)]


def articles():
    """Yield id, side, label and text; the words tell the label."""
    draw = random.Random(4)
    for side, count in SIDES:
        for number in range(count):
            label = ("farming", "shipping")[number % 2]
            words = [*draw.sample(WORDS[label], 4), *(f"w{draw.randrange(10**6)}" for _ in "abc")]
            yield f"{side}{number}", side, label, " ".join(words).capitalize() + "."


def run_with(folder, coders):
    """Write a project in which each coder says what `coders` has for (article, label); run it."""
    (folder / "codebook.yaml").write_text(CODEBOOK)
    (folder / "config.yaml").write_text(CONFIG.format(folder=folder))
    rows, lines = [], ["article_id,task,target,coder,label"]
    for name, side, label, text in articles():
        rows.append(json.dumps({"id": name, "split": side, "text": text}) + "\n")
        for coder, says in coders.items():
            lines.append(f"{name},topic,,{coder},{says(name, label)}")
    (folder / "articles.jsonl").write_text("".join(rows))
    (folder / "annotations.csv").write_text("\n".join(lines) + "\n")
    run = RunFolder(folder / "run")
    run_stages(load(folder / "config.yaml"), run, "evaluate", [].append)
    return run


def faithful(_name, label):
    return label


def hasty(name, label):
    """Take the test articles 0, 5, 10, 15 and 20 for the other label."""
    wrong = name.startswith("test") and int(name[4:]) % 5 == 0
    return {"farming": "shipping", "shipping": "farming"}[label] if wrong else label


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    return run_with(tmp_path_factory.mktemp("two"), {"ann": faithful, "ben": hasty})


def test_the_model_answers_what_the_coders_are_split_on(two):
    scores = read_json(two.metrics)["test"]["topic"]
    assert (scores["n"], scores["coders"]["n"], scores["coders"]["ties"]) == (19, 24, 5)
    bundle = load_bundle(two.model)
    said = {
        row["article_id"]: row["label"]
        for row in predict_articles(bundle, read_table(two.articles), None, 0).to_pylist()
    }
    tested = [(name, label) for name, side, label, _ in articles() if side == "test"]
    answers = {
        "ann": [faithful(*each) for each in tested],
        "ben": [hasty(*each) for each in tested],
        "model": [said[name] for name, _ in tested],
    }
    pair = scores["coders"]["pairs"][0]
    for row, (one, other) in zip(
        [pair, *pair["model"]], [("ann", "ben"), ("ann", "model"), ("ben", "model")], strict=True
    ):
        expected = cohen_kappa_score(answers[one], answers[other])
        assert row["kappa"] == pytest.approx(expected, abs=2e-6)


def test_the_ties_are_in_no_other_score_and_in_no_table(two):
    predictions = read_table(two.predictions).to_pylist()
    assert sum(row["side"] == "test" for row in predictions) == 19


def test_the_model_carries_the_tiers_of_dev(two):
    tiers = load_bundle(two.model).tiers
    assert tiers["topic"]["farming"] == {"tier": "A", "why": ""}
    of_dev = read_json(two.metrics)["dev"]["topic"]["labels"]
    assert {
        label: {key: row[key] for key in ("tier", "why")} for label, row in of_dev.items()
    } == tiers["topic"]


def test_what_coders_say_of_test_is_not_in_the_tiers_of_the_model(two, tmp_path):
    agreed = run_with(tmp_path, {"ann": faithful, "ben": faithful})
    assert load_bundle(agreed.model).tiers == load_bundle(two.model).tiers
    labels = [
        read_json(run.agreement)["tasks"]["topic"]["labels"]["farming"] for run in (two, agreed)
    ]
    assert labels[0]["alpha"] < labels[1]["alpha"] == 1


def test_with_one_coder_the_agreement_is_unknown_and_no_tier_is_the_best(tmp_path):
    run = run_with(tmp_path, {"ann": faithful})
    scores = read_json(run.metrics)["test"]["topic"]
    assert "coders" not in scores
    assert load_bundle(run.model).tiers["topic"]["farming"] == {
        "tier": "B", "why": "agreement unknown"
    }  # fmt: skip
    assert "Beside the coders" not in run.report.read_text()
    assert "agreement unknown" in run.report.read_text()

"""The stage `vote` and what training makes of it, as a user runs them."""

import json
import shutil

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipeline.artifacts import RunFolder, read_json
from pipeline.config import load
from pipeline.errors import ConfigError, DataError
from pipeline.records import SOFT_LABELS, VOTES
from pipeline.stages import run_stages

CODEBOOK = """\
name: harbour
version: "1.0"
tasks:
  topic:
    asks: article
    labels:
      - id: farming
        rules: [{name: fields, keywords: [barley, growers, harvest]}]
      - id: shipping
        rules: [{name: docks, keywords: [vessels, docks, captains]}]
"""
CONFIG = """\
name: small
codebook: codebook.yaml
ingest: {sources: [path: articles.jsonl], fields: {}}
label: {inline: {topic: {label: topic}}, votes: {use: train}}
split: {by: given, near_duplicate: 1.0}
features: {words: 1, min_count: 1, buckets_log2: 14}
train: {C: [1.0]}
track: {enabled: false}
behaviour: {suites: []}
evaluate: {resamples: 100}
"""
ENSEMBLE = """\
train:
  kind: ensemble
  folds: 3
  members:
    one: {features: {words: 1, min_count: 1, buckets_log2: 14}, train: {C: [1.0]}}
    two: {features: {words: 2, min_count: 1, buckets_log2: 14}, train: {C: [1.0]}}
"""
FARMING = ["Growers wait for rain.", "Barley is dear.", "The harvest is late.", "Growers sow oats."]
SHIPPING = ["Captains wait for wind.", "Vessels are dear.", "The docks are late.", "Captains sail."]


def rows():
    """Yield articles: few coded ones on train, many uncoded ones, some of them on dev and test."""
    number = 0
    for copy in range(3):
        for label, texts in (("farming", FARMING), ("shipping", SHIPPING)):
            for place, text in enumerate(texts):
                number += 1
                side = ("train", "dev", "test")[copy]
                coded = place == 0 or side != "train"
                words = f"{text} Item {number} of {side}."
                yield {"id": f"n{number}", "text": words, "split": side,
                       "topic": label if coded and place != 3 else ""}  # fmt: skip


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Write the project into the current folder; return the config's file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "codebook.yaml").write_text(CODEBOOK)
    (tmp_path / "config.yaml").write_text(CONFIG)
    lines = [json.dumps(row) for row in rows()]
    (tmp_path / "articles.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path / "config.yaml"


@pytest.fixture
def run(project):
    """Return the function that runs the stages up to one, with overrides; it returns outcomes."""
    folder = RunFolder(project.parent / "run")

    def go(last, *overrides):
        outcomes = run_stages(load(project, overrides), folder, last, [].append)
        return {outcome.stage: outcome for outcome in outcomes}

    go.folder = folder
    return go


@pytest.mark.slow
def test_votes_are_cast_on_all_sides_and_learned_from_on_train_alone(run):
    outcomes = run("vote")
    assert list(outcomes) == ["ingest", "label", "split", "vote"]
    votes = pq.read_table(run.folder.votes)
    assert votes.schema.equals(VOTES)
    assert len(votes) == 24
    soft = pq.read_table(run.folder.soft_labels)
    assert soft.schema.equals(SOFT_LABELS)
    examples = pq.read_table(run.folder.examples)
    splits = pq.read_table(run.folder.splits)
    sides = dict(zip(splits["article_id"].to_pylist(), splits["side"].to_pylist(), strict=True))
    gold = dict(zip(examples["example_id"].to_pylist(), examples["gold"].to_pylist(), strict=True))
    named = soft["example_id"].to_pylist()
    assert len(named) == 6
    assert {sides[each.split("|")[0]] for each in named} == {"train"}
    assert {gold[each] is None for each in named} == {True}
    told = read_json(run.folder.vote_account)["tasks"]["topic"]
    assert (told["examples"], told["gold"], told["soft_labels"]) == (8, 2, 6)
    assert [each["n"] for each in told["functions"]] == [1, 1]  # of the train side's gold


@pytest.mark.slow
def test_a_model_learns_from_the_votes_and_is_scored_on_gold_alone(run):
    run("evaluate")
    learned = pq.read_table(run.folder.features / "topic" / "rows.parquet")
    assert learned["gold"].null_count == 6
    assert set(learned.filter(pc.is_null(learned["gold"]))["side"].to_pylist()) == {"train"}
    assert learned["weight"].to_pylist().count(0.5) == 6
    scored = pq.read_table(run.folder.predictions)
    scored = scored.filter(pc.equal(scored["side"], "test"))
    assert len(scored) == 6
    assert scored["gold"].null_count == 0
    with_votes = read_json(run.folder.metrics)["test"]["topic"]
    run("evaluate", "label.votes.use=none")
    alone = pq.read_table(run.folder.features / "topic" / "rows.parquet")
    assert alone["gold"].null_count == 0
    assert "weight" not in alone.column_names
    without = read_json(run.folder.metrics)["test"]["topic"]
    assert with_votes["n"] == without["n"] == 6
    assert with_votes["macro_f1"] > without["macro_f1"]
    bundle = json.loads((run.folder.model / "codebook.json").read_text())
    assert "rules" not in json.dumps(bundle)


@pytest.mark.slow
@pytest.mark.parametrize("choose", ["one", "many"])
def test_an_ensemble_with_folds_learns_from_the_votes_and_weighs_on_gold_alone(
    choose, run, project
):
    book, config = project.parent / "codebook.yaml", project
    book.write_text(CODEBOOK.replace("asks: article", f"asks: article\n    choose: {choose}"))
    lines = [each for each in CONFIG.splitlines() if not each.startswith(("features", "train"))]
    config.write_text("\n".join(lines) + "\n" + ENSEMBLE)
    run("train")
    learned = pq.read_table(run.folder.features / "topic" / "rows.parquet")
    assert (len(learned), learned["gold"].null_count) == (14, 6)
    together = read_json(run.folder.selection)["topic"][-1]
    assert together["setting"] == "members"
    assert together["macro_f1"] > 0.7


def test_a_changed_rule_votes_anew_and_nothing_before_it_runs_again(run, project):
    run("vote")
    outcomes = run("vote")
    assert all(outcome.skipped for outcome in outcomes.values())
    file = project.parent / "codebook.yaml"
    file.write_text(CODEBOOK.replace("barley, ", ""))
    outcomes = run("vote")
    assert {name: outcome.skipped for name, outcome in outcomes.items()} == {
        "ingest": True, "label": True, "split": True, "vote": False,
    }  # fmt: skip
    assert len(pq.read_table(run.folder.votes)) == 21


def test_a_changed_file_of_functions_votes_anew_and_is_in_no_file_of_the_run(run, project):
    file = project.parent / "ours.py"
    code = 'def oats(article):\n    return "farming" if "oats" in article.text else None\n'
    file.write_text(f'{code}FUNCTIONS = {{"topic": [oats]}}\n')
    override = "label.functions=ours.py"
    assert not run("vote", override)["vote"].skipped
    assert run("vote", override)["vote"].skipped
    names = [each["function"] for each in read_json(run.folder.vote_account)["tasks"]["topic"][
        "functions"]]  # fmt: skip
    assert names == ["rule:farming/fields", "rule:shipping/docks", "function:oats"]
    file.write_text(file.read_text().replace('"oats" in', '"rain" in'))
    assert not run("vote", override)["vote"].skipped
    assert not list(run.folder.path.rglob("*.py"))


@pytest.mark.slow
def test_a_changed_encoder_votes_anew(run, project, tiny_bert):
    folder = project.parent / "encoder"
    shutil.copytree(tiny_bert, folder)
    override = f"label.zero_shot={{model: {folder}, window: 48, cache: null}}"
    assert not run("vote", override)["vote"].skipped
    assert run("vote", override)["vote"].skipped
    file = folder / "config.json"
    file.write_text(file.read_text() + "\n")
    outcomes = run("vote", override)
    assert [name for name, outcome in outcomes.items() if not outcome.skipped] == ["vote"]


def test_where_nothing_votes_there_is_no_such_stage(run):
    outcomes = run("audit", "label.votes.rules=false", "label.votes.use=none")
    assert list(outcomes) == ["ingest", "label", "split", "audit"]
    assert not run.folder.votes.exists()


def test_to_learn_from_votes_that_nobody_casts_is_told(project):
    with pytest.raises(ConfigError, match=r"label\.votes\.use: train needs votes"):
        run_stages(
            load(project, ["label.votes.rules=false"]),
            RunFolder(project.parent / "run"), "featurize", [].append,
        )  # fmt: skip


def test_fine_tuning_from_votes_is_refused(project):
    with pytest.raises(ConfigError, match=r"label\.votes\.use: train is for linear training"):
        load(project, ["train={kind: finetune}", "features={kind: encoder}"])


def test_an_unknown_task_is_told(run):
    with pytest.raises(ConfigError, match=r"label\.endpoint\.tasks: unknown task 'topics'"):
        run("vote", "label.endpoint={url: 'http://127.0.0.1:9/v1', model: m, tasks: [topics]}")


def test_an_endpoint_that_answers_nothing_stops_the_stage_and_leaves_no_votes(run):
    with pytest.raises(DataError, match=r"label\.endpoint: http://127\.0\.0\.1:9/v1 answered none"):
        run("vote", "label.endpoint={url: 'http://127.0.0.1:9/v1', model: m, retries: 0, "
            "give_up: 2, cache: answers}")  # fmt: skip
    assert not run.folder.votes.exists()

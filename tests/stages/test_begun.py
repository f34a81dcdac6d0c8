"""A run that starts from the model of another one is tested on nothing which that one learned."""

import json

import pytest

from pipeline.artifacts import RunFolder, read_json
from pipeline.config import load
from pipeline.errors import DataError
from pipeline.stages import run_stages
from tests.small_project import write_project

pytestmark = pytest.mark.slow


@pytest.fixture
def audited(tmp_path, monkeypatch):
    """A function that audits the small project with its sides exchanged by `sides`, into a run."""
    monkeypatch.chdir(tmp_path)
    config = write_project(tmp_path)
    articles = tmp_path / "articles.jsonl"
    rows = [json.loads(line) for line in articles.read_text().splitlines()]

    def audit(name, sides, *settings):
        moved = [{**row, "split": sides.get(row["split"], row["split"])} for row in rows]
        articles.write_text("".join(json.dumps(row) + "\n" for row in moved))
        run = RunFolder(tmp_path / "runs" / name)
        run_stages(load(config, settings), run, "audit", lambda _: None)
        return {each["check"]: each for each in read_json(run.audit)["findings"]}

    return audit


def starts_from(model):
    return "features={kind: encoder, model: " + model + "}"


def test_another_split_of_the_same_articles_stops_the_run(audited):
    audited("first", {})
    swapped = {"train": "test", "test": "train"}
    with pytest.raises(DataError, match=r"learned_before on test: 6 of 6 \(100.0 %\) .*audit.json"):
        audited("second", swapped, starts_from("runs/first/model"))
    told = audited("second", swapped, starts_from("runs/first/model"), "audit.fail_on=null")
    assert told["learned_before"]["rows"][0]["model"] == "runs/first/model"
    assert told["learned_before"]["numbers"] == {"n": 6, "of": 6}


def test_the_same_split_and_one_encoder_of_the_model_are_fine(audited):
    audited("first", {})
    told = audited("second", {}, starts_from("runs/first/model/encoders/stance"))
    assert told["learned_before"]["severity"] == "info"


def test_of_a_model_without_its_run_nothing_is_known(audited):
    assert "learned_before" not in audited("only", {}, starts_from("elsewhere/model"))
    assert "learned_before" not in audited("packaged", {}, starts_from("embedded:minilm"))

"""A run that starts from the model of another one is tested on nothing which that one learned."""

import contextlib
import json
import shutil
from pathlib import Path

import pytest
import yaml

from pipeline.artifacts import RunFolder, read_json
from pipeline.config import load
from pipeline.errors import DataError
from pipeline.stages import run_stages
from tests.small_project import write_project

pytestmark = pytest.mark.slow
SWAPPED = {"train": "test", "test": "train"}


def upto(stage, name, sides, **sections):
    """Run the small project in this folder up to a stage, with its sides as `sides` says."""
    rows = [json.loads(line) for line in Path("all.jsonl").read_text().splitlines()]
    moved = [{**row, "split": sides.get(row["split"], row["split"])} for row in rows]
    Path("articles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in moved))
    settings = yaml.safe_load(Path("config.yaml").read_text()) | sections
    Path(f"{name}.yaml").write_text(yaml.safe_dump(settings))
    folder = RunFolder(Path("runs") / name)
    folder.path.mkdir(parents=True, exist_ok=True)
    run_stages(load(Path(f"{name}.yaml")), folder, stage, lambda _: None)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_bert):
    """A folder with the small project and its run `first`, whose encoder was trained."""
    folder = tmp_path_factory.mktemp("begun")
    write_project(folder)
    (folder / "articles.jsonl").rename(folder / "all.jsonl")
    with contextlib.chdir(folder):
        upto("train", "first", {}, features=encoder(tiny_bert), train=TUNED)
    return folder


@pytest.fixture(autouse=True)
def copied(trained, tmp_path, monkeypatch):
    """Each test has a copy of that folder, and works in it."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def audited(sides, model, **sections):
    """Return the findings of a run that starts from a model, by their checks."""
    folder = upto("audit", "second", sides, features=encoder(model), **sections)
    return {each["check"]: each for each in read_json(folder.audit)["findings"]}


def encoder(model):
    return {"kind": "encoder", "model": str(model), "window": 48, "cache": None}


TUNED = {"kind": "finetune", "epochs": 1, "cache": None}
ON = {"audit": {"fail_on": None}}


def test_another_split_of_the_same_articles_stops_the_run():
    told = r"learned_before on test: 6 of 6 .* copies of what runs/first/model learned from"
    with pytest.raises(DataError, match=told):
        audited(SWAPPED, "runs/first/model")
    found = audited(SWAPPED, "runs/first/model", **ON)["learned_before"]
    assert found["rows"][0]["model"] == "runs/first/model"


@pytest.mark.parametrize("kind", ["absolute", "link", "encoder", "blind"])
def test_a_model_is_known_by_each_of_its_paths(tmp_path, kind):
    first = RunFolder(tmp_path / "runs" / "first")
    (inside,) = (first.model / "encoders").iterdir()
    (tmp_path / "latest").symlink_to(first.model)
    path = {
        "absolute": first.model, "link": "latest", "encoder": inside,
        "blind": first.blind_model,
    }[kind]  # fmt: skip
    assert audited(SWAPPED, path, **ON)["learned_before"]["numbers"]["n"] == 6


def test_the_same_split_is_fine():
    assert audited({}, "runs/first/model")["learned_before"]["severity"] == "info"


def test_what_a_model_started_from_counts_too():
    rest = {"train": "dev", "dev": "train", "test": "test"}
    upto("train", "middle", {**rest}, features=encoder("runs/first/model"), train=TUNED, **ON)
    found = audited(SWAPPED, "runs/middle/model", **ON)["learned_before"]
    assert found["numbers"]["n"] == 6
    assert "runs/first/model and runs/middle/model" in found["summary"]


def test_a_frozen_encoder_has_learned_nothing(tiny_bert):
    upto("train", "frozen", {}, features=encoder(tiny_bert), train={"kind": "linear"})
    assert "learned_before" not in audited(SWAPPED, "runs/frozen/model")


def test_tables_that_are_not_those_of_the_training_are_told():
    upto("audit", "first", SWAPPED, features=encoder("embedded:minilm"))
    with pytest.raises(DataError, match=r"runs/first/.*parquet has changed since this model was"):
        audited(SWAPPED, "runs/first/model")


def test_of_a_model_without_its_run_nothing_is_known():
    shutil.copytree("runs/first/model", "elsewhere/model")
    assert "learned_before" not in audited(SWAPPED, "elsewhere/model")
    assert "learned_before" not in audited(SWAPPED, "embedded:minilm")
    assert "learned_before" not in audited(SWAPPED, "a/name-on-the-hub")

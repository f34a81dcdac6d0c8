"""The walk-through of docs/labelling.md does what it says, from web pages to predictions."""

import contextlib
import csv
import json
import shlex
from collections import Counter

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from tests.pasted import ROOT, blocks, install, shell

pytestmark = pytest.mark.slow


def section(start, end):
    page = (ROOT / "docs" / "labelling.md").read_text()
    return page[page.index(f"## {start}") : page.index(f"## {end}")]


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The folder in which all blocks of the section were pasted in order, and what was printed."""
    command = install(tmp_path_factory.mktemp("bin"))
    folder = tmp_path_factory.mktemp("walk")
    printed = []
    for block in blocks(section("A walk-through", "Handing tasks to coders")):
        if block.language == "sh":
            done = shell(block.text, folder, command)
            assert done.returncode == 0, f"{block.text}\n{done.stderr}"
            printed.append(done.stdout + done.stderr)
    return folder, printed


def read(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_both_coders_and_the_chair_are_in_the_annotations(walked):
    rows = read(walked[0] / "annotations.csv")
    assert Counter(row["coder"] for row in rows) == {"ada": 18, "ben": 18, "chair": 2}
    assert {row["codebook"] for row in rows} == {"1.0"}
    assert {row["time"] for row in rows if row["coder"] == "ada"} == {"2031-06-01"}


def test_ties_are_gold_once_the_chair_has_decided(walked):
    folder, printed = walked
    assert any("18 examples, 16 coded" in text for text in printed)
    assert any("18 examples, 18 coded" in text for text in printed)
    agreement = json.loads((folder / "runs/islands/agreement.json").read_text())
    assert agreement["tasks"]["stance"]["ties"] == 0


def test_the_model_learns_from_gold_and_predicts(walked):
    folder, _ = walked
    metrics = json.loads((folder / "runs/islands/metrics.json").read_text())
    assert metrics["test"]["stance"]["n"] == 4
    (row,) = map(json.loads, (folder / "predictions.jsonl").read_text().splitlines())
    assert (row["task"], row["target"]) == ("stance", "salt-road")
    assert row["label"] in ("gain", "loss")


def test_the_commands_that_hand_tasks_out_work_in_that_folder(walked):
    (block,) = [
        block
        for block in blocks(section("Handing tasks to coders", "Coding in the terminal"))
        if block.language == "sh"
    ]
    with contextlib.chdir(walked[0]):
        for line in block.text.splitlines():
            done = CliRunner().invoke(app, shlex.split(line)[1:], catch_exceptions=False)
            assert done.exit_code == 0, done.output
    names = ("label-studio/stance.xml", "sheets/stance-cleo.csv", "stance.jsonl")
    assert all((walked[0] / name).is_file() for name in names)

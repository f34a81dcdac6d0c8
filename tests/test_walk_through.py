"""The walk-through of docs/labelling.md does what it says, from web pages to predictions."""

import csv
import json
from collections import Counter

import pytest

from tests.pasted import ROOT, blocks, install, shell

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The folder in which all blocks of the section were pasted in order, and what was printed."""
    page = (ROOT / "docs" / "labelling.md").read_text()
    section = page[page.index("## A walk-through") : page.index("## Handing tasks to coders")]
    command = install(tmp_path_factory.mktemp("bin"))
    folder = tmp_path_factory.mktemp("walk")
    printed = []
    for block in blocks(section):
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

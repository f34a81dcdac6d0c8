"""The README does what it says: its commands run, its outputs look as they are shown."""

import json
import re
import socket
import subprocess
import time
import urllib.request

import pytest

from tests.pasted import ROOT, Block, blocks, install, shell

pytestmark = pytest.mark.slow

# How far a score may be from the one that the README shows, on a machine of another kind.
TOLERANCE = 0.02


def listed():
    return blocks((ROOT / "README.md").read_text())


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the command `slant`."""
    return install(tmp_path_factory.mktemp("bin"))


@pytest.fixture(scope="module")
def quickstart(installed, tmp_path_factory):
    """An empty folder in which all blocks for the shell were pasted in order: (folder, outputs)."""
    folder = tmp_path_factory.mktemp("quickstart")
    outputs = {}
    for place, block in enumerate(listed()):
        if block.language != "sh" or block.is_for_make or block.text == "slant ui\n":
            continue
        done = shell(block.text, folder, installed)
        assert done.returncode == 0, f"{block.text}\n{done.stderr}"
        outputs[place] = done.stdout
    return folder, outputs


def test_the_targets_of_make_that_are_named_exist():
    text = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.M))
    assert {"train", "test", "ui"} <= targets
    for target in sorted(targets):
        done = shell(f"make --dry-run {target}", ROOT)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("kinds", "needs_encoder"),
    [
        ("features: {kind: ngrams}", False),
        ("train:\n  kind: linear", False),
        ("features:\n  kind: static", True),
        ("features: {kind: encoder}", True),
        ("train: {kind: 'finetune'}", True),
        ('train:\n  kind: "finetune"', True),
    ],
)
def test_what_a_config_needs_is_installed_before_its_training(kinds, needs_encoder, tmp_path):
    (tmp_path / "config.yaml").write_text(kinds)
    # As if nothing was installed: what would be done is printed, and not done.
    done = shell(f"make --dry-run --always-make train CONFIG={tmp_path}/config.yaml", ROOT)
    assert done.returncode == 0, done.stderr
    *before, trains = [line for line in done.stdout.splitlines() if not line.startswith("make")]
    assert trains.endswith(f"pipeline.cli run {tmp_path}/config.yaml")
    assert "requirements/core.lock" in "".join(before)
    assert ("requirements/encoder.lock" in "".join(before)) == needs_encoder


def test_all_blocks_run_in_an_empty_folder(quickstart):
    folder, outputs = quickstart
    assert len(outputs) >= 7
    assert {path.name for path in folder.iterdir()} >= {
        "codebook.yaml", "articles.jsonl", "annotations.csv", "config.yaml", "runs", "mlflow.db",
        "predictions.jsonl", "new.csv", "stream.jsonl",
    }  # fmt: skip
    assert sorted(path.name for path in (folder / "runs").iterdir()) == ["islands", "unigrams"]


def test_the_comparison_shows_both_runs(quickstart):
    compared = next(output for output in quickstart[1].values() if "difference" in output)
    lines = [line.split() for line in compared[compared.index("side/task    ") :].splitlines()]
    runs = [words[1] for words in lines if words[:1] in (["test/stance"], ["test/topic"])]
    assert runs[-4:] == ["runs/islands", "runs/unigrams"] * 2


def test_the_prediction_is_the_one_that_is_shown(quickstart):
    found = listed()
    place = next(place for place, block in enumerate(found) if block.language == "json")
    shown = json.loads(found[place].text)
    found = json.loads(quickstart[1][place - 1].splitlines()[-1])
    assert list(shown) == list(found)
    assert re.fullmatch("[0-9a-f]{12}", shown["model_version"])
    assert shown == {
        **found,
        "model_version": shown["model_version"],
        "probability": pytest.approx(found["probability"], abs=TOLERANCE),
        "probabilities": pytest.approx(found["probabilities"], abs=TOLERANCE),
        "evidence": [
            {**sentence, "score": pytest.approx(sentence["score"], abs=TOLERANCE)}
            for sentence in found["evidence"]
        ],
    }, f"put this into the README:\n{json.dumps(found)}"


def test_a_target_of_ones_own_gets_a_row(quickstart):
    folder, _ = quickstart
    assert "m1,stance,the ferries," in (folder / "new.csv").read_text()


def test_mlflow_shows_the_runs(quickstart, installed):
    folder, _ = quickstart
    assert Block("sh", "slant ui\n") in listed()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [installed / "slant", "ui", "--port", str(port)],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert _answers(f"http://127.0.0.1:{port}/health", server)
    finally:
        server.terminate()
        server.wait(30)


def _answers(address, server, seconds=120):
    until = time.monotonic() + seconds
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as response:
                return response.status == 200
        except OSError:
            time.sleep(0.3)
    return False


def test_the_main_job_prints_what_is_shown(installed, tmp_path):
    """The same command as `make train` runs, without MLflow: scores as shown, rows in order."""
    for name in ("configs", "data"):
        (tmp_path / name).symlink_to(ROOT / name)
    shown = next(block.text for block in listed() if block.language == "text").splitlines()
    done = shell("slant run configs/default.yaml --set track.enabled=false", tmp_path, installed)
    assert done.returncode == 0, done.stderr
    found = done.stderr.splitlines() + done.stdout.splitlines()
    message = "put this into the README:\n" + "\n".join(found)
    by_name = {line.split()[0]: line for line in found if line.strip()}
    for line in shown:
        name = line.split()[0]
        if name not in ("track", "…"):
            assert _numbers(line) == pytest.approx(_numbers(by_name[name]), abs=TOLERANCE), message


def _numbers(line):
    """Return the numbers of a line without the seconds at its end."""
    plain = re.sub(r"\[.*\]$", "", line).replace(",", "")
    return [float(number) for number in re.findall(r"(?<![\w.])-?\d*\.?\d+", plain)]

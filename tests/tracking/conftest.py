"""A database made once per session, and small records to put into it."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from pipeline.config import Track
from pipeline.tracking import Dataset, RunRecord, ui_command, ui_environment
from pipeline.tracking.store import connected, store_uri

TASKS = {"topic": ["economy", "sport"], "stance": ["against", "neutral", "supportive"]}


@pytest.fixture(scope="session", autouse=True)
def _no_server_of_the_users():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield


@pytest.fixture(scope="session")
def new_project(tmp_path_factory):
    """A function that makes a folder, with a space in its name, with an empty database in it.

    Making the database takes MLflow seconds; so it is made once, and copied.
    """
    template = tmp_path_factory.mktemp("template")
    with connected(store_uri(None, template)) as client:
        client.search_experiments()
        client.search_registered_models()

    def make() -> Path:
        folder = tmp_path_factory.mktemp("home") / "my project"
        folder.mkdir()
        shutil.copy(template / "mlflow.db", folder)
        return folder

    return make


@pytest.fixture
def folder(new_project):
    return new_project()


@pytest.fixture
def section():
    return Track()


@pytest.fixture(scope="session")
def record_in():
    """A function from (folder, name, macro-F1, overrides) to a record with small files."""
    return _record


@pytest.fixture
def make_record(tmp_path):
    return partial(_record, tmp_path)


def _record(folder: Path, name: str = "a", macro_f1: float = 0.8, **overrides: object) -> RunRecord:
    config = folder / "runs" / name / "config.json"
    bundle = folder / "runs" / name / "model"
    bundle.mkdir(parents=True, exist_ok=True)
    config.write_text(f'{{"name": "{name}"}}\n')
    (bundle / "model.json").write_text(f'{{"of": "{name}"}}\n')
    values = {
        "name": name,
        "description": "A run for a test.",
        "params": {"features.words": 2, "seed": 0},
        "metrics": _metrics(macro_f1),
        "codebook": "news 1.0",
        "model_version": "0123456789ab",
        "model_name": "slant-news",
        "bundle": bundle,
        "tasks": TASKS,
        "datasets": [
            Dataset("train", "a" * 64, 80, "runs/a/examples.parquet"),
            Dataset("dev", "b" * 64, 20),
            Dataset("test", "c" * 64, 40),
        ],
        "tags": {"git_commit": "abc", "slant_version": "0.1"},
        "artifacts": {"config.json": config},
        "errors": [{"article_id": "x", "task": "topic", "gold": "sport", "label": "economy"}],
    }
    return RunRecord(**(values | overrides))


def _metrics(macro_f1: float) -> dict[str, dict[str, dict[str, object]]]:
    topic = {
        "n": 40,
        "macro_f1": macro_f1,
        "macro_f1_low": round(macro_f1 - 0.05, 6),
        "macro_f1_high": round(macro_f1 + 0.05, 6),
        "accuracy": round(macro_f1 + 0.02, 6),
        "ece": 0.04,
    }
    stance = {**topic, "target_blind_delta": 0.11}

    def labels(task: str) -> dict[str, object]:
        row = {"precision": 0.9, "recall": 0.5, "f1": macro_f1, "support": 20}
        return {"labels": {label: dict(row) for label in TASKS[task]}}

    return {
        "dev": {"topic": topic, "stance": stance},
        "test": {"topic": topic | labels("topic"), "stance": stance | labels("stance")},
    }


@pytest.fixture(scope="session")
def serve():
    """A context manager from a project's folder to the address of MLflow's server on it."""
    return _serve


@contextmanager
def _serve(project: Path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (project / "server.log").open("wb") as log:
        process = subprocess.Popen(
            ui_command(port=port, folder=project),
            env=os.environ | ui_environment(),
            cwd=project,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process, project / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        _end(process)


def _wait_for(address, process, log, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"the server did not answer: {log.read_text()[-2000:]}")


def _end(process):
    # The workers are in the server's process group, and may outlive it.
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(timeout=10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue

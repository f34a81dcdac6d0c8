"""Finding encoders: what is refused, and with what words."""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest
import yaml

from pipeline.artifacts import write_bundle_folder
from pipeline.bundle import load_bundle
from pipeline.encoders import find_encoder
from pipeline.errors import BundleError, ConfigError, MissingExtraError, UnavailableError


def test_a_folder_is_read_as_it_is(tiny_bert):
    found = find_encoder(str(tiny_bert))
    assert found.folder == tiny_bert
    assert len(found.digest) == 64


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_the_digest_covers_every_file_that_is_read(tiny_bert, tmp_path, name):
    copy = shutil.copytree(tiny_bert, tmp_path / "copy")
    with (copy / name).open("ab") as file:
        file.write(b" ")
    assert find_encoder(str(copy)).digest != find_encoder(str(tiny_bert)).digest


def test_other_files_of_the_folder_change_nothing(tiny_bert, tmp_path):
    copy = shutil.copytree(tiny_bert, tmp_path / "copy")
    (copy / "modeling_evil.py").write_text("raise SystemExit('ran')")
    assert find_encoder(str(copy)).digest == find_encoder(str(tiny_bert)).digest


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_folder_that_lacks_a_file_is_refused_by_name(tiny_bert, tmp_path, name):
    copy = shutil.copytree(tiny_bert, tmp_path / "copy")
    (copy / name).unlink()
    (copy / "pytorch_model.bin").write_bytes(b"pickled")
    with pytest.raises(ConfigError, match=rf"features\.model: .*{name} is missing.*safetensors"):
        find_encoder(str(copy))


def test_a_folder_that_is_not_there_is_not_asked_of_the_hub():
    with pytest.raises(ConfigError, match=r"features\.model: \./nowhere: there is no such folder"):
        find_encoder("./nowhere")


@pytest.mark.parametrize("packaged", [True, False])
def test_only_the_hub_has_revisions(tiny_bert, packaged):
    name = "embedded:minilm" if packaged else str(tiny_bert)
    with pytest.raises(
        ConfigError, match=rf"features\.revision: v2: only .*features\.model is {name}"
    ):
        find_encoder(name, "v2")


def model_with(encoders, tmp_path):
    """Return the folder of a model that holds these encoders by name."""

    def write(folder):
        (folder / "bundle.json").write_text("{}")
        for name, encoder in encoders.items():
            shutil.copytree(encoder, folder / "encoders" / name)

    write_bundle_folder(tmp_path / "model", write)
    return tmp_path / "model"


def test_a_model_folder_stands_for_the_encoder_in_it(tiny_bert, tmp_path):
    tokenizer = tmp_path / "tokenizer"  # of static vectors, which need no more
    tokenizer.mkdir()
    shutil.copy(tiny_bert / "tokenizer.json", tokenizer)
    model = model_with({"b": tiny_bert, "a": tokenizer}, tmp_path)
    found = find_encoder(str(model))
    assert found.folder == model / "encoders" / "b"
    assert found.digest == find_encoder(str(tiny_bert)).digest


def test_a_run_is_told_from_its_model(tiny_bert, tmp_path):
    model = model_with({"a": tiny_bert}, tmp_path)
    with pytest.raises(ConfigError, match=f"this is a run; name its model folder, {model}$"):
        find_encoder(str(tmp_path))


def test_a_model_whose_encoder_was_changed_is_refused(tiny_bert, tmp_path):
    model = model_with({"a": tiny_bert}, tmp_path)
    with (model / "encoders" / "a" / "model.safetensors").open("ab") as file:
        file.write(b" ")
    with pytest.raises(
        BundleError, match=r"features\.model: .*model\.safetensors: changed since the model was"
    ):
        find_encoder(str(model))


def test_a_model_must_have_one_encoder(tiny_bert, tiny_roberta, tmp_path):
    with pytest.raises(
        ConfigError, match=r"features\.model: .*this model has no encoder; name one"
    ):
        find_encoder(str(model_with({}, tmp_path / "none")))
    model = model_with({"a": tiny_bert, "b": tiny_roberta}, tmp_path / "two")
    with pytest.raises(ConfigError, match=r"has 2 encoders; name one of .*/a, .*/b"):
        find_encoder(str(model))


def test_the_packaged_encoder_without_its_package(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"embedded:minilm is not installed.*make encoder"):
        find_encoder("embedded:minilm")


def test_other_packaged_encoders_are_unknown():
    with pytest.raises(ConfigError, match="the packaged encoder is embedded:minilm"):
        find_encoder("embedded:maxilm")


def test_the_packaged_weights_must_be_the_known_ones(tiny_bert, tmp_path, monkeypatch):
    shutil.copytree(tiny_bert, tmp_path / "model")
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)
    with pytest.raises(ConfigError, match="not the weights that embedded:minilm stands for"):
        find_encoder("embedded:minilm")


def test_a_hub_name_without_a_network_says_so(monkeypatch):
    pytest.importorskip("huggingface_hub")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UnavailableError, match=r"features\.model: nobody/nothing cannot be had"):
        find_encoder("nobody/nothing", "main")


COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Answers as the hub does for one repository at its revision `v2`."""

    def __init__(self, folder, name="tests/tiny"):
        super().__init__(("127.0.0.1", 0), _HubAnswer)
        self.name = name
        self.files = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.asked = []


class _HubAnswer(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        files = self.server.files
        repository = self.server.name
        found = {
            f"/api/models/{repository}/revision/v2": {
                "id": repository,
                "sha": COMMIT,
                "siblings": [{"rfilename": name} for name in files],
            },
            f"/api/models/{repository}/tree/{COMMIT}": [
                {"type": "file", "path": name, "size": len(body), "oid": "0" * 40}
                for name, body in files.items()
            ],
        }
        name = path.removeprefix(f"/{repository}/resolve/{COMMIT}/")
        body = json.dumps(found[path]).encode() if path in found else files.get(name)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.send_header("ETag", f'"{hashlib.sha1(body or b"").hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body or b"")

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(tiny_bert, tmp_path):
    pytest.importorskip("huggingface_hub")
    folder = shutil.copytree(tiny_bert, tmp_path / "repository")
    (folder / "modeling_tiny.py").write_text("raise SystemExit('ran')")
    (folder / "pytorch_model.bin").write_bytes(b"pickled")
    with served(Hub(folder)) as server:
        yield server


@contextmanager
def served(server):
    with server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def reaching(hub, home):
    """Return the environment of a process that asks this hub."""
    address = f"http://127.0.0.1:{hub.server_port}"
    environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(home)}
    environment.pop("HF_HUB_OFFLINE", None)
    return environment


def ask_hub(hub, home, revision):
    code = (
        "from pipeline.encoders import find_encoder\n"
        "from pipeline.errors import PipelineError\n"
        "try:\n"
        f"    print(find_encoder('tests/tiny', {revision!r}).folder)\n"
        "except PipelineError as error:\n"
        "    print(error)\n"
    )
    asked = [sys.executable, "-c", code]
    done = subprocess.run(
        asked, env=reaching(hub, home), check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.mark.slow
def test_a_hub_name_is_read_at_its_revision_and_nothing_but_what_is_used(hub, tmp_path):
    folder = Path(ask_hub(hub, tmp_path / "home", "v2"))

    assert folder.name == COMMIT
    assert (folder / "model.safetensors").read_bytes() == hub.files["model.safetensors"]
    assert not [path for path in hub.asked if path.endswith((".py", ".bin"))]
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        name
        for name in hub.files
        if name in ("config.json", "model.safetensors") or name.startswith("tokenizer")
    )


@pytest.mark.slow
def test_a_config_can_name_roberta_base_of_the_hub(tiny_roberta, tiny_project, tmp_path):
    pytest.importorskip("huggingface_hub")
    config = yaml.safe_load((tiny_project / "config.yaml").read_text())
    config["features"] = {
        "kind": "encoder", "model": "FacebookAI/roberta-base", "revision": "v2",
        "window": 48, "cache": None,
    }  # fmt: skip
    config["train"] = {"kind": "finetune", "epochs": 1, "cache": None}
    config["track"] = {"enabled": False}
    file = tmp_path / "roberta.yaml"
    file.write_text(yaml.safe_dump(config))
    run = tmp_path / "run"
    command = [sys.executable, "-m", "pipeline.cli", "train", str(file), "--run", str(run)]
    with served(Hub(tiny_roberta, "FacebookAI/roberta-base")) as hub:
        environment = reaching(hub, tmp_path / "home")
        subprocess.run(command, env=environment, cwd=tmp_path, check=True, capture_output=True)
    models = load_bundle(run / "model").tasks
    assert {model.encoder.network.config.model_type for model in models.values()} == {"roberta"}


@pytest.mark.slow
def test_a_revision_that_the_hub_does_not_have_is_named(hub, tmp_path):
    told = ask_hub(hub, tmp_path / "home", "v3")
    assert told.startswith("features.model: tests/tiny cannot be had from the hub (")
    assert "check the name, the revision" in told


def test_a_missing_torch_is_named_with_the_command_that_installs_it(monkeypatch):
    from pipeline.stages import learning

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else found(name)
    )
    with pytest.raises(
        MissingExtraError,
        match=r"features\.kind: encoder needs the package torch; "
        r"install it with: make encoder, or pip install '\.\[encoder\]'",
    ):
        learning.encoder_packages("features.kind: encoder")

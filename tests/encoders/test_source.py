"""Finding encoders: what is refused, and with what words."""

import importlib.util
import shutil
from types import SimpleNamespace

import pytest

from pipeline.artifacts import write_bundle_folder
from pipeline.encoders import find_encoder
from pipeline.errors import BundleError, ConfigError, DataError, MissingExtraError


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
    with pytest.raises(DataError, match=r"features\.model: nobody/nothing cannot be had"):
        find_encoder("nobody/nothing", "main")


def test_a_missing_torch_is_named_with_the_command_that_installs_it(monkeypatch):
    from pipeline.stages import learning

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else found(name)
    )
    with pytest.raises(
        MissingExtraError,
        match=r"features\.kind: encoder needs the package torch; "
        r"install it with: make encoder, or pip install 'slant\[encoder\]'",
    ):
        learning.encoder_packages("features.kind: encoder")

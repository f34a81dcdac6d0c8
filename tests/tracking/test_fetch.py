import pytest

from pipeline.config import Track
from pipeline.errors import PipelineError
from pipeline.tracking import Verdict, is_model_uri, open_gate, resolve_bundle, track

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(new_project, record_in):
    """A folder with two versions of a model; the first is the champion."""
    folder = new_project()
    tracked = [
        track(record_in(folder, name, score), Track(), folder)
        for name, score in (("first", 0.8), ("second", 0.7))
    ]
    with open_gate(tracked[0], folder) as gate:
        gate.settle(Verdict(True, "the first"), None)
    return folder, tracked


def test_every_kind_of_address_leads_to_its_bundle(project):
    folder, (first, second) = project
    addresses = {
        "models:/slant-news@champion": "first",
        "models:/slant-news/1": "first",
        "models:/slant-news/2": "second",
        f"runs:/{first.run_id}/model": "first",
        f"runs:/{second.run_id}/model/": "second",
    }
    for address, name in addresses.items():
        bundle = resolve_bundle(address, folder=folder)
        assert (bundle / "model.json").read_text() == f'{{"of": "{name}"}}\n', address
        assert [path.name for path in bundle.iterdir()] == ["model.json"]


def test_the_address_that_the_ui_shows_for_a_logged_model(project):
    folder, _ = project
    (name, *_) = sorted(path.name for path in (folder / "mlartifacts/slant/models").iterdir())
    assert (resolve_bundle(f"models:/{name}", folder=folder) / "model.json").is_file()


def test_no_code_of_the_model_is_executed(project, record_in, new_project):
    folder = new_project()
    track(record_in(folder), Track(), folder)
    for code in (folder / "mlartifacts").rglob("*.py"):
        code.write_text("raise SystemExit('executed')")
    assert resolve_bundle("models:/slant-news/1", folder=folder).is_dir()


@pytest.mark.parametrize(
    "address",
    [
        "models:/slant-news@challenger",
        "models:/slant-news/9",
        "models:/other@champion",
        "models:/slant-news",
        "models:/",
        "runs:/0123/model",
        "runs:/",
    ],
)
def test_a_wrong_address_is_told_which_models_there_are(project, address):
    folder, _ = project
    with pytest.raises(PipelineError) as caught:
        resolve_bundle(address, folder=folder)
    message = str(caught.value)
    assert message.startswith(f"{address}: no such model in sqlite:///")
    assert message.endswith("there are models:/slant-news@champion, models:/slant-news/2")


def test_a_run_without_that_model(project):
    folder, (first, _) = project
    with pytest.raises(PipelineError, match="no such model"):
        resolve_bundle(f"runs:/{first.run_id}/other", folder=folder)


def test_an_empty_registry_says_so(folder):
    with pytest.raises(PipelineError, match="no model is registered in it"):
        resolve_bundle("models:/slant-news@champion", folder=folder)


def test_a_bundle_outside_of_the_model_is_refused(new_project, record_in):
    folder = new_project()
    track(record_in(folder), Track(), folder)
    (description,) = (folder / "mlartifacts").rglob("MLmodel")
    text = description.read_text()
    description.write_text(text.replace("path: artifacts/model", "path: ../../../../../.."))
    with pytest.raises(PipelineError, match="refused: its bundle lies outside"):
        resolve_bundle("models:/slant-news/1", folder=folder)


def test_a_model_of_another_kind_is_refused(new_project, record_in):
    folder = new_project()
    track(record_in(folder), Track(), folder)
    (description,) = (folder / "mlartifacts").rglob("MLmodel")
    description.write_text(description.read_text().replace("      bundle:\n", "      weights:\n"))
    with pytest.raises(PipelineError, match="not a model of Slant"):
        resolve_bundle("models:/slant-news/1", folder=folder)


def test_no_database_is_made_by_looking_for_a_model(tmp_path):
    with pytest.raises(PipelineError, match=r"mlflow\.db: no runs are recorded here"):
        resolve_bundle("models:/slant-news@champion", folder=tmp_path)
    assert not [*tmp_path.iterdir()]


def test_paths_are_not_addresses():
    assert is_model_uri("models:/slant-news@champion")
    assert is_model_uri("runs:/0123/model")
    assert not is_model_uri("runs/a/model")
    with pytest.raises(PipelineError, match="not a model's address"):
        resolve_bundle("runs/a/model")

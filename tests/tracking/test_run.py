import logging
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config import Track
from pipeline.errors import PipelineError
from pipeline.tracking import track
from pipeline.tracking.store import connected, store_uri

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


TEST = {
    "name": "stance.typos", "task": "stance", "kind": "invariance", "n": 16, "failures": 2,
    "failure_rate": 0.125,
}  # fmt: skip


def recorded(folder, run_id):
    with connected(store_uri(None, folder)) as client:
        return client.get_run(run_id)


def test_a_run_holds_its_numbers_settings_tags_and_description(folder, section, make_record):
    params = {"name": "bigrams", "seed": 0, "refit": True}
    record = make_record("bigrams", 0.71, params=params, behaviour=[TEST])
    run = recorded(folder, track(record, section, folder).run_id)
    assert run.info.run_name == "bigrams"
    assert run.info.status == "FINISHED"
    assert run.data.params == {"seed": "0", "refit": "true"}
    assert run.data.metrics["test/topic.macro_f1"] == 0.71
    assert run.data.metrics["test/stance.invariance_failure_rate"] == 0.125
    assert run.data.tags["mlflow.note.content"] == "A run for a test."
    for key, value in {"codebook": "news 1.0", "git_commit": "abc"}.items():
        assert run.data.tags[key] == value


def test_more_settings_than_mlflow_takes_at_once(folder, section, make_record):
    record = make_record(params={f"key.{number}": number for number in range(250)})
    assert len(recorded(folder, track(record, section, folder).run_id).data.params) == 250


def test_the_data_of_each_side_are_inputs_and_can_be_searched(folder, section, make_record):
    tracked = track(make_record(), section, folder)
    inputs = recorded(folder, tracked.run_id).inputs.dataset_inputs
    sides = {each.tags[0].value: each.dataset for each in inputs}
    assert sorted(sides) == ["dev", "test", "train"]
    assert sides["dev"].digest == "b" * 12
    assert sides["train"].profile == '{"num_rows": 80}'
    with connected(store_uri(None, folder)) as client:
        found = client.search_runs([tracked.experiment_id], "dataset.digest = 'bbbbbbbbbbbb'")
    assert [run.info.run_id for run in found] == [tracked.run_id]


def test_artifacts_are_at_the_root_beside_the_database(folder, section, make_record, tmp_path):
    plot = tmp_path / "confusion-of-topic.png"
    plot.write_bytes(b"png")
    record = make_record()
    files = {**record.artifacts, "topic_confusion.png": plot}
    tracked = track(replace(record, artifacts=files), section, folder)
    root = folder / "mlartifacts" / "slant" / tracked.run_id / "artifacts"
    names = ["config.json", "errors.json", "labels.json", "topic_confusion.png"]
    assert sorted(path.name for path in root.iterdir()) == names
    assert not (folder / "mlruns").exists()


def test_a_run_without_data_errors_or_dev_scores_is_recorded(folder, section, make_record):
    record = make_record(metrics={}, datasets=(), errors=(), artifacts={}, params={})
    tracked = track(record, section, folder)
    assert recorded(folder, tracked.run_id).data.metrics == {}


def test_the_model_is_code_and_data_without_a_pickle(folder, section, make_record):
    track(make_record(), section, folder)
    (model,) = (folder / "mlartifacts" / "slant" / "models").glob("*/artifacts")
    files = {path.relative_to(model).as_posix() for path in model.rglob("*") if path.is_file()}
    assert {"artifacts/model/model.json", "pyfunc_model.py", "code/pipeline/records.py"} <= files
    assert not [name for name in files if name.endswith((".pkl", ".pickle", ".joblib"))]
    assert not [name for name in files if "__pycache__" in name]
    requirements = (model / "requirements.txt").read_text().splitlines()
    assert all("==" in line and "+" not in line for line in requirements)
    assert {"pyarrow", "scikit-learn"} <= {line.partition("==")[0] for line in requirements}


def test_the_config_names_experiment_and_model(folder, make_record):
    section = Track(experiment="über / alles", registered_model="mine")
    tracked = track(make_record(), section, folder)
    assert tracked.registered_model == "mine"
    assert tracked.url_path.startswith(f"/#/experiments/{tracked.experiment_id}/runs?")
    # A name with a slash does not make a folder in a folder.
    assert len([*(folder / "mlartifacts").glob("*/*/artifacts/config.json")]) == 1


def test_nothing_is_printed_and_nothing_stays_changed(folder, section, make_record, capfd):
    import mlflow

    before = (dict(os.environ), list(sys.path), mlflow.get_tracking_uri(), logging.root.level)
    track(make_record(), section, folder)
    assert capfd.readouterr() == ("", "")
    after = (dict(os.environ), list(sys.path), mlflow.get_tracking_uri(), logging.root.level)
    assert after == before
    assert not mlflow.is_tracking_uri_set()


def test_the_tracking_uri_of_the_environment_is_used_and_kept(folder, make_record, monkeypatch):
    import mlflow

    uri = f"sqlite:///{folder}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    elsewhere = folder / "elsewhere"
    assert track(make_record(), Track(), elsewhere).uri == uri
    assert os.environ["MLFLOW_TRACKING_URI"] == mlflow.get_tracking_uri() == uri
    assert not elsewhere.exists()


def test_a_run_that_fails_is_marked_as_failed(folder, section, make_record):
    broken = make_record(params={"seed": 0, "a\tb": 1, "a-b": 2})  # one name after cleaning
    with pytest.raises(PipelineError, match=r"mlflow\.db: .*a-b"):
        track(broken, section, folder)
    with connected(store_uri(None, folder)) as client:
        (run,) = client.search_runs(["1"])
    assert run.info.status == "FAILED"


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (Track(uri="mlruns"), r"track\.uri: 'mlruns' is not an address"),
        (Track(uri="file:///nowhere/mlruns"), r"track\.uri names another server"),
        (Track(uri="http://anna:secret@127.0.0.1:9"), r"^http://127\.0\.0\.1:9: .*enabled=false"),
    ],
)
def test_a_store_that_cannot_be_used(folder, make_record, section, message, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(PipelineError, match=message) as caught:
        track(make_record(), section, folder)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_deleted_experiment_is_not_used(folder, section, make_record):
    experiment = track(make_record(), section, folder).experiment_id
    with connected(store_uri(None, folder)) as client:
        client.delete_experiment(experiment)
    with pytest.raises(PipelineError, match=r"'slant' was deleted; .*--experiment-id 1"):
        track(make_record(), section, folder)


def test_missing_files_are_named_before_anything_is_recorded(tmp_path, section, make_record):
    record = make_record()
    with pytest.raises(PipelineError, match=r"plot\.png: there is no such file"):
        track(replace(record, artifacts={"p.png": tmp_path / "plot.png"}), section, tmp_path)
    with pytest.raises(PipelineError, match="there is no such model folder; train first"):
        track(replace(record, bundle=tmp_path / "none"), section, tmp_path)
    assert not (tmp_path / "mlflow.db").exists()


def test_two_processes_at_once_on_a_new_database_both_succeed(tmp_path):
    script = textwrap.dedent(
        f"""
        import sys
        from importlib.util import module_from_spec, spec_from_file_location
        from pathlib import Path
        spec = spec_from_file_location("rows", {str(Path(__file__).parent / "conftest.py")!r})
        rows = module_from_spec(spec)
        spec.loader.exec_module(rows)
        from pipeline.config import Track
        from pipeline.tracking import track
        name, folder = sys.argv[1], Path(sys.argv[2])
        tracked = track(rows._record(folder / name, name), Track(), folder)
        print(tracked.version)
        """
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, name, str(tmp_path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b")
    ]
    results = [process.communicate(timeout=120) for process in processes]
    assert [error for _, error in results] == ["", ""]
    assert sorted(output for output, _ in results) == ["1\n", "2\n"]

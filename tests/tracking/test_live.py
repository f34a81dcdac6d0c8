"""Curves of a training in the real MLflow, while it lasts and after it."""

import pytest

from pipeline.config import Track
from pipeline.tracking import LiveCurves, track
from pipeline.tracking.store import connected, store_uri


def points(folder, run_id, name):
    with connected(store_uri(None, folder)) as client:
        return [(point.step, point.value) for point in client.get_metric_history(run_id, name)]


def status(folder, run_id):
    with connected(store_uri(None, folder)) as client:
        return client.get_run(run_id).info.status


def test_numbers_are_there_while_the_training_lasts(folder, section):
    with LiveCurves("a", section, folder, folder / "mark", "k") as curves:
        log = curves.curve("model with dev")
        log({"loss": 1.5}, 20)
        log({"loss": 0.5, "dev_macro_f1": 0.7}, 40)
        assert points(folder, curves.run_id, "training/model with dev.loss") == [
            (20, 1.5),
            (40, 0.5),
        ]
        assert status(folder, curves.run_id) == "RUNNING"
    assert points(folder, curves.run_id, "training/model with dev.dev_macro_f1") == [(40, 0.7)]
    assert status(folder, curves.run_id) == "FINISHED"


def test_without_numbers_there_is_no_run(folder, section):
    with LiveCurves("a", section, folder, folder / "mark", "k") as curves:
        curves.curve("model")
    assert curves.run_id is None
    with connected(store_uri(None, folder)) as client:
        assert client.get_experiment_by_name(section.experiment) is None


def test_a_training_that_breaks_off_is_marked_as_failed(folder, section):
    with (
        pytest.raises(KeyboardInterrupt),
        LiveCurves("a", section, folder, folder / "mark", "k") as curves,
    ):
        curves.curve("model")({"loss": 1.0}, 1)
        raise KeyboardInterrupt
    assert status(folder, curves.run_id) == "FAILED"


def test_the_run_of_a_training_that_was_killed_goes_on(folder, section):
    mark = folder / "checkpoints" / "curves"
    killed = LiveCurves("a", section, folder, mark, "k")
    killed.curve("model")({"loss": 1.0}, 1)  # and no end
    assert status(folder, killed.run_id) == "RUNNING"

    with LiveCurves("a", section, folder, mark, "k") as curves:
        curves.curve("model")({"loss": 0.5}, 2)
    assert curves.run_id == killed.run_id
    assert points(folder, killed.run_id, "training/model.loss") == [(1, 1.0), (2, 0.5)]
    assert status(folder, killed.run_id) == "FINISHED"
    assert not mark.exists()


def test_a_training_that_was_killed_after_its_last_number_ends_its_run(folder, section):
    mark = folder / "mark"
    killed = LiveCurves("a", section, folder, mark, "k")
    killed.curve("model")({"loss": 1.0}, 1)
    with LiveCurves("a", section, folder, mark, "k") as curves:
        pass
    assert curves.run_id == killed.run_id
    assert status(folder, killed.run_id) == "FINISHED"
    assert not mark.exists()


def test_the_run_of_another_training_that_was_killed_is_marked_so(folder, section):
    mark = folder / "checkpoints" / "curves"
    killed = LiveCurves("a", section, folder, mark, "k")
    killed.curve("model")({"loss": 1.0}, 1)

    with LiveCurves("a", section, folder, mark, "other") as curves:
        curves.curve("model")({"loss": 0.5}, 2)
        assert status(folder, killed.run_id) == "KILLED"
    assert curves.run_id != killed.run_id
    assert status(folder, curves.run_id) == "FINISHED"


def test_a_run_that_was_deleted_does_not_go_on(folder, section):
    mark = folder / "mark"
    killed = LiveCurves("a", section, folder, mark, "k")
    killed.curve("model")({"loss": 1.0}, 1)
    with connected(store_uri(None, folder)) as client:
        client.delete_run(killed.run_id)
    with LiveCurves("a", section, folder, mark, "k") as curves:
        curves.curve("model")({"loss": 0.5}, 2)
    assert curves.trouble is None
    assert curves.run_id != killed.run_id


def test_a_mark_of_another_store_stops_nothing(folder, section):
    (folder / "mark").write_text(f"{'0' * 32} k")
    with LiveCurves("a", section, folder, folder / "mark", "k") as curves:
        curves.curve("model")({"loss": 1.0}, 1)
    assert curves.trouble is None


def test_the_curves_become_a_child_of_the_recorded_run(folder, section, record_in):
    with LiveCurves("a", section, folder, folder / "mark", "k") as curves:
        curves.curve("model")({"loss": 1.0}, 1)
    tracked = track(record_in(folder, training_run=curves.run_id), section, folder)
    with connected(store_uri(None, folder)) as client:
        child = client.get_run(curves.run_id)
    assert child.data.tags["mlflow.parentRunId"] == tracked.run_id
    assert child.info.run_name == "a: training"


def test_curves_that_were_deleted_since_stop_nothing(folder, section, record_in):
    tracked = track(record_in(folder, training_run="0" * 32), section, folder)
    assert tracked.version == "1"


def test_a_server_that_is_not_there_ends_no_training(folder):
    section = Track(uri="http://127.0.0.1:9")
    with LiveCurves("a", section, folder, folder / "mark", "k") as curves:
        log = curves.curve("model")
        log({"loss": 1.0}, 1)
        log({"loss": 1.0}, 2)
    assert "127.0.0.1:9" in curves.trouble

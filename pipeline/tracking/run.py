"""Record one run: params, metrics, data, files, model."""

import getpass
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.config import Track
from pipeline.errors import PipelineError
from pipeline.tracking.groups import PARENT
from pipeline.tracking.model import log_model, register
from pipeline.tracking.record import (
    DIGEST_SHOWN,
    Dataset,
    RunRecord,
    Tracked,
    behaviour_metrics,
    behaviour_rows,
    headline_metrics,
    label_rows,
    param_text,
    slice_rows,
    slug,
)
from pipeline.tracking.store import (
    alone,
    connected,
    experiment_id,
    store_uri,
    without_password,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

BATCH: Final = 100  # params that MLflow takes at once
# The run's own name and description, which would make each comparison differ.
SHOWN_ELSEWHERE: Final = frozenset({"name", "description"})


def track(record: RunRecord, section: Track, folder: Path) -> Tracked:
    """Record `record` as one MLflow run, and register its model.

    `folder` holds the database and the artifacts where no server is named. A run that could not
    be recorded in full is marked as failed.
    """
    _check_files(record)
    uri = store_uri(section.uri, folder)
    with alone(uri), connected(uri) as client:
        experiment = experiment_id(client, section.experiment, uri)
        with _new_run(client, experiment, record) as run_id:
            _adopt(client, run_id, record)
            _log_numbers(client, run_id, record)
            _log_data(client, run_id, record.datasets)
            _log_files(client, run_id, record)
            model_id = log_model(client, experiment, run_id, record)
            name = section.registered_model or record.model_name
            version = register(client, name, model_id, run_id, record)
    return Tracked(
        run_id=run_id,
        experiment_id=experiment,
        uri=without_password(uri),
        url_path=f"/#/experiments/{experiment}/runs"
        "?workflowType=machine_learning&compareRunsMode=CHART",
        registered_model=name,
        version=version,
    )


def _check_files(record: RunRecord) -> None:
    for name, path in record.artifacts.items():
        if not path.is_file():
            raise PipelineError(f"{path}: there is no such file, to be recorded as {name!r}")
    if not record.bundle.is_dir():
        raise PipelineError(f"{record.bundle}: there is no such model folder; train first")


@contextmanager
def _new_run(client: "MlflowClient", experiment: str, record: RunRecord) -> Iterator[str]:
    tags = {
        **record.tags,
        "codebook": record.codebook,
        "model_version": record.model_version,
        "mlflow.note.content": record.description,
        "mlflow.source.name": "slant",
        "mlflow.source.type": "LOCAL",
    }
    # An account without a name, as containers have, is no reason to stop.
    with suppress(KeyError, OSError):
        tags["mlflow.user"] = getpass.getuser()
    run_id = str(client.create_run(experiment, tags=tags, run_name=record.name).info.run_id)
    try:
        yield run_id
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id, "FINISHED")


def _adopt(client: "MlflowClient", run_id: str, record: RunRecord) -> None:
    """Show the run with the training's curves below this one, unless it was deleted since."""
    from mlflow.exceptions import MlflowException

    if record.training_run is not None:
        with suppress(MlflowException):
            client.set_tag(record.training_run, PARENT, run_id)


def _log_numbers(client: "MlflowClient", run_id: str, record: RunRecord) -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    numbers = headline_metrics(record.metrics) | behaviour_metrics(record.behaviour)
    client.log_batch(
        run_id, metrics=[Metric(name, value, now, 0) for name, value in numbers.items()]
    )
    params = [
        Param(slug(key), param_text(value))
        for key, value in record.params.items()
        if key not in SHOWN_ELSEWHERE
    ]
    for start in range(0, len(params), BATCH):
        client.log_batch(run_id, params=params[start : start + BATCH])


def _log_data(client: "MlflowClient", run_id: str, datasets: Sequence[Dataset]) -> None:
    from mlflow.entities import Dataset as Entity
    from mlflow.entities import DatasetInput, InputTag

    inputs = [
        DatasetInput(
            Entity(
                name=data.side,
                digest=data.digest[:DIGEST_SHOWN],
                source_type="local",
                source=json.dumps({"uri": data.source}),
                profile=json.dumps({"num_rows": data.rows}),
            ),
            [InputTag("mlflow.data.context", data.side)],
        )
        for data in datasets
    ]
    client.log_inputs(run_id, inputs)


def _log_files(client: "MlflowClient", run_id: str, record: RunRecord) -> None:
    for name, path in record.artifacts.items():
        _log_file_as(client, run_id, name, path)
    for name, rows in (
        ("labels.json", label_rows(record.metrics)),
        ("slices.json", slice_rows(record.metrics)),
        ("behaviours.json", behaviour_rows(record.behaviour)),
        ("errors.json", record.errors),
    ):
        if rows:
            client.log_table(run_id, _columns(rows), name)


def _log_file_as(client: "MlflowClient", run_id: str, name: str, path: Path) -> None:
    # MLflow keeps a file's own name, and the compare page pairs files by their names.
    if path.name == name:
        client.log_artifact(run_id, str(path))
        return
    with tempfile.TemporaryDirectory() as holder:
        copy = shutil.copyfile(path, Path(holder) / name)
        client.log_artifact(run_id, str(copy))


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}

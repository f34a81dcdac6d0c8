"""A run above other runs: of a search and its trials, of an experiment and its repetitions."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.config import Track
from pipeline.tracking.live import Point, metrics_of
from pipeline.tracking.record import param_text
from pipeline.tracking.store import alone, connected, experiment_id, store_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT: Final = "mlflow.parentRunId"
_AT_ONCE: Final = 1000  # metrics; a server refuses more


@contextmanager
def group_run(
    name: str, description: str, section: Track, folder: Path, begun: str | None = None
) -> Iterator["GroupRun"]:
    """Yield an open MLflow run that others are shown below; it ends with the block.

    It is the one with the id `begun` if the store has that, and else a new one.
    """
    uri = store_uri(section.uri, folder)
    with connected(uri) as client:
        with alone(uri):
            experiment = experiment_id(client, section.experiment, uri)
            run_id = _open_again(client, experiment, begun)
            if run_id is None:
                tags = {"mlflow.note.content": description}
                run = client.create_run(experiment, tags=tags, run_name=name)
                run_id = str(run.info.run_id)
        try:
            yield GroupRun(client, experiment, run_id)
        except BaseException:
            client.set_terminated(run_id, "FAILED")
            raise
        client.set_terminated(run_id, "FINISHED")


def _open_again(client: "MlflowClient", experiment: str, run_id: str | None) -> str | None:
    """Set a run of this experiment to running and return its id; None where there is none."""
    from mlflow.exceptions import MlflowException

    if run_id is None:
        return None
    try:
        info = client.get_run(run_id).info
    except MlflowException:  # of another store
        return None
    if info.experiment_id != experiment or info.lifecycle_stage != "active":
        return None
    client.update_run(run_id, status="RUNNING")
    return run_id


@dataclass(frozen=True)
class GroupRun:
    """A run that others are shown below."""

    _client: "MlflowClient"
    _experiment: str
    run_id: str

    def add(
        self,
        name: str,
        params: Mapping[str, Any],
        metrics: Mapping[str, float],
        status: str,
        curves: Sequence[Point] = (),
    ) -> None:
        """Record a run below this one; `status` is FINISHED, FAILED or KILLED."""
        tags = {PARENT: self.run_id}
        run = self._client.create_run(self._experiment, tags=tags, run_name=name)
        for key, value in params.items():
            self._client.log_param(run.info.run_id, key, param_text(value))
        for key, number in metrics.items():
            self._client.log_metric(run.info.run_id, key, number)
        told = [metric for point in curves for metric in metrics_of(point)]
        for start in range(0, len(told), _AT_ONCE):
            batch = told[start : start + _AT_ONCE]
            self._client.log_batch(run.info.run_id, metrics=batch)
        self._client.set_terminated(run.info.run_id, status)

    def adopt(self, run_id: str) -> None:
        """Show a run that was recorded by itself below this one."""
        self._client.set_tag(run_id, PARENT, self.run_id)

    def tell(self, params: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
        """Record what is true of the whole group."""
        for key, value in params.items():
            self._client.log_param(self.run_id, key, param_text(value))
        for key, number in metrics.items():
            self._client.log_metric(self.run_id, key, number)

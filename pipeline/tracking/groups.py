"""A run above other runs: of a search and its trials, of an experiment and its repetitions."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from pipeline.config import Track
from pipeline.tracking.record import param_text
from pipeline.tracking.store import alone, connected, experiment_id, store_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT: Final = "mlflow.parentRunId"


class GroupRun:
    """An open MLflow run that others are shown below."""

    def __init__(self, name: str, description: str, section: Track, folder: Path) -> None:
        self._name = name
        self._description = description
        self._section = section
        self._uri = store_uri(section.uri, folder)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with alone(self._uri):
            self._client: MlflowClient = self._stack.enter_context(connected(self._uri))
            self._experiment = experiment_id(self._client, self._section.experiment, self._uri)
            tags = {"mlflow.note.content": self._description}
            run = self._client.create_run(self._experiment, tags=tags, run_name=self._name)
        self.run_id = str(run.info.run_id)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.set_terminated(self.run_id, "FINISHED" if kind is None else "FAILED")
        self._stack.close()

    def add(
        self, name: str, params: Mapping[str, Any], metrics: Mapping[str, float], status: str
    ) -> None:
        """Record a run below this one; `status` is FINISHED, FAILED or KILLED."""
        tags = {PARENT: self.run_id}
        run = self._client.create_run(self._experiment, tags=tags, run_name=name)
        for key, value in params.items():
            self._client.log_param(run.info.run_id, key, param_text(value))
        for key, number in metrics.items():
            self._client.log_metric(run.info.run_id, key, number)
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

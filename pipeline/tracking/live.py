"""The curves of a training while it lasts, in a run that becomes the child of the recorded one."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple, Self, TypeAlias

from pipeline.config import Track
from pipeline.errors import PipelineError, first_line
from pipeline.tracking.record import slug
from pipeline.tracking.store import (
    alone,
    connected,
    experiment_id,
    store_uri,
    without_password,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

SECTION: Final = "training"  # of the charts

# Takes numbers by name, and the step.
Log: TypeAlias = Callable[[Mapping[str, float], int], None]


class Point(NamedTuple):
    """What one training said of itself at a step."""

    training: str  # which of a run's trainings
    numbers: Mapping[str, float]
    step: int
    milliseconds: int  # since 1970

    @classmethod
    def now(cls, training: str, numbers: Mapping[str, float], step: int) -> Self:
        """Return what a training says now."""
        return cls(training, numbers, step, int(time.time() * 1000))


def metrics_of(point: Point) -> list["Metric"]:
    """Return a point as MLflow takes it."""
    from mlflow.entities import Metric

    return [
        Metric(
            f"{SECTION}/{slug(point.training)}.{slug(key)}",
            value, point.milliseconds, point.step,
        )
        for key, value in point.numbers.items()
        if key != "epoch"  # a straight line that says nothing
    ]  # fmt: skip


class LiveCurves:
    """Opens an MLflow run when the first number comes; without numbers there is none.

    Its id is in the file `mark` while it is open, with `key`, which stands for all that the
    training depends on. One that is there at the start is of a training that was killed: with the
    same key its run goes on, otherwise it is marked as killed.
    A server that fails during training does not end it: what could not be recorded is told in
    `trouble` when all is done.
    """

    def __init__(self, name: str, section: Track, folder: Path, mark: Path, key: str) -> None:
        self._name = name
        self._key = key
        self._section = section
        self._uri = store_uri(section.uri, folder)
        self._mark = mark
        self._stack = ExitStack()
        self._client: MlflowClient | None = None
        self.run_id: str | None = None
        self.trouble: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        from mlflow.exceptions import MlflowException

        try:
            if self._client is None and kind is None and self._is_killed_one():
                self._open()  # it was killed after its last number, and there is none to come
            if self._client is not None and self.run_id is not None:
                self._client.set_terminated(self.run_id, "FINISHED" if kind is None else "FAILED")
                self._mark.unlink(missing_ok=True)
        except (MlflowException, OSError) as lost:  # no reason to lose the training too
            self.trouble = self.trouble or f"the curves' run was not ended: {_reason(lost)}"
        finally:
            self._stack.close()

    def curve(self, name: str) -> Log:
        """Return what logs the numbers of one training; `name` tells it from the others."""

        def log(numbers: Mapping[str, float], step: int) -> None:
            if self.trouble is None:
                from mlflow.exceptions import MlflowException

                try:
                    self._log(name, numbers, step)
                except (MlflowException, PipelineError, OSError) as error:
                    self.trouble = f"curves are missing from step {step} on: {_reason(error)}"

        return log

    def _log(self, name: str, numbers: Mapping[str, float], step: int) -> None:
        client = self._open()
        assert self.run_id is not None
        client.log_batch(self.run_id, metrics=metrics_of(Point.now(name, numbers, step)))

    def _open(self) -> "MlflowClient":
        if self._client is None:
            with alone(self._uri):
                client = self._stack.enter_context(connected(self._uri))
                experiment = experiment_id(client, self._section.experiment, self._uri)
                run_id = self._killed(client, experiment)
                if run_id is None:
                    run = client.create_run(experiment, run_name=f"{self._name}: {SECTION}")
                    run_id = str(run.info.run_id)
            self._client = client
            self.run_id = run_id
            self._mark.parent.mkdir(parents=True, exist_ok=True)
            self._mark.write_text(f"{run_id} {self._key}", encoding="utf-8")
        return self._client

    def _is_killed_one(self) -> bool:
        return self._mark.is_file() and self._mark.read_text(encoding="utf-8").endswith(self._key)

    def _killed(self, client: "MlflowClient", experiment: str) -> str | None:
        """Return the run of the same training that was killed; one of another training is ended."""
        from mlflow.exceptions import MlflowException

        if not self._mark.is_file():
            return None
        run_id, _, key = self._mark.read_text(encoding="utf-8").partition(" ")
        # The store may be another one by now, or the run deleted.
        with suppress(MlflowException):
            info = client.get_run(run_id).info
            is_open = info.status == "RUNNING" and info.lifecycle_stage == "active"
            if key == self._key and is_open and info.experiment_id == experiment:
                return run_id
            client.set_terminated(run_id, "KILLED")
        return None


def _reason(error: Exception) -> str:
    return without_password(first_line(error))

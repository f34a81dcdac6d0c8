"""The tracking server or database: which one it is, and working with it undisturbed."""

import hashlib
import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.artifacts import locked
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE: Final = "mlflow.db"
ARTIFACTS: Final = "mlartifacts"
SQLITE: Final = "sqlite:///"

ENVIRONMENT: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # The requirements are named; a lock file of the current folder says nothing about them.
    "MLFLOW_UV_AUTO_DETECT": "false",
}
# Left to itself, MLflow tries a server that does not answer for over four minutes.
RETRIES: Final = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3", "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1"}


def store_uri(uri: str | None, folder: Path) -> str:
    """Return `uri`, else MLFLOW_TRACKING_URI, else the database in `folder`; never relative."""
    chosen = uri or os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{DATABASE}"
    if (path := sqlite_path(chosen)) is not None:
        return f"{SQLITE}{folder.absolute() / path}"
    if "://" not in chosen and chosen != "databricks":
        raise PipelineError(
            f"track.uri: {chosen!r} is not an address; "
            "MLflow keeps runs in a database or on a server: sqlite:///mlflow.db, http://host:5000"
        )
    return chosen


def sqlite_path(uri: str) -> Path | None:
    """Return the file of a sqlite `uri`, None for anything else."""
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def is_store_gone(uri: str) -> bool:
    """Tell whether `uri` is a database on this machine that is not there (yet, or any more)."""
    path = sqlite_path(uri)
    return path is not None and not path.exists()


def recorded_uri(uri: str, folder: Path) -> str:
    """Return where the runs are that were recorded at `uri`; PipelineError where it is gone.

    A recorded address has no password; that of the environment may have one.
    """
    found = store_uri(os.environ.get("MLFLOW_TRACKING_URI") or uri, folder)
    if is_store_gone(found):
        raise PipelineError(f"{found}: the runs that were recorded here are gone; slant run again")
    return found


def without_password(text: str) -> str:
    """Return `text` with user and password cut out of the addresses in it."""
    return re.sub(r"(?<=//)[^/@\s]*@", "", text)


@contextmanager
def connected(uri: str) -> Iterator["MlflowClient"]:
    """Yield a client of `uri`, which is MLflow's own tracking URI for as long.

    Nothing is printed. Environment, logging and tracking URI are put back afterwards. What MLflow
    refuses is a PipelineError.
    """
    retries = {name: value for name, value in RETRIES.items() if name not in os.environ}
    with _environment(ENVIRONMENT | retries), _silence(), _tracking_uri(uri):
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        try:
            yield MlflowClient()
        except MlflowException as error:
            raise PipelineError(
                f"{without_password(uri)}: {without_password(_first_line(error))} "
                "(track.uri names another server, track.enabled=false goes on without MLflow)"
            ) from error


@contextmanager
def alone(uri: str) -> Iterator[None]:
    """Wait until no other process writes to the sqlite database `uri`.

    Two that create it at once would both fail, and so may two that read and then write.
    """
    path = sqlite_path(uri)
    if path is None:
        yield
        return
    with locked(path):
        yield


def experiment_id(client: "MlflowClient", name: str, uri: str) -> str:
    """Return the id of the experiment, created where it is new.

    A local database has the artifacts of its runs beside it; else they would land in the folder
    in which the command runs.
    """
    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage == "deleted":
        raise PipelineError(
            f"track.experiment: {name!r} was deleted; choose another, or restore it: "
            f"mlflow experiments restore --experiment-id {found.experiment_id}"
        )
    if found is not None:
        return str(found.experiment_id)
    path = sqlite_path(uri)
    location = (path.parent / ARTIFACTS / _folder_name(name)).as_uri() if path else None
    return str(client.create_experiment(name, artifact_location=location))


def _folder_name(name: str) -> str:
    safe = re.sub(r"[^\w.-]", "-", name)
    if safe == name and safe.strip("."):
        return safe
    return f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _silence() -> Iterator[None]:
    # The migrations of a new database log some sixty lines, and importing MLflow warns of itself.
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def _tracking_uri(uri: str) -> Iterator[None]:
    import mlflow

    environment = os.environ.get("MLFLOW_TRACKING_URI")
    is_set = mlflow.is_tracking_uri_set()  # type: ignore[no-untyped-call]
    before = mlflow.get_tracking_uri() if is_set else None
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        # One that came from the environment goes back there.
        mlflow.set_tracking_uri(None if before == environment else before)  # type: ignore[arg-type]
        # Setting a URI sets the variable too.
        if environment is not None:
            os.environ["MLFLOW_TRACKING_URI"] = environment
        else:
            os.environ.pop("MLFLOW_TRACKING_URI", None)

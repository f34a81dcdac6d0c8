"""From a model's address in MLflow to the bundle in it."""

import atexit
import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from pipeline.errors import PipelineError
from pipeline.tracking.model import BUNDLE
from pipeline.tracking.store import connected, sqlite_path, store_uri, without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient

SCHEMES: Final = ("models:/", "runs:/")


def is_model_uri(text: str) -> bool:
    """True for what `resolve_bundle` takes, false for a path."""
    return text.startswith(SCHEMES)


def resolve_bundle(uri: str, tracking_uri: str | None = None, folder: Path = Path()) -> Path:
    """Return the bundle's folder in the model at `uri`; nothing of the model is executed.

    `uri` is models:/name@alias, models:/name/3, models:/m-…, or runs:/<run id>/model. A model on
    this machine is read where it is; another is downloaded and removed when the program ends.
    PipelineError lists the models that there are where this one is not.
    """
    if not is_model_uri(uri):
        raise PipelineError(
            f"{uri}: not a model's address; write models:/name@champion, models:/name/3 "
            "or runs:/<run id>/model"
        )
    store = store_uri(tracking_uri, folder)
    _check_exists(store)
    with connected(store) as client:
        from mlflow.exceptions import MlflowException

        try:
            return _download(client, uri)
        except (MlflowException, OSError) as error:
            raise PipelineError(
                f"{uri}: no such model in {without_password(store)}; {_listing(client)}"
            ) from error


def _check_exists(store: str) -> None:
    # MLflow would create the database and then find nothing in it.
    path = sqlite_path(store)
    if path is not None and not path.is_file():
        raise PipelineError(
            f"{path}: no runs are recorded here; go to the project's folder, or name the server "
            "in MLFLOW_TRACKING_URI"
        )


def _download(client: "MlflowClient", uri: str) -> Path:
    from mlflow.artifacts import download_artifacts
    from mlflow.models import get_model_info

    model = get_model_info(uri)
    flavor = model.flavors.get("python_function", {})
    inside = flavor.get("artifacts", {}).get(BUNDLE, {}).get("path")
    if not isinstance(inside, str) or model.model_id is None:
        raise PipelineError(f"{uri}: not a model of Slant: it holds no bundle")
    if PurePosixPath(inside).is_absolute() or ".." in PurePosixPath(inside).parts:
        raise PipelineError(f"{uri}: refused: its bundle lies outside of it, at {inside!r}")
    bundle = f"{client.get_logged_model(model.model_id).artifact_location}/{inside}"
    if bundle.startswith("file:"):
        return Path(download_artifacts(bundle))
    holder = tempfile.mkdtemp(prefix="slant-model-")
    atexit.register(shutil.rmtree, holder, ignore_errors=True)
    return Path(download_artifacts(bundle, dst_path=holder))


def _listing(client: "MlflowClient") -> str:
    entries = []
    for model in client.search_registered_models():
        versions = [int(each.version) for each in model.latest_versions or []]
        names = [f"models:/{model.name}@{alias}" for alias in sorted(model.aliases)]
        names += [f"models:/{model.name}/{max(versions)}"] if versions else []
        entries.append(", ".join(names))
    return f"there are {'; '.join(sorted(entries))}" if entries else "no model is registered in it"

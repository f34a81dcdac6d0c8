"""The command that shows the recorded runs."""

import sys
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.tracking.store import ENVIRONMENT, sqlite_path, store_uri, without_password


def ui_command(
    uri: str | None = None, host: str = "127.0.0.1", port: int = 5000, folder: Path = Path()
) -> list[str]:
    """Return the command of MLflow's server on the database; to be run in `ui_environment`.

    MLflow's checks of host and origin stay on.
    """
    store = store_uri(uri, folder)
    path = sqlite_path(store)
    if store.startswith(("http://", "https://")):
        raise PipelineError(f"{without_password(store)} is a server already: open it in a browser")
    if path is not None and not path.is_file():
        raise PipelineError(
            f"{path}: no runs are recorded here yet; `make train` records the first"
        )
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store]
    return [*command, "--host", host, "--port", str(port), "--workers", "1"]


def ui_environment() -> dict[str, str]:
    """Return what to add to the environment: eight processes fewer, and nothing sent home."""
    return ENVIRONMENT | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}

"""The run's model in MLflow: how it is stored, what goes in and comes out, its version."""

import re
import tempfile
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pipeline
from pipeline.tracking.record import RunRecord
from pipeline.tracking.serving import INPUTS, MAY_BE_NULL, OUTPUTS

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

MODEL: Final = "model"
BUNDLE: Final = "bundle"  # the bundle's key among the model's artifacts

EXAMPLE: Final = {
    "title": ["Ministers sign the treaty", "Late goal settles the derby"],
    "text": [
        "Ministers signed the treaty on Monday. Critics call the alliance a threat to peace.",
        "A header in the last minute settled the derby in front of a full house.",
    ],
    "target": ["the alliance", None],
}

# What predicting imports, for a pipeline that runs from its folder without being installed.
PREDICTING: Final = (
    "mlflow",
    "numba",
    "numpy",
    "orjson",
    "pandas",
    "pyarrow",
    "pydantic",
    "pyyaml",
    "safetensors",
    "scikit-learn",
    "scipy",
    "tokenizers",
)
# What MLflow's tables hold of a version's description; SQLite alone takes more.
LONGEST_DESCRIPTION: Final = 5000
RUNNING_ENCODERS: Final = ("torch", "transformers")


def log_model(client: "MlflowClient", experiment: str, run_id: str, record: RunRecord) -> str:
    """Store the bundle, the code that reads it and the signature as the run's model; its id.

    MLflow's own log_model would load the model and predict with it, and leaves its temporary
    folder on sys.path.
    """
    from mlflow.entities import LoggedModelOutput

    logged = client.create_logged_model(
        experiment, name=MODEL, source_run_id=run_id, model_type="slant"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL
        _save(path, run_id, logged, record)
        client.log_model_artifacts(logged.model_id, str(path))
    client.finalize_logged_model(logged.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    return str(logged.model_id)


def _save(path: Path, run_id: str, logged: Any, record: RunRecord) -> None:
    import mlflow.pyfunc
    import pandas as pd
    from mlflow.models import Model

    package = Path(pipeline.__file__).parent
    mlflow.pyfunc.save_model(
        path=str(path),
        mlflow_model=Model(
            artifact_path=logged.artifact_location,
            model_uuid=logged.model_id,
            model_id=logged.model_id,
            run_id=run_id,
        ),
        python_model=package / "tracking" / "pyfunc_model.py",
        artifacts={BUNDLE: str(record.bundle.resolve())},
        code_paths=[str(package)],
        pip_requirements=requirements(record.bundle),
        signature=signature(),
        input_example=pd.DataFrame(EXAMPLE),
        metadata={
            "codebook": record.codebook,
            "model_version": record.model_version,
            "tasks": {task: list(labels) for task, labels in record.tasks.items()},
        },
    )


def signature() -> "ModelSignature":
    """Return the columns that the model takes and gives."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    taken = [ColSpec("string", name, required=needed) for name, needed in INPUTS.items()]
    given = [
        ColSpec(kind, name, required=name not in MAY_BE_NULL) for name, kind in OUTPUTS.items()
    ]
    return ModelSignature(inputs=Schema([*taken]), outputs=Schema([*given]))


def requirements(bundle: Path) -> list[str]:
    """Return what predicting needs, each package pinned to the version that is installed.

    A bundle with an encoder in it needs what runs one.
    """
    from packaging.requirements import Requirement

    try:
        stated = [Requirement(text) for text in requires("slant") or []]
        names = [each.name for each in stated if not each.marker or each.marker.evaluate()]
    except PackageNotFoundError:
        names = list(PREDICTING)
    if any(bundle.rglob("model.safetensors")):
        names += RUNNING_ENCODERS
    return [f"{name}=={_installed(name)}" for name in sorted(names, key=str.lower)]


def _installed(name: str) -> str:
    # A local build's suffix (2.13.0+cpu) is on no index.
    return re.sub(r"\+.*", "", version(name))


def register(
    client: "MlflowClient", name: str, model_id: str, run_id: str, record: RunRecord
) -> str:
    """Add the model as a new version of `name`; return the version."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    made = client.create_model_version(
        name,
        source=f"models:/{model_id}",
        run_id=run_id,
        model_id=model_id,
        description=_description(record),
        tags=_version_tags(record),
    )
    return str(made.version)


def _description(record: RunRecord) -> str | None:
    """Return the model card, as far as databases have room for it."""
    text = record.card or record.description
    if len(text) <= LONGEST_DESCRIPTION:
        return text or None
    more = "\n\n… goes on in the run's model-card.md."
    return text[: LONGEST_DESCRIPTION - len(more)] + more


def _version_tags(record: RunRecord) -> dict[str, str]:
    return {
        "codebook": record.codebook,
        "model_version": record.model_version,
        "run": record.name,
    }

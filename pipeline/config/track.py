"""The section `track`: where a run is recorded, and when its model takes the place of another."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.documents import Section


class Gate(Section):
    """When a model takes the champion's place."""

    level: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """Level of the paired test, adjusted for how many sides and tasks there are (Holm)."""
    margin: Annotated[float, Field(gt=0, lt=1, strict=False)] = 0.01
    """Loss of macro-F1 that a faster model must be shown not to have."""
    faster: Annotated[float, Field(ge=1, strict=False)] = 1.5
    """How many times as fast it must be then."""
    behaviour: Literal["pass", "no_worse", "report"] = "pass"
    """`pass`: no test of behaviour fails; one without `allow` cannot. `no_worse`: none fails that
    the champion passes. `report`: they do not count."""


class Track(Section):
    """Where the run is recorded in MLflow."""

    enabled: bool = True
    """False leaves MLflow alone."""
    experiment: str = "slant"
    """The experiment that the run is listed under."""
    uri: str | None = None
    """The tracking server; `MLFLOW_TRACKING_URI`, else sqlite in mlflow.db of this folder."""
    registered_model: str | None = None
    """Name in the model registry; `slant-` and the codebook's name where it is null."""
    promote: Literal["better", "always", "never"] = "better"
    """When the new version becomes `@champion`: where it passes the gate, as `slant promote` asks;
    always; never."""
    gate: Gate = Gate()
    """What `slant promote` asks for."""

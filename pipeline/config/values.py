"""Types of values, and sections without their kind, that several parts of the config use."""

from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field

FilePath: TypeAlias = Annotated[Path, Field(strict=False)]
Share: TypeAlias = Annotated[float, Field(ge=0, lt=1)]
# A folder, a name on the hub, or the packaged encoder.
EncoderName: TypeAlias = Annotated[str, Field(min_length=1)]


def kind_unless_given(kind: str) -> BeforeValidator:
    """Let a section be written without its kind, which is then `kind`."""

    def fill(value: Any) -> Any:
        return {"kind": kind, **value} if isinstance(value, dict) else value

    return BeforeValidator(fill)

"""Which version of a registered model is `@champion`, decided by one process at a time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.errors import PipelineError
from pipeline.tracking.record import Tracked
from pipeline.tracking.store import alone, connected, recorded_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"


@dataclass(frozen=True)
class Version:
    """A version of a registered model, and the run that made it."""

    number: str
    run_id: str
    model_version: str | None


@dataclass(frozen=True)
class Verdict:
    """Whether a version becomes the champion, the reason in a sentence, and what it rests on."""

    champion: bool
    sentence: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Gate:
    """A registered model while it is decided whether one of its versions becomes the champion."""

    _client: "MlflowClient"
    name: str
    number: str  # of the version that asks
    uri: str

    @property
    def challenger(self) -> Version:
        """The version that asks."""
        return self._version(self.number)

    def champion(self) -> Version | None:
        """Return the champion there is."""
        holder = self._client.get_registered_model(self.name).aliases.get(CHAMPION)
        return self._version(str(holder)) if holder else None

    def _version(self, number: str) -> Version:
        found = self._client.get_model_version(self.name, number)
        return Version(number, str(found.run_id), found.tags.get("model_version"))

    def fetch(self, version: Version, file: str, folder: Path) -> Path | None:
        """Copy a file that is recorded with the version's run to `folder`; None without it."""
        from mlflow.exceptions import MlflowException

        try:
            return Path(self._client.download_artifacts(version.run_id, file, str(folder)))
        except OSError:  # what a folder of artifacts has not
            return None
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None

    def settle(self, verdict: Verdict, against: Version | None) -> bool:
        """Write the verdict on the version and move the aliases.

        False, with nothing written, where `against` is not the champion any more: judge again.
        """
        if self.champion() != against:
            return False
        for key in self._client.get_model_version(self.name, self.number).tags:
            if key.startswith("gate.") and key not in verdict.tags:  # of an earlier verdict
                self._client.delete_model_version_tag(self.name, self.number, key)
        tags = {"verdict": verdict.sentence, **verdict.tags}
        for key, value in tags.items():
            self._client.set_model_version_tag(self.name, self.number, key, value)
        alias = CHAMPION if verdict.champion else CHALLENGER
        self._client.set_registered_model_alias(self.name, alias, self.number)
        aliases = self._client.get_registered_model(self.name).aliases
        if verdict.champion and str(aliases.get(CHALLENGER)) == self.number:
            self._client.delete_registered_model_alias(self.name, CHALLENGER)
        return True


@contextmanager
def open_gate(tracked: Tracked, folder: Path) -> Iterator[Gate]:
    """Yield the gate of the tracked version's model; others wait until it closes.

    Those on other machines, with a server between them, do not wait: `settle` notices them.
    PipelineError where the version is not registered any more.
    """
    from mlflow.exceptions import MlflowException

    uri = recorded_uri(tracked.uri, folder)
    with alone(uri), connected(uri) as client:
        try:
            client.get_model_version(tracked.registered_model, tracked.version)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise PipelineError(
                f"version {tracked.version} of {tracked.registered_model} is not registered in "
                f"MLflow any more; slant run again"
            ) from None
        yield Gate(client, tracked.registered_model, tracked.version, uri)

"""The runs whose models a run starts from: what its encoders have learned before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.artifacts import ENCODERS, RunFolder, digest_of, read_json, read_table
from pipeline.audit import Coded
from pipeline.bundle import about
from pipeline.config import Config, EncoderFeatures, StaticFeatures
from pipeline.errors import DataError


@dataclass(frozen=True)
class Earlier:
    """A run that trained an encoder."""

    run: RunFolder
    bundle: Path

    @property
    def files(self) -> list[Path]:
        """The files that say which articles it has, on which side, and which are coded."""
        return [self.run.articles, self.run.splits, self.run.examples]

    def coded(self) -> Coded:
        """Return its coded articles; DataError where they are not those the model learned from."""
        told = about(self.bundle)["provenance"].get("data", {})
        digests = {name: digest for stage in told.values() for name, digest in stage.items()}
        for file in self.files:
            if digests.get(file.name) not in (None, digest_of(file)):
                raise DataError(
                    f"features.model: {self.bundle}: {file} has changed since this model was "
                    "trained, so that nobody can tell what it learned from; run it again, or name "
                    "a copy of the model in a folder of its own"
                )
        return Coded.of(*(read_table(file) for file in self.files))


def earlier_runs(config: Config) -> dict[str, Earlier]:
    """Return the runs that trained the encoders a run starts from, by the names of their models.

    They may have started from others, which are among them. Of a model that was taken out of its
    run, or whose run has lost its tables, nobody knows here what it learned from.
    """
    found: dict[str, Earlier] = {}
    visited: set[Path] = set()
    waiting = [
        rung.features.model
        for rung in config.rungs.values()
        if isinstance(rung.features, EncoderFeatures | StaticFeatures)
    ]
    while waiting:
        model = waiting.pop(0)
        earlier = _run_of(Path(model).expanduser())
        if earlier is None:
            continue
        if _is_fine_tuned(Path(model), earlier.bundle) and earlier not in found.values():
            found[model] = earlier
        if earlier.run.path not in visited:
            visited.add(earlier.run.path)
            waiting += _models_of(read_json(earlier.run.config))
    return found


def _run_of(model: Path) -> Earlier | None:
    """Return the run that a model folder, or an encoder's folder in it, lies in; None for none."""
    for path in (model.absolute(), model.resolve()):
        for bundle in (path, *path.parents):
            run = RunFolder(bundle.parent)
            earlier = Earlier(run, bundle)
            needed = [run.config, *earlier.files]
            if bundle in (run.model, run.blind_model) and all(file.is_file() for file in needed):
                return earlier if bundle.is_dir() else None
    return None


def _is_fine_tuned(model: Path, bundle: Path) -> bool:
    """Tell whether the encoder that `model` names was trained with the bundle, not frozen."""
    trained = set(_fine_tuned(about(bundle)["tasks"]))
    return model.name in trained if model.parent.name == ENCODERS else bool(trained)


def _fine_tuned(described: Any) -> Iterator[str]:
    """Yield the folders of the encoders that were fine-tuned, of what a bundle says of itself."""
    if isinstance(described, Mapping):
        if described.get("rung") == "finetune":
            yield described["encoder"]
        for value in described.values():
            yield from _fine_tuned(value)
    elif isinstance(described, list):
        for value in described:
            yield from _fine_tuned(value)


def _models_of(config: Mapping[str, Any]) -> list[str]:
    """Return the encoders that a complete config names."""
    sections = [config, *config["train"].get("members", {}).values()]
    features = [section.get("features") or {} for section in sections]
    return [each["model"] for each in features if "model" in each]

"""Writing and reading bundles."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import ValidationError

from pipeline.artifacts import to_json, verify_bundle_folder, write_bundle_folder
from pipeline.bundle.encoder_model import EncoderModel
from pipeline.bundle.models import TaskModel
from pipeline.bundle.ngram_model import NgramModel
from pipeline.codebook import Codebook
from pipeline.encoders import Encoder, EncoderFiles
from pipeline.errors import BundleError

FORMAT: Final = 2
_ABOUT = "bundle.json"
_CODEBOOK = "codebook.json"
_ENCODERS = "encoders"


@dataclass(frozen=True)
class Bundle:
    """A model of every task of a codebook."""

    version: str  # the digest of all its files, 12 digits; stands on each prediction
    codebook: Codebook
    tasks: Mapping[str, TaskModel]
    provenance: Mapping[str, Any]  # config, digests of the data, versions of packages


def save_bundle(
    path: Path,
    codebook: Codebook,
    tasks: Mapping[str, TaskModel],
    provenance: Mapping[str, Any],
) -> None:
    """Write a bundle to `path`; the same model gives the same bytes."""
    from safetensors.numpy import save_file

    def write(folder: Path) -> None:
        about = {
            "format": FORMAT,
            "tasks": {name: tasks[name].settings() for name in sorted(tasks)},
            "provenance": dict(provenance),
        }
        (folder / _ABOUT).write_bytes(to_json(about))
        (folder / _CODEBOOK).write_bytes(to_json(codebook.model_dump(mode="json")))
        encoders: dict[str, Encoder] = {}
        for name, model in tasks.items():
            save_file(model.arrays(), folder / f"{name}.safetensors")
            encoders |= model.encoders()
        for key, encoder in sorted(encoders.items()):
            encoder.save(folder / _ENCODERS / key)

    write_bundle_folder(path, write)


def load_bundle(path: Path) -> Bundle:
    """Read the bundle at `path`; BundleError where it is changed, incomplete or of another format.

    Costs a pass over its bytes for the digests; memory is its size plus 1.5 bits a hash bucket.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    version = verify_bundle_folder(path)
    try:
        about = orjson.loads((path / _ABOUT).read_bytes())
        codebook = Codebook.model_validate_json((path / _CODEBOOK).read_bytes())
        if about["format"] != FORMAT:
            raise BundleError(
                f"{path}: has format {about['format']}, and this version of Slant reads format "
                f"{FORMAT}; train the model again, or install the version that wrote it"
            )
        encoders = {
            folder.name: Encoder(EncoderFiles(str(folder), folder, folder.name))
            for folder in sorted((path / _ENCODERS).glob("*"))
        }
        tasks = {
            name: _restore(
                f"{path}: task '{name}'",
                settings,
                load_file(path / f"{name}.safetensors"),
                encoders,
            )
            for name, settings in about["tasks"].items()
        }
        return Bundle(version, codebook, tasks, about["provenance"])
    except (OSError, KeyError, ValueError, ValidationError, SafetensorError) as error:
        raise BundleError(f"{path}: not a model that can be read ({error})") from error


def _restore(
    where: str,
    settings: dict[str, Any],
    arrays: dict[str, Any],
    encoders: Mapping[str, Encoder],
) -> TaskModel:
    match settings["rung"]:
        case "ngrams":
            return NgramModel.restore(settings, arrays)
        case "encoder" | "finetune":
            return EncoderModel.restore(settings, arrays, encoders)
        case rung:
            raise BundleError(f"{where}: this version of Slant has no rung {rung!r}")

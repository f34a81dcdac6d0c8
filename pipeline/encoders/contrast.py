"""A contrastive start for few examples: texts with the same answer move together, others apart.

The idea is SetFit's (Tunstall et al., 2022, https://arxiv.org/abs/2209.11055): n examples make n²
pairs, so that an encoder can be trained on a handful of them before any head is. The loss is the
squared error of the cosine.

Imported only where torch is there.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from transformers import PrinterCallback, Trainer, TrainingArguments

from pipeline.config import FinetuneTrain
from pipeline.encoders.encoder import collate, hidden, mean_of
from pipeline.encoders.tuning import TuningExample


class Pair(NamedTuple):
    """Two examples of a head, and whether they have an answer in common."""

    one: TuningExample
    other: TuningExample
    alike: bool


def draw_pairs(examples: Sequence[TuningExample], most: int, seed: int) -> list[Pair]:
    """Return up to `most` pairs, each task with its share, half of them alike where there are any.

    Examples are alike that share a label.
    """
    draw = np.random.default_rng(seed)
    by_head: dict[int, list[TuningExample]] = defaultdict(list)
    for example in examples:
        by_head[example.head].append(example)
    pairs = []
    for mine in by_head.values():
        gold = np.array([example.gold for example in mine])
        alike = (gold.astype(np.int64) @ gold.T) > 0
        above = np.triu(np.ones_like(alike), 1)
        wanted = max(2, most * len(mine) // len(examples))
        for kind in (True, False):
            rows, columns = np.nonzero((alike == kind) & above)
            chosen = draw.permutation(len(rows))[: wanted // 2]
            pairs += [Pair(mine[rows[at]], mine[columns[at]], kind) for at in chosen]
    return [pairs[at] for at in draw.permutation(len(pairs))]


class _Twins(nn.Module):  # type: ignore[misc]
    """The same encoder reads both texts of a pair."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, alike: torch.Tensor, **inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the mean squared error of the cosines; rows are first texts, then second ones."""
        vectors = hidden(self.network, inputs)
        pooled = torch.cat(
            [mean_of(vectors, inputs[mask]) for mask in ("attention_mask", "mention")], dim=1
        )
        one, other = pooled.chunk(2)
        return {"loss": nn.functional.mse_loss(nn.functional.cosine_similarity(one, other), alike)}


def contrast(
    network: nn.Module,
    padding: int,
    examples: Sequence[TuningExample],
    section: FinetuneTrain,
    seed: int,
    folder: Path,
) -> None:
    """Train `network` in place for one pass over at most `contrastive_pairs` pairs."""
    pairs = draw_pairs(examples, section.contrastive_pairs, seed)

    def batch(rows: Sequence[Pair]) -> dict[str, Any]:
        windows = [row.one.windows[0] for row in rows] + [row.other.windows[0] for row in rows]
        alike = torch.tensor([float(row.alike) for row in rows])
        return {**collate(windows, padding), "alike": alike}

    gpu = torch.cuda.is_available()
    trainer = Trainer(
        model=_Twins(network),
        args=TrainingArguments(
            output_dir=str(folder / "contrast"), num_train_epochs=1,
            per_device_train_batch_size=section.batch, learning_rate=section.learning_rate,
            warmup_steps=section.warmup, weight_decay=section.weight_decay, save_strategy="no",
            seed=seed, data_seed=seed, use_cpu=not gpu, dataloader_pin_memory=gpu,
            remove_unused_columns=False, disable_tqdm=True, report_to="none",
        ),
        train_dataset=pairs,
        data_collator=batch,
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    trainer.train()

"""The network under training, and transformers' Trainer around it.

Imported only where torch is there: the classes derive from its classes.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)

from pipeline.artifacts import replacing
from pipeline.config import FinetuneTrain
from pipeline.encoders.encoder import both_means, collate, not_numbers
from pipeline.encoders.precision import half_of
from pipeline.encoders.reports import Reports
from pipeline.encoders.source import WEIGHTS
from pipeline.encoders.tuning import HeadShape, Log, TunedHead, TuningExample
from pipeline.encoders.windows import Window
from pipeline.errors import ConfigError, DataError

_LOG_EVERY: Final = 20  # steps
_LARGEST_GRADIENT: Final = 1.0
# Of the average: half of it is of the last 7.4 % of the steps, nine tenths of the last 23 %.
_SHARPNESS: Final = 8
_STATE: Final = "trainer_state.json"
_AVERAGE: Final = "average.safetensors"


class HeadedNetwork(nn.Module):  # type: ignore[misc]
    """One encoder and a linear head a task, on the mean of all tokens and of the mention's."""

    def __init__(
        self, network: nn.Module, shapes: Sequence[HeadShape], section: FinetuneTrain, seed: int
    ) -> None:
        super().__init__()
        set_seed(seed)
        self.network = network
        self.shapes = shapes
        self.dropout = nn.Dropout(section.dropout)
        width = network.config.hidden_size
        self.heads = nn.ModuleList(
            nn.Linear(width * (2 if shape.with_mention else 1), shape.labels) for shape in shapes
        )
        for head in self.heads:
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)
        for number, shape in enumerate(shapes):
            weights = torch.from_numpy(shape.class_weights)
            self.register_buffer(f"class_weights_{number}", weights, persistent=False)
        self.to(next(network.parameters()).device)

    def forward(
        self, head: torch.Tensor, gold: torch.Tensor, **inputs: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Return the mean loss of a batch whose rows belong to several heads."""
        pooled = self.dropout(both_means(self.network, inputs))
        total = pooled.new_zeros(())
        for number, shape in enumerate(self.shapes):
            rows = torch.nonzero(head == number).flatten()
            if len(rows):
                linear = self.heads[number]
                scores = linear(pooled[rows, : linear.in_features]).float()
                total = total + self._loss(number, shape, scores, gold[rows, : shape.labels])
        return {"loss": total / len(head)}

    def _loss(
        self, number: int, shape: HeadShape, scores: torch.Tensor, gold: torch.Tensor
    ) -> torch.Tensor:
        """Return the sum of the rows' losses."""
        weights = getattr(self, f"class_weights_{number}")
        if shape.many:
            return nn.functional.binary_cross_entropy_with_logits(
                scores, gold, pos_weight=weights, reduction="sum"
            )
        return nn.functional.cross_entropy(scores, gold.argmax(1), weight=weights, reduction="sum")

    def tuned_heads(self) -> list[TunedHead]:
        """Return the heads as they are now."""
        return [
            TunedHead(
                np.ascontiguousarray(head.weight.detach().float().cpu().numpy().T),
                head.bias.detach().float().cpu().numpy().copy(),
            )
            for head in self.heads
        ]


def run_trainer(
    model: HeadedNetwork,
    padding: int,
    examples: Sequence[TuningExample],
    section: FinetuneTrain,
    seed: int,
    folder: Path,
    measure: Callable[[HeadedNetwork], dict[str, float]] | None,
    stop_after: int | None,
    log: Log,
) -> tuple[list[dict[str, float]], int]:
    """Train `model` in place; return what was measured after each epoch, and the best epoch."""
    dataset = _Drawn(examples, section.exchanged_targets, seed)
    average = _Average(model) if section.average else None
    reports = Reports("fine-tuning", log)
    callbacks: list[TrainerCallback] = [
        _Epochs(dataset, stop_after),
        _Sanity(model, section),
        reports,
    ]
    if average is not None:
        callbacks.append(average)
    if measure is not None:
        callbacks.append(EarlyStoppingCallback(early_stopping_patience=section.patience))
    trainer = _Trainer(
        model=model,
        args=_arguments(section, seed, folder, measured=measure is not None),
        train_dataset=dataset,
        eval_dataset=dataset if measure else None,  # asked for, never read: see `evaluate`
        data_collator=lambda rows: _batch(rows, padding),
        callbacks=callbacks,
        optimizers=(_optimizer(model, section), None),
    )
    trainer.measure = measure
    trainer.average = average
    trainer.remove_callback(PrinterCallback)
    last = _last_checkpoint(folder, section)
    state = TrainerState.load_from_json(last / _STATE) if last else None
    if not (last and state and _is_over(state, section, stop_after)):
        with closing(reports):
            trainer.train(resume_from_checkpoint=last and str(last))
        state = trainer.state
        last = _last_checkpoint(folder, section)
    assert last is not None
    step = state.best_global_step
    best = last if step is None else folder / f"checkpoint-{step}"
    file = best / (_AVERAGE if section.average else WEIGHTS)
    safetensors.torch.load_model(model, file, strict=not section.average)  # it has no buffers
    model.eval()
    measured = _measured(state)
    if not measured:
        return [], round(state.epoch)
    return measured, _best(measured) + 1


def _arguments(
    section: FinetuneTrain, seed: int, folder: Path, *, measured: bool
) -> TrainingArguments:
    """Return the trainer's settings; where it is `measured`, the best epoch is kept."""
    gpu = torch.cuda.is_available()
    half = half_of(section.precision)
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=section.epochs,
        per_device_train_batch_size=section.batch,
        gradient_accumulation_steps=section.accumulate,
        warmup_steps=section.warmup,
        lr_scheduler_type="linear",
        max_grad_norm=_LARGEST_GRADIENT,
        bf16=half == "bfloat16",
        fp16=half == "float16",
        eval_strategy="epoch" if measured else "no",
        save_strategy="epoch",
        save_total_limit=2,  # the best and the last; with 1 the last goes when training ends
        load_best_model_at_end=measured,
        metric_for_best_model="macro_f1" if measured else None,
        greater_is_better=True if measured else None,
        train_sampling_strategy="group_by_length",
        logging_steps=_LOG_EVERY,
        seed=seed,
        data_seed=seed,
        use_cpu=not gpu,
        dataloader_pin_memory=gpu,
        remove_unused_columns=False,
        restore_callback_states_from_checkpoint=True,
        disable_tqdm=True,
        report_to="none",
    )


def _measured(state: TrainerState) -> list[dict[str, float]]:
    """Return what was measured after each epoch so far."""
    return [
        {
            name.removeprefix("eval_"): value
            for name, value in entry.items()
            if name.startswith("eval_")
        }
        for entry in state.log_history
        if "eval_macro_f1" in entry
    ]


def _best(measured: Sequence[dict[str, float]]) -> int:
    return max(range(len(measured)), key=lambda at: (measured[at]["macro_f1"], -at))


def _is_over(state: TrainerState, section: FinetuneTrain, stop_after: int | None) -> bool:
    """Tell whether the training ended, and only what follows it was not done any more."""
    measured = _measured(state)
    worse = len(measured) - 1 - _best(measured) if measured else 0
    epoch = round(state.epoch)
    return epoch >= (stop_after or section.epochs) or worse >= section.patience


class _Trainer(Trainer):  # type: ignore[misc]
    """Judges by macro-F1 over whole articles instead of the loss of single windows."""

    measure: Callable[[HeadedNetwork], dict[str, float]] | None = None
    average: "_Average | None" = None

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        assert self.measure is not None
        with self.average.in_place() if self.average else nullcontext():
            measured = self.measure(self.model)
        numbers = {f"eval_{name}": value for name, value in measured.items()}
        self.log(numbers)
        self.control: TrainerControl = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, numbers
        )
        return numbers


class _Drawn(torch.utils.data.Dataset):  # type: ignore[misc]
    """One window of each example, another one in each epoch; of some, about another target."""

    def __init__(self, examples: Sequence[TuningExample], exchanged: float, seed: int) -> None:
        self.examples = examples
        self.exchanged = exchanged  # share of those that may be
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> dict[str, Any]:
        example = self.examples[index]
        draw = np.random.default_rng((self.seed, self.epoch, index))
        windows = example.windows
        if example.exchanged and draw.random() < self.exchanged:
            windows = example.exchanged[int(draw.integers(len(example.exchanged)))]
        window = windows[0]
        if len(windows) > 1:
            window = windows[draw.choice(len(windows), p=_shares(windows))]
        # The sampler groups by the length of `input_ids`.
        return {"input_ids": window.ids, "window": window, "example": example}


def _shares(windows: Sequence[Window]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.array([window.share for window in windows], np.float64)
    shares /= shares.sum()
    return shares


def _batch(rows: Sequence[dict[str, Any]], padding: int) -> dict[str, torch.Tensor]:
    labels = max(len(row["example"].gold) for row in rows)
    gold = np.zeros((len(rows), labels), np.float32)
    for place, row in zip(gold, rows, strict=True):
        place[: len(row["example"].gold)] = row["example"].gold
    return {
        **collate([row["window"] for row in rows], padding),
        "head": torch.tensor([row["example"].head for row in rows]),
        "gold": torch.from_numpy(gold),
    }


class _Epochs(TrainerCallback):  # type: ignore[misc]
    """Tells the data which epoch it is, and ends after the last one that is wanted."""

    def __init__(self, dataset: _Drawn, stop_after: int | None) -> None:
        self._dataset = dataset
        self._stop_after = stop_after

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._dataset.epoch = round(state.epoch)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        if self._stop_after is not None and round(state.epoch) >= self._stop_after:
            control.should_training_stop = True


class _Sanity(TrainerCallback):  # type: ignore[misc]
    """Ends a training that diverged, before an epoch of it is kept."""

    def __init__(self, model: HeadedNetwork, section: FinetuneTrain) -> None:
        self._model = model
        self._section = section

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._check(state)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._check(state)

    def _check(self, state: TrainerState) -> None:
        if not_numbers(self._model):
            raise DivergedError(self._section, f"at step {state.global_step:,}")


class DivergedError(DataError):
    """Weights or scores are no numbers any more."""

    def __init__(self, section: FinetuneTrain, when: str) -> None:
        half = half_of(section.precision)
        wider = f"; or train in 32 bits (train.precision: float32), not in {half}" if half else ""
        super().__init__(
            f"the fine-tuning diverged {when}: its weights or scores are not numbers any more; "
            f"lower train.learning_rate (it is {section.learning_rate:g}) or "
            f"train.head_learning_rate ({section.head_learning_rate:g}), or raise train.warmup "
            f"({section.warmup:g}){wider}"
        )


class _Average(TrainerCallback):  # type: ignore[misc]
    """A mean of the weights in which that of step t counts as t to the power of _SHARPNESS.

    It needs no length to be chosen, and follows the training from its first step
    (polynomial-decay averaging: Shamir & Zhang, 2013, https://arxiv.org/abs/1212.1824). Kept with
    each checkpoint, so that a training that was killed goes on with it.
    """

    def __init__(self, model: HeadedNetwork) -> None:
        self._weights = dict(model.named_parameters())
        self._mean: dict[str, torch.Tensor] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._mean = {name: weight.detach().clone() for name, weight in self._weights.items()}
        if state.global_step:
            kept = safetensors.torch.load_file(_checkpoint(args, state) / _AVERAGE)
            for name, value in kept.items():
                self._mean[name].copy_(value)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        share = (_SHARPNESS + 1) / (_SHARPNESS + state.global_step)
        live = [weight.detach() for weight in self._weights.values()]
        torch._foreach_lerp_(list(self._mean.values()), live, share)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        with replacing(_checkpoint(args, state) / _AVERAGE) as file:
            safetensors.torch.save_file(self._mean, file)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model have the mean for its weights while the block runs."""
        live = {name: weight.detach().clone() for name, weight in self._weights.items()}
        self._put(self._mean)
        try:
            yield
        finally:
            self._put(live)

    def _put(self, values: Mapping[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, weight in self._weights.items():
                weight.copy_(values[name])


def _checkpoint(args: TrainingArguments, state: TrainerState) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}"


def _optimizer(model: HeadedNetwork, section: FinetuneTrain) -> torch.optim.Optimizer:
    """AdamW whose learning rate falls from layer to layer downwards; frozen layers have none."""
    groups = []
    for parameter, rate in _rates(model, section):
        if rate > 0:
            decay = section.weight_decay if parameter.ndim > 1 else 0.0
            groups.append({"params": [parameter], "lr": rate, "weight_decay": decay})
    # Fused: a seventh of the time of one small operation after another (torch 2.13, one core).
    return torch.optim.AdamW(groups, fused=True)


def _rates(model: HeadedNetwork, section: FinetuneTrain) -> Iterator[tuple[nn.Parameter, float]]:
    for parameter, depth in depths(model.network):
        rate = section.learning_rate * section.layer_decay**depth
        yield parameter, rate if parameter.requires_grad else 0.0
    for parameter in model.heads.parameters():
        yield parameter, section.head_learning_rate


def depths(network: nn.Module) -> Iterator[tuple[nn.Parameter, int]]:
    """Yield each parameter with how many layers are above its own.

    What comes before the layers is the deepest, with all embeddings; what follows them, such as a
    last norm, has none above it.
    """
    layers = max((part for part in network.modules() if isinstance(part, nn.ModuleList)), key=len)
    above = {
        id(parameter): len(layers)
        for part in network.modules()
        if isinstance(part, nn.Embedding)
        for parameter in part.parameters()
    }
    above |= {
        id(parameter): len(layers) - 1 - place
        for place, layer in enumerate(layers)
        for parameter in layer.parameters()
    }
    otherwise = len(layers)
    for parameter in network.parameters():
        if above.get(id(parameter)) == 0:
            otherwise = 0
        yield parameter, above.get(id(parameter), otherwise)


def freeze(network: nn.Module, lowest: int) -> None:
    """Let the `lowest` layers and what is below them stay as they are."""
    if not lowest:
        return
    parameters = list(depths(network))
    embedding = max(depth for _, depth in parameters)
    if embedding < lowest:
        raise ConfigError(
            f"train.frozen_layers: {lowest} of {network.config.num_hidden_layers} layers cannot "
            "stay as they are while others learn: this encoder's layers share their weights; set "
            "it to 0"
        )
    for parameter, depth in parameters:
        if depth >= embedding - lowest:
            parameter.requires_grad = False


def _last_checkpoint(folder: Path, section: FinetuneTrain) -> Path | None:
    """Return the last whole checkpoint; half ones are removed."""
    # Written last: without it the run was killed while the folder was written.
    last = _AVERAGE if section.average else _STATE
    whole = []
    for checkpoint in folder.glob("checkpoint-*"):
        if (checkpoint / last).is_file():
            whole.append(checkpoint)
        else:
            shutil.rmtree(checkpoint)
    return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)

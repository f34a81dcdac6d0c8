"""What a training tells while it runs: a bar where someone looks, and numbers for a log.

Imported only where torch is there: the class derives from one of transformers.
"""

import sys
from typing import Any, Final

from tqdm import tqdm
from transformers import TrainerCallback

from pipeline.encoders.tuning import Log

# The Trainer's names of what is told, and ours.
_SHOWN: Final = {
    "loss": "loss",
    "eval_macro_f1": "dev_macro_f1",
    "eval_log_loss": "dev_log_loss",
}


class Reports(TrainerCallback):  # type: ignore[misc]
    """A progress bar with the time left where someone looks, and the numbers to `log`."""

    def __init__(self, name: str, log: Log | None = None) -> None:
        self._name = name
        self._log = log
        self._bar: tqdm[Any] | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        self._bar = tqdm(
            total=state.max_steps, initial=state.global_step, desc=self._name, unit="step",
            disable=not sys.stderr.isatty(), leave=False,
        )  # fmt: skip

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        if self._bar is not None:
            self._bar.update(state.global_step - self._bar.n)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ARG002
        numbers = {
            shown: float(logs[name]) for name, shown in _SHOWN.items() if name in (logs or {})
        }
        if "dev_macro_f1" in numbers:
            numbers["epoch"] = float(round(state.epoch))
        if numbers and self._log is not None:
            self._log(numbers, state.global_step)
        if numbers and self._bar is not None:
            self._bar.set_postfix({name: f"{value:.3f}" for name, value in numbers.items()})

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

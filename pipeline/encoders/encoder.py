"""A transformer encoder as Slant runs it: windows in, one vector or a score per token out.

torch and transformers are imported when the first window is read.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from pipeline.config import EncoderFeatures
from pipeline.encoders.cache import VectorCache
from pipeline.encoders.precision import Precision, autocast, half_of
from pipeline.encoders.source import (
    CONFIG,
    INSTALL,
    TOKENIZER,
    WEIGHTS,
    EncoderFiles,
    find_encoder,
)
from pipeline.encoders.tokens import EncoderTokenizer
from pipeline.encoders.windows import Window
from pipeline.errors import BundleError, ConfigError, MissingExtraError, first_line

if TYPE_CHECKING:
    import torch


_USABLE: Final = "name an encoder such as BERT, RoBERTa or MPNet"
# Families that count positions from behind the padding's id.
_OFFSET_POSITIONS: Final = ("roberta", "xlm-roberta", "camembert", "mpnet", "longformer")


class NotNumbersError(BundleError):
    """An encoder's vectors are NaN or infinite."""


class Encoder:
    """The encoder in a folder that `find_encoder` has checked."""

    def __init__(self, files: EncoderFiles, network: "torch.nn.Module | None" = None) -> None:
        """Take the folder, and the network where it is in memory with other weights."""
        self.files = files
        self.tokenizer = EncoderTokenizer(files.folder)
        self._network = network

    @property
    def network(self) -> "torch.nn.Module":
        """The network with its weights, on the GPU where there is one; dropout is off."""
        if self._network is None:
            self._network = load_network(self.files)
        return self._network

    @property
    def key(self) -> str:
        """The name of its folder in a bundle."""
        return self.files.digest[:16]

    @cached_property
    def _about(self) -> dict[str, Any]:
        file = self.files.folder / CONFIG
        try:
            about = orjson.loads(file.read_bytes())
        except orjson.JSONDecodeError as error:
            raise ConfigError(f"{file}: not valid JSON ({error.msg})") from None
        if not isinstance(about, dict) or about.get("is_encoder_decoder"):
            raise ConfigError(f"{file}: not an encoder that can be used; {_USABLE}")
        return about

    @property
    def width(self) -> int:
        """Numbers in a token's vector."""
        return self._whole_number("hidden_size", "dim")

    @property
    def layers(self) -> int:
        """How many layers there are."""
        return self._whole_number("num_hidden_layers", "n_layers", otherwise=0, least=0)

    def _whole_number(self, *keys: str, otherwise: int | None = None, least: int = 1) -> int:
        """Return what the config says under the first of `keys` that is not null.

        `otherwise` where none says anything. Raise ConfigError where that is no number of at least
        `least`.
        """
        key = next((key for key in keys if self._about.get(key) is not None), keys[0])
        value = self._about.get(key)
        if value is None:
            value = otherwise
        if type(value) is not int or value < least:
            raise ConfigError(
                f"{self.files.folder / CONFIG}: {key} must be a whole number, {least} or more; it "
                f"is {value!r}; {_USABLE}"
            )
        return value

    def check(self) -> None:
        """Raise ConfigError where its files show, before they are read, that they are no encoder's.

        A tokenizer with more tokens than the network has vectors for belongs to another one.
        """
        vectors = self._about.get("vocab_size")
        if self.width and isinstance(vectors, int) and self.tokenizer.size > vectors:
            raise ConfigError(
                f"{self.files.folder}: {TOKENIZER} has {self.tokenizer.size:,} tokens and "
                f"{CONFIG} a vocab_size of {vectors:,}; name a folder whose files belong together"
            )

    def check_window(self, window: int) -> None:
        """Raise ConfigError if the encoder was not made for so many tokens at once."""
        if self._about.get("max_position_embeddings") is None:  # relative: any length can be read
            return
        positions = self._whole_number("max_position_embeddings")
        if self._about.get("model_type") in _OFFSET_POSITIONS:
            otherwise = None if "pad_token_id" in self._about else 1  # null cannot be counted from
            positions -= self._whole_number("pad_token_id", otherwise=otherwise, least=0) + 1
        if window > positions:
            raise ConfigError(
                f"features.window: {window} tokens are more than the {positions} that "
                f"{self.files.name} reads at once; set {positions} or fewer"
            )

    def vectors(
        self,
        windows: Sequence[Window],
        examples: int,
        batch: int,
        *,
        with_mention: bool,
        cache: Path | None,
        precision: Precision = "float32",
    ) -> NDArray[np.float32]:
        """Return the vector of each example, float32[n, width or 2 · width].

        It is the mean of its windows' means over tokens. With `with_mention` the mean of the
        mention's tokens stands after it, zeros where there is none. What `cache` holds is not
        computed again, what is new is added to it.
        """
        pooled = self._pooled(windows, batch, with_mention, cache, precision)
        vectors = np.zeros((examples, pooled.shape[1]), np.float32)
        for window, vector in zip(windows, pooled, strict=True):
            vectors[window.example, : self.width] += window.share * vector[: self.width]
            if with_mention:
                vectors[window.example, self.width :] += window.mention_share * vector[self.width :]
        return vectors

    def _pooled(
        self,
        windows: Sequence[Window],
        batch: int,
        with_mention: bool,
        cache: Path | None,
        precision: Precision,
    ) -> NDArray[np.float32]:
        width = self.width * (2 if with_mention else 1)
        # Without a target, an article that is asked about several has the same windows for each.
        different: dict[bytes, Window] = {}
        keys = [window.digest() for window in windows]
        for key, window in zip(keys, windows, strict=True):
            different.setdefault(key, window)
        place = {key: row for row, key in enumerate(different)}
        pooled = self._pooled_once(different, batch, width, cache, precision)
        return pooled[[place[key] for key in keys]]

    def _pooled_once(
        self,
        different: Mapping[bytes, Window],
        batch: int,
        width: int,
        cache: Path | None,
        precision: Precision,
    ) -> NDArray[np.float32]:
        keys, windows = list(different), list(different.values())
        if cache is None:
            return self._pool(windows, batch, width, precision)
        with VectorCache.opened(cache, self.files.digest, width, half_of(precision)) as store:
            pooled = np.zeros((len(windows), width), np.float32)
            missing = store.fill(keys, pooled)
            # In parts, so that a run which is stopped keeps what it has.
            for start in range(0, len(missing), batch * 64):
                part = missing[start : start + batch * 64]
                pooled[part] = self._pool([windows[at] for at in part], batch, width, precision)
                store.add([keys[at] for at in part], pooled[part])
            return pooled

    def _pool(
        self, windows: Sequence[Window], batch: int, width: int, precision: Precision
    ) -> NDArray[np.float32]:
        network = self.network  # says what to install where torch is missing
        import torch

        pooled = np.zeros((len(windows), width), np.float32)
        for rows, vectors, inputs in self._batches(network, windows, batch, precision):
            parts = [mean_of(vectors, inputs["attention_mask"])]
            if width == 2 * self.width:
                parts.append(mean_of(vectors, inputs["mention"]))
            pooled[rows] = torch.cat(parts, 1).float().cpu().numpy()
        self._check_numbers(pooled, precision)
        return pooled

    def _check_numbers(self, values: NDArray[np.float32], precision: Precision) -> None:
        if not np.isfinite(values).all():
            half = half_of(precision)
            raise NotNumbersError(
                f"{self.files.folder}: the encoder's vectors are not numbers (NaN or infinite) in "
                f"{half or 'float32'}; {'set the precision to float32, or ' if half else ''}name "
                "another encoder"
            )

    def token_scores(
        self,
        windows: Sequence[Window],
        batch: int,
        weights: NDArray[np.float32],
        precision: Precision = "float32",
    ) -> list[NDArray[np.float32]]:
        """Return for each window float32[tokens, labels]: what each token adds to its example.

        A score is linear in the example's vector, and that is a mean over tokens: the shares of all
        tokens add up to the score without the bias. `weights` is [width or 2 · width, labels].
        """
        network = self.network  # says what to install where torch is missing
        import torch

        scores: list[NDArray[np.float32]] = [np.zeros((0, 0), np.float32)] * len(windows)
        heads = torch.from_numpy(weights).split(self.width)
        for rows, vectors, inputs in self._batches(network, windows, batch, precision):
            shares = torch.zeros(*vectors.shape[:2], weights.shape[1], device=vectors.device)
            whole = [windows[row].share for row in rows]
            named = [windows[row].mention_share for row in rows]
            for head, name, share in zip(
                heads, ("attention_mask", "mention"), (whole, named), strict=False
            ):
                mask = inputs[name].float()
                factors = torch.tensor(share, device=mask.device)[:, None] * mask
                factors = factors / mask.sum(1, keepdim=True).clamp(min=1)
                shares += (vectors.float() @ head.to(vectors.device)) * factors[..., None]
            values = shares.cpu().numpy()
            for place, row in enumerate(rows.tolist()):
                scores[row] = values[place, : len(windows[row].ids)]
                self._check_numbers(scores[row], precision)
        return scores

    def _batches(
        self,
        network: "torch.nn.Module",
        windows: Sequence[Window],
        batch: int,
        precision: Precision,
    ) -> Iterator[tuple[NDArray[np.int64], "torch.Tensor", dict[str, "torch.Tensor"]]]:
        """Yield rows, their tokens' vectors and inputs; windows of like length together."""
        import torch

        network.eval()
        half = half_of(precision)
        device = next(network.parameters()).device
        order = np.argsort([len(window.ids) for window in windows], kind="stable")
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            inputs = collate([windows[row] for row in rows], self.tokenizer.padding)
            inputs = {name: tensor.to(device) for name, tensor in inputs.items()}
            with torch.inference_mode():
                with autocast(half):
                    vectors = hidden(network, inputs)
                yield rows, vectors, inputs

    def save(self, folder: Path) -> None:
        """Write the encoder's files to a new folder."""
        folder.mkdir(parents=True)
        for name in (CONFIG, WEIGHTS, TOKENIZER):
            shutil.copyfile(self.files.folder / name, folder / name)


def open_encoder(section: EncoderFeatures) -> Encoder:
    """Find the encoder that the section names, and check that it reads so long a window."""
    encoder = Encoder(find_encoder(section.model, section.revision))
    encoder.check()
    encoder.check_window(section.window)
    return encoder


def load_network(files: EncoderFiles) -> "torch.nn.Module":
    """Read config and weights; no code of the folder is run, and no pickle is read."""
    with quiet_transformers():
        import torch
        from transformers import AutoModel

        try:
            network: Any
            network, loading = AutoModel.from_pretrained(
                files.folder,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                torch_dtype=torch.float32,
                ignore_mismatched_sizes=True,  # refused below, by their names
                output_loading_info=True,
            )
        except MemoryError:
            raise
        except Exception as error:  # what a stranger's config holds can fail anywhere in there
            raise BundleError(
                f"{files.folder}: not an encoder that can be read ({_reason(error)})"
            ) from None
    _check_loading(files, loading)
    with torch.no_grad():
        for name in loading["missing_keys"]:
            network.get_parameter(name).zero_()  # of a pooler, which nothing here reads
    if broken := not_numbers(network):
        raise BundleError(
            f"{files.folder}: {broken} in {WEIGHTS} holds values that are not numbers (NaN or "
            "infinite), as a training leaves that diverged; name another encoder"
        )
    if torch.cuda.is_available():
        network = network.cuda()
    return network.eval()


def not_numbers(network: "torch.nn.Module") -> str | None:
    """Return the name of a weight that is NaN or infinite somewhere; None where none is."""
    import torch

    return next(
        (name for name, value in network.named_parameters() if not torch.isfinite(value).all()),
        None,
    )


def _reason(error: Exception) -> str:
    """Return the first line of what an error says; its kind before it where users read none."""
    kind, line = type(error).__name__, first_line(error)
    is_told = line == kind or isinstance(error, OSError | ValueError | RuntimeError)
    return line if is_told else f"{kind}: {line}"


def _check_loading(files: EncoderFiles, loading: Mapping[str, Any]) -> None:
    """Raise BundleError where weights would be random: the file does not have them, or others."""
    for name, held, asked in sorted(loading["mismatched_keys"]):
        raise BundleError(
            f"{files.folder}: {name} is {list(held)} in {WEIGHTS} and {list(asked)} by {CONFIG}; "
            "name a folder whose files belong together"
        )
    missing = sorted(name for name in loading["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise BundleError(
            f"{files.folder}: {WEIGHTS} lacks {len(missing):,} of the weights that {CONFIG} asks "
            f"for, such as {missing[0]}; name a folder whose files belong together"
        )


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers' progress bars and notices off the terminal."""
    try:
        import torch  # noqa: F401
        import transformers
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"an encoder needs the package {error.name}; install it with: {INSTALL}"
        ) from None
    level = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.logging.set_verbosity(level)


def collate(windows: Sequence[Window], padding: int) -> dict[str, "torch.Tensor"]:
    """Return the inputs of a batch, padded to its longest window."""
    import torch

    longest = max(len(window.ids) for window in windows)

    def padded(values: Callable[[Window], NDArray[Any]], fill: int) -> "torch.Tensor":
        rows = np.full((len(windows), longest), fill, np.int64)
        for row, window in zip(rows, windows, strict=True):
            row[: len(window.ids)] = values(window)
        return torch.from_numpy(rows)

    return {
        "input_ids": padded(lambda window: window.ids, padding),
        "token_type_ids": padded(lambda window: window.types, 0),
        "attention_mask": padded(lambda window: np.ones(len(window.ids)), 0),
        "mention": padded(lambda window: window.mention, 0),
    }


def hidden(network: "torch.nn.Module", inputs: dict[str, "torch.Tensor"]) -> "torch.Tensor":
    """Return the vectors of the tokens, [windows, tokens, width]."""
    names = ["input_ids", "attention_mask"]
    if getattr(network.config, "type_vocab_size", 0) > 1:
        names.append("token_type_ids")
    return network(**{name: inputs[name] for name in names}).last_hidden_state


def both_means(network: "torch.nn.Module", inputs: dict[str, "torch.Tensor"]) -> "torch.Tensor":
    """Return the mean of all tokens and behind it that of the mention's, [windows, 2 · width]."""
    import torch

    vectors = hidden(network, inputs)
    return torch.cat([mean_of(vectors, inputs[name]) for name in ("attention_mask", "mention")], 1)


def mean_of(vectors: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """Return the mean of the vectors where the mask is 1; zeros where it never is."""
    weight = mask[..., None].float()
    return (vectors.float() * weight).sum(1) / weight.sum(1).clamp(min=1)

"""Texts as an encoder's tokens, each with the characters it stands for."""

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.artifacts import digest_of
from pipeline.encoders.source import TOKENIZER
from pipeline.errors import BundleError
from pipeline.features import Texts

TEXTS_AT_ONCE: Final = 512
_MASKS: Final = ("[MASK]", "<mask>")


@dataclass(frozen=True)
class Tokens:
    """The tokens of n texts one after another, without those that frame an input."""

    bounds: NDArray[np.int64]  # [n + 1] tokens of text i are bounds[i] to bounds[i + 1]
    ids: NDArray[np.int32]
    spans: NDArray[np.int32]  # [tokens, 2] characters of the text, headline included


@dataclass(frozen=True)
class Frame:
    """What the encoder wants before, between and after a text and its second segment."""

    before: list[int]
    between: list[int]
    after: list[int]  # a pair
    after_one: list[int]  # a text alone
    second_type: int  # token type of the second segment


class EncoderTokenizer:
    """A `tokenizer.json`, run by the library that wrote it."""

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as error:
            raise BundleError(f"{folder / TOKENIZER}: not a tokenizer ({error})") from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._file = folder / TOKENIZER

    @cached_property
    def key(self) -> str:
        """The name of its folder in a bundle."""
        return digest_of(self._file)[:16]

    def save(self, folder: Path) -> None:
        """Write the tokenizer's file to a new folder."""
        folder.mkdir(parents=True)
        shutil.copyfile(self._file, folder / TOKENIZER)

    @property
    def size(self) -> int:
        """How many tokens there are, added ones included."""
        return self._tokenizer.get_vocab_size(with_added_tokens=True)

    def ids(self, text: str) -> list[int]:
        """Return the tokens of `text` without a frame."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def tokens(self, texts: Texts) -> Tokens:
        """Split the texts: about 1 MB/s on a core, on as many as there are."""
        lengths, ids, spans = [0], [], []
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            stop = min(start + TEXTS_AT_ONCE, len(texts))
            part = [texts.text(row) for row in range(start, stop)]
            for encoding in self._tokenizer.encode_batch(part, add_special_tokens=False):
                lengths.append(len(encoding.ids))
                ids.append(np.array(encoding.ids, np.int32))
                spans.append(np.array(encoding.offsets, np.int32).reshape(-1, 2))
        return Tokens(
            np.cumsum(lengths).astype(np.int64),
            np.concatenate([np.zeros(0, np.int32), *ids]),
            np.concatenate([np.zeros((0, 2), np.int32), *spans]),
        )

    @cached_property
    def frame(self) -> Frame:
        """What frames an input, read off the tokenizer's own template."""
        one = self._tokenizer.encode("a")
        pair = self._tokenizer.encode("a", "a")
        text = [at for at, part in enumerate(pair.sequence_ids) if part == 0]
        second = [at for at, part in enumerate(pair.sequence_ids) if part == 1]
        alone = [at for at, part in enumerate(one.sequence_ids) if part == 0]
        return Frame(
            before=pair.ids[: text[0]],
            between=pair.ids[text[-1] + 1 : second[0]],
            after=pair.ids[second[-1] + 1 :],
            after_one=one.ids[alone[-1] + 1 :],
            second_type=pair.type_ids[second[0]],
        )

    @cached_property
    def marks_of_target(self) -> tuple[list[int], list[int]]:
        """Tokens before and after a mention of the target."""
        return self.ids("["), self.ids("]")

    @cached_property
    def marks_of_source(self) -> tuple[list[int], list[int]]:
        """Tokens before and after a mention of who acts towards the target."""
        return self.ids("{"), self.ids("}")

    @cached_property
    def mask(self) -> list[int]:
        """The token that hides a mention; the word "it" where the encoder has none."""
        for name in _MASKS:
            found = self._tokenizer.token_to_id(name)
            if found is not None:
                return [found]
        return self.ids("it")

    @cached_property
    def unknown(self) -> int | None:
        """The token for what the vocabulary lacks; None where it lacks nothing."""
        for name in ("[UNK]", "<unk>"):
            found = self._tokenizer.token_to_id(name)
            if found is not None:
                return int(found)
        return None

    @cached_property
    def padding(self) -> int:
        """The token that fills a batch; attention never looks at it."""
        for name in ("[PAD]", "<pad>"):
            found = self._tokenizer.token_to_id(name)
            if found is not None:
                return int(found)
        return 0

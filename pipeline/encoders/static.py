"""Token vectors without context: an encoder's vocabulary, boiled down to a table once.

Each token is read by the encoder all by itself; the vectors are reduced to their principal
components and weighted by how rare the token is (Arora et al., 2017,
https://openreview.net/forum?id=SyK00v5xx). The recipe is that of model2vec
(https://github.com/MinishLab/model2vec); pooling is our own, since the view of a target, and
evidence, need to know where in the text each token stands.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.config import StaticFeatures
from pipeline.encoders.encoder import Encoder
from pipeline.encoders.source import find_encoder
from pipeline.encoders.tokens import Tokens
from pipeline.encoders.windows import Window
from pipeline.errors import ConfigError
from pipeline.features import TARGET, Asked

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# The whole text; then what stands before a mention, behind it, and the mention itself.
PLAIN_PARTS: Final = 1
TARGET_PARTS: Final = 4
_BATCH: Final = 512


def open_to_distil(section: StaticFeatures) -> Encoder:
    """Find the encoder that the section names; ConfigError if it has too few dimensions."""
    encoder = Encoder(find_encoder(section.model, section.revision))
    encoder.check()
    most = min(encoder.width, encoder.tokenizer.size)
    if section.dimensions > most:
        raise ConfigError(
            f"features.dimensions: {section.dimensions} are more than the {most} that can be had "
            f"of the vocabulary of {section.model}; set {most} or fewer"
        )
    return encoder


def distil(encoder: Encoder, dimensions: int, cache: Path | None) -> NDArray[np.float32]:
    """Return a vector for each token of the vocabulary, float32[tokens, dimensions].

    Costs one pass of the encoder over its vocabulary: half a minute for 30,000 tokens.
    """
    from sklearn.decomposition import PCA

    frame = encoder.tokenizer.frame
    windows = []
    for token in range(encoder.tokenizer.size):
        ids = np.array([*frame.before, token, *frame.after_one], np.int32)
        none = np.zeros(len(ids), np.int32)
        windows.append(
            Window(ids, none.astype(np.int8), none.astype(np.bool_), none, token, 1.0, 0.0)
        )
    vectors = encoder.vectors(windows, len(windows), _BATCH, with_mention=False, cache=cache)
    reduced = PCA(dimensions, svd_solver="covariance_eigh").fit_transform(vectors)
    return np.asarray(reduced, np.float32)


def rarity(tokens: Tokens, texts: NDArray[np.int64], size: int, half: float) -> NDArray[np.float32]:
    """Return the weight of each token, [size]: one half where its share in `texts` is `half`."""
    counts = np.zeros(size, np.int64)
    for text in np.unique(texts).tolist():
        counts += np.bincount(
            tokens.ids[tokens.bounds[text] : tokens.bounds[text + 1]], minlength=size
        )
    share = counts / max(1, counts.sum())
    return np.asarray(half / (half + share), np.float32)


@dataclass(frozen=True)
class TokenMeans:
    """Which tokens each part of n examples averages, and where each of them stands.

    `matrix` is [n, parts · size]: an entry for each occurrence of a token, one divided by the
    part's length. Equal columns of a row are not added up, so that an entry keeps its place.
    """

    matrix: "csr_array"
    places: NDArray[np.int32]  # [entries] first character of the token in the text


def token_means(
    tokens: Tokens,
    asked: Asked,
    size: int,
    window: int,
    unknown: int | None,
    *,
    sees_target: bool,
) -> TokenMeans:
    """Lay out the whole text and, with `sees_target`, what stands around and in the mentions.

    `unknown` is the token that stands for what the vocabulary lacks, and says nothing.
    """
    from scipy.sparse import csr_array

    columns: list[NDArray[np.int64]] = []
    shares: list[NDArray[np.float32]] = []
    places: list[NDArray[np.int32]] = []
    ends = np.zeros(len(asked) + 1, np.int64)
    for example in range(len(asked)):
        first, stop = tokens.bounds[asked.text_of[example] : asked.text_of[example] + 2]
        known = tokens.ids[first:stop] != unknown
        ids, spans = tokens.ids[first:stop][known], tokens.spans[first:stop][known]
        parts = [np.arange(len(ids))]
        if sees_target:
            parts += _around_mentions(spans, asked, example, window)
        total = 0
        for part, chosen in enumerate(parts):
            columns.append(part * size + ids[chosen].astype(np.int64))
            shares.append(np.full(len(chosen), 1 / max(1, len(chosen)), np.float32))
            places.append(spans[chosen, 0])
            total += len(chosen)
        ends[example + 1] = ends[example] + total
    shape = (len(asked), size * (TARGET_PARTS if sees_target else PLAIN_PARTS))
    data = np.concatenate([np.zeros(0, np.float32), *shares])
    indices = np.concatenate([np.zeros(0, np.int64), *columns])
    return TokenMeans(
        csr_array((data, indices, ends), shape=shape),
        np.concatenate([np.zeros(0, np.int32), *places]),
    )


def _around_mentions(
    spans: NDArray[np.int32], asked: Asked, example: int, window: int
) -> list[NDArray[np.int64]]:
    """Return the tokens before the target's mentions, behind them, and in them, each once."""
    before, behind, inside = set[int](), set[int](), set[int]()
    for mention in range(asked.bounds[example], asked.bounds[example + 1]):
        if asked.roles[mention] != TARGET:
            continue
        start, end = asked.mentions[mention]
        begins = int(np.searchsorted(spans[:, 1], start, side="right"))
        ends = max(begins, int(np.searchsorted(spans[:, 0], end, side="left")))
        before.update(range(max(0, begins - window), begins))
        behind.update(range(ends, min(len(spans), ends + window)))
        inside.update(range(begins, ends))
    return [np.array(sorted(part), np.int64) for part in (before - inside, behind - inside, inside)]

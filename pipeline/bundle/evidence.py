"""Evidence from what each token adds to a score: the sentences of the body that add the most."""

import numpy as np
from numpy.typing import NDArray

from pipeline.features import Sentences


def best_sentences(
    places: NDArray[np.int32], adds: NDArray[np.float32], sentences: Sentences, text: int,
    body: int, most: int,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:  # fmt: skip
    """Return spans int32[most, 2] and gains float32[most] of the sentences that add the most.

    `places` are the first characters of tokens of text number `text`, `adds` what each adds to the
    score of the label in question; `body` is where the text's body begins, and spans count from
    there. Only sentences that add something are named; the rest is -1 and 0.
    """
    spans = sentences.spans[sentences.bounds[text] : sentences.bounds[text + 1]]
    found = np.full((most, 2), -1, np.int32)
    gains = np.zeros(most, np.float32)
    if not len(spans):
        return found, gains
    owner = np.searchsorted(spans[:, 0], places, side="right") - 1
    total = np.bincount(np.maximum(owner, 0), weights=adds, minlength=len(spans))
    total[spans[:, 0] < body] = 0
    order = np.argsort(-total, kind="stable")[:most]
    order = order[total[order] > 0]
    found[: len(order)] = spans[order] - body
    gains[: len(order)] = total[order]
    return found, gains

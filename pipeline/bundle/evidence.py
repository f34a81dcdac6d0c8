"""Evidence from what each token adds to a score: the sentences of the body that add the most."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.features import Asked, Sentences, Texts, sentences_of

# The first character of each token, and what it adds to the score of the likeliest label.
TokenAdds: TypeAlias = tuple[NDArray[np.int32], NDArray[np.float32]]


def evidence_of(
    texts: Texts, asked: Asked, most: int, adds_of: Callable[[int], TokenAdds]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return spans int32[n, most, 2] and gains float32[n, most] of the examples' best sentences.

    `adds_of` is given the number of an example.
    """
    spans = np.full((len(asked), most, 2), -1, np.int32)
    gains = np.zeros((len(asked), most), np.float32)
    if most:
        sentences = sentences_of(texts)
        for example, text in enumerate(asked.text_of.tolist()):
            spans[example], gains[example] = best_sentences(
                *adds_of(example), sentences, text, int(texts.body[text]), most
            )
    return spans, gains


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

"""N-gram features as an object: fitted on training texts, stored as plain arrays."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from pipeline import processors
from pipeline.config import NgramFeatures
from pipeline.features import characters
from pipeline.features.abbreviations import abbreviation_hashes
from pipeline.features.partial import with_partial_mentions
from pipeline.features.passes import (
    CHUNK,
    Corpus,
    Recipe,
    count_examples,
    index_of,
    parallel,
    score,
    vectorise,
)
from pipeline.features.texts import Asked, Texts

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class Scores:
    """What `NgramVectorizer.score` returns for n examples, l labels and k sentences."""

    scores: NDArray[np.float32]  # [n, l] weights · features + bias
    spans: NDArray[np.int32]  # [n, k, 2] characters of the article's body; -1 where there is none
    gains: NDArray[np.float32]  # [n, k] what the sentence adds to the best label's score


class NgramVectorizer:
    """TF-IDF of hashed n-grams, as scikit-learn's vectorizers are used, over `Texts`.

    A feature is kept when `min_count` training examples have it; its weight is
    (1 + ln tf) · (1 + ln((1 + n) / (1 + df))), and each block of a row is scaled alike. Memory:
    1.5 bits a bucket, eight bytes a kept feature.

    Learned: `kept_` (uint32, sorted buckets; a feature's column is its place in it) and `idf_`
    (float32, one per column).
    """

    def __init__(self, section: NgramFeatures, *, sees_target: bool) -> None:
        self.section = section
        self.sees_target = sees_target

    def fit(self, texts: Texts, asked: Asked) -> Self:
        """Choose the features and weigh them by these examples alone."""
        corpus = self._corpus(texts, asked)
        threads = processors.available()
        share = max(1, -(-len(asked) // threads))

        def count(first: int, stop: int) -> NDArray[np.int32]:
            seen = np.zeros(1 << self.section.buckets_log2, np.int32)
            count_examples(corpus, self._recipe(), first, stop, seen)
            return seen

        seen_in = np.zeros(1 << self.section.buckets_log2, np.int32)
        for seen in parallel(len(asked), count, share):
            seen_in += seen
        kept = np.flatnonzero(seen_in >= self.section.min_count)
        rarity = np.log((1 + len(asked)) / (1 + seen_in[kept])) + 1
        return self.restore(kept.astype(np.uint32), rarity.astype(np.float32))

    def restore(self, kept: NDArray[np.uint32], idf: NDArray[np.float32]) -> Self:
        """Take over what an earlier `fit` learned."""
        self.kept_ = kept
        self.idf_ = idf
        self._index = index_of(kept, idf, self.section.buckets_log2)
        return self

    def transform(self, texts: Texts, asked: Asked) -> "csr_array":
        """Return one row per example, one column per kept feature; columns sorted in each row."""
        from scipy.sparse import csr_array, vstack

        corpus, recipe = self._corpus(texts, asked), self._recipe()
        width = len(self.kept_)

        def rows(first: int, stop: int) -> "csr_array":
            ends, indices, data = vectorise(corpus, recipe, self._index, first, stop)
            matrix = csr_array((data, indices, ends), shape=(stop - first, width))
            matrix.sort_indices()
            return matrix

        parts = parallel(len(asked), rows)
        if not parts:
            return csr_array((0, width), dtype=np.float32)
        matrix = csr_array(vstack(parts))
        if matrix.nnz < np.iinfo(np.int32).max:  # liblinear takes no wider index
            matrix.indptr = matrix.indptr.astype(np.int32)
            matrix.indices = matrix.indices.astype(np.int32)
        return matrix

    def score(
        self,
        texts: Texts,
        asked: Asked,
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        sentences: int = 0,
    ) -> Scores:
        """Score each example by `weights` (of `in_lanes`) and `bias` [labels] in one pass.

        `sentences`: how many sentences of the body to name as evidence for the best label.
        """
        count, labels = len(asked), len(bias)
        result = Scores(
            np.zeros((count, labels), np.float32),
            np.full((count, sentences, 2), -1, np.int32),
            np.zeros((count, sentences), np.float32),
        )
        corpus, recipe = self._corpus(texts, asked), self._recipe()

        def run(first: int, stop: int) -> None:
            score(
                corpus, recipe, self._index, weights, bias, first, stop,
                result.scores, result.spans, result.gains,
            )  # fmt: skip

        parallel(count, run, CHUNK)
        return result

    def _recipe(self) -> Recipe:
        shortest, longest = self.section.chars or (1, 0)
        return Recipe(
            sees_target=self.sees_target,
            words=self.section.words,
            shortest_chars=shortest,
            longest_chars=longest,
            window=self.section.target.window,
            show_mention=self.section.target.mention == "mark",
            shift=np.uint64(64 - self.section.buckets_log2),
            classes=characters.classes(),
            lower=characters.lower(),
            abbreviations=abbreviation_hashes(),
        )

    def _corpus(self, texts: Texts, asked: Asked) -> Corpus:
        if self.section.target.parts:
            asked = with_partial_mentions(texts, asked)
        return Corpus(
            texts.buffer,
            texts.offsets,
            texts.body,
            asked.text_of,
            asked.bounds,
            asked.mentions,
            asked.roles,
        )

"""Which texts are alike in their words: groups, and which text is most typical of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Enough to tell what texts are about; more buckets or dimensions only take more time.
BUCKETS: Final = 1 << 16
DIMENSIONS: Final = 64
# The beginning of a news text says what it is about.
CHARACTERS: Final = 4000


@dataclass(frozen=True)
class Groups:
    """Groups of n texts."""

    of: NDArray[np.int64]  # [n] the group of each text
    distance: NDArray[np.float64]  # [n] from the middle of its group


def group_texts(texts: Sequence[str], groups: int, seed: int) -> Groups:
    """Divide texts into at most so many groups of like words, by k-means.

    Latent semantic analysis of hashed words. Memory: 8 bytes a distinct word of a text.
    """
    from sklearn.cluster import KMeans

    if not texts:
        return Groups(np.zeros(0, np.int64), np.zeros(0))
    vectors = _vectors(texts, seed)
    distinct = len(np.unique(vectors.round(6), axis=0))
    count = min(groups, distinct)
    if count < 2:
        return Groups(np.zeros(len(texts), np.int64), np.zeros(len(texts)))
    model = KMeans(count, n_init=1, random_state=seed, max_iter=50).fit(vectors)
    apart = np.linalg.norm(vectors - model.cluster_centers_[model.labels_], axis=1)
    return Groups(model.labels_.astype(np.int64), apart)


def _vectors(texts: Sequence[str], seed: int) -> NDArray[np.float64]:
    """Return a vector of length 1 for each text (or 0 for one without words)."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
    from sklearn.preprocessing import normalize

    hashing = HashingVectorizer(n_features=BUCKETS, alternate_sign=False, norm=None)
    counts = hashing.transform(text[:CHARACTERS] for text in texts)
    counts.data = 1 + np.log(counts.data)
    weighed = TfidfTransformer().fit_transform(counts)
    used = np.flatnonzero(np.diff(weighed.tocsc().indptr))
    if min(len(texts), len(used)) <= DIMENSIONS:
        return np.asarray(weighed[:, used].toarray())
    reduced = TruncatedSVD(DIMENSIONS, random_state=seed).fit_transform(weighed[:, used])
    return np.asarray(normalize(reduced))

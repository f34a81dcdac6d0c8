"""Fit features on the training side of a task, and count them on train and dev."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config import NgramFeatures
from pipeline.features.ngram_features import NgramVectorizer
from pipeline.features.texts import Asked, Spans, Texts, about_targets, texts_of, whole_texts

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class FittedFeatures:
    """The features of one task's coded examples."""

    vectorizer: NgramVectorizer  # fitted on the train side alone
    matrix: "csr_array"  # [n, columns], in the order of the examples that were given


def fit_features(
    articles: pa.Table,
    examples: pa.Table,
    is_train: "pa.Array",
    section: NgramFeatures,
    *,
    sees_target: bool,
) -> FittedFeatures:
    """Fit on the examples where `is_train`, and transform them all.

    `articles` needs `id`, `title` and `text` and may hold more than the examples' articles;
    `examples` are of one task.
    """
    texts, asked = gather(articles, examples, sees_target=sees_target)
    train = np.flatnonzero(is_train.to_numpy(zero_copy_only=False))
    vectorizer = NgramVectorizer(section, sees_target=sees_target).fit(texts, asked.take(train))
    return FittedFeatures(vectorizer, vectorizer.transform(texts, asked))


def gather(articles: pa.Table, examples: pa.Table, *, sees_target: bool) -> tuple[Texts, Asked]:
    """Return the texts that the examples are about, and what is asked of them, in their order."""
    used = articles.filter(pc.is_in(articles["id"], examples["article_id"].combine_chunks()))
    text_of = pc.index_in(examples["article_id"], used["id"].combine_chunks())
    rows = text_of.to_numpy().astype(np.int64)
    texts = texts_of(used["title"], used["text"])
    if not sees_target:
        return texts, whole_texts(rows)
    targets, sources = _spans(examples["mentions"]), _spans(examples["source_mentions"])
    return texts, about_targets(texts, rows.tolist(), targets, sources)


def _spans(column: pa.ChunkedArray) -> list[Spans]:
    return [[(s["start"], s["end"]) for s in spans or ()] for spans in column.to_pylist()]

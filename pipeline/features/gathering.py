"""What is asked of the articles of a table of examples, as the features take it."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.features.texts import (
    Asked,
    Parties,
    Spans,
    Texts,
    about_targets,
    texts_of,
    whole_texts,
)


def gather(
    articles: pa.Table, examples: pa.Table, target_names: Mapping[str, str] | None
) -> tuple[Texts, Asked]:
    """Return the texts that the examples are about, and what is asked of them, in their order.

    `articles` needs `id`, `title` and `text` and may hold more than the examples' articles.
    `target_names` says how people write the targets, by what stands in the column `target`; one
    that it does not hold is its own name. None asks of the whole text.
    """
    used = articles.filter(pc.is_in(articles["id"], examples["article_id"].combine_chunks()))
    text_of = pc.index_in(examples["article_id"], used["id"].combine_chunks())
    rows = text_of.to_numpy().astype(np.int64)
    texts = texts_of(used["title"], used["text"])
    if target_names is None:
        return texts, whole_texts(rows)
    targets, sources = _spans(examples["mentions"]), _spans(examples["source_mentions"])
    who = zip(examples["target"].to_pylist(), examples["source_entity"].to_pylist(), strict=True)
    parties = [Parties(target_names.get(target, target), source) for target, source in who]
    return texts, about_targets(texts, rows.tolist(), targets, sources, parties)


def _spans(column: pa.ChunkedArray) -> list[Spans]:
    return [[(s["start"], s["end"]) for s in spans or ()] for spans in column.to_pylist()]

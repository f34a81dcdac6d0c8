"""Evidence where it stands in whole texts, boilerplate included."""

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.preparation import in_whole, pieces_of, put_together
from pipeline.records import PREDICTIONS


def in_whole_texts(predictions: pa.Table, articles: pa.Table) -> pa.Table:
    """Return the predictions of `articles` with their evidence as it stands in the whole texts.

    Models read the bodies. A sentence that runs over a piece that was set apart holds the piece.
    """
    count = pc.fill_null(pc.list_value_length(articles["set_apart"]), 0)
    cut = articles.filter(pc.greater(count, 0)).select(["id", "text", "set_apart"])
    if not len(cut):
        return predictions
    of_article = {row["id"]: (row["text"], pieces_of(row["set_apart"])) for row in cut.to_pylist()}
    evidence = predictions["evidence"].to_pylist()
    for article, sentences in zip(predictions["article_id"].to_pylist(), evidence, strict=True):
        if article in of_article and sentences:
            body, pieces = of_article[article]
            whole = put_together(body, pieces)
            spans = in_whole([(one["start"], one["end"]) for one in sentences], pieces)
            for sentence, (start, end) in zip(sentences, spans, strict=True):
                sentence |= {"start": start, "end": end, "text": whole[start:end]}
    at = predictions.schema.get_field_index("evidence")
    field = PREDICTIONS.field("evidence")
    return predictions.set_column(at, field, pa.array(evidence, field.type))

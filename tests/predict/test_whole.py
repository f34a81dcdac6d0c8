import pyarrow as pa

from pipeline.predict import in_whole_texts
from pipeline.preparation import cut_out
from pipeline.records import ARTICLES, PREDICTIONS

WHOLE = "VARN — Forty boats.\n\nShare\n\nThe levy stays."


def articles(*texts):
    rows = [
        {"id": f"a{place}", "text": body, "source": "x", "place": 1, "set_apart": pieces}
        for place, (body, pieces) in enumerate(texts)
    ]
    full = [dict.fromkeys(ARTICLES.names) | row for row in rows]
    return pa.Table.from_pylist(full, schema=ARTICLES)


def predictions(*evidence):
    rows = [
        {
            "article_id": article, "task": "topic", "abstained": False, "model_version": "m",
            "codebook_version": "c", "probabilities": [],
            "evidence": [
                {"start": start, "end": end, "text": "…", "score": 0.5} for start, end in spans
            ],
        }
        for article, spans in evidence
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=PREDICTIONS)


def test_evidence_moves_to_where_it_stands_in_the_whole_text():
    body, pieces = cut_out(WHOLE, [("dateline", 0, 7), ("share", 21, 28)])
    assert body == "Forty boats.\n\nThe levy stays."
    table = articles((body, [piece._asdict() for piece in pieces]), ("Forty boats.", []))
    found = in_whole_texts(predictions(("a0", [(0, 12), (14, 29)]), ("a1", [(0, 12)])), table)
    first, second = found["evidence"].to_pylist()
    assert [one["text"] for one in first] == ["Forty boats.", "The levy stays."]
    for one in first:
        assert WHOLE[one["start"] : one["end"]] == one["text"]
    assert (second[0]["start"], second[0]["end"]) == (0, 12)
    assert found.schema == PREDICTIONS


def test_texts_that_were_not_searched_cost_nothing():
    table, rows = articles(("Forty boats.", None)), predictions(("a0", [(0, 12)]))
    assert in_whole_texts(rows, table) is rows
    assert in_whole_texts(PREDICTIONS.empty_table(), ARTICLES.empty_table()).num_rows == 0

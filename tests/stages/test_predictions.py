import io
import json

import pytest

from pipeline.config import FileSource
from pipeline.stages.predictions import predict_sources


@pytest.mark.slow
def test_evidence_stands_in_the_text_as_the_row_has_it(tiny_bundle, tiny_articles, tmp_path):
    clean = tiny_articles["text"].to_pylist()
    untidy = [
        f"  {text.replace(' ', '   ')}\r\n\r\n\r\n\r\nCafe\u0301  👍 again." for text in clean
    ]
    rows = [
        {"id": f"{kind}-{place}", "text": text}
        for kind, texts in (("clean", clean), ("untidy", untidy))
        for place, text in enumerate(texts)
    ]
    source = tmp_path / "articles.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    output = tmp_path / "out.jsonl"
    predict_sources(
        tiny_bundle, [FileSource(path=str(source))], str(output), [], 2,
        stdin=io.BytesIO(), stdout=io.BytesIO(), progress=lambda _: None,
    )  # fmt: skip
    texts = {row["id"]: row["text"] for row in rows}
    pieces = [
        (row["article_id"], sentence)
        for row in map(json.loads, output.read_text("utf-8").splitlines())
        for sentence in row["evidence"]
    ]
    assert {article.partition("-")[0] for article, _ in pieces} == {"clean", "untidy"}
    for article, sentence in pieces:
        assert texts[article][sentence["start"] : sentence["end"]] == sentence["text"]

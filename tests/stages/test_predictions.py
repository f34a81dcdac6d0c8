import dataclasses
import io
import json
from unicodedata import normalize

import pyarrow.parquet as pq
import pytest

from pipeline.config import FileSource, PersonalData
from pipeline.preparation import Preparation
from pipeline.preparation.rules import packaged_rules
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


BOILERPLATE = "Read more: The Salt Pact and its friends"
PERSON = "Write to ada.wien@mail.example or call 030/901820."


def predicted(bundle, rows, folder, name="out.jsonl"):
    """Predict the rows with a bundle; the rows of the output."""
    source = folder / "articles.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    predict_sources(
        bundle, [FileSource(path=str(source))], str(folder / name), [], 3,
        stdin=io.BytesIO(), stdout=io.BytesIO(), progress=lambda _: None,
    )  # fmt: skip
    if name.endswith("parquet"):
        return pq.read_table(folder / name).to_pylist()
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("untidy", [False, True])
@pytest.mark.parametrize("masks", [(), tuple(PersonalData)])
def test_evidence_stands_in_the_rows_text_whatever_was_set_apart_or_masked(
    untidy, masks, tiny_bundle, tiny_articles, tmp_path
):
    texts = [
        f"VARN (Reuters) - {text}\n\n{BOILERPLATE}\n\n{PERSON} {text}\n\n© 2031 Harbour Post"
        for text in tiny_articles["text"].to_pylist()
    ]
    if untidy:
        texts = [f"  {text.replace(' ', '   ')}\r\n\r\n\r\nCafe\u0301  again." for text in texts]
    rows = [{"id": f"a{place}", "text": text} for place, text in enumerate(texts)]
    bundle = dataclasses.replace(
        tiny_bundle, preparation=Preparation("all", packaged_rules(), masks)
    )
    seen = 0
    for row in predicted(bundle, rows, tmp_path):
        text = texts[int(row["article_id"][1:])]
        for sentence in row["evidence"]:
            there = text[sentence["start"] : sentence["end"]]
            assert BOILERPLATE not in sentence["text"]
            assert "mail.example" not in sentence["text"] or not masks
            if masks and "ada.wien" in there:
                assert sentence["text"].startswith("Write to xxx.xxxx@xxxx.xxxxxxx or call 000/000")
                assert untidy or len(sentence["text"]) == len(there)
                seen += 1
            elif not masks:
                assert there == sentence["text"]
                seen += 1
            else:
                assert " ".join(normalize("NFC", there).split()) == sentence["text"]
    assert seen


@pytest.mark.slow
def test_a_model_reads_texts_as_those_that_it_learned_from(tiny_bundle, tiny_articles, tmp_path):
    texts = tiny_articles["text"].to_pylist()
    clean = [{"id": f"a{place}", "text": text} for place, text in enumerate(texts)]
    dirty = [row | {"text": f"{row['text']}\n\n{BOILERPLATE}"} for row in clean]
    preparing = dataclasses.replace(
        tiny_bundle, preparation=Preparation("all", packaged_rules(), ())
    )

    def answers(bundle, rows):
        found = predicted(bundle, rows, tmp_path)
        return [(row["article_id"], row["target"], row["probabilities"]) for row in found]

    assert answers(preparing, dirty) == answers(tiny_bundle, clean)
    assert answers(tiny_bundle, dirty) != answers(tiny_bundle, clean)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_each_prediction_says_where_its_article_is_from(name, tiny_bundle, tmp_path):
    texts = ["Rain is likely.", "The Salt Pact has brought orders. Prices fell."]
    rows = predicted(tiny_bundle, [{"text": text} for text in texts], tmp_path, name)
    assert {row["task"] for row in rows} == {"topic", "frames", "stance"}
    for row in rows:
        origin = row["provenance"]
        assert origin["digest"].startswith(row["article_id"])
        assert origin["source"].endswith("articles.jsonl")
        assert origin["place"] == (2 if row["task"] == "stance" else origin["place"])
        assert (origin["extractor"], origin["licence"]) == ("jsonl", None)
    assert {row["provenance"]["place"] for row in rows} == {1, 2}

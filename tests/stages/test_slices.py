"""What each example belongs to."""

import pyarrow as pa
import pytest

from pipeline.errors import DataError
from pipeline.records import ARTICLES, EXAMPLES, SCORED
from pipeline.stages.slices import NAMED, with_slices


def article(name: str, **given: object) -> dict[str, object]:
    blank = dict.fromkeys(ARTICLES.names)
    return blank | {"id": name, "text": "Words.", "source": "s", "place": 1} | given


def slices_of(articles, mentions=(), target=None, names=NAMED):
    scored = [
        dict.fromkeys(SCORED.names)
        | {"article_id": row["id"], "task": "stance", "target": target, "abstained": False}
        | {"model_version": "m", "codebook_version": "c", "side": "test", "story": "s", "gold": []}
        for row in articles
    ]
    examples = [
        dict.fromkeys(EXAMPLES.names)
        | {"example_id": row["id"], "article_id": row["id"], "task": "stance", "target": target}
        | {"mentions": [{"start": a, "end": b} for a, b in mentions], "coders": 1}
        for row in articles
    ]
    table = with_slices(
        pa.Table.from_pylist(scored, SCORED),
        pa.Table.from_pylist(articles, ARTICLES),
        pa.Table.from_pylist(examples, EXAMPLES),
        names,
    )
    assert table.schema == SCORED
    return [dict(row) for row in table["slices"].to_pylist()]


def test_spellings_of_an_outlet_are_one_slice_under_the_commonest():
    outlets = ["Harbour Post", "harbour post - opinion", "Harbour Post"]
    rows = [article(f"a{at}", outlet=name) for at, name in enumerate(outlets)]
    assert [row["outlet"] for row in slices_of(rows)] == ["Harbour Post"] * 3


@pytest.mark.parametrize(
    ("years", "period"),
    [((2031, 2032), "2031 Q2"), ((2030, 2031, 2032), "2031")],
)
def test_a_period_is_a_quarter_of_few_years_and_a_year_of_more(years, period):
    rows = [article(f"a{year}", published=f"{year}-06-01T10:00:00") for year in years]
    assert slices_of(rows)[years.index(2031)]["period"] == period


def test_length_counts_the_words_of_the_text():
    rows = [article("short", text="word " * 149), article("long", text="word " * 1000)]
    assert [row["length"] for row in slices_of(rows)] == ["under 150 words", "1,000 words and more"]


def test_voice_tells_whether_the_target_is_named_in_quotations():
    text = 'The Salt Pact holds. "The Salt Pact ruins us," he said.'
    spans = [(4, 13), (26, 35)]
    for mentions, voice in (
        (spans, "quoted and not"),
        (spans[:1], "not quoted"),
        (spans[1:], "quoted only"),
    ):
        found = slices_of([article("a", text=text)], mentions, target="salt-pact")
        assert found[0]["voice"] == voice
        assert found[0]["target"] == "salt-pact"


def test_any_field_of_the_rows_slices_and_what_is_missing_is_in_no_slice():
    rows = [article("a", extra='{"desk": "foreign"}'), article("b", published="in spring")]
    assert slices_of(rows, names=[*NAMED, "desk"]) == [
        {"desk": "foreign", "length": "under 150 words"},
        {"length": "under 150 words"},
    ]


def test_a_field_that_no_row_has_is_refused_with_what_may_be_meant():
    with pytest.raises(DataError, match=r"no row has a field 'desc' \(did you mean 'desk'\?\)"):
        slices_of([article("a", extra='{"desk": "foreign"}')], names=["desc"])

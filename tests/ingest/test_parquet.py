import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import DataError


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.string_view()],
)
def test_every_kind_of_text_column_is_read(kind: pa.DataType, read, tmp_path) -> None:
    texts = pa.array(["one", None, "  ", "zwei"])
    text = texts.dictionary_encode() if pa.types.is_dictionary(kind) else texts.cast(kind)
    pq.write_table(pa.table({"id": [1, 2, 3, 4], "text": text}), tmp_path / "a.parquet")

    result = read("a.parquet")

    assert [(row["id"], row["text"], row["place"]) for row in result.rows] == [
        ("1", "one", 1), ("4", "zwei", 4),
    ]  # fmt: skip
    assert result.reasons == [(2, "'text' is null"), (3, "'text' is blank")]
    assert result.rejects[0].row == '{"id":2,"text":null}'


def test_values_that_json_cannot_hold_are_kept_as_text(read, tmp_path) -> None:
    table = pa.table(
        {
            "text": ["t"],
            "published": pa.array([datetime.date(2031, 4, 17)]),
            "price": pa.array([Decimal("1.50")]),
            "seen": pa.array([datetime.datetime(2031, 4, 17, 10, 0)]),
            "raw": pa.array([b"\xff"]),
            "scores": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")

    (row,) = read("a.parquet").rows

    assert row["published"] == "2031-04-17"
    assert row["extra"] == (
        '{"price":"1.50","raw":"b\'\\\\xff\'","scores":[["a",1]],"seen":"2031-04-17T10:00:00"}'
    )


def test_a_title_column_of_missing_numbers_counts_as_missing(read, tmp_path) -> None:
    table = pa.table({"text": ["t"], "title": [float("nan")], "outlet": pa.array([None])})
    pq.write_table(table, tmp_path / "a.parquet")

    (row,) = read("a.parquet").rows

    assert (row["title"], row["outlet"]) == (None, None)


def test_rows_that_are_not_utf8_are_rejected_alone(read, tmp_path) -> None:
    text = pa.array([b"one", b"caf\xe9", b"three"]).view(pa.string())
    pq.write_table(pa.table({"text": text}), tmp_path / "a.parquet")

    result = read("a.parquet")

    assert result.texts == ["one", "three"]
    assert result.reasons == [(2, "'text' holds bytes that are not UTF-8 (from byte 4 on)")]


def test_places_run_on_over_row_groups(read, tmp_path) -> None:
    texts = [f"text {number}" for number in range(600)]
    pq.write_table(
        pa.table({"text": texts, "n": range(600)}), tmp_path / "a.parquet", row_group_size=70
    )

    rows = read("a.parquet", keep_extra=False).rows

    assert [(row["text"], row["place"]) for row in rows] == [
        (text, place) for place, text in enumerate(texts, start=1)
    ]
    assert {row["extra"] for row in rows} == {None}


def test_a_file_without_the_text_column_says_what_it_has(read, tmp_path) -> None:
    pq.write_table(pa.table({"body": ["t"]}), tmp_path / "a.parquet")

    assert read("a.parquet", keep_extra=False).reasons == [(1, "no 'text'; the row has 'body'")]


def test_a_file_that_is_no_parquet_is_an_error_when_named_alone(read, tmp_path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 not really")

    with pytest.raises(DataError, match=r"/a\.parquet: cannot be read \("):
        read("a.parquet")

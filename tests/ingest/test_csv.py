import csv

import pytest

from pipeline.errors import DataError
from pipeline.ingest import streams

HINT = "; if the file is in another character set, set the source's encoding, or --encoding"


def test_quotes_commas_and_line_ends_inside_fields(read, tmp_path) -> None:
    rows = [
        {"id": "1", "text": 'He said "no",\nthen left.', "label": ""},
        {"id": "2", "text": "Straße\r\n\r\nzwei", "label": "a;b"},
        {"id": "3", "text": "last", "label": "x"},
    ]
    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8-sig") as stream:
        writer = csv.DictWriter(stream, ["id", "text", "label"])
        writer.writeheader()
        writer.writerows(rows)

    result = read("a.csv")

    assert result.texts == ['He said "no",\nthen left.', "Straße\n\nzwei", "last"]
    assert [row["place"] for row in result.rows] == [2, 4, 7]
    assert [row["extra"] for row in result.rows] == [
        '{"label":""}', '{"label":"a;b"}', '{"label":"x"}',
    ]  # fmt: skip
    assert result.rejects == []


def test_rows_of_another_length_are_rejected_and_blank_lines_skipped(read, tmp_path) -> None:
    (tmp_path / "a.csv").write_text("\nid,text,outlet\n1,one,x\n\n2,two\n \n3,three,x,y\n4,four,\n")

    result = read("a.csv")

    assert result.texts == ["one", "four"]
    assert result.reasons == [
        (5, "2 cells where the header has 3"),
        (7, "4 cells where the header has 3"),
    ]
    assert [reject.row for reject in result.rejects] == ["2,two", "3,three,x,y"]


def test_bytes_that_are_not_utf8_spoil_their_record_only(read, tmp_path) -> None:
    (tmp_path / "a.csv").write_bytes(b'id,text\n1,caf\xe9\n2,"two\n\xff lines"\n3,good\n')

    result = read("a.csv")

    assert result.texts == ["good"]
    assert result.reasons == [
        (2, "bytes that are not UTF-8 (from byte 6 on)" + HINT),
        (3, "bytes that are not UTF-8 (from byte 1 on)" + HINT),
    ]


def test_stray_quotes_are_rejected_with_the_lines_that_they_cost(read, tmp_path) -> None:
    (tmp_path / "a.csv").write_text(
        'id,text\n1,"a" b\n2,good\n3,"opened\n4,swallowed\n5,"closed"\n6,also good\n'
        '7,"never closed\n'
    )

    result = read("a.csv")

    assert result.texts == ["good", "also good"]
    assert [place for place, _ in result.reasons] == [2, 4, 8]
    assert result.reasons[0][1].startswith("not valid CSV (")
    assert result.reasons[1][1].startswith("not valid CSV from here to line 6, all of which is")
    assert result.rejects[1].row == '3,"opened\n4,swallowed\n5,"closed"'


def test_a_field_may_be_larger_than_the_csv_module_allows_by_itself(read, tmp_path) -> None:
    (tmp_path / "a.csv").write_text(f"text\n{'x' * 200_000}\n")

    assert read("a.csv").texts == ["x" * 200_000]


def test_an_overlong_line_is_rejected_and_the_next_read(read, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(streams.lines, "__defaults__", (1000,))
    (tmp_path / "a.csv").write_text(f"id,text\n1,{'x' * 2000}\n2,good\n")

    result = read("a.csv")

    assert result.texts == ["good"]
    assert result.reasons == [(2, "the line is longer than 64 MB")]


def test_tabs_and_semicolons_divide_cells(read, tmp_path) -> None:
    (tmp_path / "a.tsv").write_text("id\ttext\n1\tone, two; three\n")
    (tmp_path / "b.csv").write_text("id;text\n2;3,5 Prozent\n")

    assert read("a.tsv", "b.csv").texts == ["one, two; three", "3,5 Prozent"]


def test_a_file_without_the_text_column_says_what_it_has(read, tmp_path) -> None:
    (tmp_path / "a.csv").write_text("id,headline\n1,H\n")

    assert read("a.csv").reasons == [(2, "no 'text'; the row has 'id', 'headline'")]


@pytest.mark.parametrize("content", ["", "\n\n", "id,text\n"])
def test_a_table_without_rows_has_no_articles(content: str, read, tmp_path) -> None:
    (tmp_path / "a.csv").write_text(content)

    result = read("a.csv")

    assert (result.rows, result.rejects) == ([], [])


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"id,text,id\n", "names the column 'id' more than once"),
        (b"id,t\xe9xt\n", "the header cannot be read: bytes that are not UTF-8"),
        (b'id,"text\n', "the header is not valid CSV"),
    ],
)
def test_a_broken_header_is_an_error(header: bytes, message: str, read, tmp_path) -> None:
    (tmp_path / "a.csv").write_bytes(header + b"1,one,x\n")

    with pytest.raises(DataError, match=message):
        read("a.csv")

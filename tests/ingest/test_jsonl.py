import hashlib
import io
import json
from pathlib import Path

import orjson
import pytest

from pipeline import config, ingest
from pipeline.errors import DataError
from pipeline.ingest import streams

HINT = "; if the file is in another character set, set the source's encoding, or --encoding"


def write(path: Path, *lines: bytes | str | dict) -> None:
    encoded = [
        line
        if isinstance(line, bytes)
        else (line if isinstance(line, str) else json.dumps(line)).encode()
        for line in lines
    ]
    path.write_bytes(b"\n".join(encoded) + b"\n")


def test_a_row_becomes_an_article_with_every_field(read, tmp_path) -> None:
    write(
        tmp_path / "a.jsonl",
        {
            "id": "x1", "title": " Not a  threat ", "text": "Line one.\r\n\r\nLine two.",
            "outlet": "The Courier", "published": "April 17, 2031", "url": "https://x.example",
            "language": "en", "split": "validation", "zeta": [1, {"b": None}], "alpha": "é",
        },
    )  # fmt: skip

    (row,) = read("a.jsonl").rows

    assert row == {
        "id": "x1", "title": "Not a threat", "text": "Line one.\n\nLine two.",
        "outlet": "The Courier", "published": "2031-04-17", "url": "https://x.example",
        "language": "en", "given_split": "dev", "source": "a.jsonl", "place": 1,
        "extra": '{"alpha":"é","zeta":[1,{"b":null}]}', "story": None,
        "language_from": "declared", "extractor": "jsonl", "licence": None, "set_apart": None,
        "digest": hashlib.sha256(b"Not a threat\0Line one.\n\nLine two.").hexdigest(),
    }  # fmt: skip


def test_missing_and_blank_fields_are_null(read, tmp_path) -> None:
    write(tmp_path / "a.jsonl", {"text": "t", "title": " \u00a0", "outlet": "", "language": None})

    (row,) = read("a.jsonl").rows

    assert {row[name] for name in ("title", "outlet", "published", "url", "language")} == {None}
    assert row["extra"] == "{}"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"id": "a"}', "no 'text'; the row has 'id'"),
        ("{}", "no 'text'; the row has no fields"),
        ('{"text": null}', "'text' is null"),
        ('{"text": ""}', "'text' is blank"),
        ('{"text": " \\n\\u00a0\\t\\u2003"}', "'text' is blank"),
        ('{"text": "\\u200b \\u00a0\\u2060\\ufe0f\\u3164"}', "'text' is blank"),
        ('{"text": 12}', "'text' is a number; it must be text"),
        ('{"text": "t", "title": ["a"]}', "'title' is a list; it must be text"),
        ('{"text": "t", "outlet": {"a": 1}}', "'outlet' is an object; it must be text"),
        ('{"text": "t", "url": true}', "'url' is true or false; it must be text"),
        ('{"text": "t", "id": 1.5}', "'id' is a number with a fraction; it must be text"),
        ('{"text": "t", "id": false}', "'id' is true or false; it must be text"),
        ('{"text": "t", "published": [1]}', "'published' is a list; it must be text"),
        ('{"text": "a\\u0000b"}', "'text' holds a NUL character"),
        ('{"text": "t", "title": "\\u0000"}', "'title' holds a NUL character"),
        ('{"text": "t", "id": "\\u0000"}', "'id' holds a NUL character"),
        ('["text"]', "not a JSON object"),
        ('"text"', "not a JSON object"),
        (b'{"text": "caf\xe9"}', "bytes that are not UTF-8 (from byte 14 on)" + HINT),
    ],
)  # fmt: skip
def test_a_bad_line_is_rejected_with_its_reason_and_the_next_is_read(
    line: str | bytes, reason: str, read, tmp_path
) -> None:
    write(tmp_path / "a.jsonl", "", line, {"text": "good"})

    result = read("a.jsonl")

    assert result.texts == ["good"]
    (reject,) = result.rejects
    assert (reject.source, reject.place, reject.reason) == ("a.jsonl", 2, reason)
    shown = line.decode(errors="replace") if isinstance(line, bytes) else line
    assert reject.row == shown
    assert orjson.loads(orjson.dumps(reject.as_dict())) == {
        "source": "a.jsonl", "place": 2, "reason": reason, "row": shown, "kind": "unreadable",
    }  # fmt: skip


@pytest.mark.parametrize(
    "line", ['{"text": "\\ud800"}', '{"text"', "[" * 5000, '{"text": NaN}', "\0"]
)
def test_json_that_breaks_parsers_is_only_rejected(line: str, read, tmp_path) -> None:
    write(tmp_path / "a.jsonl", line, {"text": "good"})

    result = read("a.jsonl")

    assert result.texts == ["good"]
    assert result.reasons[0][1].startswith("broken JSON at column ")


def test_the_column_of_broken_json_is_named(read, tmp_path) -> None:
    write(tmp_path / "a.jsonl", '{"text": oops}')

    assert read("a.jsonl").reasons[0][1].startswith("broken JSON at column 10: ")


def test_places_are_physical_lines_and_blank_lines_are_neither_article_nor_reject(
    read, tmp_path
) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "one"}\r\n\r\n \t\n{"text": "two"}')

    result = read("a.jsonl")

    assert [row["place"] for row in result.rows] == [1, 4]
    assert result.rejects == []


def test_a_reject_shows_200_characters_of_whole_letters(read, tmp_path) -> None:
    write(tmp_path / "a.jsonl", "✓" * 1000)

    assert read("a.jsonl").rejects[0].row == "✓" * 200


def test_an_overlong_line_is_rejected_without_being_kept(read, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(streams.lines, "__defaults__", (1000,))
    write(tmp_path / "a.jsonl", {"text": "x" * 2000}, {"text": "good"})

    result = read("a.jsonl")

    assert result.texts == ["good"]
    assert result.reasons == [(1, "the line is longer than 64 MB")]
    assert len(result.rejects[0].row) == 200


def test_a_second_article_of_one_id_is_rejected_over_all_sources(read, tmp_path) -> None:
    write(tmp_path / "a.jsonl", {"id": 7, "text": "one"}, {"id": "8", "text": "two"})
    write(tmp_path / "b.jsonl", {"id": " 7 ", "text": "three"}, {"id": 9, "text": "four"})

    result = read("a.jsonl", "b.jsonl")

    assert [row["id"] for row in result.rows] == ["7", "8", "9"]
    assert result.reasons == [(1, "the id '7' occurred before")]


def test_the_id_of_a_rejected_row_is_free(read, tmp_path) -> None:
    write(tmp_path / "a.jsonl", {"id": "a"}, {"id": "a", "text": "good"})

    assert read("a.jsonl").texts == ["good"]


def test_an_id_made_from_content_is_the_same_in_every_file(read, tmp_path) -> None:
    write(tmp_path / "a.jsonl", {"title": "T", "text": "one"}, {"id": "", "text": "one"})
    write(tmp_path / "b.jsonl", {"title": " T", "text": "one "}, {"id": None, "text": "two"})

    result = read("a.jsonl", "b.jsonl")

    # printf 'T\0one' | sha256sum
    assert result.rows[0]["id"] == "6485360b545a9eda"
    assert [row["text"] for row in result.rows] == ["one", "one", "two"]
    assert result.reasons == [(1, "the same text as the article with the id '6485360b545a9eda'")]


def test_copies_at_another_outlet_or_address_are_articles_of_their_own(read, tmp_path) -> None:
    places = [
        {"outlet": "Post"},
        {"outlet": "Echo"},
        {"outlet": "Echo", "url": "https://e.example"},
    ]
    write(tmp_path / "a.jsonl", *({"text": "one", **place} for place in [*places, *places]))

    result = read("a.jsonl", max_rejects=0)

    ids = [row["id"] for row in result.rows]
    assert len(set(ids)) == len(ids) == 3
    assert result.reasons == [
        (line, f"the same text as the article with the id '{ids[0]}'") for line in (4, 5, 6)
    ]


@pytest.mark.parametrize(
    ("value", "side", "extra"),
    [
        ("train", "train", "{}"),
        ("Training", "train", "{}"),
        ("valid", "dev", "{}"),
        ("val", "dev", "{}"),
        ("testing", "test", "{}"),
        ("test_mt", "test_mt", "{}"),
        ("fold 3", None, '{"split":"fold 3"}'),
        (3, None, '{"split":3}'),
    ],
)
def test_a_row_names_its_side_or_the_value_stays_in_extra(
    value, side, extra, read, tmp_path
) -> None:
    write(tmp_path / "a.jsonl", {"text": "t", "split": value})

    (row,) = read("a.jsonl").rows

    assert (row["given_split"], row["extra"]) == (side, extra)


def test_the_side_of_the_source_goes_before_the_side_of_the_row(read, tmp_path) -> None:
    write(tmp_path / "a.jsonl", {"text": "t", "split": "train"})

    (row,) = read({"path": "a.jsonl", "split": "test_b"}).rows

    assert (row["given_split"], row["extra"]) == ("test_b", '{"split":"train"}')


def test_fields_can_have_other_names(read, tmp_path) -> None:
    write(tmp_path / "a.jsonl", {"headline": "H", "body": "B", "title": "kept", "nr": 3})

    (row,) = read("a.jsonl", fields={"title": "headline", "text": "body", "id": "nr"}).rows

    assert (row["id"], row["title"], row["text"]) == ("3", "H", "B")
    assert row["extra"] == '{"title":"kept"}'


def test_extra_is_null_where_it_is_not_wanted(read, tmp_path) -> None:
    write(tmp_path / "a.jsonl", {"text": "t", "label": "x"})

    assert read("a.jsonl", keep_extra=False).rows[0]["extra"] is None


def test_a_year_or_a_compact_date_as_a_number_is_a_date(read, tmp_path) -> None:
    write(tmp_path / "a.jsonl", *({"id": n, "text": "t", "published": n} for n in (20310417, 2031)))

    assert [row["published"] for row in read("a.jsonl").rows] == ["2031-04-17", "2031"]


def test_huge_emoji_and_right_to_left_texts_come_through(read, tmp_path) -> None:
    texts = ["x" * 3_000_000, "👩‍👧🇫🇷" * 10, "ليس الحلف تهديدًا لأحد", "y" * 7_000_000, "z"]
    write(tmp_path / "a.jsonl", *({"text": text} for text in texts))

    assert read("a.jsonl").texts == texts


def test_batches_hold_at_most_2000_rows_in_their_order(tmp_path) -> None:
    write(
        tmp_path / "a.jsonl", *({"id": n, "text": "t"} if n % 5 else {"id": n} for n in range(4500))
    )
    section = config.Ingest.model_validate({"root": tmp_path, "sources": [{"path": "a.jsonl"}]})

    batches = list(ingest.read_sources(section))

    assert [len(batch.articles) + len(batch.rejects) for batch in batches] == [2000, 2000, 500]
    places = [place for batch in batches for place in batch.articles["place"].to_pylist()]
    assert places == [n + 1 for n in range(4500) if n % 5]


def test_standard_input_is_read_as_jsonl(read) -> None:
    result = read("-", stdin=io.BytesIO(b'{"text": "one"}\n{"text": 2}\n{"text": "three"}'))

    assert [(row["source"], row["place"], row["text"]) for row in result.rows] == [
        ("-", 1, "one"), ("-", 3, "three"),
    ]  # fmt: skip
    assert [reject.source for reject in result.rejects] == ["-"]


def test_standard_input_that_is_not_there_or_not_lines_is_an_error(read) -> None:
    with pytest.raises(DataError, match=r"^-: there is no standard input"):
        read("-")
    with pytest.raises(DataError, match=r"^-: standard input cannot be read as parquet"):
        read({"path": "-", "format": "parquet"}, stdin=io.BytesIO(b""))


def test_a_json_file_may_be_one_array(read, tmp_path) -> None:
    (tmp_path / "a.json").write_text(' [{"text": "one"},\n 5,\n {"text": "two"}]')
    (tmp_path / "b.json").write_text('{"text": "three"}\n{"text": "four"}\n')

    result = read("a.json", "b.json")

    assert [(row["text"], row["place"]) for row in result.rows] == [
        ("one", 1), ("two", 3), ("three", 1), ("four", 2),
    ]  # fmt: skip
    assert result.reasons == [(2, "not a JSON object")]


def test_an_empty_file_has_no_articles_and_no_rejects(read, tmp_path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"")

    result = read("a.jsonl")

    assert (result.rows, result.rejects) == ([], [])


def test_rejects_up_to_the_limit_are_let_pass(read, tmp_path) -> None:
    write(tmp_path / "a.jsonl", "{", "{", {"text": "good"})

    assert len(read("a.jsonl", max_rejects=2).rejects) == 2


def test_one_reject_too_many_stops_after_everything_so_far_was_yielded(tmp_path) -> None:
    write(tmp_path / "a.jsonl", {"text": "good"}, "[]", "{", "{", {"text": "not reached"})
    section = config.Ingest.model_validate(
        {"root": tmp_path, "sources": [{"path": "a.jsonl"}], "max_rejects": 1}
    )
    batches = ingest.read_sources(section)

    first = next(batches)
    with pytest.raises(DataError) as raised:
        next(batches)

    assert first.articles["text"].to_pylist() == ["good"]
    assert [reject.place for reject in first.rejects] == [2, 3]
    assert str(raised.value) == (
        "2 rows cannot be read, more than ingest.max_rejects allows (1); the first is a.jsonl:2: "
        "not a JSON object; mend the rows or raise ingest.max_rejects"
    )


def test_two_readings_are_equal(read, tmp_path) -> None:
    write(tmp_path / "a.jsonl", {"b": 1, "a": 2, "text": "t"}, {"text": "t"}, "{")

    one, two = read("a.jsonl"), read("a.jsonl")

    assert (one.rows, one.rejects) == (two.rows, two.rejects)

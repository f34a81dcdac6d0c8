"""What becomes of texts between their source and the table of articles."""

import hashlib
import json

import pytest

from pipeline.preparation import pieces_of, put_together

TEXT = "The council met at noon.\n\nRead more: Salt and its friends\n\nThe levy stays."
BODY = "The council met at noon.\n\nThe levy stays."
PAGE = (
    "<html><head><title>The levy stays</title></head><body><article><h1>The levy stays</h1>"
    "<p>The council of the islands met in the customs house of Varn at noon on Friday.</p>"
    "<p>Read more: Salt and its friends</p>"
    "<p>Nobody spoke against the levy on salt, and the ferries sailed for Pellow at four.</p>"
    "</article></body></html>"
)


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_boilerplate_of_pages_is_kept_apart_from_the_body(read, tmp_path):
    (tmp_path / "a.html").write_text(PAGE)
    (row,) = read("a.html").rows
    assert "Salt and its friends" not in row["text"]
    assert "met in the customs house" in row["text"]
    assert [piece["rule"] for piece in row["set_apart"]] == ["read-more"]
    (plain,) = read("a.html", boilerplate={"texts": "none"}).rows
    assert put_together(row["text"], pieces_of(row["set_apart"])) == plain["text"]
    assert plain["set_apart"] is None
    assert (plain["id"], plain["digest"]) == (row["id"], row["digest"])


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_rows_are_taken_as_they_are_unless_asked(read, tmp_path, name):
    if name == "a.csv":
        (tmp_path / name).write_text(f'id,text\na,"{TEXT}"\nb,"Forty boats."\n')
    else:
        write(tmp_path / name, {"id": "a", "text": TEXT}, {"id": "b", "text": "Forty boats."})
    assert [(row["text"], row["set_apart"]) for row in read(name).rows] == [
        (TEXT, None), ("Forty boats.", None),
    ]  # fmt: skip
    piece = {"rule": "read-more", "start": 26, "text": "Read more: Salt and its friends\n\n"}
    assert [
        (row["text"], row["set_apart"]) for row in read(name, boilerplate={"texts": "all"}).rows
    ] == [(BODY, [piece]), ("Forty boats.", [])]


def test_personal_data_is_masked_in_title_text_address_and_other_fields(read, tmp_path):
    row = {
        "id": "ada@x.example", "title": "Ask @ada", "text": "Write to ada@x.example or @ada.",
        "url": "https://x.example/a?user=ada", "outlet": "@bote",
        "author": {"mail": "ada@x.example"},
    }  # fmt: skip
    write(tmp_path / "a.jsonl", row)
    (found,) = read("a.jsonl", mask=["email", "handle", "url"]).rows
    assert (found["title"], found["text"]) == ("Ask @xxx", "Write to xxx@x.xxxxxxx or @xxx.")
    assert found["url"] == "https://x.example/a?user=xxx"
    assert found["extra"] == '{"author":{"mail":"xxx@x.xxxxxxx"}}'
    assert (found["id"], found["outlet"]) == ("ada@x.example", "@bote")


def test_rejects_show_no_personal_data_either(read, tmp_path):
    write(tmp_path / "a.jsonl", {"body": "Write to ada@x.example."}, {"text": "good"})
    assert read("a.jsonl", mask=["email"]).rejects[0].row == '{"body": "Write to xxx@x.xxxxxxx."}'


@pytest.mark.parametrize("before", range(150, 200, 7))
def test_an_address_that_the_end_of_a_rejects_row_cuts_is_masked(read, tmp_path, before):
    row = {"body": "é" * before + " ada.wien@harbour-post.example"}
    (tmp_path / "a.jsonl").write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
    (reject,) = read("a.jsonl", mask=["email"]).rejects
    assert len(reject.row) == 200 or before < 160
    assert not set("dawienhrbou") & set(reject.row.removeprefix('{"body": "').lstrip("é"))


def test_an_article_knows_where_it_is_from(read, tmp_path):
    write(tmp_path / "a.jsonl", {"title": " T ", "text": "One.  Two.\r\n"}, {"text": "One."})
    (tmp_path / "b.html").write_text(PAGE)
    rows = read({"path": "a.jsonl", "licence": "CC BY 4.0"}, "b.html").rows
    assert [(row["source"], row["place"], row["licence"]) for row in rows] == [
        ("a.jsonl", 1, "CC BY 4.0"), ("a.jsonl", 2, "CC BY 4.0"), ("b.html", 1, None),
    ]  # fmt: skip
    assert [row["extractor"].split(" ")[0] for row in rows] == ["jsonl", "jsonl", "trafilatura"]
    assert rows[2]["extractor"].split(" ")[1][0].isdigit()
    assert rows[0]["digest"] == hashlib.sha256(b"T\0One. Two.").hexdigest()
    assert rows[1]["digest"] == hashlib.sha256(b"\0One.").hexdigest()
    assert rows[1]["digest"].startswith(rows[1]["id"])

import pytest

HINT = "; if the file is in another character set, set the source's encoding, or --encoding"

LONG = "A long paragraph." * 20
BODY = (
    "<p>Der Bund ist keine Bedrohung für die Straße von Varn, sagte die Ministerin am Abend.</p>"
    "<p>Die Fischer von Pellow glauben das nicht, und sie haben elf Einschläge gezählt.</p>"
)


def page(charset: str = "utf-8", head: str = "") -> bytes:
    return (
        f'<!doctype html><html lang="de"><head><meta charset="{charset}">'
        f"<title>Elf Einschläge – Anseler Bote</title>{head}</head><body><nav>Start | Sport</nav>"
        f"<article><h1>Elf Einschläge</h1>{BODY}</article><footer>Impressum</footer></body></html>"
    ).encode("utf-8" if charset == "utf-8" else "cp1252")


META = (
    '<meta property="og:site_name" content="Anseler Bote">'
    '<meta property="og:title" content="Elf Einschläge">'
    '<meta property="article:published_time" content="2031-04-17T10:00:00Z">'
    '<meta name="author" content="Ada Wien">'
    '<link rel="canonical" href="https://bote.example/elf">'
)


def test_a_page_gives_main_text_and_metadata(read, tmp_path) -> None:
    (tmp_path / "a.html").write_bytes(page(head=META))

    (row,) = read("a.html").rows

    assert "keine Bedrohung für die Straße" in row["text"]
    assert "elf Einschläge gezählt" in row["text"]
    assert "Impressum" not in row["text"]
    assert (row["title"], row["outlet"]) == ("Elf Einschläge", "Anseler Bote")
    assert (row["published"], row["language"]) == ("2031-04-17", "de")
    assert (row["url"], row["place"]) == ("https://bote.example/elf", 1)
    assert '"author":"Ada Wien"' in row["extra"]


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1252"])
def test_a_page_is_read_in_the_character_set_that_it_declares(charset: str, read, tmp_path) -> None:
    (tmp_path / "a.htm").write_bytes(page(charset))

    assert "keine Bedrohung für die Straße" in read("a.htm").texts[0]


def test_a_page_with_a_wrong_declaration_is_still_utf8(read, tmp_path) -> None:
    content = page().replace(b'charset="utf-8"', b'charset="iso-8859-1"')
    (tmp_path / "a.html").write_bytes(content)

    assert "keine Bedrohung für die Straße" in read("a.html").texts[0]


def test_a_page_of_xhtml_is_read(read, tmp_path) -> None:
    head = (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html PUBLIC '
        '"-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\n'
    )
    content = page(head=META.replace('">', '"/>')).replace(b"<!doctype html>", head.encode())
    (tmp_path / "a.xhtml").write_bytes(content)

    (row,) = read("a.xhtml").rows

    assert (row["title"], row["outlet"]) == ("Elf Einschläge", "Anseler Bote")
    assert "keine Bedrohung für die Straße" in row["text"]


def test_the_character_set_that_the_source_names_is_that_of_its_pages(read, tmp_path) -> None:
    content = page("iso-8859-1").replace(b'<meta charset="iso-8859-1">', b"")
    (tmp_path / "a.html").write_bytes(content.replace("ß".encode("cp1252"), b"\xc6"))

    (row,) = read({"path": "a.html", "encoding": "koi8-r"}).rows

    assert "Straф" in row["text"]


def test_fields_of_other_names_do_not_matter_to_pages(read, tmp_path) -> None:
    (tmp_path / "a.html").write_bytes(page())

    (row,) = read("a.html", fields={"text": "body", "title": "headline"}).rows

    assert "keine Bedrohung" in row["text"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not an HTML page"),
        (b"\x00\x01\x02", "not an HTML page"),
        (b"<html><body></body></html>", "no main text was found in the page"),
        (b"<html>" + b"<div>" * 20_000, None),
    ],
)
def test_a_page_without_a_text_is_rejected(
    content: bytes, reason: str | None, read, tmp_path
) -> None:
    (tmp_path / "a.html").write_bytes(content)

    result = read("a.html")

    assert result.rows == []
    assert [place for place, _ in result.reasons] == [1]
    assert reason is None or result.reasons[0][1] == reason


@pytest.mark.parametrize(
    ("content", "title", "text"),
    [
        ("A title\n\nThe text.\n\nMore.", "A title", "The text.\n\nMore."),
        ("\ufeff\n# A title\r\n\r\nThe text.", "A title", "The text."),
        ("A line\nThe next line.\n\nMore.", None, "A line\nThe next line.\n\nMore."),
        ("Only a line\n\n", None, "Only a line"),
        (f"{LONG}\n\nMore.", None, f"{LONG}\n\nMore."),
    ],
)  # fmt: skip
def test_the_first_line_is_the_title_if_an_empty_line_follows(
    content: str, title: str | None, text: str, read, tmp_path
) -> None:
    (tmp_path / "a.md").write_bytes(content.encode())

    (row,) = read("a.md").rows

    assert (row["title"], row["text"], row["place"]) == (title, text, 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "'text' is blank"),
        (b" \n\n ", "'text' is blank"),
        (b"caf\xe9", "bytes that are not UTF-8 (from byte 4 on)" + HINT),
        (b"a\0b", "'text' holds a NUL character"),
    ],
)
def test_a_text_file_that_cannot_be_read_is_rejected(content, reason, read, tmp_path) -> None:
    (tmp_path / "a.txt").write_bytes(content)

    assert read("a.txt").reasons == [(1, reason)]

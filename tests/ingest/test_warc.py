import gzip
import zlib
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import DataError

PAGE = (
    "<html lang='de'><head><title>Elf Fähren</title></head><body><article><h1>Elf Fähren</h1>"
    "<p>Die Fähren von Pellow fahren wieder, sagte die Ministerin am Abend im Hafen.</p>"
    "<p>Die Fischer glauben das nicht, und sie haben elf Boote gezählt.</p></article></body></html>"
)


NOT_PACKED = "its body is not packed as its Content-Encoding says"
UNKNOWN = "its Content-Encoding cannot be read:"
LARGE = "the page is larger than 16 MB"


def record(
    body: bytes = PAGE.encode(),
    *,
    kind: str = "response",
    url: str = "https://bote.example/elf",
    http: str = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n",
    length: int | None = None,
) -> bytes:
    block = http.encode() + b"\r\n" + body if kind == "response" else body
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\n"
        "WARC-Date: 2031-04-17T10:00:00Z\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
        f"Content-Type: application/http; msgtype={kind}\r\n"
        f"Content-Length: {len(block) if length is None else length}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def html(*headers: str) -> str:
    return "".join(f"{one}\r\n" for one in ("HTTP/1.1 200 OK", "Content-Type: text/html", *headers))


def test_pages_are_read_with_the_address_and_the_time_of_their_record(read, tmp_path) -> None:
    (tmp_path / "a.warc").write_bytes(record(kind="warcinfo", body=b"") + record())

    (row,) = read("a.warc").rows

    assert "Die Fischer glauben das nicht" in row["text"]
    assert (row["title"], row["language"], row["place"]) == ("Elf Fähren", "de", 2)
    assert row["url"] == "https://bote.example/elf"
    assert row["published"] == "2031-04-17T10:00:00+00:00"
    assert row["extra"] == '{"captured":"2031-04-17T10:00:00+00:00"}'


def test_what_the_page_says_of_itself_goes_before_its_record(read, tmp_path) -> None:
    meta = (
        '<meta property="article:published_time" content="2031-04-16">'
        '<link rel="canonical" href="https://bote.example/elf-faehren">'
    )
    (tmp_path / "a.warc").write_bytes(record(PAGE.replace("<head>", f"<head>{meta}").encode()))

    (row,) = read("a.warc").rows

    assert (row["published"], row["url"]) == ("2031-04-16", "https://bote.example/elf-faehren")
    assert "2031-04-17" in row["extra"]


def test_only_html_responses_with_the_status_200_are_pages(read, tmp_path) -> None:
    (tmp_path / "a.warc.gz").write_bytes(
        b"".join(
            gzip.compress(one)  # each record by itself, as crawlers write them
            for one in (
                record(kind="warcinfo", body=b"software: x"),
                record(kind="request", body=b"GET /elf HTTP/1.1\r\n\r\n"),
                record(http="HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n"),
                record(http="HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"),
                record(),
                record(kind="metadata", body=b"x: y"),
            )
        )
    )

    result = read("a.warc.gz")

    assert [row["place"] for row in result.rows] == [5]
    assert result.rejects == []


def test_an_archive_without_a_page_says_what_it_has(read, tmp_path) -> None:
    (tmp_path / "a.warc").write_bytes(record(kind="warcinfo", body=b"") + record(http=html()[:-2]))
    (tmp_path / "b.warc").write_bytes(record(kind="request", body=b"GET / HTTP/1.1\r\n\r\n"))

    assert read("b.warc").reasons == [
        (0, "no HTML response with the status 200; the records are: 1 request")
    ]


@pytest.mark.parametrize(
    ("name", "charset", "declared"),
    [
        ("latin", "cp1252", "; charset=iso-8859-1"),
        ("undeclared", "utf-8", ""),
        ("false", "utf-8", "; charset=iso-8859-1"),
    ],
)
def test_the_character_set_may_stand_in_the_http_header(
    name: str, charset: str, declared: str, read, tmp_path
) -> None:
    http = f"HTTP/1.1 200 OK\r\nContent-Type: text/html{declared}\r\n"
    (tmp_path / "a.warc").write_bytes(record(PAGE.encode(charset), http=http))

    assert "Die Fähren von Pellow" in read("a.warc").texts[0]


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


@pytest.mark.parametrize(
    ("headers", "pack"),
    [
        (["Content-Encoding: gzip"], gzip.compress),
        (["Content-Encoding: deflate"], zlib.compress),
        (["Content-Encoding: deflate"], raw_deflate),
        (["Content-Encoding: br"], lambda page: pa.compress(page, "brotli", asbytes=True)),
        (["Content-Encoding: gzip"], bytes),  # unpacked by who made the archive
        (["Transfer-Encoding: chunked"], lambda page: b"%x\r\n%b\r\n0\r\n\r\n" % (len(page), page)),
        (
            ["Transfer-Encoding: chunked"],
            lambda page: b"%X ;a=b\r\n%b\r\n0\r\n" % (len(page), page),
        ),
        (["Transfer-Encoding: chunked"], bytes),
        (
            ["Transfer-Encoding: chunked", "Content-Encoding: gzip"],
            lambda page: (
                b"A;x=1\r\n%b\r\n%X\r\n%b\r\n0\r\n\r\n"
                % (
                    gzip.compress(page)[:10],
                    len(gzip.compress(page)) - 10,
                    gzip.compress(page)[10:],
                )
            ),
        ),
    ],
)
def test_packed_bodies_are_unpacked(headers: list[str], pack, read, tmp_path) -> None:
    (tmp_path / "a.warc").write_bytes(record(pack(PAGE.encode()), http=html(*headers)))

    assert "Die Fähren von Pellow" in read("a.warc").texts[0]


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"\x1f\x8bnonsense", ["Content-Encoding: gzip"], f"{NOT_PACKED} (gzip)"),
        (b"nonsense", ["Content-Encoding: deflate"], f"{NOT_PACKED} (deflate)"),
        (b"nonsense", ["Content-Encoding: compress"], f"{UNKNOWN} 'compress'"),
        (gzip.compress(bytes(17 << 20)), ["Content-Encoding: gzip"], LARGE),
        (zlib.compress(bytes(17 << 20)), ["Content-Encoding: deflate"], LARGE),
        (b"<p>" * (6 << 20), [], LARGE),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_unpacked_is_a_reject_and_the_rest_goes_on(
    body: bytes, headers: list[str], reason: str, read, tmp_path
) -> None:
    (tmp_path / "a.warc").write_bytes(record(body, http=html(*headers)) + record())

    result = read("a.warc")

    assert result.reasons == [(1, reason)]
    assert [row["place"] for row in result.rows] == [2]


def in_folder(tmp_path: Path, content: bytes, name: str = "a.warc") -> str:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(content)
    return "in"


@pytest.mark.parametrize("length", [300, 1000, -5, 10**17])
def test_a_record_of_a_wrong_length_gives_no_article(length: int, read, tmp_path) -> None:
    broken = record(length=length, url="https://bote.example/broken")
    result = read(in_folder(tmp_path, record() + broken + record(url="https://bote.example/3")))

    assert "https://bote.example/broken" not in [row["url"] for row in result.rows]
    assert [row["place"] for row in result.rows] == [1]
    assert result.reasons[0][0] == 2


def test_a_cut_off_archive_keeps_what_stands_before_the_cut(read, tmp_path) -> None:
    result = read(in_folder(tmp_path, (record() + record(b"x" * 1000))[:-500]))

    assert [row["place"] for row in result.rows] == [1]
    assert result.reasons == [(2, "cut off: 504 of its 1,000 bytes are there")]


def test_a_cut_off_packed_archive_keeps_what_stands_before_the_cut(read, tmp_path) -> None:
    packed = gzip.compress(record()) + gzip.compress(record(b"<p>x" * 9))[:-30]

    result = read(in_folder(tmp_path, packed, "a.warc.gz"))

    assert [place for place, _ in result.reasons][-1:] == [0]
    assert result.reasons[-1][1].startswith("cannot be read")


def test_what_is_no_archive_is_an_error(read, tmp_path) -> None:
    (tmp_path / "a.warc").write_bytes(b"no archive at all\r\n" * 9)

    with pytest.raises(DataError, match=r"/a\.warc: cannot be read from its beginning on \("):
        read("a.warc")

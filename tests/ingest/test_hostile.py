"""Small versions of inputs that are made to break ingest: each a reject, and the rest goes on.

`benchmarks/hostile.py` has them at full size.
"""

import gzip
import http.server
import io
import json
import lzma
import os
import random
import subprocess
import sys
import tarfile
import threading
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.ingest import limits, streams

GOOD = '{"text": "good"}\n'
SENTENCE = "<p>The harbour board has voted against the new bridge, and the ferries stay.</p>"
ARTICLE = f"<html><body><article><h1>Bridge</h1>{SENTENCE * 5}"
ATTRIBUTES = "a tag has 6,000 attributes, more than 5,000"
NO_TEXT = "no main text was found in the page"
DEEP = "depth limit exceeded"
UNCLOSED = "not valid CSV from here to line 3, all of which is left out (unexpected end of data)"
PARQUET = b"PAR1" + b"\xff" * 100 + b"\xff\xff\xff\x7fPAR1"
FOOTER = (
    "cannot be read (Parquet file size is 112 bytes, smaller than the size reported by footer's "
    "(2147483647bytes))"
)
ENTITIES = "the feed declares XML entities, which can grow without limit; it is not read"
EXTERNAL = "<!DOCTYPE rss [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"
LAUGHS = "<!DOCTYPE rss [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]>"


def feed(text: str, head: str = "") -> str:
    item = f"<item><description>{text}</description></item>"
    return f"{head}<rss version='2.0'><channel>{item}</channel></rss>"


def chunked(body: str) -> str:
    """Return a WARC file of one page whose body is said to be in chunks."""
    http = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
    head = "WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http\r\n"
    return f"{head}Content-Length: {len(http + body)}\r\n\r\n{http}{body}\r\n\r\n"


def nested(opening: str, closing: str, depth: int = 100_000) -> str:
    return opening * depth + closing * depth


@pytest.mark.parametrize(
    ("name", "content", "place", "reason"),
    [
        ("x.html", ARTICLE + "<b>" * 200_000, 1, "the page has 200,015 tags, more than 200,000"),
        ("x.html", f"{ARTICLE}<p {' a' * 6_000}>", 1, ATTRIBUTES),
        ("x.html", "<html><body>" + "<div>" * 90_000 + SENTENCE, 1, NO_TEXT),
        ("x.html", bytes(range(256)) * 99, 1, "not an HTML page"),
        ("x.jsonl", f'{{"text": {nested("[", "]")}}}', 1, f"broken JSON at column 1034: {DEEP}"),
        ("x.json", nested("[", "]"), 0, f"broken JSON in line 1: {DEEP}"),
        ("x.jsonl", '{"text": "a\\u0000b"}', 1, "'text' holds a NUL character"),
        ("x.csv", "text\na\0b\n", 2, "'text' holds a NUL character"),
        ("x.csv", 'text\n"a\nb\n', 2, UNCLOSED),
        ("x.xml", feed("&b;", LAUGHS), 1, ENTITIES),
        ("x.xml", feed("&a;", EXTERNAL), 1, ENTITIES),
        ("x.xml", feed("<a>" * 200_000), 1, "the feed has 200,008 tags, more than 200,000"),
        ("x.parquet", PARQUET, 0, FOOTER),
        ("x.warc", chunked("-6\r\n"), 1, "not an HTML page"),
        ("x.warc", chunked("-0006\r\n" * 9), 1, "not an HTML page"),
    ],
)  # fmt: skip
def test_a_hostile_file_is_a_reject(
    name: str, content: str | bytes, place: int, reason: str, read, tmp_path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(content.encode() if isinstance(content, str) else content)
    (tmp_path / "in" / "z.jsonl").write_text(GOOD)

    result = read("in")

    assert result.texts == ["good"]
    assert result.reasons == [(place, reason)]


def test_a_page_with_nul_bytes_is_read_without_them(read, tmp_path) -> None:
    (tmp_path / "x.html").write_text(ARTICLE.replace("board", "bo\0ard"))

    assert "The harbour board has voted" in read("x.html").texts[0]


def test_a_page_or_feed_of_more_than_16_mb_is_not_parsed(read, tmp_path) -> None:
    for name in ("x.html", "x.xml"):
        (tmp_path / name).write_bytes(b"a" * (limits.PAGE_BYTES + 1))

        assert read(name).reasons == [(1, "the file is larger than 16 MB")]


@pytest.mark.parametrize(
    ("name", "head"), [("x.jsonl", '{"text": "'), ("x.csv", 'text\n"'), ("x.csv", "text\n")]
)
def test_a_line_without_end_takes_no_more_memory_than_the_longest_that_is_read(
    name: str, head: str, read, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(streams.lines, "__defaults__", (1 << 20,))
    with (tmp_path / name).open("w") as stream:
        stream.write(head)
        for _ in range(40):
            stream.write("x" * (1 << 20))
    tracemalloc.start()
    try:
        result = read(name)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (result.rows, len(result.rejects)) == ([], 1)
    assert peak < 16 << 20


def zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def tarred(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def made_files() -> dict[str, bytes]:
    """Return a small file of each binary format."""
    rows = GOOD.encode() * 3
    book, workbook, parquet = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    book.active.append(["text"])
    book.active.append(["good"])
    book.save(workbook)
    pq.write_table(pa.table({"text": ["good"]}), parquet)
    head = "WARC/1.0\r\nWARC-Type: response\r\nWARC-Date: 2031-04-17T10:00:00Z\r\n"
    record = f"{head}Content-Length: 22\r\n\r\nHTTP/1.1 404 Gone\r\n\r\nx\r\n\r\n".encode()
    return {
        "x.zip": zipped("a.jsonl", rows),
        "y.zip": zipped("a.jsonl.gz", gzip.compress(rows)),
        "x.tar": tarred("a.jsonl", rows),
        "x.tar.gz": gzip.compress(tarred("a.jsonl", rows)),
        "x.xlsx": workbook.getvalue(),
        "x.parquet": parquet.getvalue(),
        "x.warc": record * 3,
        "x.warc.gz": gzip.compress(record * 3),
        "x.jsonl.xz": lzma.compress(rows),
    }


@pytest.mark.slow
def test_spoilt_files_never_stop_the_run(read, tmp_path) -> None:
    chance = random.Random(0)
    for name, content in made_files().items():
        folder = tmp_path / "in" / name.replace(".", "-")
        folder.mkdir(parents=True)
        for number in range(60):
            spoilt = bytearray(content)
            for _ in range(chance.choice([1, 2, 5, 20])):
                at = chance.randrange(len(spoilt))
                spoilt[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
            (folder / f"{number}{name[1:]}").write_bytes(spoilt)
    (tmp_path / "in" / "z.jsonl").write_text('{"id": "last", "text": "the last"}\n')

    result = read("in", max_rejects=10**6)

    assert result.rows[-1]["id"] == "last"
    assert len({reject.source for reject in result.rejects}) > 200


def test_a_parquet_file_that_unpacks_to_far_more_than_texts_do_is_a_reject(
    read, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(limits, "EXPANSION_FLOOR", 1 << 20)
    (tmp_path / "in").mkdir()
    for name, options in (("x", {"use_dictionary": False}), ("y", {"store_schema": False})):
        table = pa.table({"text": ["x" * (1 << 20)] * 8})
        pq.write_table(table, tmp_path / "in" / f"{name}.parquet", compression="zstd", **options)

    result = read("in")

    assert len(result.rows) <= 1
    assert ["unpack to more than 200 times as many" in reason for _, reason in result.reasons] == [
        True, True,
    ]  # fmt: skip


@pytest.fixture
def requests() -> Iterator[list[str]]:
    """Serve on this machine; the list holds where, and then the paths that were asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    asked.append(f"http://127.0.0.1:{server.server_port}")
    yield asked
    server.shutdown()
    thread.join()
    server.server_close()


# Runs in ingest's process and in those that it starts. A socket by itself is no question: a package
# that one of ours needs binds one, to see whether this machine has IPv6.
WATCH = """
import os, sys
ASKING = {{"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}}
def watch(event, args):
    if event in ASKING:
        os.write({log}, f"{{event}} {{args}}\\n".encode())
log = os.open({path!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
sys.addaudithook(watch)
"""
READ = """
import json
from pipeline import config, ingest
section = config.Ingest.model_validate({"root": "in", "sources": [{"path": "."}]})
batches = list(ingest.read_sources(section))
print(json.dumps([
    sum(len(batch.articles) for batch in batches),
    [reject.reason for batch in batches for reject in batch.rejects],
]))
"""


@pytest.mark.slow
def test_ingest_asks_nothing_of_the_network_whatever_the_files_name(requests, tmp_path) -> None:
    (where,) = requests
    (tmp_path / "in").mkdir()
    links = f"<link rel=stylesheet href='{where}/a'><base href='{where}/'><script src='{where}/b'>"
    inside = f"<!DOCTYPE a [<!ENTITY x SYSTEM '{where}/e'>]>"
    external = f"<!DOCTYPE html SYSTEM '{where}/c.dtd'>"
    for name, content in {
        "a.html": external + ARTICLE.replace("<body>", f"<head>{links}</script></head><body>"),
        "b.xhtml": f"<?xml-stylesheet href='{where}/d'?>{inside}{ARTICLE}&x;",
        "c.xml": feed("The ferries stay.", f"<!DOCTYPE rss SYSTEM '{where}/f.dtd'>"),
        "d.xml": feed("&x;", f"<!DOCTYPE rss [<!ENTITY x SYSTEM '{where}/g'>]>"),
        "e.xml": feed("&x;", f"<!DOCTYPE rss [<!ENTITY % x SYSTEM '{where}/h'>%x;]>"),
        "f.xml": where + "/i",
        "g.jsonl": json.dumps({"text": "good", "url": where + "/j"}) + "\n",
    }.items():
        (tmp_path / "in" / name).write_text(content)
    book = openpyxl.Workbook()
    book.active.append(["text"])
    book.active.append([f'=WEBSERVICE("{where}/k")'])
    book.save(tmp_path / "in" / "h.xlsx")
    with zipfile.ZipFile(tmp_path / "in" / "i.zip", "w") as archive:
        archive.write(tmp_path / "in" / "c.xml", "again.xml")
    log = tmp_path / "sockets"
    (tmp_path / "sitecustomize.py").write_text(WATCH.format(path=str(log), log="log"))
    paths = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    done = subprocess.run(
        [sys.executable, "-c", READ],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    articles, reasons = json.loads(done.stdout)
    assert articles == 3, reasons
    assert requests == [where]
    assert log.read_text() == ""  # it is there: the watch did run


def test_the_watch_sees_a_question(tmp_path) -> None:
    log = tmp_path / "sockets"
    (tmp_path / "sitecustomize.py").write_text(WATCH.format(path=str(log), log="log"))

    subprocess.run(
        [sys.executable, "-c", "import socket; socket.getaddrinfo('127.0.0.1', 9)"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, check=True,
    )  # fmt: skip

    assert log.read_text().startswith("socket.getaddrinfo ")

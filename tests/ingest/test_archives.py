import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import config
from pipeline.errors import DataError
from pipeline.ingest import limits, source_paths

PAGE = b"<html><body><article><h1>Bridge</h1>" + b"<p>The board voted against it.</p>" * 5


def row(text: str) -> bytes:
    return f'{{"text": "{text}"}}\n'.encode()


def in_parquet(text: str) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"text": [text]}), stream)
    return stream.getvalue()


def in_excel(text: str) -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["text"])
    book.active.append([text])
    book.save(stream)
    return stream.getvalue()


FILES = {
    "news/a.jsonl": row("jsonl"),
    "news/b.jsonl.gz": gzip.compress(row("gzip")),
    "news/c.csv.zst": pa.compress(b"text\nzstd\n", "zstd", asbytes=True),
    "news/d.json": b'[{"text": "array"}]',
    "news/e.parquet": in_parquet("parquet"),
    "news/f.xlsx": in_excel("excel"),
    "news/g.txt.xz": lzma.compress(b"xz"),
    "news/h.tsv.bz2": bz2.compress(b"text\nbzip2\n"),
    ".hidden.jsonl": row("hidden"),
    "__MACOSX/news/a.jsonl": row("hidden"),
}
TEXTS = ["jsonl", "gzip", "zstd", "array", "parquet", "excel", "xz", "bzip2"]


GOOD = ("x.jsonl", row("x"))
ZEROS = bytes(9 << 20)


def zipped(files: Iterable[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(files: Iterable[tuple[str, bytes]], kind: bytes = tarfile.REGTYPE) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(content), "a.jsonl"
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.zip", lambda: zipped(FILES.items())),
        ("a.ZIP", lambda: zipped(FILES.items())),
        ("a.tar", lambda: tarred(FILES.items())),
        ("a.tar.gz", lambda: gzip.compress(tarred(FILES.items()))),
        ("a.tgz", lambda: gzip.compress(tarred(FILES.items()))),
        ("a.tar.bz2", lambda: bz2.compress(tarred(FILES.items()))),
        ("a.tar.xz", lambda: lzma.compress(tarred(FILES.items()))),
        ("a.tar.zst", lambda: pa.compress(tarred(FILES.items()), "zstd", asbytes=True)),
    ],
)
def test_an_archive_is_read_like_a_folder(name: str, pack, read, tmp_path) -> None:
    (tmp_path / name).write_bytes(pack())

    result = read(name)

    assert result.texts == TEXTS
    assert result.rows[1]["source"] == f"{name}/news/b.jsonl.gz"
    assert {row["place"] for row in result.rows} == {1, 2}
    assert result.rejects == []


def test_pages_of_an_archive_are_named_by_archive_and_path(read, tmp_path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped([("./in/ä.html", PAGE)]))

    (article,) = read("a.zip").rows

    assert (article["source"], article["title"]) == ("a.zip/in/ä.html", "Bridge")


def test_a_stated_format_is_that_of_the_files_in_the_archive(read, tmp_path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped([("one.dat", row("one")), ("two", row("two"))]))

    assert read({"path": "a.zip", "format": "jsonl"}).texts == ["one", "two"]


def test_what_the_runner_digests_is_the_archive(tmp_path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(FILES.items()))
    section = config.Ingest(root=tmp_path, sources=[config.FileSource(path="a.zip")])

    assert source_paths(section) == [tmp_path / "a.zip"]


def test_what_is_of_no_known_format_is_counted(read, tmp_path) -> None:
    (tmp_path / "a.tar").write_bytes(
        tarred([("a.jsonl", row("one")), ("b.pdf", b""), ("c.pdf", b""), ("d.zip", b"")])
    )

    result = read("a.tar")

    assert result.texts == ["one"]
    assert [(reject.source, reject.row) for reject in result.rejects] == [
        ("a.tar", "a.tar/d.zip"),
        ("a.tar", "a.tar/b.pdf"),
    ]
    assert result.rejects[1].reason.startswith("2 files ending in .pdf not read; readable are ")
    assert result.rejects[0].reason == "1 file (archives in an archive) not read"


LEAVING = ["../evil.jsonl", "/evil.jsonl", "a/../../evil.jsonl", "..\\evil.jsonl", "C:/evil.jsonl"]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_path_that_leaves_the_archive_is_a_reject_with_its_name(pack, read, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    name = "in/a.zip" if pack is zipped else "in/a.tar"
    (tmp_path / name).write_bytes(
        pack([*((one, row("evil")) for one in LEAVING), ("b.jsonl", row("b"))])
    )
    before = sorted(tmp_path.rglob("*"))

    result = read("in")

    assert result.texts == ["b"]
    assert [reject.row for reject in result.rejects] == [f"{name}/{one}" for one in LEAVING]
    assert {reject.reason for reject in result.rejects} == {
        "a file in it has a path that leaves the archive; not read"
    }
    assert sorted(tmp_path.rglob("*")) == before
    assert not Path("/evil.jsonl").exists()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (tarfile.SYMTYPE, "2 files (links) not read"),
        (tarfile.LNKTYPE, "2 files (links) not read"),
        (tarfile.CHRTYPE, "2 files (devices or pipes) not read"),
        (tarfile.BLKTYPE, "2 files (devices or pipes) not read"),
        (tarfile.FIFOTYPE, "2 files (devices or pipes) not read"),
    ],
)
def test_links_and_devices_in_a_tar_are_counted(kind: bytes, reason: str, read, tmp_path) -> None:
    content = tarred([("x.jsonl", b""), ("y.jsonl", b"")], kind)[:1024] + tarred(
        [("a.jsonl", row("a"))]
    )
    (tmp_path / "a.tar").write_bytes(content)

    result = read("a.tar")

    assert result.texts == ["a"]
    assert [(reject.reason, reject.row) for reject in result.rejects] == [(reason, "a.tar/x.jsonl")]


def test_links_and_encrypted_files_in_a_zip_are_counted(read, tmp_path) -> None:
    link = zipfile.ZipInfo("link.jsonl")
    link.external_attr = 0o120777 << 16
    content = zipped([(link, b"/etc/passwd"), ("a.jsonl", row("a")), ("locked.jsonl", row("b"))])
    at = content.rfind(b"PK\x01\x02")
    (tmp_path / "a.zip").write_bytes(content[: at + 8] + b"\x01" + content[at + 9 :])

    result = read("a.zip")

    assert result.texts == ["a"]
    assert [reject.reason for reject in result.rejects] == [
        "1 file (encrypted) not read",
        "1 file (links) not read",
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.zip", lambda: zipped([GOOD, ("y.jsonl", ZEROS)])),
        ("a.zip", lambda: zipped([GOOD, ("y.jsonl.gz", gzip.compress(ZEROS))])),
        ("a.tar.gz", lambda: gzip.compress(tarred([GOOD, ("y.jsonl", ZEROS)]))),
        ("a.tar", lambda: tarred([GOOD, ("y.jsonl.gz", gzip.compress(ZEROS))])),
    ],
)  # fmt: skip
def test_an_archive_that_unpacks_to_far_more_than_texts_do_is_not_read_on(
    name: str, content, read, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(limits, "EXPANSION_FLOOR", 1 << 20)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(content())

    result = read("in")

    assert result.texts == ["x"]
    ((reject),) = result.rejects
    assert (reject.source, reject.place) == (f"in/{name}", 0)
    assert "unpack to more than 200 times as many" in reject.reason


def test_a_zip_of_too_many_files_is_refused_before_they_are_listed(
    read, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(limits, "ZIP_ENTRIES", 10)
    content = bytearray(zipped((f"{number}.jsonl", b"") for number in range(11)))
    (tmp_path / "a.zip").write_bytes(content)
    at = content.rfind(b"PK\x05\x06")
    content[at + 8 : at + 12] = struct.pack("<HH", 2, 2)  # a lie
    (tmp_path / "b.zip").write_bytes(content)

    for name in ("a.zip", "b.zip"):
        with pytest.raises(DataError, match=r"lists 11 files, more than 10; divide it, or pack"):
            read(name)


def test_a_broken_file_in_a_zip_does_not_cost_the_others(read, tmp_path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:  # stored, so that it can be found
        archive.writestr("a.jsonl", row("one"))
        archive.writestr("b.jsonl", row("two"))
        archive.writestr("c.csv", "id,id\n")
    content = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(content.replace(b"one", b"eno", 1))

    result = read("a.zip")

    assert result.texts[-1:] == ["two"]
    assert [(reject.source, reject.place) for reject in result.rejects] == [
        ("a.zip/a.jsonl", 0),
        ("a.zip/c.csv", 0),
    ]
    assert "Bad CRC" in result.rejects[0].reason


ZIP = zipped([("a.jsonl", row("one"))])


def long_name(size: int) -> bytes:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, size
    return info.tobuf()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.zip", b"no zip"),
        ("a.zip", zipped([("a.jsonl", row("one"))])[:60]),
        ("a.zip", ZIP[: ZIP.rfind(b"PK\x01\x02") - 9] + ZIP[ZIP.rfind(b"PK\x01\x02") :]),
        ("a.tar", b"no tar" * 1000),
        ("a.tar", tarred([("a.jsonl", row("one") * 50)])[:700]),
        ("a.tar", tarred([("a.jsonl", row("one"))])[:1024]),
        ("a.tar", tarred([("a.jsonl", row("one"))])[:1024] + b"\xff" * 1024),
        ("a.tar", long_name(2 << 20) + b"a" * (2 << 20)),
        ("a.tar", (long_name(512) + b"a" * 512) * 3000),
        ("a.tar.gz", gzip.compress(tarred([("a.jsonl", row("one") * 500)]))[:-20]),
        ("a.tar.gz", b"no gzip"),
    ],
    # By name: archives hold the time, and each process that runs tests must find the same ones.
    ids=[
        "no zip", "zip cut", "zip without a file's end", "no tar", "tar cut in a file",
        "tar cut after a file", "tar with a broken header", "long name", "many long names",
        "gzip cut", "no gzip",
    ],
)  # fmt: skip
def test_a_broken_archive_is_an_error_alone_and_a_reject_among_others(
    name: str, content: bytes, read, tmp_path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(content)
    (tmp_path / "in" / "z.jsonl").write_bytes(row("good"))

    result = read("in")

    assert result.texts[-1] == "good"
    assert "cannot be read (" in result.rejects[-1].reason
    assert result.rejects[-1].source.startswith(f"in/{name}")


def test_a_sparse_file_in_a_tar_is_not_read(read, tmp_path) -> None:
    info = tarfile.TarInfo("x.jsonl")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"00000000000\0" * 2
    header[483:495] = b"\x80" + (1 << 40).to_bytes(11, "big")  # a terabyte of nothing
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "a.tar").write_bytes(bytes(header) + tarred([("a.jsonl", row("a"))]))

    result = read("a.tar")

    assert result.texts == ["a"]
    assert [reject.reason for reject in result.rejects] == ["1 file (sparse) not read"]


def test_a_workbook_or_parquet_that_memory_should_not_hold_is_a_reject(
    read, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(limits, "MEMBER_BYTES", 1000)
    (tmp_path / "a.zip").write_bytes(zipped([("a.xlsx", in_excel("x")), ("b.jsonl", row("b"))]))

    result = read("a.zip")

    assert result.texts == ["b"]
    assert result.reasons == [(0, "over 0 MB, and excel is not streamed in an archive")]


@pytest.mark.parametrize("where", [slice(None), slice(0, 1), slice(1, None)])
@pytest.mark.parametrize("ending", ["zip", "xlsx"])
def test_a_name_in_an_archive_that_is_no_text_is_a_reject(
    ending: str, where: slice, read, tmp_path
) -> None:
    stream = io.BytesIO(in_excel("x") if ending == "xlsx" else zipped([]))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("ä.xml", "<a/>")
    content, name = bytearray(stream.getvalue()), "ä.xml".encode()
    places = [content.find(name), content.rfind(name)]  # before the file, and in the list of files
    for place in places[where]:
        content[place : place + 2] = b"\xff\xfe"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / f"a.{ending}").write_bytes(content)
    (tmp_path / "in" / "z.jsonl").write_bytes(row("good"))

    result = read("in")

    assert result.texts == ["good"]
    assert ["'utf-8' codec can't decode byte 0xff" in reason for _, reason in result.reasons] == [
        True
    ]

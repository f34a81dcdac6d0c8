import bz2
import gzip
import lzma
import os
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import DataError
from pipeline.ingest import limits


def write(path: Path, *texts: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f'{{"text": "{text}"}}\n' for text in texts))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", '{"text": "one"}\n{"text": "two"}\n'),
        ("a.ndjson", '{"text": "one"}\n{"text": "two"}\n'),
        ("a.json", '[{"text": "one"}, {"text": "two"}]'),
        ("a.csv", "text\none\ntwo\n"),
        ("a.tsv", "text\none\ntwo\n"),
    ],
)
@pytest.mark.parametrize("ending", [".gz", ".GZ", ".bz2", ".zst", ".xz"])
def test_packed_files_are_read(name: str, content: str, ending: str, read, tmp_path) -> None:
    pack = {
        ".gz": gzip.compress,
        ".bz2": bz2.compress,
        ".xz": lzma.compress,
        ".zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
    }[ending.lower()]
    (tmp_path / (name + ending)).write_bytes(pack(content.encode()))

    assert read(name + ending).texts == ["one", "two"]


def test_a_packed_page_and_a_packed_text_are_read(read, tmp_path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"just text"))

    assert read("a.txt.gz").texts == ["just text"]


def test_a_mixed_folder_is_read_in_sorted_order_with_all_below_it(read, tmp_path) -> None:
    write(tmp_path / "in" / "b" / "2.jsonl", "second")
    write(tmp_path / "in" / "b" / "10.jsonl", "first")
    write(tmp_path / "in" / ".hidden.jsonl", "hidden")
    write(tmp_path / "in" / ".git" / "x.jsonl", "hidden")
    (tmp_path / "in" / "a.csv").write_text("text\nzeroth\n")
    (tmp_path / "in" / "c.txt").write_text("third")
    pq.write_table(pa.table({"text": ["fourth"]}), tmp_path / "in" / "d.parquet")

    result = read("in")

    assert [(row["text"], row["source"]) for row in result.rows] == [
        ("zeroth", "in/a.csv"),
        ("first", "in/b/10.jsonl"),
        ("second", "in/b/2.jsonl"),
        ("third", "in/c.txt"),
        ("fourth", "in/d.parquet"),
    ]
    assert result.rejects == []


def test_links_to_folders_are_followed_once(read, tmp_path) -> None:
    write(tmp_path / "in" / "a.jsonl", "one")
    write(tmp_path / "elsewhere" / "b.jsonl", "two")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")

    assert read("in").texts == ["one", "two"]


def test_files_that_are_passed_over_are_counted_in_the_rejects(read, tmp_path) -> None:
    write(tmp_path / "in" / "a.jsonl", "one")
    for name in ("b.pdf", "c.pdf", "README", "d.parquet.gz"):
        (tmp_path / "in" / name).write_bytes(b"?")

    result = read("in")

    assert result.texts == ["one"]
    assert [(reject.source, reject.place, reject.row) for reject in result.rejects] == [
        ("in", 0, "in/d.parquet.gz"),
        ("in", 0, "in/b.pdf"),
        ("in", 0, "in/README"),
    ]
    assert result.rejects[1].reason.startswith("2 files ending in .pdf not read; readable are ")


def test_a_stated_format_goes_before_the_ending(read, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "story?id=1").write_text("one")
    (tmp_path / "in" / "story.2").write_text("two")

    assert read({"path": "in", "format": "text"}).texts == ["two", "one"]


def test_patterns_fit_files_in_sorted_order(read, tmp_path) -> None:
    write(tmp_path / "2031" / "02.jsonl", "feb")
    write(tmp_path / "2031" / "01.jsonl", "jan")
    write(tmp_path / "2031" / "deep" / "03.jsonl", "mar")
    write(tmp_path / "2030" / "12.jsonl", "dec")
    (tmp_path / "2031" / "x.csv").write_text("text\nno\n")

    assert read("2031/*.jsonl").texts == ["jan", "feb"]
    assert read("20??/**/*.jsonl").texts == ["dec", "jan", "feb", "mar"]
    assert read(f"{tmp_path}/2031/0[12].jsonl").texts == ["jan", "feb"]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(read, tmp_path) -> None:
    write(tmp_path / "a[1].jsonl", "one")

    assert read("a[1].jsonl").texts == ["one"]


def test_sources_outside_the_root_keep_their_path(read, tmp_path) -> None:
    write(tmp_path / "root" / "a.jsonl", "one")
    write(tmp_path / "other" / "b.jsonl", "two")
    inside, outside = str(tmp_path / "root" / "a.jsonl"), str(tmp_path / "other" / "b.jsonl")

    rows = read(inside, outside, root=tmp_path / "root").rows

    assert [row["source"] for row in rows] == ["a.jsonl", outside]


def test_a_missing_file_is_an_error_before_anything_is_read(read, tmp_path) -> None:
    write(tmp_path / "a.jsonl", "one")

    with pytest.raises(DataError) as raised:
        read("a.jsonl", "b.jsonl")

    assert str(raised.value) == f"{tmp_path}/b.jsonl: there is no such file"


def test_a_pattern_that_fits_nothing_is_an_error(read, tmp_path) -> None:
    with pytest.raises(DataError, match=r"/\*\.jsonl: no file fits this pattern$"):
        read("*.jsonl")


def test_a_folder_with_no_readable_file_says_what_it_has(read, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(DataError, match=r"/in: no file in it can be read: it is empty; readable"):
        read("in")

    for name in ("a.pdf", "b.docx", "c"):
        (tmp_path / "in" / name).write_bytes(b"?")
    with pytest.raises(DataError, match=r"its files have \.docx, \.pdf, no ending; .*\.jsonl, "):
        read("in")


def test_an_ending_that_tells_no_format_is_an_error(read, tmp_path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"?")

    with pytest.raises(DataError, match=r"/a\.pdf: the ending tells no format \(\.pdf\); readable"):
        read("a.pdf")


def test_an_unreadable_file_is_an_error_alone_and_a_reject_among_others(read, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl.gz").write_bytes(b"no gzip")
    (tmp_path / "in" / "b.parquet").write_bytes(b"no parquet")
    (tmp_path / "in" / "c.jsonl").symlink_to(tmp_path / "nowhere")
    write(tmp_path / "in" / "d.jsonl", "good")

    result = read("in")

    assert result.texts == ["good"]
    assert [(reject.source, reject.place) for reject in result.rejects] == [
        ("in/a.jsonl.gz", 0), ("in/b.parquet", 0), ("in/c.jsonl", 0),
    ]  # fmt: skip
    assert all(reject.reason.startswith("cannot be read (") for reject in result.rejects)
    with pytest.raises(DataError, match=r"/in/a\.jsonl\.gz: cannot be read \("):
        read("in/a.jsonl.gz")


@pytest.mark.slow
def test_what_stands_before_the_break_of_a_cut_file_is_kept(read, tmp_path) -> None:
    chance = random.Random(0)
    rows = "".join(f'{{"text": "{chance.randbytes(60).hex()}"}}\n' for _ in range(30_000))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl.gz").write_bytes(gzip.compress(rows.encode(), 1)[:-1000])
    write(tmp_path / "in" / "b.jsonl", "good")

    result = read("in")

    assert result.texts[-1] == "good"
    assert len(result.texts) > 1000
    assert [place for place, _ in result.reasons] == [0]


def test_a_file_packed_in_several_pieces_is_read_whole(read, tmp_path) -> None:
    for name, pack in (("a.jsonl.xz", lzma.compress), ("b.jsonl.gz", gzip.compress)):
        pieces = [pack(b'{"text": "%d"}\n' % number) for number in (1, 2)]
        (tmp_path / name).write_bytes(b"".join(pieces) + b"\0\0\0\0" * name.endswith("xz"))

        assert read(name).texts == ["1", "2"]


def test_what_is_no_file_in_a_folder_is_counted_and_never_opened(read, tmp_path) -> None:
    write(tmp_path / "in" / "a.jsonl", "one")
    os.mkfifo(tmp_path / "in" / "b.jsonl")
    (tmp_path / "in" / "c.jsonl").symlink_to("/dev/zero")
    (tmp_path / "in" / "d.jsonl").symlink_to(tmp_path / "in" / "e.jsonl")
    (tmp_path / "in" / "e.jsonl").symlink_to(tmp_path / "in" / "d.jsonl")

    result = read("in")

    assert result.texts == ["one"]
    assert [(reject.source, reject.reason, reject.row) for reject in result.rejects] == [
        ("in/d.jsonl", "cannot be read (Too many levels of symbolic links)", ""),
        ("in/e.jsonl", "cannot be read (Too many levels of symbolic links)", ""),
        ("in", "1 file (a device) not read", "in/c.jsonl"),
        ("in", "1 file (a named pipe) not read", "in/b.jsonl"),
    ]


def test_a_named_pipe_alone_is_an_error(read, tmp_path) -> None:
    os.mkfifo(tmp_path / "a.jsonl")

    with pytest.raises(DataError, match=r"/a\.jsonl: a named pipe, no file; name a file, or - for"):
        read("a.jsonl")


def test_a_name_that_is_no_text_does_not_stop_the_run(read, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    for name in (b"a\nb.jsonl", b"\xff.jsonl"):
        (tmp_path / "in" / os.fsdecode(name)).write_text(f'{{"text": "{name[0]}"}}\n')

    assert [row["source"] for row in read("in").rows] == ["in/a\\nb.jsonl", "in/\ufffd.jsonl"]


def test_what_unpacks_to_far_more_than_texts_do_is_not_read_on(read, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(limits, "EXPANSION_FLOOR", 1 << 20)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text": "x"}\n' + bytes(8 << 20)))

    result = read("in")

    assert result.texts == ["x"]
    ((place, reason),) = result.reasons
    assert place == 0
    assert "unpack to more than 200 times as many (and over 1 MB); the rest is not read" in reason


TEXT = "Straße – «ça» 5 €"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", f'{{"text": "{TEXT}"}}\n'),
        ("a.json", f'[{{"text": "{TEXT}"}}]'),
        ("a.csv", f'id,text\r\n1,"{TEXT}"\r\n'),
        ("a.tsv", f"id\ttext\n1\t{TEXT}\n"),
        ("a.txt", TEXT),
    ],
)
@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le", "utf-8-sig", "utf-8"])
def test_tables_and_texts_are_read_in_the_character_set_that_the_source_names(
    name: str, content: str, encoding: str, read, tmp_path
) -> None:
    (tmp_path / name).write_bytes(content.encode(encoding))

    assert read({"path": name, "encoding": encoding}).texts == [TEXT]


def test_a_mark_of_utf16_names_the_character_set(read, tmp_path) -> None:
    (tmp_path / "a.tsv").write_bytes(f"id\ttext\r\n1\t{TEXT}\r\n".encode("utf-16"))

    assert read("a.tsv").texts == [TEXT]


def test_bytes_that_the_named_character_set_lacks_spoil_their_row_only(read, tmp_path) -> None:
    (tmp_path / "a.csv").write_bytes(b"text\none\nt\x81wo\nthr\xe9e\n")
    (tmp_path / "b.csv").write_bytes("text\nαβ\n".encode() + b"\xff\xfe\nend\n")

    result = read({"path": "a.csv", "encoding": "cp1252"}, {"path": "b.csv", "encoding": "utf-8"})

    assert result.texts == ["one", "thrée", "αβ", "end"]
    assert result.reasons == [
        (3, "bytes that are not cp1252, which the source names as its encoding"),
        (3, "bytes that are not utf-8, which the source names as its encoding"),
    ]


@pytest.mark.parametrize("encoding", ["klingon", "idna", "unicode_escape", "hex", "utf-7", ""])
def test_what_is_no_character_set_is_refused(encoding: str, read) -> None:
    with pytest.raises(ValueError, match="is no character set that is known; such are utf-16"):
        read({"path": "a.csv", "encoding": encoding})

"""What `slant ingest` does with inputs that are made to break it, and what that costs.

    python -m benchmarks.hostile                 all of them, as a table in Markdown
    python -m benchmarks.hostile zip tar         those whose name holds one of these words

Each input is made at its full size in a temporary folder, beside one good article, and `slant
ingest` reads the folder in a process of its own, forked from one that has loaded the modules. The
table shows the first reject. Seconds are of the processor, memory is the peak, both of the process
and its parsers together, as Linux counts them. The last column says what was changed outside of
the run's folder: it must be empty.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import struct
import sys
import tarfile
import tempfile
import time
import traceback
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.cli import main
from pipeline.ingest import parsing

MB = 1 << 20
GOOD = '{"id": "good", "text": "The harbour board has voted against the new bridge."}\n'
SENTENCE = "<p>The harbour board has voted against the new bridge, and the ferries stay.</p>"
ARTICLE = f"<html lang='en'><body><article><h1>Bridge</h1>{SENTENCE * 5}"
CODEBOOK = """\
name: tiny
version: "1"
tasks:
  topic: {asks: article, labels: [{id: a}, {id: b}]}
"""
ROW = b'{"text": "The ferries stay, said the board of the harbour on Monday."}\n'
INPUTS = {}


def hostile(name):
    def register(make):
        INPUTS[name] = make
        return make

    return register


def written(path, content):
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def in_gzip(path):
    return gzip.open(path, "wb", 9)


def in_bzip2(path):
    return bz2.open(path, "wb", 9)


def in_xz(path):
    return lzma.open(path, "wb", preset=1)


def in_zstd(path):
    return pa.output_stream(path, compression="zstd")


def zeros(path, opener, size, line=b"\0" * MB):
    with opener(path) as stream:
        for _ in range(size // len(line)):
            stream.write(line)


def zipped(path, files, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)


@hostile("only the good article")
def _(folder):
    pass


@hostile("HTML nested 1,000,000 deep")
def _(folder):
    written(folder / "x.html", "<html><body>" + "<div>" * 1_000_000 + SENTENCE)


@hostile("HTML with 4,000,000 tags")
def _(folder):
    written(folder / "x.html", ARTICLE + "<b>" * 4_000_000)


@hostile("HTML with as many tags as may be (200,000), each a link")
def _(folder):
    link = "<a href='https://ferry.example/2031/04/17/x'>to the ferries</a>"
    written(folder / "x.html", ARTICLE + link * 99_000)


@hostile("HTML with 1,000,000 attributes in a tag")
def _(folder):
    attributes = " ".join(f'a{number}="x"' for number in range(1_000_000))
    written(folder / "x.html", f"{ARTICLE}<p {attributes}>x</p>")


@hostile("HTML with 15 MB in one attribute")
def _(folder):
    written(folder / "x.html", f"{ARTICLE}<p class='{'a ' * (15 * MB // 2)}'>x</p>")


@hostile("HTML of 100 MB")
def _(folder):
    written(folder / "x.html", ARTICLE + SENTENCE * (100 * MB // len(SENTENCE)))


@hostile("HTML that keeps the parser busy: 4,999 attributes in each of 100 tags")
def _(folder):
    tag = "<p " + " ".join(f"a{number}" for number in range(4_999)) + ">x</p>"
    written(folder / "x.html", ARTICLE + tag * 100)


@hostile("HTML with NUL bytes, and a binary file named .html")
def _(folder):
    written(folder / "x.html", ARTICLE.replace("board", "bo\0ard"))
    written(folder / "y.html", bytes(range(256)) * 4000)


@hostile("a line of JSON of 200 MB")
def _(folder):
    with (folder / "x.jsonl").open("wb") as stream:
        stream.write(b'{"text": "')
        zeros_line = b"word " * (MB // 5)
        for _ in range(200):
            stream.write(zeros_line)
        stream.write(b'"}\n' + ROW)


@hostile("JSON nested 100,000 deep, in a line and in an array")
def _(folder):
    written(folder / "x.jsonl", '{"text": ' + "[" * 100_000 + "]" * 100_000 + "}\n")
    written(folder / "y.json", "[" * 100_000 + "]" * 100_000)


@hostile("JSON with NUL bytes, and of two character sets")
def _(folder):
    rows = ['{"text": "a \\u0000 b"}', '{"text": "a \0 b"}', '{"text": "Straße"}']
    written(folder / "x.jsonl", "\n".join(rows).encode() + '\n{"text": "Straße"}'.encode("cp1252"))


@hostile("CSV with a quote that is never closed, 300 MB")
def _(folder):
    with (folder / "x.csv").open("wb") as stream:
        stream.write(b'id,text\n1,"The ferries\n')
        block = b"2,The ferries stay said the board\n" * 30_000
        for _ in range(300 * MB // len(block)):
            stream.write(block)


@hostile("CSV of two character sets, with NUL bytes")
def _(folder):
    written(
        folder / "x.csv", "id,text\n1,Straße\n".encode() + "2,Straße\n3,a\0b\n".encode("cp1252")
    )


@hostile("gzip: 4 MB that become 4 GB")
def _(folder):
    zeros(folder / "x.jsonl.gz", in_gzip, 1024 * MB)
    content = (folder / "x.jsonl.gz").read_bytes()
    written(folder / "x.jsonl.gz", content * 4)  # gzip of gzips is their texts together


@hostile("gzip: 100,000,000 short lines in 0.4 MB")
def _(folder):
    zeros(folder / "x.jsonl.gz", in_gzip, 400 * MB, b"[]\n\n" * 65536)


@hostile("zstd: 32 KB that become 1 GB")
def _(folder):
    zeros(folder / "x.jsonl.zst", in_zstd, 1024 * MB)


@hostile("bzip2: 1 KB that become 1 GB")
def _(folder):
    zeros(folder / "x.jsonl.bz2", in_bzip2, 1024 * MB)


@hostile("xz: 0.2 MB that become 1 GB, and one that asks for 1.5 GB of memory")
def _(folder):
    zeros(folder / "x.jsonl.xz", in_xz, 1024 * MB)
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1536 * MB - 1, "mode": lzma.MODE_FAST}]
    packer = lzma.LZMACompressor(lzma.FORMAT_XZ, filters=[{**filters[0], "dict_size": 65536}])
    content = bytearray(packer.compress(ROW) + packer.flush())
    content[15] = 39  # the size of the dictionary, of which the check sum is mended
    content[20:24] = struct.pack("<I", __import__("zlib").crc32(bytes(content[12:20])))
    written(folder / "y.jsonl.xz", bytes(content))


@hostile("zip: 1 MB that become 1 GB")
def _(folder):
    with zipfile.ZipFile(folder / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            with archive.open(f"{number}.jsonl", "w", force_zip64=True) as stream:
                for _ in range(256):
                    stream.write(b"\0" * MB)


@hostile("zip in which a gzip of 1 GB is packed again to 3 KB")
def _(folder):
    zeros(folder / "x.gz", in_gzip, 1024 * MB)
    zipped(folder / "x.zip", [("x.jsonl.gz", (folder / "x.gz").read_bytes())])
    (folder / "x.gz").unlink()


@hostile("zip in a zip in a zip")
def _(folder):
    content = ROW
    for depth in range(3):
        stream = io.BytesIO()
        zipped(stream, [(f"x.{'zip' if depth else 'jsonl'}", content)])
        content = stream.getvalue()
    written(folder / "x.zip", content)


@hostile("zip with 1,000,000 files")
def _(folder):
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        for number in range(1_000_000):
            archive.writestr(zipfile.ZipInfo(f"{number}.jsonl"), b"")


@hostile("zip with 1,000,000 files that says it has 10")
def _(folder):
    INPUTS["zip with 1,000,000 files"](folder)  # which takes its time
    content = bytearray((folder / "x.zip").read_bytes())
    at = content.rfind(b"PK\x06\x06")  # the end record of zip64
    content[at + 24 : at + 40] = struct.pack("<QQ", 10, 10)
    written(folder / "x.zip", bytes(content))


@hostile("zip with ../, an absolute path, a link, and a password")
def _(folder):
    link = zipfile.ZipInfo("link.jsonl")
    link.external_attr = 0o120777 << 16
    names = ["../../evil.jsonl", "/tmp/evil.jsonl", "C:\\evil.jsonl", "..\\evil.jsonl"]
    files = [*((name, ROW) for name in names), (link, "/etc/passwd"), ("locked.jsonl", ROW)]
    zipped(folder / "x.zip", files)
    content = (folder / "x.zip").read_bytes()
    at = content.rfind(b"PK\x01\x02")
    written(folder / "x.zip", content[: at + 8] + b"\x01" + content[at + 9 :])


@hostile("zip cut off, and zip with a broken file")
def _(folder):
    rows = "".join(json.dumps({"text": os.urandom(60).hex()}) + "\n" for _ in range(20_000))
    zipped(folder / "y.zip", [("a.jsonl", rows), ("b.jsonl", ROW)])
    content = (folder / "y.zip").read_bytes()
    written(folder / "x.zip", content[: len(content) // 2])
    written(folder / "y.zip", content[:500_000] + b"\xff" * 100 + content[500_100:])


@hostile("tar with ../, an absolute path, links, a device, a pipe")
def _(folder):
    with tarfile.open(folder / "x.tar", "w") as archive:
        for name, kind in [
            ("../../evil.jsonl", tarfile.REGTYPE), ("/tmp/evil.jsonl", tarfile.REGTYPE),
            ("a.jsonl", tarfile.SYMTYPE), ("b.jsonl", tarfile.LNKTYPE),
            ("c.jsonl", tarfile.CHRTYPE), ("d.jsonl", tarfile.FIFOTYPE),
        ]:  # fmt: skip
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info, io.BytesIO())


@hostile("tar.gz: 1 MB that become 1 GB")
def _(folder):
    info = tarfile.TarInfo("x.jsonl")
    info.size = 1024 * MB
    with gzip.open(folder / "x.tar.gz", "wb", 9) as stream:
        stream.write(info.tobuf())
        for _ in range(1024):
            stream.write(b"\0" * MB)


@hostile("tar with a name of 500 MB, and a sparse file of 1 TB")
def _(folder):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 500 * MB
    with (folder / "x.tar").open("wb") as stream:
        stream.write(info.tobuf())
        for _ in range(500):
            stream.write(b"a" * MB)
    sparse = tarfile.TarInfo("x.jsonl")
    sparse.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(sparse.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"00000000000\0" * 2
    header[483:495] = b"\x80" + (1 << 40).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    written(folder / "y.tar", bytes(header) + bytes(1024))


@hostile("tar whose headers announce one another 20,000 times")
def _(folder):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 512
    written(folder / "x.tar", (info.tobuf() + b"a" * 512) * 20_000)


@hostile("tar cut off")
def _(folder):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo("x.jsonl")
        info.size = len(ROW) * 1000
        archive.addfile(info, io.BytesIO(ROW * 1000))
    written(folder / "x.tar", stream.getvalue()[: len(ROW) * 500])


def sheet(rows, head=""):
    from openpyxl import Workbook

    stream = io.BytesIO()
    book = Workbook()
    book.active.append(["id", "text"])
    book.active.append(["1", "The ferries stay."])
    book.save(stream)
    parts = {}
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            parts[info.filename] = archive.read(info)
    name = "xl/worksheets/sheet1.xml"
    parts[name] = head.encode() + parts[name].replace(b"</sheetData>", rows + b"</sheetData>")
    return parts


@hostile("Excel: 1 MB that become 1 GB")
def _(folder):
    zipped(folder / "x.xlsx", sheet(b" " * (1024 * MB)).items())


@hostile("Excel that says it has 16,384 columns in 1,048,576 rows")
def _(folder):
    parts = sheet(b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    name = "xl/worksheets/sheet1.xml"
    parts[name] = parts[name].replace(b'ref="A1:B2"', b'ref="A1:XFD1048576"')
    zipped(folder / "x.xlsx", parts.items())


@hostile("Excel with a last column in each of 300,000 rows")
def _(folder):
    rows = b"".join(b'<row r="%d"><c r="XFD%d"/></row>' % (row, row) for row in range(3, 300_000))
    zipped(folder / "x.xlsx", sheet(rows).items())


@hostile("Excel with XML entities")
def _(folder):
    zipped(folder / "x.xlsx", sheet(b"", entities("worksheet")).items())


def entities(root):
    grown = "".join(f'<!ENTITY e{number} "{f"&e{number - 1};" * 10}">' for number in range(1, 12))
    return f'<?xml version="1.0"?><!DOCTYPE {root} [<!ENTITY e0 "ha">{grown}]>'


def feed(text, head=""):
    item = f"<item><title>Ferries</title><description>{text}</description></item>"
    return f"{head}<rss version='2.0'><channel><title>Pellow</title>{item}</channel></rss>"


@hostile("RSS with a billion laughs")
def _(folder):
    written(folder / "x.xml", feed("&e11;", entities("rss")))


@hostile("RSS with an entity from a file and from the network")
def _(folder):
    for name, where in (("x.xml", "file:///etc/passwd"), ("y.xml", "http://192.0.2.1/x")):
        head = f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{where}">]>'
        written(folder / name, feed("&x;", head))


@hostile("RSS with a document type on the network, which feeds may have")
def _(folder):
    written(
        folder / "x.xml", feed("The ferries stay.", '<!DOCTYPE rss SYSTEM "http://192.0.2.1/x">')
    )


@hostile("RSS nested 190,000 deep, and with 1,000,000 tags")
def _(folder):
    written(folder / "x.rss", feed("<a>" * 190_000))
    written(folder / "y.rss", feed("<a>" * 1_000_000))


def record(body, length=None, extra=""):
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + extra.encode() + b"\r\n"
    length = len(http) + len(body) if length is None else length
    head = (
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://ferry.example/1\r\n"
        "WARC-Date: 2031-04-17T10:00:00Z\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
        f"Content-Type: application/http\r\nContent-Length: {length}\r\n\r\n"
    )
    return head.encode() + http + body + b"\r\n\r\n"


@hostile("WARC with a wrong length (too short, too long, beyond all bounds)")
def _(folder):
    page = ARTICLE.encode()
    for name, length in (("x", 300), ("y", 1000), ("z", 10**17)):
        written(folder / f"{name}.warc", record(page, length) + record(page))


@hostile("WARC cut off, plain and packed")
def _(folder):
    packed = gzip.compress(record(ARTICLE.encode()))
    written(folder / "x.warc", record(ARTICLE.encode())[:-100])
    written(folder / "y.warc.gz", packed + packed[:-30])


@hostile("WARC: a page of 1 MB that becomes 1 GB, and a record of 1 GB packed to 1 MB")
def _(folder):
    zeros(folder / "bomb", in_gzip, 1024 * MB)
    body = (folder / "bomb").read_bytes()
    (folder / "bomb").unlink()
    written(folder / "x.warc", record(body, extra="Content-Encoding: gzip\r\n"))
    with gzip.open(folder / "y.warc.gz", "wb", 9) as stream:
        stream.write(record(b"", 1024 * MB))
        for _ in range(1024):
            stream.write(b"\0" * MB)


@hostile("WARC with chunks of a negative size, and of 2,000,000 bytes one by one")
def _(folder):
    for name, body in (("x", b"-6\r\n"), ("y", b"1\r\na\r\n" * 2_000_000)):
        written(folder / f"{name}.warc", record(body, extra="Transfer-Encoding: chunked\r\n"))


@hostile("WARC with a header of 50 MB")
def _(folder):
    written(folder / "x.warc", b"WARC/1.0\r\nX: " + b"a" * (50 * MB) + b"\r\n\r\n")


@hostile("gzip cut off")
def _(folder):
    rows = "".join(json.dumps({"text": os.urandom(60).hex()}) + "\n" for _ in range(20_000))
    written(folder / "x.jsonl.gz", gzip.compress(rows.encode())[:-1000])


def parquet(folder, rows):
    pq.write_table(pa.table(rows), folder / "x.parquet", compression="zstd")
    return bytearray((folder / "x.parquet").read_bytes())


@hostile("Parquet whose footer lies about its length")
def _(folder):
    content = parquet(folder, {"text": ["The ferries stay."] * 1000})
    content[-8:-4] = struct.pack("<I", 2**31 - 1)
    written(folder / "x.parquet", bytes(content))


@hostile("Parquet, 200 files with spoilt footers")
def _(folder):
    import random

    content = parquet(folder, {"text": [f"The ferries stay {row}." for row in range(3)]})
    (folder / "x.parquet").unlink()
    chance = random.Random(0)
    size = struct.unpack("<I", content[-8:-4])[0]
    for number in range(200):
        spoilt = bytearray(content)
        for _ in range(4):
            spoilt[len(content) - 8 - chance.randrange(size)] = chance.randrange(256)
        written(folder / f"{number}.parquet", bytes(spoilt))


@hostile("Parquet: 0.1 MB that become 4 GB")
def _(folder):
    values = pa.DictionaryArray.from_arrays(pa.array([0] * 4096, pa.int32()), ["x" * MB])
    pq.write_table(pa.table({"text": values}), folder / "x.parquet", compression="zstd")


@hostile("a named pipe, a link to a device, links in a circle, a folder in itself")
def _(folder):
    os.mkfifo(folder / "a.jsonl")
    (folder / "b.jsonl").symlink_to("/dev/zero")
    (folder / "c.jsonl").symlink_to(folder / "d.jsonl")
    (folder / "d.jsonl").symlink_to(folder / "c.jsonl")
    (folder / "e").symlink_to(folder)


@hostile("names with line ends, and with bytes that are not UTF-8")
def _(folder):
    for name in (b"a\nb.jsonl", b"\xff\xfe.jsonl"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(b"{}\n")


def measured(work):
    """Run `slant ingest` there; return the status, its last words, processor seconds and MB."""
    pid = os.fork()
    if pid == 0:
        ingest_in(work)
    peak, done = 0, 0
    while not done:
        peak = max(peak, sum(high_water(one) for one in tree(pid)))
        time.sleep(0.02)
        done, status, used = os.wait4(pid, os.WNOHANG)
    said = (work / "stderr").read_text(errors="replace").strip().splitlines() or [""]
    (work / "stderr").unlink()
    code = os.waitstatus_to_exitcode(status)
    return code, said[-1], used.ru_utime + used.ru_stime, peak / 1024


def ingest_in(work):
    """Be the command, in the process that was just made; does not return."""
    os.chdir(work)
    words = os.open("stderr", os.O_WRONLY | os.O_CREAT)
    os.dup2(words, 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.argv = ["slant", "ingest", "config.yaml"]
    status = 70
    try:
        main()
        status = 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        if parsing._pool.cache_info().currsize:
            parsing._pool().close()  # the parsers end, and are counted
        sys.stderr.flush()
        os._exit(status)


def tree(pid):
    found = [pid]
    for one in found:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, children.read_text().split())
            except OSError:
                continue
    return found


def high_water(pid):
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def outside(work):
    """Return the files that are there beside the run."""
    return sorted(
        str(path.relative_to(work))
        for path in work.rglob("*")
        if not path.is_relative_to(work / "runs") and not path.is_relative_to(work / "in")
    )


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


def row(name, make):
    with tempfile.TemporaryDirectory() as place:
        work = Path(place) / "deep" / "work"
        (work / "in").mkdir(parents=True)
        written(work / "codebook.yaml", CODEBOOK)
        written(
            work / "config.yaml",
            "name: x\ncodebook: codebook.yaml\ningest: {sources: [{path: in}]}\n",
        )
        written(work / "in" / "0-good.jsonl", GOOD)
        make(work / "in")
        before = outside(work)
        names = listed(work / "in")
        status, words, seconds, peak = measured(work)
        rejects = []
        try:
            with (work / "runs" / "x" / "rejects.jsonl").open() as lines:
                rejects = [json.loads(line) for line in lines]
        except OSError:
            pass
        changed = set(outside(work)) ^ set(before) | set(names) ^ set(listed(work / "in"))
        changed |= {one.name for one in Path(place).glob("*") if one.name != "deep"}
    count = f"{len(rejects):,} reject{'s' * (len(rejects) != 1)}"
    got = f"status {status} with {count}" if status else count if rejects else "read"
    if status and not rejects:
        got += f": {words}"
    if rejects:
        got += f"; {rejects[0]['source']}:{rejects[0]['place']}: {rejects[0]['reason']}"
    if "--all" in sys.argv:
        got += "".join(
            f"<br>{one['source']}:{one['place']}: {one['reason']} [{one['row'][:50]}]"
            for one in rejects[1:8]
        )
    got = got.replace("|", "\\|").replace(place, "…")
    return f"| {name} | {got} | {seconds:.1f} | {peak:.0f} | {', '.join(sorted(changed))} |"


def load():
    """Load what each fork needs, and the compiled code, so that no row pays for it."""
    import pandas  # noqa: F401

    import pipeline.stages.run  # noqa: F401
    from pipeline.ingest import tidy

    tidy("a\tb")


def print_table():
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    load()
    print("| input | what it got | seconds | MB | changed |\n|---|---|---|---|---|", flush=True)
    for name, make in INPUTS.items():
        if not words or any(word in name for word in words):
            print(row(name, make), flush=True)


if __name__ == "__main__":
    print_table()

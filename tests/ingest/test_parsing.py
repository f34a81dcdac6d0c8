"""The processes that parse pages: their limits, and that they come and go unnoticed."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Fields
from pipeline.ingest import parsing
from pipeline.ingest.rows import Document, DocumentKind, Flaw, Row

SENTENCE = b"<p>The harbour board has voted against the new bridge, and the ferries stay.</p>"
PAGE = b"<html><body><article><h1>Bridge</h1>" + SENTENCE * 5


def page(content: bytes = PAGE, place: int = 1) -> Document:
    return Document(place, DocumentKind.HTML, content)


def all_of(*items: Row | Flaw | Document) -> list[Row | Flaw]:
    named = ((str(number), item) for number, item in enumerate(items))
    return [item for _, item in parsing.parsed(named, Fields())]


def test_documents_keep_their_place_among_rows() -> None:
    items = [
        Row(1, {"text": "a"}, None), page(place=2), Flaw(3, "x", b""), page(b"", 4),
        *(page(place=place) for place in range(5, 12)), Row(12, {"text": "b"}, None),
    ]  # fmt: skip

    found = all_of(*items)

    assert [item.place for item in found] == list(range(1, 13))
    assert [type(item) for item in found[:4]] == [Row, Row, Flaw, Flaw]


def test_an_error_is_raised_after_what_came_before_it() -> None:
    def items():
        yield "a", page()
        raise OSError("the end")

    found = parsing.parsed(items(), Fields())

    assert next(found)[0] == "a"
    with pytest.raises(OSError, match="the end"):
        next(found)


def test_rows_are_not_held_back_where_there_are_no_documents() -> None:
    def items():
        yield "a", Row(1, {}, None)
        raise AssertionError("read ahead")

    assert next(parsing.parsed(items(), Fields()))[0] == "a"


# The process with another parser: `work`. The real one need not be loaded.
HOSTILE = """
sys.modules["trafilatura"] = types.ModuleType("trafilatura")
from pipeline.ingest import limits
limits.PAGE_SECONDS = 1
def work(*_):
    {work}
worker._parse = work
worker.main()"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("work", "flaw"),
    [
        ("while True: pass", "parsing it took over 20 s of processor time; it was ended"),
        ("return 'x' * (2 << 30)", "parsing it takes over 1,024 MB"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "its parser crashed (SIGSEGV)"),
        ("import os; os._exit(3)", "its parser crashed (3)"),
        ("open('evil', 'w').write('x' * 9999)", "its parser crashed (1)"),
        ("import time; time.sleep(99)", "parsing it took too much time or memory; it was killed"),
    ],
)
def test_a_page_that_breaks_its_limits_is_a_flaw(
    work: str, flaw: str, monkeypatch, tmp_path
) -> None:
    start = parsing._START.replace("worker.main()", HOSTILE.format(work=work))
    monkeypatch.setattr(parsing, "_START", start)
    if "sleep" in work:
        monkeypatch.setattr(parsing.limits, "PAGE_PATIENCE", 1)
    monkeypatch.chdir(tmp_path)
    worker = parsing._Worker()
    try:
        assert worker.ask(page(), Fields()) == {"flaw": flaw}
    finally:
        worker.close()
    assert not Path("evil").exists() or Path("evil").stat().st_size == 0


def test_a_process_that_was_killed_between_two_pages_is_replaced() -> None:
    all_of(page())
    worker = parsing._pool()._idle[-1]
    os.kill(worker._process.pid, signal.SIGKILL)
    worker._process.wait()

    first, second = all_of(page()), all_of(page())

    assert isinstance(first[0], Row)
    assert isinstance(second[0], Row)


def test_after_a_page_that_ended_its_process_the_next_page_gets_a_new_one(monkeypatch) -> None:
    class Dying(parsing._Worker):
        def ask(self, document: Document, fields: Fields) -> dict[str, Any]:
            self._process.kill()
            return super().ask(document, fields)

    pool = parsing._Pool(1)
    with monkeypatch.context() as patched:
        patched.setattr(parsing, "_Worker", Dying)
        (found,) = pool.submit(page(), Fields()).result()
    assert found[:2] == (1, "parsing it took too much time or memory; it was killed")

    assert isinstance(pool.submit(page(), Fields()).result()[0], Row)
    pool.close()


@pytest.mark.slow
def test_the_processes_end_with_the_command() -> None:
    code = (
        "from pipeline.config import Fields\n"
        "from pipeline.ingest import parsing\n"
        "from pipeline.ingest.rows import Document, DocumentKind\n"
        f"page = Document(1, DocumentKind.HTML, {PAGE!r})\n"
        "list(parsing.parsed(iter([('a', page)]), Fields()))\n"
        "print(parsing._pool()._idle[-1]._process.pid)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )

    assert done.stderr == ""
    assert not Path(f"/proc/{int(done.stdout)}").exists()

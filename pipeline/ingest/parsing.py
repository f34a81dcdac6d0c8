"""Parse pages and feeds in other processes, in order, a few at a time.

A page can make a parser work for hours, take all memory, or crash. So it is parsed in a process
that has limits (see `worker`), and when that ends the page is a flaw and the next gets a new one.
"""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, Final

from pipeline import config, processors
from pipeline.ingest import limits
from pipeline.ingest.rows import Document, Flaw, Origin, Row

_MOST_WORKERS: Final = 8
_SHOWN: Final = 1000
# Runs `worker` without loading the whole package, which has parts that take seconds.
_START: Final = """
import sys, types
package = types.ModuleType("pipeline.ingest")
package.__path__ = [sys.argv[1]]
sys.modules["pipeline.ingest"] = package
from pipeline.ingest import worker
worker.main()
"""


def parsed(
    items: Iterator[tuple[Origin, Row | Flaw | Document]], fields: config.Fields
) -> Iterator[tuple[Origin, Row | Flaw]]:
    """Yield the items in their order, with what was found in each document in its place.

    Some documents are read ahead, as many as keep the processors busy. An error of `items` is
    raised after all that came before it.
    """
    waiting: deque[tuple[Origin, Row | Flaw | Future[list[Row | Flaw]]]] = deque()
    error: Exception | None = None
    while error is None:
        try:
            origin, item = next(items)
        except StopIteration:
            break
        except Exception as raised:  # raised again below
            error = raised
            break
        if isinstance(item, Document):
            waiting.append((origin, _pool().submit(item, fields)))
        elif waiting:
            waiting.append((origin, item))
        else:
            yield origin, item
        while waiting and len(waiting) > _pool().window:
            yield from _finished(*waiting.popleft())
    while waiting:
        yield from _finished(*waiting.popleft())
    if error is not None:
        raise error


def _finished(
    origin: Origin, item: Row | Flaw | Future[list[Row | Flaw]]
) -> Iterator[tuple[Origin, Row | Flaw]]:
    if isinstance(item, Future):
        for found in item.result():
            yield origin, found
    else:
        yield origin, item


@cache
def _pool() -> "_Pool":
    """Return the one pool: its processes take a second to start, and wait for further sources."""
    pool = _Pool(min(processors.available(), _MOST_WORKERS))
    atexit.register(pool.close)
    return pool


class _Pool:
    """Some workers, each started when it is first needed."""

    def __init__(self, size: int) -> None:
        self.window = 2 * size
        self._threads = ThreadPoolExecutor(size, "pages")
        self._idle: deque[_Worker] = deque()

    def submit(self, document: Document, fields: config.Fields) -> Future[list[Row | Flaw]]:
        return self._threads.submit(self._parse, document, fields)

    def _parse(self, document: Document, fields: config.Fields) -> list[Row | Flaw]:
        worker = self._free_worker()
        answer = worker.ask(document, fields)
        if worker.is_alive:
            self._idle.append(worker)
        else:
            worker.close()
        return _items(document, answer)

    def _free_worker(self) -> "_Worker":
        while True:
            try:
                worker = self._idle.pop()
            except IndexError:
                return _Worker()
            if worker.is_alive:
                return worker
            worker.close()

    def close(self) -> None:
        self._threads.shutdown()
        while self._idle:
            self._idle.pop().close()


def _items(document: Document, answer: dict[str, Any]) -> list[Row | Flaw]:
    if "flaw" in answer:
        return [Flaw(document.place, answer["flaw"], document.content[:_SHOWN])]
    shown = document.content[:_SHOWN] if len(answer["rows"]) == 1 else None
    items: list[Row | Flaw] = []
    for place, row in enumerate(answer["rows"], start=document.place):
        row.update((name, one) for name, one in document.given.items() if not row.get(name))
        items.append(Row(place, row, shown))
    return items


class _Worker:
    """A process that runs `worker`."""

    def __init__(self) -> None:
        paths = [str(Path(path).absolute()) for path in sys.path]
        self._process = subprocess.Popen(  # noqa: S603  (our own module)
            [sys.executable, "-P", "-c", _START, str(Path(__file__).parent)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what parsers say of broken pages
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,  # an interrupt is for the parent, which then closes the pipe
        )

    @property
    def is_alive(self) -> bool:
        """False where it has ended, perhaps between two documents."""
        return self._process.poll() is None

    def ask(self, document: Document, fields: config.Fields) -> dict[str, Any]:
        """Return the answer of the process, or the flaw that it died."""
        request = {
            "kind": document.kind,
            "charset": document.charset,
            "fields": fields.model_dump(),
            "size": len(document.content),
        }
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n" + document.content)
            self._process.stdin.flush()
            answer: dict[str, Any] = json.loads(self._answer())
        except (OSError, ValueError):  # it died; the answer may be half of one
            return {"flaw": self._death()}
        return answer

    def _answer(self) -> bytes:
        """Return the line of the answer, cut off where the process died; kill it if it hangs."""
        assert self._process.stdout is not None
        source = self._process.stdout.fileno()
        pieces: list[bytes] = []
        last = time.monotonic() + limits.PAGE_PATIENCE
        while not pieces or not pieces[-1].endswith(b"\n"):
            if not select.select([source], [], [], max(0, last - time.monotonic()))[0]:
                self._process.kill()
            piece = os.read(source, 1 << 20)
            if not piece:
                break
            pieces.append(piece)
        return b"".join(pieces)

    def _death(self) -> str:
        code = self._process.wait()
        if code == -signal.SIGXCPU:
            return f"parsing it took over {limits.PAGE_SECONDS} s of processor time; it was ended"
        if code == -signal.SIGKILL:
            return "parsing it took too much time or memory; it was killed"
        return f"its parser crashed ({signal.Signals(-code).name if code < 0 else code})"

    def close(self) -> None:
        """End the process; it ends by itself where its input does."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:  # what was not yet written, to a process that is gone
                continue
        self._process.wait()

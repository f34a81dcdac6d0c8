"""The process that parses pages and feeds: what it takes is limited, and it may be killed.

A request is a line of JSON and the bytes of a document; an answer is a line of JSON. This module
and what it imports stay light, since each process loads them.
"""

import json
import resource
import sys
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, BinaryIO

from pipeline.ingest import limits


def main() -> None:
    """Answer requests on standard input until it ends."""
    import trafilatura  # noqa: F401  (before memory is limited, and before the clock runs)

    _limit_resources()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while line := requests.readline():
        request = json.loads(line)
        content = requests.read(request["size"])
        _allow_seconds(limits.PAGE_SECONDS)
        answer = json.dumps(_answer(request, content), ensure_ascii=False)
        _write(answers, answer.encode(errors="replace") + b"\n")


def _write(stream: BinaryIO, content: bytes) -> None:
    stream.write(content)
    stream.flush()


def _answer(request: dict[str, Any], content: bytes) -> dict[str, Any]:
    fields: Any = SimpleNamespace(**request["fields"])
    try:
        found = _parse(request["kind"], content, fields, request["charset"])
    except MemoryError:
        return {"flaw": f"parsing it takes over {limits.in_megabytes(limits.PAGE_MEMORY)}"}
    return {"flaw": found} if isinstance(found, str) else {"rows": found}


def _parse(
    kind: str, content: bytes, fields: Any, charset: str | None
) -> list[dict[str, Any]] | str:
    if kind == "feed":
        from pipeline.ingest.feeds import feed_rows

        try:
            return feed_rows(content, fields, charset)
        except MemoryError:
            raise
        except Exception as error:  # as with pages: a parser of other people
            return f"the feed cannot be parsed ({type(error).__name__})"
    from pipeline.ingest.pages import html_fields

    found = html_fields(content, fields, charset)
    return found if isinstance(found, str) else [found]


def _limit_resources() -> None:
    """Limit memory, and write no file: neither is needed."""
    for kind, most in (
        (resource.RLIMIT_AS, limits.PAGE_MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(OSError, ValueError):  # not every system has each of them
            resource.setrlimit(kind, (most, most))


def _allow_seconds(seconds: int) -> None:
    """Let the system end this process when it has worked for so long from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime) + 1
    with suppress(OSError, ValueError):
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (spent + seconds, hard))

import io

import pytest

from pipeline.ingest import streams


def read(content: bytes, limit: int = 100) -> list[tuple[int, bytes, bool]]:
    return list(streams.lines(io.BytesIO(content), limit))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n", [b""]),
        (b"a", [b"a"]),
        (b"a\nb", [b"a", b"b"]),
        (b"a\n\nb\n", [b"a", b"", b"b"]),
        (b"\xef\xbb\xbfa\r\nb\rc\n", [b"a\r", b"b\rc"]),
        (b"\xef\xbb\xbf", [b""]),
    ],
)
def test_lines_are_cut_at_line_feeds_only(content: bytes, expected: list[bytes]) -> None:
    assert [line for _, line, _ in read(content)] == expected


@pytest.mark.parametrize("block", [1, 2, 7, 1000])
def test_lines_do_not_depend_on_where_blocks_end(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_BLOCK", block)
    long = b"x" * 5000

    found = read(b"first\n" + long + b"\n\nlast of " + b"100 bytes".ljust(92) + b"\nend")

    assert [(number, whole) for number, _, whole in found] == [
        (1, True), (2, False), (3, True), (4, True), (5, True),
    ]  # fmt: skip
    assert found[0][1] == b"first"
    assert long.startswith(found[1][1])
    assert len(found[1][1]) >= 100
    assert len(found[3][1]) == 100
    assert found[4][1] == b"end"


def test_of_an_overlong_line_only_the_beginning_is_kept() -> None:
    ((number, line, whole),) = read(b"y" * (5 << 20), limit=2 << 20)

    assert (number, whole) == (1, False)
    assert len(line) <= 1000

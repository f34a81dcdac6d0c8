"""What is told of an error that a library raised."""

import pytest

from pipeline.errors import first_line


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no such key\nmore of it"), "no such key"),
        (OSError("\n  cannot be opened\n"), "cannot be opened"),
        (KeyError(), "KeyError"),
        (RuntimeError(" \n"), "RuntimeError"),
    ],
)
def test_the_first_line_that_says_something_is_told(error, told):
    assert first_line(error) == told

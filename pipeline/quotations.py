"""Where a text quotes somebody."""

import re
from collections.abc import Sequence
from typing import Final

# A quotation ends with its paragraph where its closing mark is missing. Single marks are left out:
# most of them are apostrophes. „ closes with “ in German, and “ opens in English.
_QUOTED: Final = re.compile(r'"[^"\n]*"?|„[^“”\n]*[“”]?|“[^”\n]*”?|«[^»\n]*»?|»[^«\n]*«?')


def quoted_spans(text: str) -> list[tuple[int, int]]:
    """Return start and end of each quotation, its marks included, in order and not overlapping."""
    return [found.span() for found in _QUOTED.finditer(text)]


def is_quoted(span: tuple[int, int], quotations: Sequence[tuple[int, int]]) -> bool:
    """Whether a span lies within one of the quotations."""
    return any(start <= span[0] and span[1] <= end for start, end in quotations)

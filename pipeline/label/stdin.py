"""Files of labelling tools, of which one may be standard input."""

import io
import sys
from pathlib import Path
from typing import BinaryIO, Final

STDIN: Final = Path("-")


def opened(path: Path) -> BinaryIO:
    """Open the file at `path`, or all of standard input where that is `-`.

    Whole, so that its reader may close it like a file.
    """
    return io.BytesIO(sys.stdin.buffer.read()) if path == STDIN else path.open("rb")

"""What read a text out of its source: its name, and its version where it is a package."""

from functools import cache
from importlib.metadata import version
from typing import Final

from pipeline.config import SourceFormat

# Formats whose texts a package makes out of something else.
_PACKAGES: Final = {
    SourceFormat.HTML: "trafilatura",
    SourceFormat.WARC: "trafilatura",
    SourceFormat.FEED: "feedparser",
    SourceFormat.EXCEL: "openpyxl",
}


def extractor_of(known: SourceFormat) -> str:
    """Return `trafilatura 2.3.1` for pages, `jsonl` for rows that are taken as they are."""
    package = _PACKAGES.get(known)
    return str(known) if package is None else versioned(package)


@cache
def versioned(package: str) -> str:
    """Return a package with its version."""
    return f"{package} {version(package)}"

"""All limits of ingest: what one input may cost before it is a reject.

They are far above what news needs. `docs/ingest.md` lists them.
"""

from typing import Final

MEGABYTE: Final = 1 << 20

# A line, a record of CSV, a text file, or an array of JSON.
LINE_BYTES: Final = 64 * MEGABYTE

# What a file unpacks to, with all that is packed inside it: as many times its own size, but never
# less than the floor. Packed articles reach 3 to 30 times; a bomb of gzip about 1,000.
EXPANSION: Final = 200
EXPANSION_FLOOR: Final = 64 * MEGABYTE

# Memory that unpacking .xz may take; a file can ask for 4 GB.
XZ_MEMORY: Final = 128 * MEGABYTE

# The list of a zip is in memory: about 1 KB for each entry. A tar is read as a stream.
ZIP_ENTRIES: Final = 100_000
# Long names and the like stand in headers of tar that are read whole.
TAR_HEADER: Final = MEGABYTE
# Formats that are read from their end, Parquet and Excel, are held whole where they are in an
# archive.
MEMBER_BYTES: Final = 256 * MEGABYTE

# A web page or a feed.
PAGE_BYTES: Final = 16 * MEGABYTE
# Counted as `<`; the longest live blogs have some ten thousand.
PAGE_TAGS: Final = 200_000
# Of one tag: parsers compare each with all others.
TAG_ATTRIBUTES: Final = 5_000
# Of processor time, not of the clock: whether a page is read must not depend on what else runs.
PAGE_SECONDS: Final = 20
# Of the clock, for a parser that hangs without working.
PAGE_PATIENCE: Final = 300
# The address space of a process that parses pages.
PAGE_MEMORY: Final = 1 << 30

# Header of a record in a WARC file, and of the HTTP response in it.
WARC_HEADER: Final = 64 << 10

# A workbook: cells of a row, and the parts that are read whole (styles, list of sheets …).
SHEET_COLUMNS: Final = 1_000
SHEET_PART: Final = 8 * MEGABYTE
# The texts of all cells, which a workbook keeps in one list.
SHEET_STRINGS: Final = 256 * MEGABYTE


def in_megabytes(size: int) -> str:
    """Return a limit in words."""
    return f"{size // MEGABYTE:,} MB"

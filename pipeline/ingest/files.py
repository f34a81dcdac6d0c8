"""Find the files of a source, and say how each is written."""

import glob
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pipeline.config import FileSource, Ingest, SourceFormat
from pipeline.errors import DataError
from pipeline.ingest.rows import Flaw

STDIN: Final = "-"
ENDINGS: Final = {
    ".jsonl": SourceFormat.JSONL,
    ".ndjson": SourceFormat.JSONL,
    ".json": SourceFormat.JSONL,
    ".csv": SourceFormat.CSV,
    ".tsv": SourceFormat.TSV,
    ".parquet": SourceFormat.PARQUET,
    ".html": SourceFormat.HTML,
    ".htm": SourceFormat.HTML,
    ".txt": SourceFormat.TEXT,
    ".md": SourceFormat.TEXT,
}
COMPRESSIONS: Final = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
_READABLE: Final = f"{', '.join(ENDINGS)}, each but Parquet also with {', '.join(COMPRESSIONS)}"
_STREAMED: Final = (SourceFormat.JSONL, SourceFormat.CSV, SourceFormat.TSV)


@dataclass(frozen=True)
class SourceFile:
    """One file to read articles from."""

    path: Path
    name: str
    """Its path relative to `ingest.root`, where it is below it."""
    format: SourceFormat
    """Never `auto`."""
    compression: str | None = None
    """`gzip`, `zstd` or `bz2`."""
    alone: bool = True
    """False where a folder or a pattern named it, so that others may be good if it is broken."""
    stream: BinaryIO | None = None
    """What to read instead of the path: standard input."""


def check(source: FileSource, root: Path, stdin: BinaryIO | None) -> None:
    """Raise DataError where `source` names nothing that can be read."""
    if source.path == STDIN:
        _stdin_file(source, stdin)
        return
    endings: set[str] = set()
    for path in _candidates(source, root):
        if _format_of(path, source.format) is not None:
            return
        endings.add(_ending(path) or "no ending")
    where = _where(source, root)
    if where.is_dir():
        found = f"its files have {', '.join(sorted(endings)[:10])}" if endings else "it is empty"
        raise DataError(f"{where}: no file in it can be read: {found}; readable are {_READABLE}")
    raise DataError(
        f"{where}: the ending tells no format ({', '.join(sorted(endings)[:10])}); readable are "
        f"{_READABLE}; or name the source's format"
    )


def files_of(source: FileSource, root: Path, stdin: BinaryIO | None) -> Iterator[SourceFile | Flaw]:
    """Yield the files of `source`, in sorted order.

    A folder's or pattern's files of unknown endings are passed over; one flaw per ending at the
    end counts them. Hidden files and folders are not looked at.
    """
    if source.path == STDIN:
        yield _stdin_file(source, stdin)
        return
    alone = _is_one_file(_where(source, root))
    passed: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for path in _candidates(source, root):
        name = _name(path, root)
        known = _format_of(path, source.format)
        if known is None:
            passed[_ending(path)] += 1
            examples.setdefault(_ending(path), name)
        else:
            yield SourceFile(path, name, known, COMPRESSIONS.get(path.suffix.lower()), alone)
    for ending, count in sorted(passed.items()):
        what = f"ending in {ending}" if ending else "without an ending"
        reason = f"{count} file{'s' * (count > 1)} {what} not read; readable are {_READABLE}"
        yield Flaw(0, reason, examples[ending].encode(errors="replace"))


def _stdin_file(source: FileSource, stdin: BinaryIO | None) -> SourceFile:
    if stdin is None:
        raise DataError(f"{STDIN}: there is no standard input here; name a file")
    known = SourceFormat.JSONL if source.format is SourceFormat.AUTO else source.format
    if known not in _STREAMED:
        raise DataError(
            f"{STDIN}: standard input cannot be read as {known}; it can as {', '.join(_STREAMED)}"
        )
    return SourceFile(Path(STDIN), STDIN, known, stream=stdin)


def _where(source: FileSource, root: Path) -> Path:
    return (root / source.path).absolute()


def _is_one_file(path: Path) -> bool:
    return path.exists() and not path.is_dir()


def _candidates(source: FileSource, root: Path) -> Iterator[Path]:
    path = root / source.path
    try:
        is_folder, is_there = path.is_dir(), path.exists()
    except OSError as error:  # a name that is too long, a folder that is closed to the user
        raise DataError(f"{path.absolute()}: cannot be read ({error.strerror})") from None
    if is_folder:
        yield from _walk(path, ())
    elif is_there:
        yield path
    elif any(mark in source.path for mark in "*?["):
        # Path.glob takes no absolute pattern.
        found = sorted(glob.glob(source.path, root_dir=root, recursive=True))  # noqa: PTH207
        files = [root / name for name in found if not (root / name).is_dir()]
        if not files:
            raise DataError(f"{path.absolute()}: no file fits this pattern")
        yield from files
    else:
        raise DataError(f"{path.absolute()}: there is no such file")


def _walk(folder: Path, above: tuple[tuple[int, int], ...]) -> Iterator[Path]:
    """Yield all files below `folder`, one listing in memory per level; links do not loop."""
    try:
        status = folder.stat()
        names = sorted(os.listdir(folder))  # noqa: PTH208  (no Path per name of a huge folder)
    except OSError as error:
        raise DataError(f"{folder}: the folder cannot be read ({error.strerror})") from None
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    for name in names:
        path = folder / name
        if name.startswith("."):
            continue
        if path.is_dir():
            yield from _walk(path, (*above, here))
        elif path.is_file() or path.is_symlink():  # a broken link is reported when it is opened
            yield path


def _format_of(path: Path, stated: SourceFormat) -> SourceFormat | None:
    if stated is not SourceFormat.AUTO:
        return stated
    suffix = path.suffix.lower()
    if suffix not in COMPRESSIONS:
        return ENDINGS.get(suffix)
    inner = ENDINGS.get(Path(path.stem).suffix.lower())
    return None if inner is SourceFormat.PARQUET else inner


def _ending(path: Path) -> str:
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() + suffix if suffix in COMPRESSIONS else suffix


def _name(path: Path, root: Path) -> str:
    try:
        return path.absolute().relative_to(root.absolute()).as_posix()
    except ValueError:
        return path.as_posix()


def source_paths(section: Ingest) -> list[Path]:
    """Return the files that the sources of `section` are read from, in their order.

    Hub data sets have none. DataError where a source names nothing that can be read.
    """
    paths = []
    for source in section.sources:
        if isinstance(source, FileSource):
            check(source, section.root, None)
            found = files_of(source, section.root, None)
            paths += [file.path for file in found if isinstance(file, SourceFile)]
    return paths

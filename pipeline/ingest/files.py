"""Find the files of a source, and say how each is written."""

import glob
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO, Final

from pipeline.config import FileSource, Ingest, SourceFormat
from pipeline.errors import DataError
from pipeline.ingest.rows import Flaw

if TYPE_CHECKING:
    from pipeline.ingest.streams import Allowance

STDIN: Final = "-"
ENDINGS: Final = {
    ".jsonl": SourceFormat.JSONL,
    ".ndjson": SourceFormat.JSONL,
    ".json": SourceFormat.JSONL,
    ".csv": SourceFormat.CSV,
    ".tsv": SourceFormat.TSV,
    ".parquet": SourceFormat.PARQUET,
    ".xlsx": SourceFormat.EXCEL,
    ".xlsm": SourceFormat.EXCEL,
    ".html": SourceFormat.HTML,
    ".htm": SourceFormat.HTML,
    ".xhtml": SourceFormat.HTML,
    ".warc": SourceFormat.WARC,
    ".rss": SourceFormat.FEED,
    ".atom": SourceFormat.FEED,
    ".rdf": SourceFormat.FEED,
    ".xml": SourceFormat.FEED,
    ".txt": SourceFormat.TEXT,
    ".md": SourceFormat.TEXT,
}
COMPRESSIONS: Final = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".xz": "xz"}
# Of archives; a tar may also be packed as a whole.
_SHORT_TARS: Final = {".tgz": "gzip", ".tzst": "zstd", ".tbz2": "bz2", ".tbz": "bz2", ".txz": "xz"}
# Read from their end, so not from a packed stream.
_SEEKING: Final = (SourceFormat.PARQUET, SourceFormat.EXCEL)
_READABLE: Final = (
    f"{', '.join(ENDINGS)}, each but Parquet and Excel also with {', '.join(COMPRESSIONS)}, "
    "and .zip and .tar of these"
)
_STREAMED: Final = (SourceFormat.JSONL, SourceFormat.CSV, SourceFormat.TSV)
_LONGEST_NAME: Final = 300


class ArchiveKind(StrEnum):
    """A file that holds files."""

    ZIP = "zip"
    TAR = "tar"


@dataclass(frozen=True)
class SourceFile:
    """One file to read articles from, or an archive of such files."""

    path: Path
    name: str
    """Its path relative to `ingest.root`, where it is below it; of a file in an archive the
    archive's name and its own."""
    format: SourceFormat
    """Never `auto`, but for an archive whose files go by their endings."""
    compression: str | None = None
    """`gzip`, `zstd`, `bz2` or `xz`."""
    alone: bool = True
    """False where a folder or a pattern named it, so that others may be good if it is broken."""
    stream: BinaryIO | None = None
    """What to read instead of the path, once: standard input, or a file in an archive."""
    archive: ArchiveKind | None = None
    encoding: str | None = None
    sheet: str | None = None
    allowance: "Allowance | None" = None
    """What the archive that it is in may still unpack to."""


class Passed:
    """What is not read among files that are, for few flaws that count it."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def add(self, what: str, name: str) -> None:
        """Count a file; `what` completes the sentence "2 files … not read"."""
        self._counts[what] += 1
        self._examples.setdefault(what, name)

    def add_ending(self, path: PurePath, name: str) -> None:
        """Count a file whose ending tells no format."""
        ending = _ending(path)
        self.add(f"ending in {ending}" if ending else "without an ending", name)

    def flaws(self) -> Iterator[Flaw]:
        """Yield one flaw for each kind of files, sorted."""
        for what, count in sorted(self._counts.items()):
            hint = f"; readable are {_READABLE}" if "ending" in what else ""
            reason = f"{count} file{'s' * (count > 1)} {what} not read{hint}"
            yield Flaw(0, reason, self._examples[what].encode(errors="replace"))


def check(source: FileSource, root: Path, stdin: BinaryIO | None) -> None:
    """Raise DataError where `source` names nothing that can be read."""
    if source.path == STDIN:
        _stdin_file(source, stdin)
        return
    endings: set[str] = set()
    where = _where(source, root)
    alone = _is_one_file(where)
    for path in _candidates(source, root):
        if (special := _special(path)) is not None:
            if alone:
                raise DataError(f"{where}: {special}, no file; name a file, or {STDIN} for stdin")
        elif archive_kind(path) or format_of(path, source.format):
            return
        endings.add(_ending(path) or "no ending")
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
    passed = Passed()
    for path in _candidates(source, root):
        name = _name(path, root)
        archive = archive_kind(path)
        known = source.format if archive else format_of(path, source.format)
        if (special := _special(path)) is not None:
            passed.add(f"({special})", name)
        elif known is None:
            passed.add_ending(path, name)
        else:
            yield SourceFile(
                path,
                name,
                known,
                compression_of(path),
                alone,
                archive=archive,
                encoding=source.encoding,
                sheet=source.sheet,
            )
    yield from passed.flaws()


def _stdin_file(source: FileSource, stdin: BinaryIO | None) -> SourceFile:
    if stdin is None:
        raise DataError(f"{STDIN}: there is no standard input here; name a file")
    known = SourceFormat.JSONL if source.format is SourceFormat.AUTO else source.format
    if known not in _STREAMED:
        raise DataError(
            f"{STDIN}: standard input cannot be read as {known}; it can as {', '.join(_STREAMED)}"
        )
    return SourceFile(Path(STDIN), STDIN, known, stream=stdin, encoding=source.encoding)


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
        else:
            yield path


def _special(path: Path) -> str | None:
    """Say what `path` is where it is no regular file; opening it might never end.

    A broken link is none of these: it is reported when it is opened.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return None
    kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
    return None if stat.S_ISREG(mode) else kinds.get(stat.S_IFMT(mode), "a device")


def archive_kind(path: PurePath) -> ArchiveKind | None:
    """Return what kind of archive the file is by its ending, or None."""
    if path.suffix.lower() == ".zip":
        return ArchiveKind.ZIP
    is_tar = path.suffix.lower() in _SHORT_TARS or _ending(path).split(".")[1:2] == ["tar"]
    return ArchiveKind.TAR if is_tar else None


def compression_of(path: PurePath) -> str | None:
    """Return how the file is packed by its ending, or None."""
    suffix = path.suffix.lower()
    return COMPRESSIONS.get(suffix) or _SHORT_TARS.get(suffix)


def format_of(path: PurePath, stated: SourceFormat) -> SourceFormat | None:
    """Return how a file is written that is no archive, or None where its ending does not tell."""
    if stated is not SourceFormat.AUTO:
        return stated
    suffix = path.suffix.lower()
    if suffix not in COMPRESSIONS:
        return ENDINGS.get(suffix)
    inner = ENDINGS.get(PurePath(path.stem).suffix.lower())
    return None if inner in _SEEKING else inner


def _ending(path: PurePath) -> str:
    suffix = path.suffix.lower()
    return PurePath(path.stem).suffix.lower() + suffix if suffix in COMPRESSIONS else suffix


def _name(path: Path, root: Path) -> str:
    try:
        name = path.absolute().relative_to(root.absolute()).as_posix()
    except ValueError:
        name = path.as_posix()
    return plain_name(name)


def plain_name(name: str) -> str:
    """Return the name of a file as one line of text that any table can hold."""
    if not name.isprintable():
        known = name.encode(errors="surrogateescape").decode(errors="replace")
        name = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in known)
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


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

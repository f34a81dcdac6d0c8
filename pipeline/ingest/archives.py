"""The files in a zip or a tar, one after the other. Nothing is extracted to the disk."""

import stat
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, Final, Self

from pipeline.ingest import limits
from pipeline.ingest.files import (
    ArchiveKind,
    Passed,
    SourceFile,
    archive_kind,
    compression_of,
    format_of,
    plain_name,
)
from pipeline.ingest.rows import Flaw
from pipeline.ingest.streams import (
    Metered,
    UnreadableFileError,
    allowance_of,
    opened,
    readable,
)

# What a Mac adds to each archive.
_HIDDEN: Final = (".", "__MACOSX")
_ZIP_ENTRY: Final = b"PK\x01\x02"
_ENCRYPTED: Final = 0x1
_TAR_EXTENSIONS: Final = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)


def files_in(archive: SourceFile) -> Iterator[SourceFile | Flaw]:
    """Yield the files of `archive` in its order, each to be read before the next is taken.

    Like in a folder, hidden files are not looked at, and flaws at the end count what is of no
    known format. A flaw is about the archive; its `shown` is the name of the file.
    UnreadableFileError where the archive, or the rest of it, cannot be read.
    """
    passed = Passed()
    reader = _in_zip if archive.archive is ArchiveKind.ZIP else _in_tar
    yield from reader(archive, passed)
    yield from passed.flaws()


def _in_zip(archive: SourceFile, passed: Passed) -> Iterator[SourceFile | Flaw]:
    with readable(), archive.path.open("rb") as packed:
        allowance = allowance_of(archive)
        _refuse_long_list(packed)
        with _zip_of(packed) as members:
            for info in members.infolist():
                if info.is_dir():
                    continue
                file = _checked(archive, info.filename, _special_in_zip(info), passed)
                if not isinstance(file, SourceFile):
                    if file is not None:
                        yield file
                    continue
                try:
                    with readable(), _zip_file(members, info) as stream:
                        metered: Any = Metered(stream, allowance)
                        yield replace(file, stream=metered, allowance=allowance)
                except UnreadableFileError as error:
                    yield Flaw(0, f"a file in it {error}", file.name.encode())


def _refuse_long_list(packed: BinaryIO) -> None:
    """Raise UnreadableFileError where the archive lists more files than memory should hold."""
    end = zipfile._EndRecData(packed)  # type: ignore[attr-defined]  # or it is read otherwise here
    packed.seek(0)
    if not end:
        return  # ZipFile says it better
    size, count = end[zipfile._ECD_SIZE], end[zipfile._ECD_ENTRIES_TOTAL]  # type: ignore[attr-defined]
    if count <= limits.ZIP_ENTRIES and size <= limits.LINE_BYTES:
        packed.seek(max(0, end[zipfile._ECD_LOCATION] - size))  # type: ignore[attr-defined]
        count = packed.read(size).count(_ZIP_ENTRY)  # the stated number may be a lie
        packed.seek(0)
    if count > limits.ZIP_ENTRIES or size > limits.LINE_BYTES:
        raise UnreadableFileError(
            f"the archive lists {count:,} files, more than {limits.ZIP_ENTRIES:,}; "
            "divide it, or pack them as .tar"
        )


# What zipfile and tarfile raise over broken headers, beside their own errors: numbers that are none
# or lead nowhere, names that are no text, and headers that announce one another without end.
_BROKEN: Final = (ValueError, OverflowError, RecursionError, IndexError, KeyError, struct.error)


def _zip_of(packed: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(packed)
    except _BROKEN as error:
        raise zipfile.BadZipFile(f"broken list of files: {error}") from None


def _zip_file(members: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    try:
        return members.open(info)
    except (*_BROKEN, RuntimeError) as error:  # the latter where it is encrypted after all
        raise zipfile.BadZipFile(f"broken header: {error}") from None


def _special_in_zip(info: zipfile.ZipInfo) -> str | None:
    if info.flag_bits & _ENCRYPTED:
        return "(encrypted)"
    return "(links)" if stat.S_ISLNK(info.external_attr >> 16) else None


def _in_tar(archive: SourceFile, passed: Passed) -> Iterator[SourceFile | Flaw]:
    with readable():
        allowance = allowance_of(archive)
    with opened(replace(archive, allowance=allowance)) as stream, _tar_of(stream) as members:
        while (info := _next(members)) is not None:
            if info.isdir():
                continue
            file = _checked(archive, info.name, _special_in_tar(info), passed)
            if isinstance(file, SourceFile):
                extracted: Any = members.extractfile(info)
                yield replace(file, stream=extracted, allowance=allowance)
            elif file is not None:
                yield file


def _tar_of(stream: Any) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=stream, mode="r|", tarinfo=_TarInfo, bufsize=1 << 20)
    except (tarfile.TarError, *_BROKEN) as error:
        raise _broken_tar(error) from None


def _next(members: tarfile.TarFile) -> tarfile.TarInfo | None:
    try:
        info = members.next()
    except (tarfile.TarError, *_BROKEN) as error:
        raise _broken_tar(error) from None
    members.members.clear()  # type: ignore[attr-defined]  # else it keeps all that it has met
    return info


def _broken_tar(error: Exception) -> UnreadableFileError:
    known = str(error) if isinstance(error, tarfile.TarError) else type(error).__name__
    return UnreadableFileError(f"cannot be read (broken tar: {known})")


class _TarInfo(tarfile.TarInfo):
    """Headers of limited size, of which a broken one is not taken for the end of the archive."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        """Return the next header; tarfile.ReadError where there must be one and is none."""
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error) or "no header where one must be") from None

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _TAR_EXTENSIONS and self.size > limits.TAR_HEADER:
            raise tarfile.ReadError(f"a header of {self.size:,} bytes")
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]


def _special_in_tar(info: tarfile.TarInfo) -> str | None:
    if info.issym() or info.islnk():
        return "(links)"
    if not info.isreg():
        return "(devices or pipes)"
    return "(sparse)" if info.issparse() else None


def _checked(
    archive: SourceFile, given: str, special: str | None, passed: Passed
) -> SourceFile | Flaw | None:
    """Return a file of the archive without its stream; None where it is passed over."""
    name = f"{archive.name}/{plain_name(given.removeprefix('./'))}"
    path = PurePosixPath(given.replace("\\", "/"))
    has_drive = path.parts[:1] != () and path.parts[0].endswith(":")
    if path.is_absolute() or ".." in path.parts or has_drive:
        return Flaw(0, "a file in it has a path that leaves the archive; not read", name.encode())
    if any(part.startswith(_HIDDEN) for part in path.parts):
        return None
    if special is not None:
        passed.add(special, name)
        return None
    if archive_kind(path):
        passed.add("(archives in an archive)", name)
        return None
    known = format_of(path, archive.format)
    if known is None:
        passed.add_ending(path, name)
        return None
    return replace(
        archive,
        path=Path(path),
        name=name,
        format=known,
        compression=compression_of(path),
        archive=None,
        alone=False,
    )

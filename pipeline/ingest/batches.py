"""Stream articles and rejects out of sources, in batches."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, Final

import pyarrow as pa

from pipeline import config, records
from pipeline.config import HubSource, Source
from pipeline.errors import DataError
from pipeline.ingest import files, hub
from pipeline.ingest.archives import files_in
from pipeline.ingest.parsing import parsed
from pipeline.ingest.readers import Item, read_file
from pipeline.ingest.rows import Article, ArticleMaker, Flaw, Row, UnfitError, to_json
from pipeline.ingest.streams import ExpandedError, UnreadableFileError

_BATCH_ROWS: Final = 2000
_BATCH_CHARACTERS: Final = 8 << 20
_SHOWN_CHARACTERS: Final = 200
_SHOWN_BYTES: Final = 4 * _SHOWN_CHARACTERS  # UTF-8 has up to four bytes a character


@dataclass(frozen=True)
class Reject:
    """A place in a source that gave no article."""

    source: str
    """File or hub name, as in records.ARTICLES."""
    place: int
    """Line or row, from 1; 0 for a file as a whole."""
    reason: str
    """One plain sentence."""
    row: str
    """What stood there, its first 200 characters."""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name, as they are written to rejects.jsonl."""
        return asdict(self)


@dataclass(frozen=True)
class Batch:
    """Some articles, and what was rejected among them, both in the order of the sources."""

    articles: pa.Table
    """records.ARTICLES; may have no rows."""
    rejects: list[Reject]
    raw_texts: dict[int, str] = field(default_factory=dict)
    """The text as it came in, of the articles (by row) whose text is not tidy; see `keep_raw`."""


def read_sources(
    section: config.Ingest,
    *,
    keep_extra: bool = True,
    keep_raw: bool = False,
    stdin: BinaryIO | None = None,
) -> Iterator[Batch]:
    """Yield the articles of all sources in batches of up to 2,000 rows or 8 million characters.

    Memory does not grow with the sources, apart from 12 to 24 bytes per article for the check
    that no id occurs twice. `keep_extra=False` leaves `extra` null;
    `keep_raw` keeps untidy texts as they came in. The path `-` reads `stdin`.

    Nothing is lost: each row is an article or a Reject with its place and reason, and blank lines
    are neither. A row without an id gets one made of its title and text; a second row of the same
    title and text and no id is therefore rejected, "the same text as …".

    DataError is raised at once where a source names nothing that can be read, and later where a
    file that was named alone proves unreadable, or when there are more than `max_rejects`
    rejects. What was read before is yielded first, so the rejects that explain the error are in
    the last batch before it. An unreadable file among several is a Reject with place 0; what
    could be read of it stays. Sources without rows yield no batch.
    """
    for source in section.sources:
        if isinstance(source, HubSource):
            hub.check(source)
        else:
            files.check(source, section.root, stdin)
    return _batches(section, _Collected(section, keep_extra, keep_raw), keep_extra, stdin)


def _batches(
    section: config.Ingest, collected: "_Collected", keep_extra: bool, stdin: BinaryIO | None
) -> Iterator[Batch]:
    try:
        for source in section.sources:
            items = _items(source, section, keep_extra, stdin)
            for name, item in parsed(items, section.fields):
                collected.add(name, item, source.split)
                if collected.is_full:
                    yield collected.take()
    except DataError:
        if not collected.is_empty:
            yield collected.take()
        raise
    if not collected.is_empty:
        yield collected.take()


def _items(
    source: Source, section: config.Ingest, keep_extra: bool, stdin: BinaryIO | None
) -> Iterator[tuple[str, Item]]:
    """Yield each row or flaw of a source with the name of where it stands."""
    if isinstance(source, HubSource):
        name = hub.name_of(source)
        for row in hub.read_hub(source):
            yield name, row
        return
    for file in files.files_of(source, section.root, stdin):
        if isinstance(file, Flaw):
            yield source.path, file
            continue
        try:
            yield from _items_of(file, section.fields, keep_extra)
        except UnreadableFileError as error:
            if file.alone:
                raise DataError(f"{file.path.absolute()}: {error}") from None
            yield file.name, Flaw(0, str(error), b"")


def _items_of(
    file: files.SourceFile, fields: config.Fields, keep_extra: bool
) -> Iterator[tuple[str, Item]]:
    """Yield the items of a file, or of all files in an archive."""
    if file.archive is None:
        for item in read_file(file, fields, keep_extra):
            yield file.name, item
        return
    for member in files_in(file):
        if isinstance(member, Flaw):
            yield file.name, member
            continue
        try:
            for item in read_file(member, fields, keep_extra):
                yield member.name, item
        except ExpandedError:
            raise
        except UnreadableFileError as error:
            yield member.name, Flaw(0, str(error), b"")


class _Collected:
    """The articles and rejects of the next batch, and the count of all rejects."""

    def __init__(self, section: config.Ingest, keep_extra: bool, keep_raw: bool) -> None:
        self._text_field = section.fields.text if keep_raw else None
        self._maker = ArticleMaker(section.fields, keep_extra=keep_extra)
        self._max_rejects = section.max_rejects
        self._rejected = 0
        self._first_reject: Reject | None = None
        self._clear()

    def _clear(self) -> None:
        self._articles: list[Article] = []
        self._rejects: list[Reject] = []
        self._raw_texts: dict[int, str] = {}
        self._characters = 0

    @property
    def is_empty(self) -> bool:
        return not self._articles and not self._rejects

    @property
    def is_full(self) -> bool:
        rows = len(self._articles) + len(self._rejects)
        return rows >= _BATCH_ROWS or self._characters >= _BATCH_CHARACTERS

    def add(self, source: str, item: Row | Flaw, side: str | None) -> None:
        """Add a row as article or reject; DataError when that is one reject too many."""
        if isinstance(item, Flaw):
            self._reject(source, item, item.reason)
            return
        try:
            article = self._maker.make(item, source, side)
        except UnfitError as error:
            self._reject(source, item, str(error))
            return
        if self._text_field is not None and item.fields[self._text_field] != article.text:
            self._raw_texts[len(self._articles)] = item.fields[self._text_field]
        self._articles.append(article)
        self._characters += sum(len(part) for part in article if type(part) is str)

    def _reject(self, source: str, item: Row | Flaw, reason: str) -> None:
        reject = Reject(source, item.place, reason, _shown(item))
        self._rejects.append(reject)
        self._rejected += 1
        self._first_reject = self._first_reject or reject
        if self._rejected > self._max_rejects:
            first = self._first_reject
            raise DataError(
                f"{self._rejected} row{'s' * (self._rejected > 1)} cannot be read, more than "
                f"ingest.max_rejects allows ({self._max_rejects}); the first is "
                f"{first.source}:{first.place}: {first.reason}; mend the rows or raise "
                f"ingest.max_rejects"
            )

    def take(self) -> Batch:
        """Return what was added since the last batch."""
        columns = list(zip(*self._articles, strict=True)) or [()] * len(records.ARTICLES)
        arrays = [
            pa.array(column, field.type)
            for column, field in zip(columns, records.ARTICLES, strict=True)
        ]
        table = pa.Table.from_arrays(arrays, schema=records.ARTICLES)
        batch = Batch(table, self._rejects, self._raw_texts)
        self._clear()
        return batch


def _shown(item: Row | Flaw) -> str:
    if item.shown is None:
        assert isinstance(item, Row)
        try:
            return to_json(item.fields)[:_SHOWN_CHARACTERS]
        except TypeError:
            return ", ".join(map(str, item.fields))[:_SHOWN_CHARACTERS]
    return item.shown[:_SHOWN_BYTES].decode(errors="replace")[:_SHOWN_CHARACTERS]

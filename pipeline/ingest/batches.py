"""Stream articles and rejects out of sources, in batches."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, BinaryIO, Final

import pyarrow as pa

from pipeline import config, records
from pipeline.config import HubSource, PersonalData, Source
from pipeline.errors import DataError
from pipeline.ingest import files, hub
from pipeline.ingest.archives import files_in
from pipeline.ingest.extractors import extractor_of, versioned
from pipeline.ingest.language import Languages, UnwantedLanguageError
from pipeline.ingest.parsing import parsed
from pipeline.ingest.readers import Item, read_file
from pipeline.ingest.rows import (
    Article,
    ArticleMaker,
    Flaw,
    Origin,
    RepeatedError,
    Row,
    UnfitError,
    to_json,
)
from pipeline.ingest.streams import ExpandedError, UnreadableFileError
from pipeline.preparation import Preparation

_BATCH_ROWS: Final = 2000
_BATCH_CHARACTERS: Final = 8 << 20
_SHOWN_CHARACTERS: Final = 200
# More than is shown is masked, so that the end of what is shown hides no part of an address.
_MASKED_CHARACTERS: Final = 2000
_MASKED_BYTES: Final = 4 * _MASKED_CHARACTERS  # UTF-8 has up to four bytes a character


class RejectKind(StrEnum):
    """Why there is no article."""

    UNREADABLE = "unreadable"
    LANGUAGE = "language"  # it is not one of `ingest.languages`
    REPEATED = "repeated"  # the same article came before, and neither has an id


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
    kind: RejectKind = RejectKind.UNREADABLE
    """Only what is unreadable counts towards `ingest.max_rejects`."""

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
    masked: Counter[PersonalData] = field(default_factory=Counter)
    """What was masked, by kind."""
    pieces: int = 0
    """How many pieces of texts were set apart."""


def read_sources(
    section: config.Ingest,
    *,
    keep_extra: bool = True,
    keep_raw: bool = False,
    stdin: BinaryIO | None = None,
    preparation: Preparation | None = None,
) -> Iterator[Batch]:
    """Yield the articles of all sources in batches of up to 2,000 rows or 8 million characters.

    Memory does not grow with the sources, apart from 12 to 24 bytes per article for the check
    that no id occurs twice (twice as many where it has none). `keep_extra=False` leaves `extra`
    null; `keep_raw` keeps untidy texts as they came in. The path `-` reads `stdin`. The texts are
    prepared as `preparation` says; None prepares them as the section does.

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
    collected = _Collected(
        section, preparation or Preparation.of(section), keep_extra=keep_extra, keep_raw=keep_raw
    )
    return _batches(section, collected, keep_extra, stdin)


def _batches(
    section: config.Ingest, collected: "_Collected", keep_extra: bool, stdin: BinaryIO | None
) -> Iterator[Batch]:
    try:
        for source in section.sources:
            items = _items(source, section, keep_extra, stdin)
            for origin, item in parsed(items, section.fields):
                collected.add(origin, item)
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
) -> Iterator[tuple[Origin, Item]]:
    """Yield each row or flaw of a source with where it comes from."""
    if isinstance(source, HubSource):
        origin = Origin(hub.name_of(source), versioned("datasets"), source.licence, source.split)
        for row in hub.read_hub(source):
            yield origin, row
        return
    for file in files.files_of(source, section.root, stdin):
        if isinstance(file, Flaw):
            yield Origin(source.path, "", source.licence, source.split), file
            continue
        origin = Origin(file.name, extractor_of(file.format), source.licence, source.split)
        try:
            yield from _items_of(file, origin, section.fields, keep_extra)
        except UnreadableFileError as error:
            if file.alone:
                raise DataError(f"{file.path.absolute()}: {error}") from None
            yield origin, Flaw(0, str(error), b"")


def _items_of(
    file: files.SourceFile, origin: Origin, fields: config.Fields, keep_extra: bool
) -> Iterator[tuple[Origin, Item]]:
    """Yield the items of a file, or of all files in an archive."""
    if file.archive is None:
        for item in read_file(file, fields, keep_extra):
            yield origin, item
        return
    for member in files_in(file):
        if isinstance(member, Flaw):
            yield origin, member
            continue
        inside = origin._replace(source=member.name, extractor=extractor_of(member.format))
        try:
            for item in read_file(member, fields, keep_extra):
                yield inside, item
        except ExpandedError:
            raise
        except UnreadableFileError as error:
            yield inside, Flaw(0, str(error), b"")


class _Collected:
    """The articles and rejects of the next batch, and the count of all rejects."""

    def __init__(
        self,
        section: config.Ingest,
        preparation: Preparation,
        *,
        keep_extra: bool,
        keep_raw: bool,
    ) -> None:
        self._text_field = section.fields.text if keep_raw else None
        self._preparation = preparation
        self._languages = Languages(section)
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

    def add(self, origin: Origin, item: Row | Flaw) -> None:
        """Add a row as article or reject; DataError when that is one reject too many."""
        if isinstance(item, Flaw):
            self._reject(origin, item, item.reason)
            return
        try:
            # An unwanted language is the first reason: a copy of such an article is no flaw.
            article = self._maker.keep(self._languages.settle(self._maker.make(item, origin)))
        except UnfitError as error:
            self._reject(origin, item, str(error))
            return
        except UnwantedLanguageError as error:
            self._rejects.append(self._rejected_row(origin, item, str(error), RejectKind.LANGUAGE))
            return
        except RepeatedError as error:
            self._rejects.append(self._rejected_row(origin, item, str(error), RejectKind.REPEATED))
            return
        if self._text_field is not None and item.fields[self._text_field] != article.text:
            self._raw_texts[len(self._articles)] = item.fields[self._text_field]
        self._articles.append(article)
        self._characters += sum(len(part) for part in article if type(part) is str)

    def _rejected_row(
        self, origin: Origin, item: Row | Flaw, reason: str, kind: RejectKind
    ) -> Reject:
        shown = self._preparation.mask_text(_beginning(item))[:_SHOWN_CHARACTERS]
        return Reject(origin.source, item.place, reason, shown, kind)

    def _reject(self, origin: Origin, item: Row | Flaw, reason: str) -> None:
        reject = self._rejected_row(origin, item, reason, RejectKind.UNREADABLE)
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
        prepared = self._preparation.prepare(table)
        batch = Batch(
            prepared.articles, self._rejects, self._raw_texts, prepared.masked, prepared.pieces
        )
        self._clear()
        return batch


def _beginning(item: Row | Flaw) -> str:
    """Return what stood there, as far as it is masked."""
    if item.shown is None:
        assert isinstance(item, Row)
        try:
            return to_json(item.fields)[:_MASKED_CHARACTERS]
        except TypeError:
            return ", ".join(map(str, item.fields))[:_MASKED_CHARACTERS]
    return item.shown[:_MASKED_BYTES].decode(errors="replace")[:_MASKED_CHARACTERS]

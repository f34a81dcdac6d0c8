"""The section `ingest`: where articles are, and what is made of them."""

import codecs
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, Tag

from pipeline.config.values import FilePath
from pipeline.documents import Section
from pipeline.records import Side, is_test


def _check_side(side: str) -> str:
    if side not in list(Side) and not is_test(side):
        raise ValueError(f"a split is train, dev, test or test_…; it is {side!r}")
    return side


GivenSide: TypeAlias = Annotated[str, AfterValidator(_check_side)]


# Codecs of Python that are no character sets of files.
_NO_CHARACTER_SETS: Final = ("idna", "punycode", "undefined", "unicode", "raw", "utf_7", "mbcs")


def _check_encoding(name: str) -> str:
    try:
        b"text".decode(name, "replace")  # refuses codecs that do not make text of bytes
        known = codecs.lookup(name).name.replace("-", "_")
    except (LookupError, UnicodeError, ValueError):
        known = "undefined"
    if known.startswith(_NO_CHARACTER_SETS):
        raise ValueError(
            f"{name!r} is no character set that is known; such are utf-16, cp1252, iso-8859-2, "
            "shift_jis, gb18030"
        )
    return name


Encoding: TypeAlias = Annotated[str, AfterValidator(_check_encoding)]


class SourceFormat(StrEnum):
    """How the articles in a source are written."""

    AUTO = "auto"
    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"
    PARQUET = "parquet"
    EXCEL = "excel"
    HTML = "html"
    WARC = "warc"
    FEED = "feed"
    TEXT = "text"


class FileSource(Section):
    """Articles in a file, a folder, or all files that a pattern fits."""

    path: str
    """A file, a folder (read with all below it, in sorted order), a zip or tar of files, or a
    pattern such as `2024/*.jsonl.gz`; relative to `ingest.root`."""
    format: SourceFormat = Field(default=SourceFormat.AUTO, strict=False)
    """How it is written, or what is in the archive; `auto` goes by the files' endings."""
    encoding: Encoding | None = None
    """The character set of its texts, such as `cp1252`; null for UTF-8, and for pages and feeds,
    which declare their own."""
    sheet: str | None = None
    """The name of a workbook's sheet; null for the first one."""
    split: GivenSide | None = None
    """The side all its articles are on, for `split.by: given`: train, dev, test or test_…"""
    licence: str | None = None
    """Under what terms its articles may be used; stands on each article and prediction."""


class HubSource(Section):
    """A data set by its hub name, read through `datasets`: needs the extra `hub` and a network."""

    hub: str
    """The data set's name on the hub, such as `fancyzhx/ag_news`."""
    revision: str | None = None
    """The commit or tag to read; name one, or tomorrow's run may read other rows."""
    subset: str | None = None
    """The data set's configuration, where it has several."""
    rows: str = "train"
    """The data set's own name of the part to read."""
    split: GivenSide | None = None
    """The side all its articles are on, for `split.by: given`."""
    licence: str | None = None
    """Under what terms its articles may be used; stands on each article and prediction."""


def _kind_of_source(value: Any) -> str:
    is_hub = "hub" in value if isinstance(value, dict) else isinstance(value, HubSource)
    # A tag must not be the name of a key, or an error would seem to be about that key.
    return "(hub)" if is_hub else "(file)"


Source: TypeAlias = Annotated[
    Annotated[FileSource, Tag("(file)")] | Annotated[HubSource, Tag("(hub)")],
    Discriminator(_kind_of_source),
]


class Fields(Section):
    """Which field of a row holds what. A field that is not named here goes into `extra`."""

    id: str = "id"
    """Field of the article's id; made from the content where a row has none, and for copies of an
    earlier article from outlet and address too."""
    title: str = "title"
    """Field of the headline."""
    text: str = "text"
    """Field of the body text: the one field that a row must have."""
    outlet: str = "outlet"
    """Field of the outlet."""
    published: str = "published"
    """Field of the date of publication."""
    url: str = "url"
    """Field of the address."""
    language: str = "language"
    """Field of the language."""
    split: str = "split"
    """Field of the side, where each row names its own."""


class Keep(StrEnum):
    """Which articles of a story stay."""

    ALL = "all"
    EARLIEST = "earliest"
    ONE_PER_OUTLET = "one_per_outlet"


class Stories(Section):
    """Which articles are one story, and which of its articles stay."""

    near_duplicate: Annotated[float, Field(gt=0.4, le=1)] = 0.6
    """Jaccard similarity of word 5-grams from which on two articles are one story."""
    contained: Annotated[float, Field(gt=0.5, le=1)] | None = 0.9
    """Share of the shorter article's word 5-grams that the longer one has, from which on they are
    one story, so that shortened copies are found; null looks for none."""
    shortest: Annotated[int, Field(ge=20)] = 50
    """Words that an article must have to be taken for a part of a longer one."""
    keep: Keep = Field(default=Keep.ALL, strict=False)
    """`all`, the `earliest` of each story, or the earliest of each outlet in it (`one_per_outlet`);
    what does not stay is listed in `copies.jsonl`."""


class PersonalData(StrEnum):
    """What can be masked."""

    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    HANDLE = "handle"


class Boilerplate(Section):
    """Which pieces of a text are kept apart from its body: see docs/ingest.md."""

    texts: Literal["pages", "all", "none"] = "pages"
    """The texts that are searched: `pages` are those extracted from HTML."""
    rules: list[FilePath] = []
    """Files with rules of your own, beside the packaged ones."""
    without: list[str] = []
    """Names of rules that are not used."""


class Ingest(Section):
    """From sources to articles."""

    root: FilePath = Path()
    """The folder that the sources' paths start from."""
    sources: Annotated[list[Source], Field(min_length=1)]
    """Where the articles are, in the order in which they are read."""
    fields: Fields = Fields()
    """Which field of a row holds what."""
    max_rejects: Annotated[int, Field(ge=0)] = 1000
    """The run stops when more rows than this cannot be read; articles in languages that are not
    wanted, and those that came before, do not count."""
    boilerplate: Boilerplate = Boilerplate()
    """What is no part of an article's body: kept apart in the column `set_apart`."""
    languages: Annotated[list[str], Field(min_length=1)] | None = None
    """The languages that are kept, as codes such as `en`; what is in another one is a reject. Null
    keeps all."""
    detect_language: bool = False
    """Find the language of articles that declare none, at about a millisecond each; with
    `languages` it is found in any case."""
    mask: list[Annotated[PersonalData, Field(strict=False)]] = []
    """Personal data that is masked in title, text, address and the row's other fields: `email`,
    `phone`, `url` (user names, query values and long ids in addresses), `handle`."""
    stories: Stories | None = Stories()
    """How the articles are grouped into stories; null leaves their column `story` empty."""

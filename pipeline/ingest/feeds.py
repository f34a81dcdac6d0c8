"""RSS and Atom: each entry an article."""

import io
from typing import TYPE_CHECKING, Any, Final
from xml.parsers import expat

from pipeline.ingest import limits
from pipeline.ingest.encodings import decode, mended

if TYPE_CHECKING:  # `worker` starts without it
    from pipeline import config

# Elements after which a new paragraph begins.
_BLOCKS: Final = frozenset((
    "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption",
    "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol",
    "p", "pre", "section", "table", "td", "th", "tr", "ul",
))  # fmt: skip
_NO_TEXT: Final = frozenset(("script", "style", "noscript", "template", "iframe"))


def feed_rows(
    content: bytes, fields: "config.Fields", charset: str | None = None
) -> list[dict[str, Any]] | str:
    """Return a row for each entry under the names in `fields`, or why there is none.

    The text is the entry's content, else its summary, without its markup. What this takes is only
    bounded where it runs in `worker`.
    """
    import feedparser

    xml = decode(content, charset).lstrip().encode(errors="replace")
    if (tags := xml.count(b"<")) > limits.PAGE_TAGS:
        return f"the feed has {tags:,} tags, more than {limits.PAGE_TAGS:,}"
    if _declares_entities(xml):
        return "the feed declares XML entities, which can grow without limit; it is not read"
    # From a stream: feedparser would take a name or an address, and open it. The character set
    # of the header goes before the declared one, which is no longer true.
    feed = feedparser.parse(
        io.BytesIO(xml),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        resolve_relative_uris=False,
        sanitize_html=False,
    )
    if not feed.entries:
        return "the feed has no entries" if feed.get("version") else "not an RSS or Atom feed"
    outlet = _plain(feed.feed.get("title_detail"))
    language = feed.feed.get("language")
    return [_row(entry, fields, outlet, language) for entry in feed.entries]


class _EntityError(Exception):
    """An entity is declared."""


class _BegunError(Exception):
    """The first element: entities can no longer be declared."""


def _declares_entities(xml: bytes) -> bool:
    parser = expat.ParserCreate("utf-8")
    parser.EntityDeclHandler = _raising(_EntityError)
    parser.StartElementHandler = _raising(_BegunError)
    try:
        parser.Parse(xml, True)
    except _EntityError:
        return True
    except (_BegunError, expat.ExpatError):
        return False
    return False


def _raising(error: type[Exception]) -> Any:
    def handler(*_: object) -> None:
        raise error

    return handler


def _row(
    entry: Any, fields: "config.Fields", outlet: str | None, language: str | None
) -> dict[str, Any]:
    texts = [text for part in entry.get("content", []) if (text := _plain(part))]
    return {
        "author": entry.get("author"),
        "tags": [term for tag in entry.get("tags", []) if (term := tag.get("term"))],
        fields.id: entry.get("id") or entry.get("link"),
        fields.title: _plain(entry.get("title_detail")),
        fields.url: entry.get("link"),
        fields.outlet: outlet,
        fields.published: _date(entry, "published") or _date(entry, "updated"),
        fields.language: language,
        fields.text: max(texts, key=len, default=None) or _plain(entry.get("summary_detail")),
    }


def _date(entry: Any, name: str) -> str | None:
    """Return a date of the entry, in UTC where feedparser knows the form that it has."""
    given: str = (entry.get(name) or "").strip() if name in entry else ""
    parsed = entry.get(f"{name}_parsed") if given else None
    if parsed is None or len(given) <= len("2031-04-17"):  # a day without a time
        return given or None
    return "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}+00:00".format(*parsed[:6])


def _plain(detail: Any) -> str | None:
    """Return the text of a part of an entry, with a paragraph for each block of its HTML."""
    if detail is None or not detail.value.strip():
        return None
    value: str = detail.value
    if detail.type == "text/plain" and "<" not in value:
        return mended(value)
    import lxml.html

    # A parser that is told the character set takes no other from the fragment.
    tree = lxml.html.document_fromstring(
        f"<div>{value}</div>".encode(errors="replace"),
        parser=lxml.html.HTMLParser(encoding="utf-8"),
    )
    pieces: list[str] = []
    _gather(tree, pieces)
    paragraphs = (" ".join(one.split()) for one in "".join(pieces).split("\n\n"))
    return mended("\n\n".join(one for one in paragraphs if one)) or None


def _gather(tree: Any, pieces: list[str]) -> None:
    """Collect the texts of a tree in order; without recursion, for trees may be deep."""
    from lxml import etree

    skipped = None
    for event, element in etree.iterwalk(tree, events=("start", "end", "comment", "pi")):
        is_begin = event == "start"
        if event in ("comment", "pi"):
            if skipped is None:
                pieces.append(element.tail or "")
            continue
        if skipped is None and is_begin and element.tag in _NO_TEXT:
            skipped = element
        if skipped is None:
            pieces.append("\n\n" if element.tag in _BLOCKS else "")
            pieces.append((element.text if is_begin else element.tail) or "")
        elif not is_begin and element is skipped:
            skipped = None
            pieces.append(element.tail or "")

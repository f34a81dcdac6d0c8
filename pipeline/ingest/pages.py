"""Files that hold one article each: web pages and plain text."""

import re
from typing import Any, Final

from pipeline import config
from pipeline.ingest.streams import not_utf8

# A longer first line is a paragraph.
_LONGEST_TITLE: Final = 200
# Fixed, for trafilatura's own bounds move with the day on which it runs.
_DATE_SEARCH: Final = {
    "original_date": True,
    "extensive_search": False,  # metadata only: a date in the text is often another one
    "min_date": "1700-01-01",
    "max_date": "2199-12-31",
}
_CHARSET: Final = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""")
# Bytes at the beginning of a page that may declare its character set.
_DECLARATION: Final = 4096
# What browsers take these names for.
_CP1252: Final = ("iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii")
_EXTRA: Final = ("author", "description", "categories", "tags")


def html_fields(content: bytes, fields: config.Fields) -> dict[str, Any] | str:
    """Return main text and metadata of a page under the names in `fields`, or why there is none.

    The page is read as UTF-8, else in the character set that it declares, else in the one that
    trafilatura guesses.
    """
    try:
        return _extract(_in_utf8(content), fields)
    except Exception as error:  # parsers of other people, over anything that the web holds
        return f"the page cannot be parsed ({type(error).__name__})"


def _in_utf8(content: bytes) -> bytes:
    """Return the page in UTF-8; as it is where it declares no character set that fits it."""
    declared = _CHARSET.search(content, 0, _DECLARATION)
    try:
        content.decode()
    except UnicodeDecodeError:
        if declared is None:
            return content
        name = declared[1].decode().lower()
        try:
            return content.decode("cp1252" if name in _CP1252 else name).encode()
        except (LookupError, ValueError):
            return content
    return content


def _extract(content: bytes, fields: config.Fields) -> dict[str, Any] | str:
    import trafilatura

    tree = trafilatura.load_html(content)
    if tree is None:
        return "not an HTML page"
    language = tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang")
    page: Any = trafilatura.bare_extraction(
        tree,
        include_comments=False,
        with_metadata=True,
        date_extraction_params=dict(_DATE_SEARCH),
    )
    if page is None or not page.text:
        return "no main text was found in the page"
    return {
        **{name: value for name in _EXTRA if (value := getattr(page, name))},
        fields.title: page.title,
        fields.outlet: page.sitename,
        fields.published: page.date,
        fields.url: page.url,
        fields.language: page.language or language,
        fields.text: page.text,
    }


def text_fields(content: bytes, fields: config.Fields) -> dict[str, Any] | str:
    r"""Return the text, and the title if there is one, of a file in UTF-8, or why there is none.

    The first line is the title if it has at most 200 characters, an empty line follows it, and a
    text follows that; a Markdown title loses its `#`. Otherwise all is text.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        return not_utf8(error)
    title, _, rest = text.lstrip().replace("\r\n", "\n").partition("\n")
    next_line, _, body = rest.partition("\n")
    if len(title) <= _LONGEST_TITLE and not next_line.strip() and body.strip():
        return {fields.title: title.lstrip("#").strip(), fields.text: body}
    return {fields.text: text}

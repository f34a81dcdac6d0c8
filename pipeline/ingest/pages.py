"""Files that hold one article each: web pages and plain text."""

import re
from typing import TYPE_CHECKING, Any, Final

from pipeline.ingest import limits
from pipeline.ingest.encodings import decode, mended

if TYPE_CHECKING:  # `worker` starts without it
    from pipeline import config

# A longer first line is a paragraph.
_LONGEST_TITLE: Final = 200
# Fixed, for trafilatura's own bounds move with the day on which it runs.
_DATE_SEARCH: Final = {
    "original_date": True,
    "extensive_search": False,  # metadata only: a date in the text is often another one
    "min_date": "1700-01-01",
    "max_date": "2199-12-31",
}
# Tags of which it is worth to count the attributes; a value may be long.
_LONG_TAG: Final = re.compile(r"<[A-Za-z][^<>]{10000,}")
_QUOTED: Final = re.compile(r""""[^"]*"|'[^']*'""")
_EXTRA: Final = ("author", "description", "categories", "tags")


def html_fields(
    content: bytes, fields: "config.Fields", charset: str | None = None
) -> dict[str, Any] | str:
    """Return main text and metadata of a page under the names in `fields`, or why there is none.

    `charset` is what stands outside of the page, such as in its HTTP header. What this takes is
    only bounded where it runs in `worker`.
    """
    page = decode(content, charset)
    if (reason := _too_much(page)) is not None:
        return reason
    try:
        found = _extract(page, fields)
    except MemoryError:
        raise
    except Exception as error:  # parsers of other people, over anything that the web holds
        return f"the page cannot be parsed ({type(error).__name__})"
    if isinstance(found, dict):
        return {name: mended(one) if type(one) is str else one for name, one in found.items()}
    return found


def _too_much(page: str) -> str | None:
    """Say what would take a parser too long, or return None."""
    if (tags := page.count("<")) > limits.PAGE_TAGS:
        return f"the page has {tags:,} tags, more than {limits.PAGE_TAGS:,}"
    for tag in _LONG_TAG.finditer(page):
        count = len(_QUOTED.sub("", tag[0]).split()) - 1
        if count > limits.TAG_ATTRIBUTES:
            return f"a tag has {count:,} attributes, more than {limits.TAG_ATTRIBUTES:,}"
    return None


def _extract(content: str, fields: "config.Fields") -> dict[str, Any] | str:
    import trafilatura

    tree = trafilatura.load_html(content)
    if tree is None:
        return "not an HTML page"
    language = tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang")
    page: Any = trafilatura.bare_extraction(
        tree,
        include_comments=False,
        with_metadata=True,
        prune_xpath="//nav",  # what is taken of a short page would have it
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


def text_fields(content: str, fields: "config.Fields") -> dict[str, Any]:
    r"""Return the text of a file, and the title if there is one.

    The first line is the title if it has at most 200 characters, an empty line follows it, and a
    text follows that; a Markdown title loses its `#`. Otherwise all is text.
    """
    title, _, rest = content.lstrip().replace("\r\n", "\n").partition("\n")
    next_line, _, body = rest.partition("\n")
    if len(title) <= _LONGEST_TITLE and not next_line.strip() and body.strip():
        return {fields.title: title.lstrip("#").strip(), fields.text: body}
    return {fields.text: content}

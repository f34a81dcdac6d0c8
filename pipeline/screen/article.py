"""The text of an article, which can be long, with the target's mentions marked."""

import unicodedata
from collections.abc import Sequence
from typing import Final

from rich.text import Text
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from pipeline.mentions import Span

MENTION: Final = "bold black on yellow"
# A word of this many columns is broken; no terminal is so narrow that nothing fits.
NARROWEST: Final = 10
# It has no width and breaks no line: it takes the place of what would turn the direction of the
# rest of the line around.
_NOTHING: Final = "\u2060"
_TURNS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def harmless(text: str) -> str:
    """Return `text` of the same length without characters that would steer the terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_harmless, text))


def _harmless(character: str) -> str:
    if character == "\n" or character.isprintable():
        return character
    if character in _TURNS:
        return _NOTHING
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cs") else character


class ArticleText(ScrollView):
    """Shows a text in lines as wide as itself, only those that are in view."""

    can_focus = False

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self._text = Text()
        self._lines: list[Text] = []
        self._width = 0

    def show(self, text: str, spans: Sequence[Span]) -> None:
        """Show `text` from its beginning, with `spans` marked."""
        self._text = Text(harmless(text))
        for start, end in spans:
            self._text.stylize(MENTION, start, end)
        self._width = 0
        self._wrap()
        self.scroll_to(0, 0, animate=False, force=True)

    def next_mention(self) -> bool:
        """Scroll to the next mention below the first line in view, or to the first one."""
        lines = [
            number
            for number, line in enumerate(self._lines)
            if any(span.style == MENTION for span in line.spans)
        ]
        if not lines:
            return False
        top = self.scroll_offset.y
        found = next((line for line in lines if line > top + self.size.height // 2), lines[0])
        self.scroll_to_region(
            Region(0, max(0, found - self.size.height // 2), 1, self.size.height),
            animate=False, force=True, top=True,
        )  # fmt: skip
        return True

    def on_resize(self) -> None:
        """Wrap the lines anew."""
        self._wrap()

    def _wrap(self) -> None:
        width = max(self.scrollable_content_region.width, NARROWEST)
        if width == self._width or not self.size.width:
            return
        self._width = width
        self._lines = list(self._text.wrap(self.app.console, width))
        self.virtual_size = Size(width, len(self._lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return the line in row `y` of the view."""
        number = y + self.scroll_offset.y
        style = self.rich_style
        if number >= len(self._lines):
            return Strip.blank(self.size.width, style)
        segments = self._lines[number].render(self.app.console)
        strip = Strip(segments).apply_style(style)
        return strip.adjust_cell_length(self.size.width, style)

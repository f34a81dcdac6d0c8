"""The screen: an example above, the labels with their keys below."""

from collections.abc import Callable
from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from pipeline.codebook import Label
from pipeline.errors import PipelineError
from pipeline.label.coding_tasks import NONE_NAME, CodingTask
from pipeline.screen.article import ArticleText, harmless
from pipeline.screen.keys import keys_of
from pipeline.screen.session import Session

NONE_KEY: Final = "0"
HELP_ONE: Final = "key or ↑↓ Enter: answer · PgDn PgUp: text · Tab: mention"
HELP_MANY: Final = "key or ↑↓ Space: choose · Enter: confirm · 0: none holds · Tab: mention"
HELP_ALWAYS: Final = "?: definitions · /: comment · ←: back · →: skip · Backspace: undo · ^Q: quit"


class Choices(OptionList):
    """The labels. Keys that move elsewhere in the app move elsewhere here too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "app.confirm", show=False),
        Binding("space", "app.mark", show=False),
        Binding("pageup", "app.scroll_text(-1)", show=False),
        Binding("pagedown", "app.scroll_text(1)", show=False),
        Binding("home", "app.text_end(False)", show=False),
        Binding("end", "app.text_end(True)", show=False),
        Binding("tab", "app.next_mention", show=False),
    ]


class Definitions(ModalScreen[None]):
    """What the labels mean."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,question_mark,q", "app.pop_screen", show=False)
    ]

    def __init__(self, task: CodingTask) -> None:
        """Take the task whose labels are explained."""
        super().__init__()
        self._coded = task

    def compose(self) -> ComposeResult:
        """Lay out one text that scrolls."""
        with VerticalScroll(id="definitions"):
            yield Static(_definitions(self._coded))
        yield Static("↑↓: scroll · Esc: back to the example", classes="help")


class Comment(ModalScreen[str | None]):
    """A line to write a comment in."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    def __init__(self, comment: str) -> None:
        """Take what is there to change."""
        super().__init__()
        self._comment = comment

    def compose(self) -> ComposeResult:
        """Lay out the line."""
        yield Input(self._comment, placeholder="Comment", id="comment", select_on_focus=False)
        yield Static("Enter: keep it · Esc: leave it as it was", classes="help")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Give the comment back."""
        self.dismiss(event.value)

    def action_leave(self) -> None:
        """Give nothing back."""
        self.dismiss(None)


class CodingApp(App[Exception]):
    """Shows a session's example, and gives it the coder's answers.

    Ends with what kept an answer from being written, if anything did.
    """

    TITLE = "slant label code"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { layout: vertical; }
    #head { height: 1; background: $primary-background; color: $text; }
    #question { height: auto; max-height: 3; text-style: bold; color: $text-accent; }
    #title { height: auto; max-height: 2; text-style: bold; }
    ArticleText { height: 1fr; min-height: 3; border-left: thick $surface; padding: 0 1; }
    Choices {
        height: auto; max-height: 45%; border: none; padding: 0; background: $surface;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    #state { height: 1; color: $text-warning; }
    .help { height: auto; color: $text-muted; }
    Definitions, Comment { align: center bottom; }
    #definitions { height: 1fr; background: $surface; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q,ctrl+c", "quit", show=False, priority=True),
        Binding("left", "previous", show=False),
        Binding("right", "next", show=False),
        Binding("backspace,ctrl+h,ctrl+z", "undo", show=False),
        Binding("question_mark", "define", show=False),
        Binding("slash", "comment", show=False),
    ]

    def __init__(self, session: Session) -> None:
        """Take the session that has the examples and keeps the answers."""
        super().__init__()
        self.session = session
        self._keys: dict[str, str] = {}
        self._chosen: set[str] = set()

    def compose(self) -> ComposeResult:
        """Lay out the parts from the top down."""
        yield Static(id="head", markup=False)
        yield Static(id="question", markup=False)
        yield Static(id="title", markup=False)
        yield ArticleText()
        yield Choices(markup=False)
        yield Static(id="state", markup=False)
        yield Static(id="help", classes="help", markup=False)

    def on_mount(self) -> None:
        """Show the first example, once the sizes are known."""
        self.call_after_refresh(self._show)

    def on_key(self, event: events.Key) -> None:
        """Let a label's key choose it, and zero say that none holds."""
        if len(self.screen_stack) > 1 or event.character is None:
            return
        if event.character in self._keys:
            event.stop()
            self._choose(self._keys[event.character])
        elif event.character == NONE_KEY:
            event.stop()
            self._none_holds()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Let a click choose a label."""
        if event.option.id is not None:
            self._choose(self._label_at(event.option_index))

    def action_confirm(self) -> None:
        """Answer with what is chosen, or with the highlighted label where one is to be chosen."""
        task = self.session.current
        if task is None:
            return
        if not task.many:
            highlighted = self.query_one(Choices).highlighted
            if highlighted is not None:
                self._answer([self._label_at(highlighted)])
        elif self._chosen:
            self._answer(sorted(self._chosen))
        else:
            self._say(f"nothing is chosen; {NONE_KEY} says that none of these holds")

    def action_mark(self) -> None:
        """Choose the highlighted label, or let it go."""
        highlighted = self.query_one(Choices).highlighted
        if self.session.current is not None and highlighted is not None:
            self._choose(self._label_at(highlighted))

    def action_previous(self) -> None:
        """Show the example before."""
        if self.session.back():
            self._show()
        else:
            self._say("this is the first example")

    def action_next(self) -> None:
        """Show the next example, and leave this one as it is."""
        if self.session.current is not None:
            self.session.forward()
            self._show()

    def action_undo(self) -> None:
        """Take the latest answer back."""
        undone: list[bool] = []
        if self._kept(lambda: undone.append(self.session.undo())):
            if undone[0]:
                self._show()
                there = self.session.given is not None
                self._say(f"taken back; {'the former answer holds' if there else 'answer again'}")
            else:
                self._say("nothing to take back since the start; ← goes back to change an answer")

    def action_define(self) -> None:
        """Show what the labels mean."""
        if self.session.current is not None:
            self.push_screen(Definitions(self.session.current))

    def action_comment(self) -> None:
        """Ask for a comment."""
        if self.session.current is not None:
            self.push_screen(Comment(self.session.comment), self._remark)

    def action_scroll_text(self, pages: int) -> None:
        """Scroll the text by whole views."""
        text = self.query_one(ArticleText)
        text.scroll_relative(y=pages * max(1, text.size.height - 1), animate=False, force=True)

    def action_text_end(self, end: bool) -> None:
        """Go to the end of the text, or to its beginning."""
        text = self.query_one(ArticleText)
        if end:
            text.scroll_end(animate=False, force=True)
        else:
            text.scroll_home(animate=False, force=True)

    def action_next_mention(self) -> None:
        """Scroll to the next mention of the target."""
        if not self.query_one(ArticleText).next_mention():
            self._say("the text names no target")

    def _remark(self, comment: str | None) -> None:
        if comment is not None and self._kept(lambda: self.session.remark(comment)):
            self._show_state()

    def _choose(self, label: str) -> None:
        task = self.session.current
        if task is None:
            return
        if not task.many:
            self._answer([label])
            return
        self._chosen ^= {label}
        self._show_choices(task)

    def _none_holds(self) -> None:
        task = self.session.current
        if task is not None and task.many:
            self._answer([])
        elif task is not None:
            self._say("one of the labels has to be chosen; → skips the example")

    def _answer(self, labels: list[str]) -> None:
        if self._kept(lambda: self.session.answer(labels)):
            self._show()

    def _kept(self, write: Callable[[], None]) -> bool:
        """Call what writes; where that fails, end the app with the reason."""
        try:
            write()
        except (PipelineError, OSError) as error:
            self.exit(error)
            return False
        return True

    def _label_at(self, place: int) -> str:
        task = self.session.current
        assert task is not None
        return task.task.labels[place].id

    def _show(self) -> None:
        task = self.session.current
        self._chosen = set(self.session.given.labels) if task and self.session.given else set()
        self._show_head()
        if task is None:
            self._show_end()
            return
        self._keys = keys_of([label.id for label in task.task.labels])
        self._set("question", harmless(task.question).replace("\n", " "))
        self._set("title", harmless(task.title or "").replace("\n", " "))
        self.query_one(ArticleText).show(task.text, task.mentions)
        self._show_choices(task, anew=True)
        self._set("help", f"{HELP_MANY if task.many else HELP_ONE}\n{HELP_ALWAYS}")
        self._show_state()

    def _show_head(self) -> None:
        session = self.session
        where = f"{min(session.place + 1, len(session)):,} of {len(session):,}"
        self._set(
            "head",
            f" {where} · {session.answered:,} answered · {harmless(session.coder)} · "
            f"{session.codebook}",
        )

    def _show_end(self) -> None:
        self._keys = {}
        self._set("question", "Every example has an answer.")
        self._set("title", "")
        self.query_one(ArticleText).show("← goes back to change an answer. Ctrl+Q leaves.", [])
        self.query_one(Choices).clear_options()
        self._set("help", "←: back · Backspace: undo · ^Q: quit")
        self._set("state", "")

    def _show_choices(self, task: CodingTask, anew: bool = False) -> None:
        choices = self.query_one(Choices)
        highlighted = None if anew else choices.highlighted
        keys = {label: key for key, label in self._keys.items()}
        choices.clear_options()
        choices.add_options(
            Option(self._line(task, label, keys.get(label.id, " ")), id=label.id)
            for label in task.task.labels
        )
        choices.highlighted = highlighted
        choices.focus()

    def _line(self, task: CodingTask, label: Label, key: str) -> Text:
        chosen = label.id in self._chosen
        box = ("[x] " if chosen else "[ ] ") if task.many else ("● " if chosen else "")
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(f" {key} ", "bold reverse")
        line.append(f" {box}")
        line.append(harmless(label.name or label.id), "bold" if chosen else "")
        if label.definition:
            line.append(f"  {harmless(label.definition)}".replace("\n", " "), "dim")
        return line

    def _show_state(self) -> None:
        session, task = self.session, self.session.current
        if task is None:
            return
        parts = []
        if session.given is not None:
            parts.append(f"answered: {', '.join(session.given.labels) or NONE_NAME}")
        if session.comment:
            parts.append(f"comment: {session.comment}")
        if session.suggest and task.suggestion:
            parts.append(f"suggested: {task.suggestion}")
        if task.why:
            parts.append(task.why)
        self._set("state", harmless(" · ".join(parts)).replace("\n", " "))

    def _say(self, text: str) -> None:
        self._set("state", text)

    def _set(self, name: str, text: str) -> None:
        self.query_one(f"#{name}", Static).update(Text(text, overflow="ellipsis"))


def _definitions(task: CodingTask) -> Text:
    """Return the labels' definitions with what belongs to them, what does not, and examples."""
    text = Text()
    text.append(f"{harmless(task.question)}\n", "bold")
    keys = {label: key for key, label in keys_of([each.id for each in task.task.labels]).items()}
    for label in task.task.labels:
        text.append(f"\n {keys.get(label.id, ' ')} ", "bold reverse")
        text.append(f" {harmless(label.name or label.id)}", "bold")
        if label.parent:
            text.append(f" (below {harmless(label.parent)})", "dim")
        text.append(f"\n{harmless(label.definition or 'no definition')}\n")
        for heading, cases in (
            ("belongs here", label.include),
            ("does not", label.exclude),
            ("for example", label.examples),
        ):
            for case in cases:
                text.append(f"  {heading}: ", "italic")
                text.append(f"{harmless(case)}\n")
    return text

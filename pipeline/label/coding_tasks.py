"""What a coder is shown: an example with its text, its target's mentions, and the question."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from pipeline.codebook import Choose, Codebook, Task
from pipeline.errors import DataError
from pipeline.label.answers import Example
from pipeline.mentions import MentionFinder, Span
from pipeline.records import example_id

# Brackets that no newsroom sets; they stand around a mention where a tool shows plain text.
MARK_START: Final = "⟦"
MARK_END: Final = "⟧"
NONE_NAME: Final = "None of these"


@dataclass(frozen=True)
class CodingTask:
    """One example as a coder sees it."""

    example: Example
    task: Task
    """Its question and labels."""
    codebook: str
    """Name and version of the codebook."""
    title: str | None
    text: str
    mentions: Sequence[Span]
    """Where the text names the target, in order and not overlapping; empty without a target."""
    target_name: str | None
    why: str | None
    """Why a worklist has it."""
    suggestion: str | None
    """The label that a worklist proposes."""

    @property
    def example_id(self) -> str:
        """The id under which the example stands in tables."""
        return example_id(*self.example)

    @property
    def many(self) -> bool:
        """Whether several labels, or none, may hold."""
        return self.task.choose is Choose.MANY

    @property
    def question(self) -> str:
        """The question with the target's name after it."""
        asked = self.task.question or self.example.task
        return f"{asked} ({self.target_name})" if self.target_name else asked

    def text_under_title(self) -> tuple[str, list[Span]]:
        """Return the text with the title above it, and the mentions as they stand in that."""
        head = f"{self.title}\n\n" if self.title else ""
        return head + self.text, [(a + len(head), b + len(head)) for a, b in self.mentions]


def marked(text: str, spans: Iterable[Span]) -> str:
    """Return `text` with marks around each of `spans`, which are in order."""
    return "".join(
        f"{MARK_START}{piece}{MARK_END}" if is_mention else piece
        for piece, is_mention in pieces(text, spans)
    )


def pieces(text: str, spans: Iterable[Span]) -> Iterator[tuple[str, bool]]:
    """Yield `text` in pieces, each with whether it is one of `spans`, which are in order."""
    place = 0
    for start, end in spans:
        yield text[place:start], False
        yield text[start:end], True
        place = end
    yield text[place:], False


class CodingTasks:
    """Tasks that are put together when they are asked for, so that texts are in memory once."""

    def __init__(
        self,
        articles: pa.Table,
        codebook: Codebook,
        examples: Sequence[tuple[Example, Sequence[Span]]],
        notes: Sequence[tuple[str | None, str | None]],
    ) -> None:
        """Take records.ARTICLES, their examples with mentions, and why and suggestion of each."""
        self._articles = articles
        self.codebook = codebook
        self._examples = examples
        self._notes = notes
        self._rows = {each: row for row, each in enumerate(articles["id"].to_pylist())}

    @property
    def examples(self) -> list[Example]:
        """The examples, without their texts."""
        return [example for example, _ in self._examples]

    def part(self, kept: Iterable[int]) -> "CodingTasks":
        """Return the tasks at these places."""
        places = list(kept)
        return CodingTasks(
            self._articles,
            self.codebook,
            [self._examples[place] for place in places],
            [self._notes[place] for place in places],
        )

    def __len__(self) -> int:
        return len(self._examples)

    def __iter__(self) -> Iterator[CodingTask]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, place: int) -> CodingTask:
        example, mentions = self._examples[place]
        why, suggestion = self._notes[place]
        row = self._rows[example.article_id]
        return CodingTask(
            example=example,
            task=self.codebook.tasks[example.task],
            codebook=self.codebook.identity,
            title=self._articles["title"][row].as_py(),
            text=self._articles["text"][row].as_py(),
            mentions=mentions,
            target_name=self.codebook.target_names.get(example.target or "", example.target),
            why=why,
            suggestion=suggestion,
        )


def coding_tasks(
    articles: pa.Table,
    examples: Mapping[Example, Sequence[Span]],
    codebook: Codebook,
    worklist: pa.Table | None = None,
) -> CodingTasks:
    """Return all examples, with their mentions, as tasks, or what records.WORKLIST asks for.

    DataError where the worklist names an article or a task that is not there.
    """
    if worklist is None:
        no_notes = [(None, None)] * len(examples)
        return CodingTasks(articles, codebook, list(examples.items()), no_notes)
    rows: dict[Example, dict[str, str | None]] = {}
    for row in worklist.to_pylist():  # of two rows about one example the first counts
        rows.setdefault(Example(row["article_id"], row["task"], row["target"]), row)
    asked = list(rows)
    _check(asked, codebook, set(articles["id"].to_pylist()))
    missing = [example for example in asked if example not in examples]
    spans = {**examples, **dict(zip(missing, _found(missing, articles, codebook), strict=True))}
    return CodingTasks(
        articles,
        codebook,
        [(example, spans[example]) for example in asked],
        [(rows[example]["why"], rows[example]["suggestion"]) for example in asked],
    )


def _check(asked: Iterable[Example], codebook: Codebook, known: set[str]) -> None:
    for example in asked:
        if example.task not in codebook.tasks:
            raise DataError(
                f"the worklist asks {example.task!r} of {example.article_id!r}; the tasks of "
                f"{codebook.identity} are {', '.join(sorted(codebook.tasks))}"
            )
        if example.article_id not in known:
            raise DataError(
                f"the worklist asks about the article {example.article_id!r}, which is not there; "
                "name the config or run that it was made from"
            )


def _found(
    examples: Sequence[Example], articles: pa.Table, codebook: Codebook
) -> Iterator[list[Span]]:
    """Yield where the text of each example names its target, which no example had before."""
    if not examples:
        return
    rows = {each: row for row, each in enumerate(articles["id"].to_pylist())}
    wordings = {target.id: target.wordings for target in codebook.targets}
    for example in examples:
        if example.target is None:
            yield []
            continue
        finder = MentionFinder({"": wordings.get(example.target, [example.target])})
        yield finder.find(articles["text"][rows[example.article_id]].as_py()).get("", [])

"""From suites and articles to cases: what is asked, and what it is compared with."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pyarrow as pa

from pipeline.behaviour.changes import Changing, LeftOut, changing
from pipeline.behaviour.passages import Passage, Targets
from pipeline.behaviour.reading import written
from pipeline.behaviour.suite import Alias, Minimum, OtherTarget, Suite, Test
from pipeline.behaviour.templates import filled
from pipeline.codebook import Asks, Codebook
from pipeline.mentions import Span


@dataclass(frozen=True)
class Given:
    """An example of an article, as it came in."""

    id: str
    cluster: str  # its story, or the article
    passage: Passage


# The examples of articles by task, in an order that is the same for all models.
Articles: TypeAlias = Mapping[str, Sequence[Given]]


@dataclass(frozen=True)
class Case:
    """What is asked once, or before and after a change."""

    id: str
    cluster: str  # cases of one cluster are not independent
    before: Passage
    after: Passage | None


@dataclass
class Prepared:
    """A test in one task, with its cases."""

    name: str
    suite: str
    test: Test
    task: str
    cases: list[Case] = field(default_factory=list)
    left_out: Counter[LeftOut] = field(default_factory=Counter)

    def add(self, given: Given, change: Changing) -> None:
        """Add the case that `change` makes of an example, or count why it makes none."""
        after = change(given.passage)
        if isinstance(after, LeftOut):
            self.left_out[after] += 1
        else:
            self.cases.append(Case(given.id, given.cluster, given.passage, after))


def prepare(
    suites: Sequence[Suite], codebook: Codebook, articles: Articles, most: int
) -> list[Prepared]:
    """Return every test with its cases, of articles at most `most`."""
    targets = Targets(codebook)
    return [
        _with_cases(prepared, targets, articles, most)
        for suite in suites
        for name, test in suite.tests.items()
        for prepared in _in_tasks(name, test, suite, codebook)
    ]


def by_hash(examples: pa.Table, articles: pa.Table) -> dict[str, list[Given]]:
    """Return the examples (with `story` and `outlet`) by task, ordered by a hash of their ids.

    So the first so many of them are the same in all runs, and a draw.
    """
    rows = sorted(examples.to_pylist(), key=lambda row: hash_of(row["example_id"]))
    texts = {row["id"]: row for row in articles.select(["id", "title", "text"]).to_pylist()}
    found: dict[str, list[Given]] = {}
    for row in rows:
        passage = _passage(row, texts[row["article_id"]])
        found.setdefault(row["task"], []).append(Given(row["example_id"], row["story"], passage))
    return found


def of_articles(articles: pa.Table, codebook: Codebook) -> dict[str, list[Given]]:
    """Return what prediction asks of articles that nobody coded, as `by_hash` does."""
    targets = Targets(codebook)
    found: dict[str, list[Given]] = {}
    rows = articles.select(["id", "title", "text", "outlet"]).to_pylist()
    for row in sorted(rows, key=lambda row: hash_of(row["id"])):
        whole = Passage(row["title"], row["text"], outlet=row["outlet"])
        about = [
            Passage(row["title"], row["text"], target, tuple(spans), outlet=row["outlet"])
            for target, spans in sorted(targets.named(row["text"]).items())
        ]
        for name, task in codebook.tasks.items():
            for passage in about if task.asks is Asks.TARGET else [whole]:
                example = f"{row['id']}|{name}|{passage.target or ''}"
                found.setdefault(name, []).append(Given(example, row["id"], passage))
    return found


def hash_of(name: str) -> bytes:
    """Return what examples and articles are drawn by."""
    return hashlib.sha256(name.encode()).digest()


def _passage(example: Mapping[str, Any], article: Mapping[str, Any]) -> Passage:
    return Passage(
        title=article["title"],
        text=article["text"],
        target=example["target"],
        mentions=_spans(example["mentions"]),
        source_entity=example["source_entity"],
        source_mentions=_spans(example["source_mentions"]),
        outlet=example["outlet"],
    )


def _spans(spans: Sequence[Mapping[str, int]] | None) -> tuple[Span, ...]:
    return tuple((span["start"], span["end"]) for span in spans or ())


def _in_tasks(name: str, test: Test, suite: Suite, codebook: Codebook) -> Iterator[Prepared]:
    """Yield the test for the task that it names, or for each one that it fits."""
    if test.task is not None:
        yield Prepared(name, suite.name, test, test.task)
        return
    for task in sorted(codebook.tasks):
        if _fits(test, codebook.tasks[task].asks):
            yield Prepared(f"{task}.{name}", suite.name, test, task)


def _fits(test: Test, asks: Asks) -> bool:
    change = None if isinstance(test, Minimum) else test.change
    return asks is Asks.TARGET or not isinstance(change, Alias | OtherTarget)


def _with_cases(prepared: Prepared, targets: Targets, articles: Articles, most: int) -> Prepared:
    if isinstance(prepared.test, Minimum) or not prepared.test.on_articles:
        _add_written(prepared, targets)
        return prepared
    assert prepared.test.change is not None
    change = changing(prepared.test.change, targets)
    for given in articles.get(prepared.task, ()):
        if len(prepared.cases) == most:
            break
        prepared.add(given, change)
    return prepared


def _add_written(prepared: Prepared, targets: Targets) -> None:
    """Add a case for each combination of what the slots may hold."""
    test = prepared.test
    change = None if isinstance(test, Minimum) else test.change
    to = change.to if isinstance(change, OtherTarget) else None
    for place, texts in written(test):
        cluster = ".".join(map(str, place))
        combinations = filled([*texts, test.target, to], test.slots)
        for number, (*found, target, other) in enumerate(combinations):
            passages = [targets.about(text or "", target) for text in found]
            given = Given(f"{cluster}#{number}", cluster, passages[0])
            if change is None:
                after = passages[1] if len(passages) > 1 else None
                prepared.cases.append(Case(given.id, cluster, passages[0], after))
            else:
                new = change.model_copy(update={"to": other}) if other is not None else change
                prepared.add(given, changing(new, targets))

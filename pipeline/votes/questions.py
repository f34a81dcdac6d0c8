"""What labelling functions are asked: the examples of one task, and the articles behind them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.codebook import Choose, Codebook, Task
from pipeline.mentions import Span
from pipeline.records import VOTES


@dataclass(frozen=True)
class Questions:
    """The examples of one task, n of them."""

    name: str
    task: Task
    examples: pa.Table  # records.EXAMPLES of the task, and maybe more columns
    articles: pa.Table  # records.ARTICLES, of these examples alone
    target_names: Mapping[str, str]  # what people read for a target's id

    def __len__(self) -> int:
        return len(self.examples)

    @cached_property
    def ids(self) -> list[str]:
        """The examples' ids, [n]."""
        ids: list[str] = self.examples["example_id"].to_pylist()
        return ids

    @cached_property
    def article_of(self) -> NDArray[np.int64]:
        """The row of each example's article, [n]."""
        known = self.articles["id"].combine_chunks()
        rows = pc.index_in(self.examples["article_id"], known)
        return np.asarray(rows.to_numpy(), np.int64)

    @cached_property
    def targets(self) -> list[str | None]:
        """What each example is about, as people write it; null without a target, [n]."""
        return [
            None if target is None else self.target_names.get(target, target)
            for target in self.examples["target"].to_pylist()
        ]

    @cached_property
    def mentions(self) -> list[list[Span]]:
        """Where each example's text names its target, [n]."""
        return [
            [(span["start"], span["end"]) for span in spans or ()]
            for spans in self.examples["mentions"].to_pylist()
        ]

    @property
    def many(self) -> bool:
        """Whether an answer may have several labels."""
        return self.task.choose is Choose.MANY

    def take(self, rows: NDArray[np.int64]) -> "Questions":
        """Return the questions about the examples at `rows`."""
        return Questions(
            self.name,
            self.task,
            self.examples.take(pa.array(rows, pa.int64())),
            self.articles,
            self.target_names,
        )


def questions_of(articles: pa.Table, examples: pa.Table, codebook: Codebook) -> list[Questions]:
    """Return the questions of each task that has examples, by name."""
    found = []
    for name in sorted(codebook.tasks):
        ours = examples.filter(pc.equal(examples["task"], name))
        if not len(ours):
            continue
        used = pc.is_in(articles["id"], ours["article_id"].combine_chunks())
        found.append(
            Questions(
                name, codebook.tasks[name], ours, articles.filter(used), codebook.target_names
            )
        )
    return found


def votes_for(
    questions: Questions,
    function: str,
    rows: NDArray[np.int64],
    label: str,
    probabilities: NDArray[np.float32] | None = None,
    *,
    holds: bool = True,
) -> pa.Table:
    """Return records.VOTES: `function` says of the examples at `rows` that `label` holds or not."""
    count = len(rows)
    columns = {
        "example_id": questions.examples["example_id"].take(pa.array(rows, pa.int64())),
        "task": pa.repeat(questions.name, count),
        "function": pa.repeat(function, count),
        "label": pa.repeat(label, count),
        "holds": pa.repeat(holds, count),
        "probability": pa.nulls(count, pa.float32())
        if probabilities is None
        else pa.array(probabilities, pa.float32()),
        "reason": pa.nulls(count, pa.string()),
    }
    return pa.table(columns, schema=VOTES)


def answer_rows(
    questions: Questions, row: int, function: str, labels: Sequence[str], *, whole: bool
) -> Iterable[dict[str, Any]]:
    """Yield rows of records.VOTES: `function` answers the example at `row` with `labels`.

    With `whole`, where many labels may hold, the others do not.
    """
    base = {"example_id": questions.ids[row], "task": questions.name, "function": function}
    said = questions.task.label_ids if whole and questions.many else labels
    for label in said:
        yield {**base, "label": label, "holds": label in labels}

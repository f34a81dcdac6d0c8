"""The coded examples of a run as models see them: which views there are, and what each is shown."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.artifacts import RunFolder, read_table
from pipeline.codebook import Asks, Choose, Codebook
from pipeline.config import Votes
from pipeline.features import Asked, Texts, gather
from pipeline.records import SOFT_LABELS, Side
from pipeline.train import SoftLabels


@dataclass(frozen=True)
class View:
    """A task as a model sees it: with its target, or blind to it for comparison."""

    task: str
    sees_target: bool
    is_blind_twin: bool

    @property
    def folder(self) -> str:
        """Name of its folder below `features/`."""
        return f"{self.task}.blind" if self.is_blind_twin else self.task

    @property
    def twin(self) -> "View":
        """The view of the blind twin."""
        return View(self.task, sees_target=False, is_blind_twin=True)


def views(codebook: Codebook, *, twins: bool) -> Iterator[View]:
    """Yield what is trained: each task, and with `twins` the blind twin of those with targets."""
    for name in sorted(codebook.tasks):
        view = View(name, codebook.tasks[name].asks is Asks.TARGET, is_blind_twin=False)
        yield view
        if view.sees_target and twins:
            yield view.twin


def coded_examples(run: RunFolder, codebook: Codebook) -> pa.Table:
    """Return the examples with gold and their `side`, `story` and `outlet`, in order.

    Those whose article was set aside are left out.
    """
    examples = read_table(run.examples)
    return _placed(examples.filter(pc.is_valid(examples["gold"])), run, codebook)


def training_examples(run: RunFolder, codebook: Codebook, votes: Votes) -> pa.Table:
    """Return `coded_examples`, and after them what the votes say of others on the train side.

    With votes there are two more columns: `soft`, the probability of each label where nobody
    coded, and `weight`.
    """
    coded = coded_examples(run, codebook)
    if votes.use == "none":
        return coded
    said = read_table(run.soft_labels)
    examples = read_table(run.examples)
    at = pc.index_in(examples["example_id"], said["example_id"].combine_chunks())
    others = examples.append_column("soft", said["soft"].combine_chunks().take(at))
    others = others.filter(pc.and_(pc.is_valid(at), pc.is_null(others["gold"])))
    others = _placed(others, run, codebook)
    others = others.filter(pc.equal(others["side"], Side.TRAIN))
    parts = []
    for part, weight in (
        (coded.append_column("soft", pa.nulls(len(coded), SOFT_LABELS.field("soft").type)), 1.0),
        (others, votes.weight),
    ):
        weights = pa.array(np.full(len(part), weight, np.float32))
        names = [*coded.column_names, "soft"]
        parts.append(part.select(names).append_column("weight", weights))
    return pa.concat_tables(parts)


def tied_examples(run: RunFolder, codebook: Codebook) -> pa.Table:
    """Return the examples that have no gold since their coders are split, as `coded_examples`."""
    examples = read_table(run.examples)
    tied = pc.and_(pc.is_null(examples["gold"]), pc.greater(examples["coders"], 1))
    return _placed(examples.filter(tied), run, codebook)


def uncoded_examples(run: RunFolder, codebook: Codebook) -> pa.Table:
    """Return the examples that nobody has answered, as `coded_examples`."""
    examples = read_table(run.examples)
    return _placed(examples.filter(pc.equal(examples["coders"], 0)), run, codebook)


def _placed(examples: pa.Table, run: RunFolder, codebook: Codebook) -> pa.Table:
    examples = examples.filter(pc.is_in(examples["task"], pa.array(sorted(codebook.tasks))))
    splits = read_table(run.splits, ["article_id", "side", "story"])
    outlets = read_table(run.articles, ["id", "outlet"])
    at = pc.index_in(examples["article_id"], splits["article_id"].combine_chunks())
    article = pc.index_in(examples["article_id"], outlets["id"].combine_chunks())
    for name, column in (
        ("side", splits["side"].take(at)),
        ("story", splits["story"].take(at)),
        ("outlet", outlets["outlet"].take(article)),
    ):
        examples = examples.append_column(name, column)
    return examples.filter(pc.is_valid(examples["side"]))


def shown(
    articles: pa.Table, examples: pa.Table, view: View, codebook: Codebook
) -> tuple[Texts, Asked]:
    """Return the texts of `examples` and what is asked of them in this view."""
    return gather(articles, examples, codebook.target_names if view.sees_target else None)


@dataclass(frozen=True)
class Material:
    """What a model of one view learns from: its coded examples on train and dev, n of them."""

    view: View
    codebook: Codebook
    rows: pa.Table  # of `training_examples`
    articles: pa.Table  # `id`, `title`, `text` of these articles and maybe of others
    folder: Path  # for what featurize leaves to train

    @cached_property
    def shown(self) -> tuple[Texts, Asked]:
        """The texts, and what is asked of them, in the order of `rows`."""
        return shown(self.articles, self.rows, self.view, self.codebook)

    def digest(self) -> bytes:
        """Return the digest of everything a model can learn from it."""
        digest = hashlib.sha256(f"{self.view.folder}\0{self.labels}\0{self.many}".encode())
        texts, asked = self.shown
        for array in (
            texts.buffer[texts.offsets[0] : texts.offsets[-1]],
            texts.offsets,
            asked.text_of,
            asked.bounds,
            asked.mentions,
            asked.roles,
            self.gold,
            self.is_dev,
        ):
            digest.update(np.ascontiguousarray(array).tobytes())
        if self.soft is not None and self.soft.uncoded.any():
            for said in (self.soft.uncoded, self.soft.likely, self.soft.weights):
                digest.update(np.ascontiguousarray(said).tobytes())
        for target, source_entity in asked.parties:
            digest.update(f"{source_entity or ''}\0{target}\0".encode())
        return digest.digest()

    @property
    def labels(self) -> list[str]:
        """Sorted ids of the labels."""
        return self.codebook.tasks[self.view.task].label_ids

    @property
    def many(self) -> bool:
        """Whether an answer may have several labels."""
        return self.codebook.tasks[self.view.task].choose is Choose.MANY

    @cached_property
    def gold(self) -> NDArray[np.bool_]:
        """Which labels are right, [n, labels]; none where nobody coded."""
        answers = self.rows["gold"].to_pylist()
        return np.array(
            [[label in (answer or ()) for label in self.labels] for answer in answers], np.bool_
        ).reshape(len(answers), len(self.labels))

    @cached_property
    def coded(self) -> NDArray[np.bool_]:
        """Which rows have gold, [n]; the others are on the train side and are never judged on."""
        return np.asarray(pc.is_valid(self.rows["gold"]).to_numpy())

    @cached_property
    def soft(self) -> SoftLabels | None:
        """What the votes say of the rows that nobody coded, where they are learned from."""
        if "soft" not in self.rows.column_names:
            return None
        likely = np.zeros((len(self.rows), len(self.labels)), np.float32)
        said = self.rows["soft"].to_pylist()
        for row, probabilities in enumerate(said):
            if probabilities is not None:
                by_label = dict(probabilities)
                likely[row] = [by_label.get(label, 0.0) for label in self.labels]
        uncoded = np.array([each is not None for each in said], np.bool_)
        return SoftLabels(uncoded, likely, np.asarray(self.rows["weight"].to_numpy()))

    @cached_property
    def is_dev(self) -> NDArray[np.bool_]:
        """Which rows are on the dev side, [n]; the others are on train."""
        return np.asarray(pc.equal(self.rows["side"], Side.DEV).to_numpy())

    @cached_property
    def stories(self) -> list[str]:
        """What must not be divided between folds, [n]."""
        stories: list[str] = self.rows["story"].to_pylist()
        return stories

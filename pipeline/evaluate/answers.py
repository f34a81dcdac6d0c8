"""The rows of one side and task as arrays over (example, label)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.codebook import Choose, Task
from pipeline.errors import DataError
from pipeline.groups import outlet_key
from pipeline.records import LABEL_SEPARATOR, SCORED, Side, is_test

Flags: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]
Codes: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Question:
    """What the scores need to know of a task: its labels in order, and whether many may hold."""

    name: str
    labels: list[str]
    many: bool

    @classmethod
    def of(cls, name: str, task: Task) -> "Question":
        """Take it from the codebook."""
        return cls(name, task.label_ids, task.choose is Choose.MANY)


@dataclass(frozen=True)
class Answers:
    """Gold and predictions of n examples; the second axis is the label, as in `question`."""

    question: Question
    gold: Flags
    predicted: Flags
    probabilities: Floats
    # What the blind twin answers, trained without the target; None where a task has no target.
    blind: Flags | None
    # Whether the answer changes when the same text is asked about another target, and whether
    # there is another one, (n,) each; None where a task has no target.
    flips: Flags | None
    swapped: Flags | None
    # The labels that are named as possible; None where no sets were asked for.
    sets: Flags | None
    # The story, and the cluster that the bootstrap draws, of each example: 0, 1, 2…
    stories: Codes
    clusters: Codes

    @property
    def n_clusters(self) -> int:
        """How many clusters the bootstrap draws from."""
        return int(self.clusters.max()) + 1

    @property
    def right(self) -> Flags:
        """Where the whole answer is as in gold: (n,)."""
        return np.asarray((self.gold == self.predicted).all(axis=1))


def check_scored(scored: pa.Table) -> None:
    """Raise DataError where a column is missing or a prediction was withheld."""
    missing = [name for name in SCORED.names if name not in scored.column_names]
    if missing:
        raise DataError(
            f"scored predictions: no column {', '.join(missing)}; they have "
            f"{', '.join(scored.column_names)}"
        )
    if pc.any(scored["abstained"]).as_py():
        raise DataError("scored predictions: some are abstained; predict without abstention")


def sides_and_tasks(scored: pa.Table) -> list[tuple[str, str]]:
    """Return the pairs of side and task that have rows, sorted."""
    pairs = scored.select(["side", "task"]).group_by(["side", "task"]).aggregate([])
    return sorted((row["side"], row["task"]) for row in pairs.to_pylist())


def rows_of(scored: pa.Table, side: str, task: str) -> pa.Table:
    """Return the rows of one side and task, in their order."""
    return scored.filter(pc.and_(pc.equal(scored["side"], side), pc.equal(scored["task"], task)))


def main_side(sides: Iterable[str]) -> str | None:
    """Return the side that plots and headlines show: `test`, else the first test side, else any."""
    ordered = sorted(sides, key=lambda side: (side != Side.TEST, not is_test(side), side))
    return ordered[0] if ordered else None


def read_answers(
    rows: pa.Table, question: Question, resample_by: Literal["story", "article", "outlet"]
) -> Answers:
    """Turn rows of records.SCORED into arrays; DataError names a label the task does not have."""
    is_blind = rows["blind_probabilities"].null_count == 0
    is_swapped = rows["swapped_target"].null_count < len(rows)
    label, other = _array(rows["label"]), _array(rows["swapped_label"])
    flips = pc.not_equal(pc.fill_null(label, ""), pc.fill_null(other, ""))
    swapped = np.asarray(pc.is_valid(rows["swapped_target"]).to_numpy(), np.bool_)
    answers = Answers(
        question=question,
        gold=_flags(_array(rows["gold"]), question, "gold"),
        predicted=predicted_of(rows, question),
        probabilities=_probabilities(_array(rows["probabilities"]), question),
        blind=_predicted(_array(rows["blind_label"]), question) if is_blind else None,
        flips=flips.to_numpy(zero_copy_only=False) & swapped if is_swapped else None,
        swapped=swapped if is_swapped else None,
        sets=_sets(_array(rows["label_set"]), question),
        stories=_codes(_array(rows["story"])),
        clusters=clusters_of(rows, resample_by),
    )
    if not question.many:
        _check_single(answers.gold, question, "gold")
        _check_single(answers.predicted, question, "predicted")
    return answers


def predicted_of(rows: pa.Table, question: Question) -> Flags:
    """Return the labels that were predicted: (n, labels)."""
    return _predicted(_array(rows["label"]), question)


def clusters_of(rows: pa.Table, resample_by: Literal["story", "article", "outlet"]) -> Codes:
    """Return the cluster that the bootstrap draws of each row, 0, 1, 2…: (n,)."""
    return _codes(_clusters(rows, resample_by))


def flags_of(answers: Sequence[Sequence[str]], question: Question) -> Flags:
    """Turn lists of labels into flags: (answers, labels)."""
    column = pa.array([list(answer) for answer in answers], pa.list_(pa.string()))
    return _flags(column, question, "gold of the training side")


def _array(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else column.combine_chunks()


def _clusters(rows: pa.Table, resample_by: str) -> pa.Array:
    if resample_by == "article":
        return _array(rows["article_id"])
    if resample_by == "outlet":
        # An article whose outlet is unknown stands with its story only.
        keys = [outlet_key(name) if name else None for name in rows["outlet"].to_pylist()]
        return pc.coalesce(pa.array(keys, pa.string()), _array(rows["story"]))
    return _array(rows["story"])


def _codes(column: pa.Array) -> Codes:
    indices = column.dictionary_encode().indices
    return np.asarray(indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def _predicted(column: pa.Array, question: Question) -> Flags:
    # No label at all is written as null or as an empty string.
    given = pc.if_else(pc.equal(column, ""), None, column)
    return _flags(pc.split_pattern(given, LABEL_SEPARATOR), question, "label")


def _flags(lists: pa.Array, question: Question, what: str) -> Flags:
    flags = np.zeros((len(lists), len(question.labels)), dtype=bool)
    rows = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    flags[rows, _label_codes(lists.flatten(), question, what)] = True
    return flags


def _sets(lists: pa.Array, question: Question) -> Flags | None:
    return None if lists.null_count else _flags(lists, question, "label_set")


def _probabilities(maps: pa.Array, question: Question) -> Floats:
    offsets = maps.offsets.to_numpy()
    start, length = int(offsets[0]), int(offsets[-1] - offsets[0])
    rows = np.repeat(np.arange(len(maps)), np.diff(offsets))
    columns = _label_codes(maps.keys.slice(start, length), question, "probabilities")
    matrix = np.zeros((len(maps), len(question.labels)))
    matrix[rows, columns] = maps.items.slice(start, length).to_numpy(zero_copy_only=False)
    return matrix


def _label_codes(labels: pa.Array, question: Question, what: str) -> Codes:
    codes = pc.index_in(labels, value_set=pa.array(question.labels, labels.type))
    if codes.null_count:
        unknown = labels.filter(pc.is_null(codes))[0].as_py()
        raise DataError(
            f"task {question.name}: {what} has {unknown!r}, which is not a label of the "
            f"codebook; it has {', '.join(question.labels)}"
        )
    return np.asarray(codes.to_numpy(zero_copy_only=False), dtype=np.int64)


def _check_single(flags: Flags, question: Question, what: str) -> None:
    given = flags.sum(axis=1)
    if (given != 1).any():
        raise DataError(
            f"task {question.name}: one label is to be chosen, {what} of "
            f"{int((given != 1).sum())} examples has none or several; "
            f"say `choose: many` in the codebook, or mend the answers"
        )


def question_of_score(name: str, score: Mapping[str, Any]) -> Question:
    """Read the task back from its scores, where the codebook is not at hand."""
    return Question(name, list(score["labels"]), "micro_f1" in score)

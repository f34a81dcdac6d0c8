"""The tables that flow between the stages: their columns, types and meaning, declared once.

A stage takes and returns `pyarrow.Table`s (or streams of them) with these schemas. Offsets are
counted in characters of the `text` they point into, as Python slices count them.
"""

from enum import StrEnum
from typing import Final

import pyarrow as pa


class Side(StrEnum):
    """Where an example stands in training and testing.

    A further test set has a name of its own that begins with `test_`; see `is_test`.
    """

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


def is_test(side: str) -> bool:
    """True for `test` and for every further test set (`test_mt`, `test_2024`)."""
    return side == Side.TEST or side.startswith("test_")


# Start (inclusive) and end (exclusive), in characters.
SPAN: Final = pa.struct([("start", pa.int32()), ("end", pa.int32())])

# Pieces of a text that are no part of its body, in order; see pipeline/preparation/pieces.py.
SET_APART: Final = pa.list_(
    pa.struct(
        [
            ("rule", pa.string()),
            ("start", pa.int32()),  # in the whole text, which body and pieces make up
            ("text", pa.large_string()),  # with the white space between it and the body
        ]
    )
)

# Where an article came from, on each prediction of it.
PROVENANCE: Final = pa.struct(
    [
        ("source", pa.string()),
        ("place", pa.int64()),
        ("digest", pa.string()),
        ("extractor", pa.string()),
        ("licence", pa.string()),
    ]
)

# One row per article that ingest accepted, in the order of the sources.
ARTICLES: Final = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("title", pa.large_string()),  # null where the source has none
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("outlet", pa.string()),
        pa.field("published", pa.string()),  # ISO 8601 where it could be parsed, else as written
        pa.field("url", pa.string()),
        pa.field("language", pa.string()),
        pa.field("language_from", pa.string()),  # `declared` by the row, or `detected`
        pa.field("given_split", pa.string()),  # the side that the source names, if any
        pa.field("source", pa.string(), nullable=False),  # file or hub name, relative to the root
        pa.field("place", pa.int64(), nullable=False),  # line, row or file number in it, from 1
        # SHA-256 of tidied title and whole text; see pipeline/provenance.py.
        pa.field("digest", pa.string()),
        pa.field("extractor", pa.string()),  # `jsonl`, `trafilatura 2.3.1`
        pa.field("licence", pa.string()),  # as the config names it for the source
        # The row's other fields as one JSON object: nothing that came in is dropped.
        pa.field("extra", pa.large_string()),
        # Id of the earliest article of the same story; null where nobody looked for stories.
        pa.field("story", pa.string()),
        pa.field("set_apart", SET_APART),  # null where the text was not searched for boilerplate
    ]
)

# One coder's label of one example. A multi-label answer is one row per label, and one with an empty
# label where the coder found that none holds.
ANNOTATIONS: Final = pa.schema(
    [
        pa.field("article_id", pa.string(), nullable=False),
        pa.field("task", pa.string(), nullable=False),
        pa.field("target", pa.string()),  # null for tasks that are asked of the whole article
        pa.field("coder", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("time", pa.string()),  # when the coder answered, as the source has it
        pa.field("comment", pa.string()),
        pa.field("codebook", pa.string()),  # version of the codebook that the coder answered under
    ]
)

# One unit to be labelled: (article, task, target or none).
EXAMPLES: Final = pa.schema(
    [
        pa.field("example_id", pa.string(), nullable=False),  # article|task|target
        pa.field("article_id", pa.string(), nullable=False),
        pa.field("task", pa.string(), nullable=False),
        pa.field("target", pa.string()),  # target id of the codebook, or the row's own wording
        # Mentions of the target in the article's text, in order and not overlapping. Empty where
        # the text never names it; null for tasks without targets.
        pa.field("mentions", pa.list_(SPAN)),
        # Who acts towards the target, where the source marks it, and where the text names them.
        pa.field("source_entity", pa.string()),
        pa.field("source_mentions", pa.list_(SPAN)),
        pa.field("gold", pa.list_(pa.string())),  # sorted labels; null where nobody decided
        pa.field("coders", pa.int32(), nullable=False),  # how many coders answered
        # How: `majority 2 of 3`, `dawid_skene`, `one_coin`, `coder anna`; null without gold.
        pa.field("decided_by", pa.string()),
        # Probability of the answer that the coders' model takes for likeliest, gold or not; null
        # where no model decides.
        pa.field("confidence", pa.float32()),
    ]
)

# What labelling functions say of examples; never gold. A function that is silent about an example
# has no row, unless there is a reason to tell.
VOTES: Final = pa.schema(
    [
        pa.field("example_id", pa.string(), nullable=False),
        pa.field("task", pa.string(), nullable=False),
        pa.field("function", pa.string(), nullable=False),
        pa.field("label", pa.string()),  # null where the function abstains
        # False where the function says that the label does not hold, of tasks with many labels.
        pa.field("holds", pa.bool_()),
        pa.field("probability", pa.float32()),  # of what it says, where it knows one
        pa.field("reason", pa.string()),  # why it abstains
    ]
)

# What the votes say of examples that nobody has coded, on the train side alone.
SOFT_LABELS: Final = pa.schema(
    [
        pa.field("example_id", pa.string(), nullable=False),
        pa.field("soft", pa.map_(pa.string(), pa.float32()), nullable=False),  # of every label
        pa.field("functions", pa.int32(), nullable=False),  # how many voted
    ]
)

# Examples that people should look at, the most urgent first; see pipeline/worklists.py.
WORKLIST: Final = pa.schema(
    [
        pa.field("example_id", pa.string(), nullable=False),
        pa.field("article_id", pa.string(), nullable=False),
        pa.field("task", pa.string(), nullable=False),
        pa.field("target", pa.string()),
        pa.field("why", pa.string(), nullable=False),  # a sentence for the coder
        pa.field("suggestion", pa.string()),  # the label that a model or the votes would give
    ]
)

# What became of each article in the split. `side` is null for one that was set aside.
SPLITS: Final = pa.schema(
    [
        pa.field("article_id", pa.string(), nullable=False),
        pa.field("side", pa.string()),
        pa.field("group", pa.string(), nullable=False),  # what was kept on one side
        pa.field("story", pa.string(), nullable=False),  # first article of the story
        pa.field(
            "reason", pa.string(), nullable=False
        ),  # `hash`, `near-duplicate of x`, `story of x`
    ]
)

EVIDENCE: Final = pa.list_(
    pa.struct(
        [
            ("start", pa.int32()),
            ("end", pa.int32()),
            ("text", pa.large_string()),
            ("score", pa.float32()),  # what the sentence adds to the label's score, in logits
        ]
    )
)

LABEL_SET: Final = pa.list_(pa.string())

# One row per (article, task, target): the tidy table that `predict` and `evaluate` write.
PREDICTIONS: Final = pa.schema(
    [
        pa.field("article_id", pa.string(), nullable=False),
        pa.field("task", pa.string(), nullable=False),
        pa.field("target", pa.string()),
        pa.field("label", pa.string()),  # labels of a multi-label answer are joined by `|`
        pa.field("probability", pa.float32()),  # of `label`; of the least sure one of several
        pa.field("probabilities", pa.map_(pa.string(), pa.float32())),
        # Labels that may well be right, the likeliest first; it can be empty. Null where no sets
        # are asked for, where many labels may hold, and on dev, which they are fitted on.
        pa.field("label_set", LABEL_SET),
        pa.field("abstained", pa.bool_(), nullable=False),
        pa.field("evidence", EVIDENCE),
        pa.field("model_version", pa.string(), nullable=False),
        pa.field("codebook_version", pa.string(), nullable=False),
        pa.field("provenance", PROVENANCE),
    ]
)

# Predictions on a side whose answers are known, for evaluation.
SCORED: Final = pa.schema(
    [
        *PREDICTIONS,
        pa.field("side", pa.string(), nullable=False),
        # What the bootstrap may resample.
        pa.field("story", pa.string(), nullable=False),
        pa.field("outlet", pa.string()),
        pa.field("gold", pa.list_(pa.string()), nullable=False),
        # Of the blind twin, trained without the target; null for tasks without targets.
        pa.field("blind_label", pa.string()),
        pa.field("blind_probabilities", pa.map_(pa.string(), pa.float32())),
        # What the model says of the same text when it is asked about another target; null where
        # there is no other one, and on dev.
        pa.field("swapped_target", pa.string()),
        pa.field("swapped_label", pa.string()),
        # What the example belongs to: `outlet` → `Harbour Post`, `length` → `150–399 words`.
        pa.field("slices", pa.map_(pa.string(), pa.string())),
    ]
)

LABEL_SEPARATOR: Final = "|"

# What stands in a label's place in files that people and tools fill in, where a coder found that
# none holds. An empty place says that nobody answered.
NONE_HOLDS: Final = "(none)"


def example_id(article_id: str, task: str, target: str | None) -> str:
    """Return the id under which an example stands in tables."""
    return f"{article_id}|{task}|{target or ''}"


def join_labels(labels: list[str]) -> str:
    """Write the labels of a multi-label answer as one string, in their order."""
    return LABEL_SEPARATOR.join(labels)

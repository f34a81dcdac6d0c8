"""How fast models answer, measured side by side."""

import time
from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.artifacts import RunFolder, read_table
from pipeline.bundle import Bundle
from pipeline.records import is_test
from pipeline.stages.examples import coded_examples, shown, views

# Enough for a ratio; a fine-tuned encoder reads some twenty windows a second on a core.
MOST: Final = 128
ROUNDS: Final = 3
EVIDENCE: Final = 2


def examples_per_second(bundles: Sequence[Bundle], run: RunFolder) -> list[float]:
    """Return how fast each bundle answers test examples of the run, with two sentences of evidence.

    They answer the same ones in turn, and the quickest of three rounds counts: other work on the
    machine only ever slows a round down. Numbers of different calls do not compare.
    """
    codebook = bundles[0].codebook
    coded = coded_examples(run, codebook)
    is_tested = pa.array([is_test(side) for side in coded["side"].to_pylist()], pa.bool_())
    tested = coded.filter(is_tested)
    articles = read_table(run.articles, ["id", "title", "text"])
    seconds, asked = [0.0] * len(bundles), 0
    for view in views(codebook, twins=False):
        rows = tested.filter(pc.equal(tested["task"], view.task)).slice(0, MOST)
        if not len(rows):
            continue
        asked += len(rows)
        used = articles.filter(pc.is_in(articles["id"], rows["article_id"].combine_chunks()))
        texts, questions = shown(used, rows, view, codebook)
        rounds: list[list[float]] = [[] for _ in bundles]
        for _ in range(ROUNDS):
            for bundle, taken in zip(bundles, rounds, strict=True):
                started = time.perf_counter()
                bundle.tasks[view.task].answer(texts, questions, EVIDENCE)
                taken.append(time.perf_counter() - started)
        seconds = [spent + min(taken) for spent, taken in zip(seconds, rounds, strict=True)]
    return [asked / spent if spent else 0.0 for spent in seconds]


def megabytes(run: RunFolder) -> float:
    """Return the size of the run's model on disk."""
    return sum(file.stat().st_size for file in run.model.rglob("*") if file.is_file()) / 1e6

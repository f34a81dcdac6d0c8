"""Batch prediction: sources through a bundle into a file, in memory that does not grow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from pipeline.config import FileSource, Ingest
from pipeline.errors import PipelineError
from pipeline.ingest import read_sources
from pipeline.predict import (
    AskedTarget,
    Bundle,
    load_bundle,
    open_output,
    predict_articles,
    targets_to_ask,
)


@dataclass(frozen=True)
class Predicted:
    """What a batch prediction did."""

    articles: int
    rows: int
    rejects: int
    rejects_file: Path | None


def open_bundle(model: str, folder: Path) -> Bundle:
    """Load a bundle by its path, or by a `models:/` or `runs:/` URI of MLflow."""
    if model.startswith(("models:/", "runs:/")):
        from pipeline.tracking import resolve_bundle

        return load_bundle(resolve_bundle(model, folder=folder))
    return load_bundle(Path(model))


def predict_sources(
    bundle: Bundle,
    sources: Sequence[str],
    output: str,
    asked: Sequence[AskedTarget],
    evidence: int,
    *,
    stdin: BinaryIO,
    stdout: BinaryIO,
    progress: Callable[[int], None],
) -> Predicted:
    """Predict all articles of `sources` into `output`; `progress` is told of each batch's size.

    Rows that cannot be read go to a file beside the output, `<output>.rejects.jsonl` (for `-`:
    to `predictions.rejects.jsonl` in the working folder), which is only there when there are any.
    """
    finder = targets_to_ask(bundle.codebook, asked)
    section = Ingest(sources=[FileSource(path=source) for source in sources], max_rejects=2**62)
    batches = read_sources(section, keep_extra=False, stdin=stdin)
    articles = rows = rejects = 0
    rejects_file = Path("predictions.rejects.jsonl" if output == "-" else f"{output}.rejects.jsonl")
    rejects_file.unlink(missing_ok=True)
    with open_output(output, stdout) as writer:
        for batch in batches:
            if batch.rejects:
                with rejects_file.open("ab") as lines:
                    for reject in batch.rejects:
                        lines.write(
                            orjson.dumps(reject.as_dict(), option=orjson.OPT_APPEND_NEWLINE)
                        )
                rejects += len(batch.rejects)
            if len(batch.articles):
                predicted = predict_articles(bundle, batch.articles, finder, evidence)
                writer.write(predicted)
                articles += len(batch.articles)
                rows += len(predicted)
            progress(len(batch.articles))
    if not articles and not rejects:
        raise PipelineError(f"{', '.join(sources)}: no article in it; are the files empty?")
    return Predicted(articles, rows, rejects, rejects_file if rejects else None)

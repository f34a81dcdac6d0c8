"""Batch prediction: sources through a bundle into a file, in memory that does not grow."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config import FileSource, Ingest
from pipeline.errors import DataError
from pipeline.ingest import Batch, Reject, read_sources, source_paths, spans_in_raw, tidy
from pipeline.predict import (
    AskedTarget,
    Bundle,
    in_whole_texts,
    load_bundle,
    open_output,
    predict_articles,
    targets_to_ask,
)
from pipeline.records import LABEL_SEPARATOR, PREDICTIONS
from pipeline.stages.data import no_article


@dataclass(frozen=True)
class Predicted:
    """What a batch prediction did."""

    articles: int
    rows: int
    rejects: int
    rejects_file: Path | None
    labels: dict[str, dict[str, int]]
    """How often each label was given, by task and label of the codebook."""
    unnamed: list[str]
    """Of the targets that were asked for, those that no article names."""


def open_bundle(model: str, folder: Path) -> Bundle:
    """Load a bundle by its path, or by a `models:/` or `runs:/` URI of MLflow."""
    from pipeline.tracking import is_model_uri, resolve_bundle

    if is_model_uri(model):
        return load_bundle(resolve_bundle(model, folder=folder))
    return load_bundle(Path(model))


def predict_sources(
    bundle: Bundle,
    sources: Sequence[FileSource],
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
    DataError where there is no article at all, or where a source is what would be written over.
    """
    finder = targets_to_ask(bundle.codebook, asked)
    section = Ingest(sources=list(sources), max_rejects=2**62)
    batches = read_sources(
        section,
        keep_extra=False,
        keep_raw=evidence > 0,
        stdin=stdin,
        preparation=bundle.preparation,
    )
    rejects_file = Path("predictions.rejects.jsonl" if output == "-" else f"{output}.rejects.jsonl")
    _refuse_to_overwrite(section, output, rejects_file)
    articles = rows = rejects = 0
    counts: Counter[tuple[str, str]] = Counter()
    named: set[str] = set()
    first: Reject | None = None
    with open_output(output, stdout) as writer:
        rejects_file.unlink(missing_ok=True)
        # A stream may pause for long, and a thread that waits for it could not be stopped.
        is_stream = any(source.path == "-" for source in sources)
        for batch in batches if is_stream else _read_ahead(batches):
            if batch.rejects:
                first = first or batch.rejects[0]
                rejects += len(batch.rejects)
                _append(rejects_file, batch.rejects)
            if len(batch.articles):
                predicted = predict_articles(bundle, batch.articles, finder, evidence)
                whole = in_whole_texts(predicted, batch.articles)
                writer.write(_pointing_into_raw(whole, batch, masked=bool(bundle.preparation.mask)))
                counts += _counted(predicted)
                named.update(pc.unique(predicted["target"].drop_null()).to_pylist())
                articles += len(batch.articles)
                rows += len(predicted)
            progress(len(batch.articles))
        if not articles:
            raise DataError(no_article(rejects, first, rejects_file))
    labels = {
        name: {label: counts[name, label] for label in bundle.codebook.tasks[name].label_ids}
        for name in sorted(bundle.tasks)
    }
    unnamed = [each.name for each in asked if bundle.codebook.target_id(each.name) not in named]
    kept = rejects_file if rejects else None
    return Predicted(articles, rows, rejects, kept, labels, unnamed)


def _counted(predictions: pa.Table) -> Counter[tuple[str, str]]:
    """Count the labels by task; each of several in an answer counts."""
    answers = predictions.group_by(["task", "label"]).aggregate([([], "count_all")])
    counts: Counter[tuple[str, str]] = Counter()
    for row in answers.to_pylist():
        for label in (row["label"] or "").split(LABEL_SEPARATOR):
            counts[row["task"], label] += row["count_all"]
    return counts


def _read_ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Yield the batches while the next one is read: scoring leaves the interpreter's lock free."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch


def _refuse_to_overwrite(section: Ingest, output: str, rejects_file: Path) -> None:
    """Raise DataError where a file that is to be read would be written over.

    Old rejects that only a folder or a pattern names are no source: they go before it is listed.
    """
    files = [one for one in section.sources if isinstance(one, FileSource) and one.path != "-"]
    for source in files:
        if rejects_file.exists():
            path = Path(source.path)
            if path.exists() and path.samefile(rejects_file):
                raise DataError(
                    f"--output {output}: {rejects_file}, where its rejects go, is one of the "
                    "sources; write to another file"
                )
    if not Path(output).exists():
        return
    for path in source_paths(section.model_copy(update={"sources": files})):
        if path.exists() and path.samefile(output):
            raise DataError(f"--output {output}: this is one of the sources; write to another file")


def _pointing_into_raw(predictions: pa.Table, batch: Batch, *, masked: bool) -> pa.Table:
    """Return the predictions with their evidence as it stands in the texts that came in.

    The model reads tidied texts. Most texts are tidy as they come, and cost nothing here. Where
    personal data is `masked` the places are those in the text that came in, and what is shown of
    it stays as the model read it.
    """
    if not batch.raw_texts:
        return predictions
    ids = batch.articles["id"]
    raw_of = {ids[row].as_py(): raw for row, raw in batch.raw_texts.items()}
    at = predictions.schema.get_field_index("evidence")
    evidence = predictions["evidence"].to_pylist()
    for article, sentences in zip(predictions["article_id"].to_pylist(), evidence, strict=True):
        if article in raw_of and sentences:
            raw = raw_of[article]
            # Tidied again, for a mask has other letters than what it hides.
            read = [(one["start"], one["end"]) for one in sentences]
            spans = spans_in_raw(raw, tidy(raw), read)
            for sentence, (start, end) in zip(sentences, spans, strict=True):
                text = sentence["text"] if masked else raw[start:end]
                sentence |= {"start": start, "end": end, "text": text}
    return predictions.set_column(
        at, PREDICTIONS.field(at), pa.array(evidence, PREDICTIONS.field(at).type)
    )


def _append(path: Path, rejects: Sequence[Reject]) -> None:
    with path.open("ab") as lines:
        for reject in rejects:
            lines.write(orjson.dumps(reject.as_dict(), option=orjson.OPT_APPEND_NEWLINE))

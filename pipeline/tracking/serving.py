"""Between the frames that MLflow hands over and the tables of the pipeline."""

import json
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from pipeline.codebook import Codebook
from pipeline.errors import DataError
from pipeline.provenance import content_digest
from pipeline.records import ARTICLES

if TYPE_CHECKING:
    import pandas as pd

# Column → whether it must be there.
INPUTS: Final = {"text": True, "title": False, "target": False}

# Column → MLflow's type.
OUTPUTS: Final = {
    "article_id": "string",  # the row's number in the input, from 0
    "task": "string",
    "target": "string",
    "label": "string",
    "probability": "double",
    "probabilities": "string",  # a JSON object
    "label_set": "string",  # a JSON list
    "abstained": "boolean",
    "evidence": "string",  # a JSON list of objects
    "model_version": "string",
    "codebook_version": "string",
    "provenance": "string",  # a JSON object
}
MAY_BE_NULL: Final = frozenset({"target", "label", "probability", "label_set"})

SOURCE: Final = "mlflow"

DIGITS: Final = 6  # what a 32-bit probability holds


def frame_to_articles(frame: "pd.DataFrame") -> tuple[pa.Table, dict[int, str]]:
    """Return the rows as records.ARTICLES, and the target's wording of each row that has one."""
    if "text" not in frame.columns:
        raise DataError(f"no column 'text'; the input has {[str(name) for name in frame.columns]}")
    texts = _strings(frame, "text")
    for row, text in enumerate(texts):
        if text is None:
            raise DataError(f"row {row}: no text")
    ids = [str(row) for row in range(len(texts))]
    columns: dict[str, list[Any]] = {name: [None] * len(texts) for name in ARTICLES.names}
    titles = _strings(frame, "title")
    columns |= {"id": ids, "title": titles, "text": texts}
    columns |= {name: [SOURCE] * len(texts) for name in ("source", "extractor")}
    columns["place"] = [row + 1 for row in range(len(texts))]
    columns["digest"] = [
        content_digest(title, text or "") for title, text in zip(titles, texts, strict=True)
    ]
    wordings = {
        row: wording.strip()
        for row, wording in enumerate(_strings(frame, "target"))
        if wording and wording.strip()
    }
    return pa.table(columns, schema=ARTICLES), wordings


def _strings(frame: "pd.DataFrame", name: str) -> list[str | None]:
    if name not in frame.columns:
        return [None] * len(frame)
    # The same letters may come in two forms; training saw the composed one.
    return [
        unicodedata.normalize("NFC", value) if isinstance(value, str) else None
        for value in frame[name].tolist()
    ]


def check_targets(codebook: Codebook, wordings: Mapping[int, str]) -> None:
    """Raise DataError where a row names a target and no task is asked of one."""
    if wordings and not any(codebook.target_tasks()):
        row, wording = next(iter(wordings.items()))
        raise DataError(
            f"row {row}: target {wording!r}, but codebook {codebook.identity} has no task that is "
            "asked of a target; leave the column out"
        )


def predictions_to_frame(predictions: pa.Table) -> "pd.DataFrame":
    """Return records.PREDICTIONS with its nested columns as JSON text, in the order of the input.

    Within an article the rows are in the order of task and target.
    """
    import pandas as pd

    rows = [
        {
            **{name: row[name] for name in OUTPUTS},
            "probability": _rounded(row["probability"]),
            "probabilities": _json(
                {label: _rounded(value) for label, value in row["probabilities"] or []}
            ),
            "label_set": None if row["label_set"] is None else _json(row["label_set"]),
            "evidence": _json(
                [{**span, "score": _rounded(span["score"])} for span in row["evidence"] or []]
            ),
            "provenance": _json(row["provenance"]),
        }
        for row in predictions.select(list(OUTPUTS)).to_pylist()
    ]
    rows.sort(key=lambda row: (int(row["article_id"]), row["task"], row["target"] or ""))
    return pd.DataFrame(rows, columns=list(OUTPUTS))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)

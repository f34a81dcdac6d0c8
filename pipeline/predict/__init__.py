"""Prediction: a bundle and articles in, the tidy table of predictions out."""

from pipeline.bundle import Bundle, load_bundle
from pipeline.predict.articles import (
    AskedTarget,
    named_targets,
    predict_articles,
    targets_to_ask,
)
from pipeline.predict.examples import Examples, label_columns, predict_examples, probability_map
from pipeline.predict.output import open_output, output_format
from pipeline.predict.whole import in_whole_texts

__all__ = [
    "AskedTarget",
    "Bundle",
    "Examples",
    "in_whole_texts",
    "label_columns",
    "load_bundle",
    "named_targets",
    "open_output",
    "output_format",
    "predict_articles",
    "predict_examples",
    "probability_map",
    "targets_to_ask",
]

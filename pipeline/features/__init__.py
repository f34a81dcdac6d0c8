"""From texts and targets to numbers, the same in training and in prediction.

Everything here runs on what `texts_of` and `about_targets` gather; `NgramVectorizer` is the one
kind of features so far.
"""

from pipeline.features.fitting import FittedFeatures, fit_features, gather
from pipeline.features.ngram_features import NgramVectorizer, Scores
from pipeline.features.passes import in_lanes
from pipeline.features.pieces import cut
from pipeline.features.texts import Asked, Texts, about_targets, texts_of, whole_texts

__all__ = [
    "Asked",
    "FittedFeatures",
    "NgramVectorizer",
    "Scores",
    "Texts",
    "about_targets",
    "cut",
    "fit_features",
    "gather",
    "in_lanes",
    "texts_of",
    "whole_texts",
]

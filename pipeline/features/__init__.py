"""From texts and targets to numbers, the same in training and in prediction.

Everything here runs on what `texts_of` and `about_targets` gather. The features that need an
encoder or its vocabulary are in `encoders/`.
"""

from pipeline.features.gathering import gather
from pipeline.features.ngram_features import NgramVectorizer, Scores
from pipeline.features.ngrams import TARGET
from pipeline.features.partial import with_partial_mentions
from pipeline.features.passes import in_lanes
from pipeline.features.pieces import cut
from pipeline.features.sentences import Sentences, sentences_of
from pipeline.features.texts import (
    Asked,
    Parties,
    Texts,
    about_targets,
    headlines_of,
    texts_of,
    whole_texts,
)

__all__ = [
    "TARGET",
    "Asked",
    "NgramVectorizer",
    "Parties",
    "Scores",
    "Sentences",
    "Texts",
    "about_targets",
    "cut",
    "gather",
    "headlines_of",
    "in_lanes",
    "sentences_of",
    "texts_of",
    "whole_texts",
    "with_partial_mentions",
]

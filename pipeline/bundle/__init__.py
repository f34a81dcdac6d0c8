"""A trained model as a folder of JSON and safetensors: what training writes and prediction reads.

    bundle.json       format, tasks with their rung and settings, provenance
    codebook.json     the codebook, in full
    <task>.safetensors   the arrays of one task
    encoders/<digest>/   an encoder that tasks run (config.json, model.safetensors,
                         tokenizer.json), or the tokenizer alone
    digests.json      SHA-256 of each of these

Loading one unpickles nothing and runs nothing from it; a file that does not fit its digest is
refused.
"""

from pipeline.bundle.encoder_model import EncoderModel
from pipeline.bundle.ensemble_model import EnsembleModel, opinions, pooled
from pipeline.bundle.folder import Bundle, about, load_bundle, save_bundle
from pipeline.bundle.heads import NEVER, LinearHead, chosen, probabilities
from pipeline.bundle.models import Answers, TaskModel
from pipeline.bundle.ngram_model import NgramModel
from pipeline.bundle.static_model import StaticModel

__all__ = [
    "NEVER",
    "Answers",
    "Bundle",
    "EncoderModel",
    "EnsembleModel",
    "LinearHead",
    "NgramModel",
    "StaticModel",
    "TaskModel",
    "about",
    "chosen",
    "load_bundle",
    "opinions",
    "pooled",
    "probabilities",
    "save_bundle",
]

"""A trained model as a folder of JSON and safetensors: what training writes and prediction reads.

    bundle.json       format, tasks with their rung and settings, provenance
    codebook.json     the codebook, in full
    <task>.safetensors   the arrays of one task
    digests.json      SHA-256 of each of these

Loading one unpickles nothing and runs nothing from it; a file that does not fit its digest is
refused.
"""

from pipeline.bundle.folder import Bundle, load_bundle, save_bundle
from pipeline.bundle.heads import LinearHead, chosen, probabilities
from pipeline.bundle.models import Answers, NgramModel, TaskModel

__all__ = [
    "Answers",
    "Bundle",
    "LinearHead",
    "NgramModel",
    "TaskModel",
    "chosen",
    "load_bundle",
    "probabilities",
    "save_bundle",
]

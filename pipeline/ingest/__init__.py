"""The room that streams articles out of files, folders, standard input and hub data sets."""

from pipeline.ingest.batches import Batch, Reject, RejectKind, read_sources
from pipeline.ingest.files import source_paths
from pipeline.ingest.offsets import spans_in_raw
from pipeline.ingest.stories import StoryTeller, Told
from pipeline.ingest.tidy import tidy

__all__ = [
    "Batch",
    "Reject",
    "RejectKind",
    "StoryTeller",
    "Told",
    "read_sources",
    "source_paths",
    "spans_in_raw",
    "tidy",
]

"""Review: which examples people should look at, as worklists."""

from pipeline.review.alike import group_texts
from pipeline.review.cold_start import Facts, first_list
from pipeline.review.errors import Judged, error_worklist, label_quality
from pipeline.review.queue import (
    Opinions,
    Waiting,
    first_of_stories,
    opinions_of,
    queue_worklist,
    reasons,
    spread,
    usefulness,
)

__all__ = [
    "Facts",
    "Judged",
    "Opinions",
    "Waiting",
    "error_worklist",
    "first_list",
    "first_of_stories",
    "group_texts",
    "label_quality",
    "opinions_of",
    "queue_worklist",
    "reasons",
    "spread",
    "usefulness",
]

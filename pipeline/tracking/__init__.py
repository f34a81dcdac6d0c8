"""Record runs and models in MLflow, fetch models back from it, and show it.

The only home of mlflow, which takes seconds to import and so is imported where it is used.
"""

from pipeline.tracking.champion import Gate, Verdict, Version, open_gate
from pipeline.tracking.comparing import log_comparison
from pipeline.tracking.fetch import is_model_uri, resolve_bundle
from pipeline.tracking.groups import GroupRun, group_run
from pipeline.tracking.live import LiveCurves, Point
from pipeline.tracking.record import Dataset, RunRecord, Tracked, flatten
from pipeline.tracking.run import track
from pipeline.tracking.store import is_store_gone, store_uri
from pipeline.tracking.ui import ui_command, ui_environment

__all__ = [
    "Dataset",
    "Gate",
    "GroupRun",
    "LiveCurves",
    "Point",
    "RunRecord",
    "Tracked",
    "Verdict",
    "Version",
    "flatten",
    "group_run",
    "is_model_uri",
    "is_store_gone",
    "log_comparison",
    "open_gate",
    "resolve_bundle",
    "store_uri",
    "track",
    "ui_command",
    "ui_environment",
]

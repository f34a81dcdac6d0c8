"""The stages of a run: which files each reads and writes, and when it need not run again.

`run` runs one experiment, `repeats` the same one with other seeds or folds, `search` looks for
better settings.
"""

from pipeline.stages.repeats import run_repeats
from pipeline.stages.run import STAGES, run_stages
from pipeline.stages.runner import Outcome
from pipeline.stages.search import search

__all__ = ["STAGES", "Outcome", "run_repeats", "run_stages", "search"]

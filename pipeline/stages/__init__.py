"""The stages of a run: which files each reads and writes, and when it need not run again.

`run` runs one experiment, `repeats` the same one with other seeds or folds, `search` looks for
better settings. `opening` opens what a command names. `comparing` sets runs side by side, and
`promotion` says which model is to be used.
"""

from pipeline.stages.agreement import agreement_of
from pipeline.stages.comparing import compare_runs, record_comparison
from pipeline.stages.opening import config_of, open_run
from pipeline.stages.promotion import promote
from pipeline.stages.repeats import run_repeats
from pipeline.stages.run import STAGES, run_stages
from pipeline.stages.runner import Outcome
from pipeline.stages.search import search

__all__ = [
    "STAGES",
    "Outcome",
    "agreement_of",
    "compare_runs",
    "config_of",
    "open_run",
    "promote",
    "record_comparison",
    "run_repeats",
    "run_stages",
    "search",
]

"""From predictions with their gold to scores with intervals, plots, a page, and comparisons.

`evaluate` scores, `with_tiers` says how far each label can be relied on, `plots` draws, `report`
writes the page; `compare` sets runs side by side, and
`comparison_page` writes that for readers.
"""

from pipeline.evaluate.coders import TIES, Coded
from pipeline.evaluate.comparison import Comparison, ComparisonRow, compare
from pipeline.evaluate.figures import plots
from pipeline.evaluate.page import ReportFacts, comparison_page, report
from pipeline.evaluate.scores import evaluate
from pipeline.evaluate.tiers import tiers_of, with_tiers

__all__ = [
    "TIES",
    "Coded",
    "Comparison",
    "ComparisonRow",
    "ReportFacts",
    "compare",
    "comparison_page",
    "evaluate",
    "plots",
    "report",
    "tiers_of",
    "with_tiers",
]

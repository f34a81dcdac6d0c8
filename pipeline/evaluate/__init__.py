"""From predictions with their gold to scores with intervals, plots, a page, and comparisons.

`evaluate` scores, `plots` draws, `report` writes the page, `compare` sets runs side by side.
"""

from pipeline.evaluate.comparison import Comparison, ComparisonRow, compare
from pipeline.evaluate.figures import plots
from pipeline.evaluate.page import ReportFacts, report
from pipeline.evaluate.scores import evaluate

__all__ = [
    "Comparison",
    "ComparisonRow",
    "ReportFacts",
    "compare",
    "evaluate",
    "plots",
    "report",
]

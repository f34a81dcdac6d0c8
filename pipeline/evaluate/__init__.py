"""From predictions with their gold to scores with intervals, plots, a page, and comparisons.

`evaluate` scores, `with_tiers` says how far each label can be relied on, `plots` draws, `report`
writes the page and `model_card` the card; `compare` sets runs side by side, `comparison_page`
writes that for readers, and `rule` says which of two is to be used.
"""

from pipeline.evaluate.coders import TIES, Coded
from pipeline.evaluate.comparison import Comparison, ComparisonRow, Cost, compare
from pipeline.evaluate.figures import plots
from pipeline.evaluate.gate import Ruling, rule
from pipeline.evaluate.page import ReportFacts, comparison_page, model_card, report
from pipeline.evaluate.scores import evaluate, mean_macro_f1
from pipeline.evaluate.tiers import tiers_of, with_tiers

__all__ = [
    "TIES",
    "Coded",
    "Comparison",
    "ComparisonRow",
    "Cost",
    "ReportFacts",
    "Ruling",
    "compare",
    "comparison_page",
    "evaluate",
    "mean_macro_f1",
    "model_card",
    "plots",
    "report",
    "rule",
    "tiers_of",
    "with_tiers",
]

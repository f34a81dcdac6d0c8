"""From the answers of several coders to the one that counts."""

from pipeline.label.adjudication.decide import check_coder, decide
from pipeline.label.adjudication.decisions import Decided, Decision
from pipeline.label.adjudication.disputes import disputed_worklist
from pipeline.label.adjudication.majority import coders_behind

__all__ = ["Decided", "Decision", "check_coder", "coders_behind", "decide", "disputed_worklist"]

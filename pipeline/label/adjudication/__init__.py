"""From the answers of several coders to the one that counts."""

from pipeline.label.adjudication.deciding import check_coder, decide
from pipeline.label.adjudication.decisions import Decided, Decision
from pipeline.label.adjudication.disputes import disputed_worklist
from pipeline.label.adjudication.majority import votes

__all__ = ["Decided", "Decision", "check_coder", "decide", "disputed_worklist", "votes"]

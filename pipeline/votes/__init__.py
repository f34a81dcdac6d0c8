"""Votes: what labelling functions say of examples, and what their votes come to. Never gold.

Rules of the codebook (`rules`), the user's Python functions (`functions`), an encoder that nobody
trained (`zero_shot`) and a language model behind an address (`endpoint`) vote or abstain
(`casting`). Their votes are told as a table (`account`), and combined (`label_model`) into
probabilities that training can learn from (`soft_labels`).
"""

from pipeline.votes.account import Ballot, account_of
from pipeline.votes.casting import (
    cast_by_endpoint,
    cast_by_functions,
    cast_by_rules,
    cast_by_zero_shot,
)
from pipeline.votes.functions import Function, load_functions
from pipeline.votes.matrix import Matrix, matrix_of
from pipeline.votes.questions import Questions, questions_of
from pipeline.votes.soft_labels import soft_labels
from pipeline.votes.zero_shot import encoder_digest

__all__ = [
    "Ballot",
    "Function",
    "Matrix",
    "Questions",
    "account_of",
    "cast_by_endpoint",
    "cast_by_functions",
    "cast_by_rules",
    "cast_by_zero_shot",
    "encoder_digest",
    "load_functions",
    "matrix_of",
    "questions_of",
    "soft_labels",
]

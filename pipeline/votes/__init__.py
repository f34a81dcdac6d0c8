"""Votes: what labelling functions say of examples, and what their votes come to. Never gold.

Rules of the codebook (`rules`), the user's Python functions (`functions`), an encoder that nobody
trained (`zero_shot`) and a language model behind an address (`endpoint`) vote or abstain. Their
votes are told as a table (`account`), and combined (`label_model`) into probabilities that training
can learn from (`soft_labels`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.config import Endpoint, ZeroShot
from pipeline.votes import endpoint as endpoints
from pipeline.votes import zero_shot as nearness
from pipeline.votes.account import Ballot, account_of
from pipeline.votes.functions import Function, function_name, function_votes, load_functions
from pipeline.votes.matrix import Matrix, matrix_of
from pipeline.votes.questions import Questions, questions_of
from pipeline.votes.rules import rule_names, rule_votes
from pipeline.votes.soft_labels import soft_labels
from pipeline.votes.zero_shot import encoder_digest

__all__ = [
    "Ballot",
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

# A function's name, and its votes as records.VOTES.
Votes = tuple[str, pa.Table]


def cast_by_rules(questions: Questions) -> list[Votes]:
    """Return the votes of each rule that the codebook has for the task."""
    return list(zip(rule_names(questions.task), rule_votes(questions), strict=True))


def cast_by_functions(
    questions: Questions, functions: Sequence[Function], path: Path
) -> list[Votes]:
    """Return the votes of the user's functions, which come from the file at `path`."""
    tables = function_votes(questions, functions, path)
    return list(zip(map(function_name, functions), tables, strict=True))


def cast_by_zero_shot(
    questions: Questions,
    section: ZeroShot,
    gold: NDArray[np.bool_],
    known: NDArray[np.bool_],
    on_train: NDArray[np.bool_],
) -> tuple[Votes, dict[str, Any]]:
    """Return the votes of the encoder, and how its margin was chosen."""
    table, about = nearness.zero_shot_votes(questions, section, gold, known, on_train)
    return (nearness.NAME, table), about


def cast_by_endpoint(
    asked: Sequence[Questions], section: Endpoint
) -> tuple[dict[str, Votes], dict[str, Any]]:
    """Return the votes of the endpoint by task, and what it took."""
    table, tally = endpoints.endpoint_votes(asked, section)
    by_task = {
        each.name: (endpoints.NAME, table.filter(pc.equal(table["task"], each.name)))
        for each in asked
    }
    return by_task, tally

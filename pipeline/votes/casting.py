"""Cast the votes of every kind of labelling function, each with its name."""

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
from pipeline.votes.functions import Function, function_name, function_votes
from pipeline.votes.questions import Questions
from pipeline.votes.rules import rule_names, rule_votes

# A function's name, and its votes as records.VOTES.
NamedVotes = tuple[str, pa.Table]


def cast_by_rules(questions: Questions) -> list[NamedVotes]:
    """Return the votes of each rule that the codebook has for the task."""
    return list(zip(rule_names(questions.task), rule_votes(questions), strict=True))


def cast_by_functions(
    questions: Questions, functions: Sequence[Function], path: Path
) -> list[NamedVotes]:
    """Return the votes of the user's functions, which come from the file at `path`."""
    tables = function_votes(questions, functions, path)
    return list(zip(map(function_name, functions), tables, strict=True))


def cast_by_zero_shot(
    questions: Questions,
    section: ZeroShot,
    gold: NDArray[np.bool_],
    known: NDArray[np.bool_],
    on_train: NDArray[np.bool_],
) -> tuple[NamedVotes, dict[str, Any]]:
    """Return the votes of the encoder, and how its margin was chosen."""
    table, about = nearness.zero_shot_votes(questions, section, gold, known, on_train)
    return (nearness.NAME, table), about


def cast_by_endpoint(
    asked: Sequence[Questions], section: Endpoint
) -> tuple[dict[str, NamedVotes], dict[str, Any]]:
    """Return the votes of the endpoint by task, and what it took."""
    table, tally = endpoints.endpoint_votes(asked, section)
    by_task = {
        each.name: (endpoints.NAME, table.filter(pc.equal(table["task"], each.name)))
        for each in asked
    }
    return by_task, tally

"""Answers of coders, made of a few characters."""

from collections.abc import Callable, Sequence

import pytest

from pipeline.codebook import Task
from pipeline.label.answered import Answered
from pipeline.label.answers import Example

Make = Callable[..., Answered]


def _make(*coders: Sequence[str], labels: str = "", many: bool = False, gap: str = ".") -> Answered:
    """Lay out what each coder says of each example: a label, many labels, or `gap` for nothing."""
    given = {
        Example(f"x{number:03}", "task", None): {
            f"c{place}": list(said) if many else [said]
            for place, said in enumerate(column)
            if said != gap
        }
        for number, column in enumerate(zip(*coders, strict=True))
    }
    found = sorted({label for each in given.values() for said in each.values() for label in said})
    task = {
        "asks": "article",
        "choose": "many" if many else "one",
        "labels": [{"id": label} for label in labels or found],
    }
    return Answered.of(
        Task.model_validate(task), {key: said for key, said in given.items() if said}
    )


@pytest.fixture
def answered() -> Make:
    """Make an Answered of one string, or list of strings, for each coder: c0, c1, c2…"""
    return _make

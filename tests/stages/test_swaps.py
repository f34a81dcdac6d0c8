"""Asking a text about another target: which one, and that it is another one."""

import pyarrow as pa
import pytest

from pipeline.codebook import Codebook
from pipeline.records import EXAMPLES
from pipeline.stages.swaps import swapped

CODEBOOK = Codebook.model_validate(
    {
        "name": "coast", "version": "1",
        "tasks": {"stance": {"asks": "target", "labels": [{"id": "threat"}, {"id": "gain"}]}},
        "targets": [{"id": "pact", "name": "Salt Pact"}, {"id": "league", "name": "River League"}],
    }
)  # fmt: skip


def example(article, target, mentions=((0, 4),), source=None, source_mentions=None):
    def spans(pairs):
        return None if pairs is None else [{"start": one, "end": two} for one, two in pairs]

    return {
        "example_id": f"{article}|stance|{target}", "article_id": article, "task": "stance",
        "target": target, "mentions": spans(mentions), "source_entity": source,
        "source_mentions": spans(source_mentions), "gold": ["threat"], "coders": 1,
    }  # fmt: skip


def table(*rows):
    return pa.Table.from_pylist(list(rows), EXAMPLES)


def test_another_target_of_the_article_goes_first():
    everything = table(
        example("a", "league", [(5, 9)]), example("a", "pact"), example("a", "unnamed", []),
        example("b", "pact"),
    )  # fmt: skip
    others, kept = swapped(everything.slice(0, 2), everything, CODEBOOK, 0)
    assert others["target"].to_pylist() == ["pact", "league"]
    assert others["mentions"].to_pylist()[1] == [{"start": 5, "end": 9}]
    assert kept == [0, 1]


def test_else_the_roles_are_exchanged():
    everything = table(example("a", "pact", source="league", source_mentions=[(7, 9)]))
    others, _ = swapped(everything, everything, CODEBOOK, 0)
    row = others.to_pylist()[0]
    assert (row["target"], row["source_entity"]) == ("league", "Salt Pact")
    assert row["mentions"] == [{"start": 7, "end": 9}]
    assert row["source_mentions"] == [{"start": 0, "end": 4}]


@pytest.mark.parametrize("seed", range(20))
def test_else_a_target_is_drawn_and_is_never_the_same(seed):
    everything = table(*[example(name, f"t{name}") for name in "abc"])
    others, kept = swapped(everything, everything, CODEBOOK, seed)
    assert kept == [0, 1, 2]
    for before, after in zip(everything.to_pylist(), others.to_pylist(), strict=True):
        assert after["target"] in {"ta", "tb", "tc"} - {before["target"]}
        assert after["mentions"] == []


def test_a_single_target_has_no_other():
    everything = table(example("a", "pact"), example("b", "pact"))
    others, kept = swapped(everything, everything, CODEBOOK, 0)
    assert others.num_rows == 0
    assert kept == []


def test_who_acts_is_not_asked_about_as_acting_on_itself():
    everything = table(
        example("a", "pact", [(0, 4)], source="River League", source_mentions=[(7, 9)]),
        example("a", "league", [(7, 9)], source="Salt Pact", source_mentions=[(0, 4)]),
    )
    others, _ = swapped(everything, everything, CODEBOOK, 0)
    assert [(row["target"], row["source_entity"]) for row in others.to_pylist()] == [
        ("league", "Salt Pact"), ("pact", "River League"),
    ]  # fmt: skip

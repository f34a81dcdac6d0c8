"""Scores of slices: what they count, and when one is called worse than the rest."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.config import Evaluate
from pipeline.evaluate.answers import Question, read_answers
from pipeline.evaluate.significance import group_scores
from pipeline.evaluate.slices import slice_scores

SECTION = Evaluate(resamples=200)


@pytest.fixture(scope="session")
def scores_of(scored_row: Any, table: Any, codebook: Any) -> Callable[..., dict[str, Any]]:
    """Score topic examples given as (slice value or None, right or wrong, story)."""

    def score(examples: Sequence[tuple[str | None, bool, int]]) -> dict[str, Any]:
        rows = [
            scored_row(
                {"economy": 0.8, "migration": 0.2},
                ["economy" if right else "migration"],
                article_id=f"a{place}",
                story=f"s{story}",
                slices=[] if value is None else [("outlet", value)],
            )
            for place, (value, right, story) in enumerate(examples)
        ]
        scored: pa.Table = table(rows)
        answers = read_answers(scored, Question.of("topic", codebook.tasks["topic"]), "story")
        return slice_scores(scored, answers, SECTION)

    return score


def _outlet(name: str, right: int, wrong: int, first: int) -> list[tuple[str | None, bool, int]]:
    return [(name, place < right, first + place) for place in range(right + wrong)]


def test_a_slice_that_is_worse_than_the_rest_is_named_first(scores_of):
    scores = scores_of(
        [*_outlet("Gazette", 60, 10, 0), *_outlet("Post", 8, 22, 100), *_outlet("Echo", 30, 6, 200)]
    )
    assert scores["weak"] == [{"by": "outlet", "name": "Post"}]
    post = scores["by"]["outlet"]["Post"]
    assert post["n"] == 30
    assert post["accuracy"] == pytest.approx(8 / 30)
    assert post["difference"] == pytest.approx(8 / 30 - 90 / 106)
    assert post["accuracy_low"] < post["accuracy"] < post["accuracy_high"]
    assert post["p_adjusted"] == pytest.approx(3 * post["p_value"])


def test_errors_of_a_single_story_do_not_make_a_slice_weak(scores_of):
    one_story = [("Post", False, 1)] * 15 + [("Post", True, 500 + at) for at in range(15)]
    rest = _outlet("Gazette", 60, 10, 600)
    scores = scores_of([*one_story, *rest])
    apart = scores_of(
        [*_outlet("Post", 15, 15, 0), *rest],
    )
    assert scores["weak"] == []
    assert apart["weak"] == [{"by": "outlet", "name": "Post"}]


def test_small_slices_and_examples_without_a_value_are_counted_not_scored(scores_of):
    scores = scores_of(
        [*_outlet("Gazette", 20, 5, 0), *_outlet("Post", 3, 1, 100), (None, True, 200)]
    )
    assert list(scores["by"]["outlet"]) == ["Gazette"]
    assert scores["small"] == {"outlet": {"slices": 1, "n": 4}}
    assert scores["unknown"] == {"outlet": 1}
    assert scores["by"]["outlet"]["Gazette"]["p_value"] is None  # five others say little


def test_a_slice_without_an_error_may_have_some_all_the_same(scores_of):
    perfect = scores_of([*_outlet("Gazette", 20, 5, 0), *_outlet("Post", 12, 0, 100)])
    post = perfect["by"]["outlet"]["Post"]
    assert post["accuracy"] == post["accuracy_high"] == 1
    assert post["accuracy_low"] < 0.8


def test_what_all_examples_share_is_no_slicing(scores_of):
    scores = scores_of(_outlet("Gazette", 20, 5, 0))
    assert scores["by"] == {"outlet": {}}
    assert scores["values"] == {"outlet": 1}
    assert scores["tested"] == 0


def test_the_statistic_of_a_group_is_that_of_two_shares_where_examples_are_independent():
    rng = np.random.default_rng(3)
    right = rng.random(4000) < 0.7
    groups = (rng.random(4000) < 0.3).astype(np.int64)
    got = group_scores(right.astype(float), groups, np.arange(4000))
    inside, outside = right[groups == 1], right[groups == 0]
    spread = np.sqrt(right.var() * (1 / len(inside) + 1 / len(outside)))
    assert got[1] == pytest.approx((inside.mean() - outside.mean()) / spread, rel=0.02)
    assert got[0] == pytest.approx(-got[1])


def test_equal_slices_are_called_weak_about_as_rarely_as_promised():
    """Of one-sided tests at .05 of a slice like the rest, with stories of four examples."""
    rng = np.random.default_rng(8)
    named = 0
    for _ in range(400):
        stories = np.repeat(np.arange(60), 4)
        # Right and wrong run in stories.
        right = (rng.beta(2, 1, 60)[stories] > rng.random(240)).astype(float)
        groups = (rng.random(60) < 0.3).astype(np.int64)[stories]
        named += group_scores(right, groups, stories)[1] < -1.645
    assert 0.02 < named / 400 < 0.085

import numpy as np
import pyarrow as pa
import pytest

from pipeline.config import Queue
from pipeline.review import (
    Facts,
    Waiting,
    first_list,
    first_of_stories,
    group_texts,
    opinions_of,
    queue_worklist,
    reasons,
    spread,
    usefulness,
)

LABELS = ["economy", "sport"]


def probabilities(*rows):
    return np.array(rows, np.float32)


def test_the_example_between_two_labels_is_the_most_uncertain():
    opinions = opinions_of(LABELS, False, [probabilities([0.9, 0.1], [0.5, 0.5], [0.3, 0.7])])
    assert opinions.uncertainty.tolist() == pytest.approx([0.2, 1.0, 0.6])
    assert opinions.disagreement.tolist() == [0, 0, 0]


def test_models_that_are_sure_of_different_labels_disagree_altogether():
    one, other = probabilities([1, 0], [0.5, 0.5]), probabilities([0, 1], [0.5, 0.5])
    assert opinions_of(LABELS, False, [one, other]).disagreement.tolist() == pytest.approx([1, 0])


def test_where_many_labels_may_hold_one_half_is_the_most_uncertain():
    opinions = opinions_of(LABELS, True, [probabilities([0.5, 0.5], [0.99, 0.98], [0.01, 0.5])])
    first, sure, half = opinions.uncertainty.tolist()
    assert first == pytest.approx(1)
    assert first > half > sure


def test_a_label_with_few_coded_examples_is_wanted_more():
    opinions = opinions_of(LABELS, False, [probabilities([0.6, 0.4], [0.4, 0.6])])
    coded = {"economy": 80, "sport": 4}
    even, wanted = (usefulness(opinions, coded, Queue(rare=rare)) for rare in (0.0, 0.5))
    assert even[0] == pytest.approx(even[1])
    assert wanted[1] > wanted[0]


def test_no_two_are_taken_from_a_story():
    useful = np.array([0.1, 0.9, 0.8, 0.3], np.float32)
    assert first_of_stories(useful, ["a", "b", "b", "c"], 9).tolist() == [1, 3, 0]
    assert first_of_stories(useful, ["a", "b", "b", "c"], 1).tolist() == [1]


def test_one_of_each_group_comes_before_a_second_one():
    groups = np.array([7, 7, 7, 2])
    assert spread(groups, [None] * 4, 3, Queue()) == [0, 3, 1]


def test_an_outlet_has_its_share_of_the_list_unless_there_is_nothing_else():
    outlets = ["post", "post", "post", "echo", "echo"]
    section = Queue(outlet_share=0.5)
    assert spread(np.arange(5), outlets, 4, section) == [0, 1, 3, 4]
    assert spread(np.arange(5), outlets, 5, section) == [0, 1, 3, 4, 2]


def test_a_row_says_why_and_suggests_nothing():
    rows = pa.table({"example_id": ["a|topic|"], "article_id": ["a"], "task": ["topic"],
                     "target": pa.nulls(1, pa.string())})  # fmt: skip
    opinions = opinions_of(LABELS, False, [probabilities([0.6, 0.4]), probabilities([0.0, 1.0])])
    told = reasons(opinions, {"economy": 40, "sport": 2}, models=2)
    (row,) = queue_worklist(Waiting(rows, ["a"], [None]), told).to_pylist()
    assert "unsure between 'sport' (0.70) and 'economy' (0.30)" in row["why"]
    assert "they disagree" in row["why"]
    assert "few are coded 'sport' yet (2)" in row["why"]
    assert row["suggestion"] is None


def test_what_a_model_is_sure_of_is_not_called_unsure():
    opinions = opinions_of(LABELS, False, [probabilities([0.98, 0.02], [0.4, 0.6])])
    sure, unsure = reasons(opinions, {}, models=1)
    assert sure == "the model is fairly sure of 'economy' (0.98)"
    assert unsure == "the model is unsure between 'sport' (0.60) and 'economy' (0.40)"


HARBOUR = ["ships wait at the harbour for salt", "salt ships leave the harbour at night",
           "the harbour counts its ships and salt"]  # fmt: skip
GOALS = ["the keeper saved a goal in the final", "a late goal won the final match",
         "the final match had one goal"]  # fmt: skip


@pytest.mark.slow
def test_texts_are_grouped_by_their_words():
    of = group_texts([*HARBOUR, *GOALS], 2, seed=0).of.tolist()
    assert len(set(of[:3])) == len(set(of[3:])) == 1
    assert of[0] != of[3]


@pytest.mark.slow
@pytest.mark.parametrize("texts", [[], [""], ["", "", "☀️"], ["same"] * 5, ["x" * 100_000]])
def test_texts_without_words_or_differences_are_one_group_or_few(texts):
    assert group_texts(texts, 3, seed=0).of.shape == (len(texts),)


@pytest.mark.slow
def test_the_first_list_is_spread_over_words_outlets_and_years():
    facts = Facts(
        ["post", "post", "echo", "post", "post", "echo"],
        ["2031-01-01", "2031-01-02", "2032-05-05", None, "2031", "2032-01-01"],
        [*HARBOUR, *GOALS],
    )
    taken, told = first_list(facts, 2, seed=0)
    assert sorted(at // 3 for at in taken) == [0, 1]
    assert {facts.outlets[at] for at in taken} == {"post", "echo"}
    assert "one of 3 articles of like words" in told[0]
    assert sorted(first_list(facts, 9, seed=0)[0]) == [0, 1, 2, 3, 4, 5]

import warnings

import numpy as np
import pyarrow as pa
import pytest

from pipeline.review import Judged, error_worklist, label_quality

LABELS = ["economy", "sport", "weather"]


def judged(gold, probabilities, *, many=False, side="train", labels=LABELS):
    gold = np.array(gold, bool)
    ids = [f"a{number}" for number in range(len(gold))]
    rows = pa.table(
        {
            "example_id": [f"{name}|topic|" for name in ids],
            "article_id": ids,
            "task": ["topic"] * len(ids),
            "target": pa.nulls(len(ids), pa.string()),
            "side": [side] * len(ids),
        }
    )
    return Judged(rows, labels, many, gold, np.array(probabilities, np.float32))


def one_of(*answers):
    return [[label == answer for label in LABELS] for answer in answers]


ONE_WRONG = judged(
    one_of("economy", "sport", "weather", "sport", "economy", "weather"),
    [
        [0.8, 0.1, 0.1],
        [0.1, 0.8, 0.1],
        [0.1, 0.1, 0.8],
        [0.9, 0.04, 0.06],
        [0.7, 0.2, 0.1],
        [0.2, 0.2, 0.6],
    ],
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "ranking",
    ["self_confidence", "margin", "adjusted_self_confidence", "adjusted_margin",
     "confident_learning"],
)  # fmt: skip
def test_the_answer_that_the_model_contradicts_is_doubted_first(ranking):
    assert label_quality(ONE_WRONG, ranking).argmin() == 3


def test_the_row_says_in_words_what_was_given_and_what_is_likelier():
    worklist = error_worklist(ONE_WRONG, label_quality(ONE_WRONG, "self_confidence"), most=3)
    (row,) = worklist.to_pylist()
    assert row["example_id"] == "a3|topic|"
    assert row["suggestion"] == "economy"
    assert "'sport' (0.04)" in row["why"]
    assert "'economy' likelier (0.90)" in row["why"]


def test_an_answer_that_the_model_would_give_too_is_not_listed():
    sure = judged(one_of("economy", "sport"), [[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]])
    assert len(error_worklist(sure, np.array([0.1, 0.2]), most=2)) == 0


def test_a_row_of_a_test_side_names_no_answer():
    tested = judged(one_of("sport"), [[0.9, 0.05, 0.05]], side="test_2031")
    (row,) = error_worklist(tested, np.array([0.0]), most=1).to_pylist()
    assert row["suggestion"] is None
    assert not any(label in row["why"] for label in LABELS)


def test_of_many_labels_the_missing_and_the_extra_one_are_named():
    frames = judged([[1, 0, 0], [0, 0, 1]], [[0.1, 0.9, 0.2], [0.1, 0.2, 0.9]], many=True)
    quality = label_quality(frames, "self_confidence")
    assert quality[0] < quality[1]
    (row,) = error_worklist(frames, quality, most=2).to_pylist()
    assert row["suggestion"] == "sport"
    assert "with 'economy' (0.10)" in row["why"]
    assert "without 'sport' (0.90)" in row["why"]


def test_no_label_at_all_may_be_the_likelier_answer():
    frames = judged([[1, 0, 0], [0, 1, 0]], [[0.1, 0.1, 0.1], [0.1, 0.9, 0.1]], many=True)
    worklist = error_worklist(frames, label_quality(frames, "self_confidence"), most=1)
    assert worklist["suggestion"].to_pylist() == [""]


@pytest.mark.parametrize("ranking", ["self_confidence", "confident_learning", "adjusted_margin"])
@pytest.mark.parametrize(
    "case",
    [
        judged(np.zeros((0, 3)), np.zeros((0, 3))),
        judged(one_of("sport", "sport"), [[0.2, 0.7, 0.1], [0.0, 1.0, 0.0]]),
        judged(one_of("sport", "economy"), [[0.2, 0.7, 0.1], [0.0, 1.0, 0.0]]),
        judged(one_of("sport", "economy"), [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]),
        judged([[0, 0, 0], [0, 0, 0]], [[0.1, 0.2, 0.3], [0.1, 0.9, 0.3]], many=True),
        judged([[1, 0, 0], [0, 0, 0]], [[0.1, 0.2, 0.3], [0.1, 0.9, 0.3]], many=True),
    ],
    ids=["no rows", "one label", "unused label", "only unused ones likely", "none holds", "one"],
)
def test_few_examples_and_unused_labels_are_ranked_without_a_warning(case, ranking):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quality = label_quality(case, ranking)
    assert quality.shape == (len(case.rows),)
    assert np.isfinite(quality).all()

import math

import pytest

from pipeline.config import Track
from pipeline.tracking import Tracked, flatten
from pipeline.tracking.record import (
    LONGEST_PARAM,
    behaviour_metrics,
    behaviour_rows,
    headline_metrics,
    label_rows,
    param_text,
)


@pytest.mark.parametrize(
    ("config", "flat"),
    [
        ({}, {}),
        ({"seed": 3}, {"seed": 3}),
        ({"train": {"C": [0.3, 1.0]}}, {"train.C": "0.3,1.0"}),
        ({"features": {"chars": None}}, {"features.chars": "none"}),
        ({"label": {"annotations": []}}, {"label.annotations": "none"}),
        ({"track": {"enabled": True}}, {"track.enabled": True}),
        ({"no_answer": ["", "n/a"]}, {"no_answer": "none,n/a"}),
        ({"flags": [True, False]}, {"flags": "true,false"}),
        ({"ingest": {"sources": [{"path": "a.csv"}]}}, {"ingest.sources.0.path": "a.csv"}),
    ],
)
def test_flatten(config, flat):
    assert flatten(config) == flat


def test_every_setting_of_a_section_becomes_a_plain_value():
    flat = flatten({"track": Track().model_dump(mode="json")})
    assert flat["track.uri"] == "none"
    assert all(isinstance(value, str | int | float | bool) for value in flat.values())


def test_a_long_param_is_cut_so_that_mlflow_does_not_warn():
    assert len(param_text("x" * (LONGEST_PARAM + 1))) == LONGEST_PARAM
    assert param_text("x" * LONGEST_PARAM) == "x" * LONGEST_PARAM


def test_headlines_are_few_and_named_by_side_task_and_metric(make_record):
    headlines = headline_metrics(make_record(macro_f1=0.7).metrics)
    assert sorted(headlines) == [
        "dev/stance.macro_f1",
        "dev/topic.macro_f1",
        "test/stance.accuracy",
        "test/stance.ece",
        "test/stance.macro_f1",
        "test/stance.macro_f1_high",
        "test/stance.macro_f1_low",
        "test/stance.target_blind_delta",
        "test/topic.accuracy",
        "test/topic.ece",
        "test/topic.macro_f1",
        "test/topic.macro_f1_high",
        "test/topic.macro_f1_low",
    ]
    assert headlines["test/topic.macro_f1"] == 0.7


def test_headlines_leave_out_what_is_no_number():
    scores = {"test": {"topic": {"macro_f1": None, "accuracy": math.nan, "ece": 0.5}}}
    assert headline_metrics(scores) == {"test/topic.ece": 0.5}


def test_tests_of_behaviour_are_headlines_by_kind_and_rows_one_by_one():
    tests = [
        {"name": name, "task": "stance", "kind": kind, "n": n, "failures": failures,
         "failure_rate": failures / n if n else None, "examples": []}
        for name, kind, n, failures in (
            ("negation", "direction", 8, 2), ("typos", "invariance", 30, 0),
            ("alias", "invariance", 10, 4), ("plain", "minimum", 0, 0),
        )
    ]  # fmt: skip
    assert behaviour_metrics(tests) == {
        "test/stance.direction_failure_rate": 0.25,
        "test/stance.invariance_failure_rate": 0.1,
    }
    rows = behaviour_rows(tests)
    assert [list(row)[:2] for row in rows] == [["test", "failure_rate"]] * 4
    assert rows[0]["test"] == "negation"
    assert "examples" not in rows[0]


def test_a_further_test_set_has_headlines_and_the_training_side_has_none():
    scores = {side: {"topic": {"macro_f1": 0.5}} for side in ("train", "test_2024")}
    assert headline_metrics(scores) == {"test_2024/topic.macro_f1": 0.5}


def test_label_rows_begin_with_a_unique_key_and_the_f1(make_record):
    rows = label_rows(make_record(macro_f1=0.7).metrics)
    assert len({row["label"] for row in rows}) == len(rows) == 5
    assert rows[0] == {
        "label": "test/topic: economy",
        "f1": 0.7,
        "precision": 0.9,
        "recall": 0.5,
        "support": 20,
    }
    assert list(rows[0])[:2] == ["label", "f1"]


def test_scores_without_labels_give_no_rows():
    assert label_rows({"test": {"topic": {"macro_f1": 0.5, "labels": None}}}) == []
    assert label_rows({}) == []


def test_tracked_is_plain_values():
    tracked = Tracked("r", "1", "sqlite:///x", "/#/", "slant-news", "2")
    assert tracked.as_dict()["version"] == "2"

"""When a challenger takes the champion's place."""

from dataclasses import replace

import pytest

from pipeline.config import Gate
from pipeline.evaluate import ComparisonRow, rule

HEADLINE = {
    f"{name}{end}": None
    for name in ("macro_f1", "accuracy", "ece")
    for end in ("", "_low", "_high")
}


def row(task, difference, low, high, p):
    return ComparisonRow(
        "test", task, "new", 100, **HEADLINE, difference=difference, difference_low=low,
        difference_high=high, p_value=p, least_p=0.002,
    )  # fmt: skip


BETTER = row("stance", 0.04, 0.01, 0.07, 0.004)
WORSE = row("stance", -0.04, -0.07, -0.01, 0.004)
LIKE = row("topic", 0.001, -0.006, 0.008, 0.8)
UNSURE = row("topic", 0.001, -0.06, 0.08, 0.8)


def no_speed():
    raise AssertionError("speed does not matter here")


@pytest.mark.parametrize(
    ("rows", "passes", "reason"),
    [
        ([BETTER, LIKE], True, "better: test/stance +0.040 (+0.010 to +0.070), p 0.004, adjusted"),
        ([BETTER, UNSURE], True, "better: test/stance"),
        ([WORSE, LIKE], False, "worse: test/stance"),
        ([BETTER, row("topic", -0.03, -0.05, -0.01, 0.01)], False, "worse: test/topic"),
        ([UNSURE], False, "not better: test/topic +0.001"),
        ([row("topic", None, None, None, None)], False, "not better: test/topic unknown"),
    ],
)
def test_quality_decides_where_it_differs(rows, passes, reason):
    ruling = rule(rows, Gate(), no_speed)
    assert ruling.passes is passes
    assert ruling.reason.startswith(reason)


def test_too_few_resamples_are_said_instead_of_finding_nothing_for_ever():
    rows = [replace(row(f"t{at}", 0.2, -0.1, 0.3, 0.02), least_p=0.02) for at in range(3)]
    ruling = rule(rows, Gate(), no_speed)
    assert not ruling.passes
    assert "it takes more evaluate.resamples" in ruling.reason


def test_few_resamples_are_no_hindrance_to_a_model_as_good_and_faster():
    assert rule([replace(LIKE, least_p=0.06)], Gate(), lambda: 2.0).passes


def test_several_tasks_make_each_one_harder_to_win_by_chance():
    lucky = row("stance", 0.03, 0.001, 0.06, 0.04)
    assert rule([lucky], Gate(), no_speed).passes
    ruling = rule([lucky, UNSURE], Gate(), no_speed)
    assert not ruling.passes
    assert "test/stance +0.030 (+0.001 to +0.060), p 0.040, adjusted 0.080" in ruling.reason


@pytest.mark.parametrize(("ratio", "passes"), [(1.6, True), (1.4, False)])
def test_a_model_that_is_shown_to_be_as_good_passes_if_it_is_faster(ratio, passes):
    ruling = rule([LIKE], Gate(), lambda: ratio)
    assert ruling.passes is passes
    assert ruling.numbers["gate.times_as_fast"] == f"{ratio:.2f}"
    assert ruling.numbers["gate.test/topic"].startswith("+0.001 (-0.006 to +0.008), p 0.800")

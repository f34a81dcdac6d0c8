import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipeline import evaluate
from pipeline.config import Evaluate
from pipeline.errors import DataError
from pipeline.evaluate.significance import holm, mcnemar

QUICK = Evaluate(resamples=200)


@pytest.fixture(scope="module")
def runs(make_scored, codebook):
    tables = {
        "good": make_scored(model=1, skill=2.5),
        "poor": make_scored(model=2, skill=0.5),
    }
    return {
        name: (evaluate.evaluate(table, codebook, QUICK, 0, {}), table)
        for name, table in tables.items()
    }


def changed(run, column, value):
    metrics, table = run
    place = table.schema.get_field_index(column)
    filled = pa.array([value] * table.num_rows, table.schema.field(column).type)
    return metrics, table.set_column(place, table.schema.field(column), filled)


def test_a_worse_run_is_worse_with_an_interval_below_zero(runs):
    rows = evaluate.compare(runs, QUICK).rows
    assert [(row.side, row.task, row.run) for row in rows] == [
        ("test", task, run) for task in ("frames", "stance", "topic") for run in ("good", "poor")
    ]
    first, other = rows[4:]
    assert first.difference is None
    assert other.macro_f1 == runs["poor"][0]["test"]["topic"]["macro_f1"]
    assert other.difference == pytest.approx(other.macro_f1 - first.macro_f1, abs=2e-6)
    assert other.difference_low < other.difference < other.difference_high < 0
    assert other.p_value < 0.02
    assert other.lost > other.gained
    n = other.n
    assert other.accuracy - first.accuracy == pytest.approx(
        (other.gained - other.lost) / n, abs=2e-6
    )


def test_slices_of_the_first_run_are_compared_by_accuracy(runs):
    metrics, table = runs["good"]
    halves = [[("outlet", "Post" if at % 2 else "Echo")] for at in range(table.num_rows)]
    place = table.schema.get_field_index("slices")
    field = table.schema.field("slices")
    sliced = table.set_column(place, field, pa.array(halves, field.type))
    row = evaluate.compare({"good": (metrics, sliced), "poor": runs["poor"]}, QUICK).rows[-1]
    assert [(each.by, each.name) for each in row.slices] == [("outlet", "Echo"), ("outlet", "Post")]
    assert sum(each.n for each in row.slices) == row.n
    # Slices weighed by their size make up the whole.
    whole = sum(each.difference * each.n for each in row.slices) / row.n
    assert whole == pytest.approx((row.gained - row.lost) / row.n)
    for each in row.slices:
        assert each.difference == pytest.approx(each.other - each.first)
        assert each.difference_low < each.difference < each.difference_high
        assert each.p_adjusted < 0.05


def test_a_run_does_not_differ_from_itself_whatever_the_order_of_its_rows(runs):
    metrics, table = runs["good"]
    order = np.random.default_rng(0).permutation(table.num_rows)
    rows = evaluate.compare({"a": runs["good"], "b": (metrics, table.take(pa.array(order)))}).rows
    for row in rows[1::2]:
        assert (row.difference, row.difference_low, row.difference_high) == (0, 0, 0)
        assert (row.p_value, row.gained, row.lost) == (1, 0, 0)


def test_the_result_is_ready_for_json_and_the_same_twice(runs):
    one, two = (json.dumps(evaluate.compare(runs, QUICK).as_dict()) for _ in range(2))
    assert one == two


def test_a_single_run_is_shown_without_differences(runs):
    rows = evaluate.compare({"good": runs["good"]}).rows
    assert [row.difference for row in rows] == [None, None, None]


def test_runs_that_cannot_be_compared_are_refused_with_the_reason(runs):
    good = runs["good"]
    metrics, table = runs["poor"]
    fewer = table.filter(pc.not_equal(table["article_id"], "test-3"))
    relabelled = json.loads(json.dumps(metrics))
    relabelled["test"]["topic"]["labels"]["war"] = {}
    topic = pc.and_(pc.equal(table["task"], "topic"), pc.equal(table["side"], "test"))
    one_gold = pa.Table.from_pylist(
        [row | {"gold": ["economy"]} for row in table.filter(topic).to_pylist()],
        schema=table.schema,
    )
    others = {
        "the codebooks differ (demo@1.0 and demo@2.0)": changed(
            runs["poor"], "codebook_version", "demo@2.0"
        ),
        "the test examples differ (3 only in good, 0 only in other)": (metrics, fewer),
        "the labels of topic differ": (relabelled, table),
        "the gold of their test examples differs": (
            metrics,
            pa.concat_tables([table.filter(pc.invert(topic)), one_gold]),
        ),
        "its metrics have no frames on the test side": ({"test": {}}, table),
        "no scored test examples": changed(runs["poor"], "side", "dev"),
    }
    for message, other in others.items():
        with pytest.raises(DataError) as caught:
            evaluate.compare({"good": good, "other": other}, QUICK)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


def test_labels_and_flipped_examples_are_told(runs):
    row = evaluate.compare(runs, QUICK).rows[5]
    good, poor = runs["good"][0]["test"]["topic"], runs["poor"][0]["test"]["topic"]
    assert [each.label for each in row.labels] == list(good["labels"])
    for each in row.labels:
        assert each.first == pytest.approx(good["labels"][each.label]["f1"], abs=2e-6)
        assert each.other == pytest.approx(poor["labels"][each.label]["f1"], abs=2e-6)
        assert each.difference_low <= each.difference <= each.difference_high
    assert len(row.losses) == min(row.lost, 50)
    assert len(row.gains) == row.gained
    assert all(flip.first == flip.gold != flip.other for flip in row.losses)
    assert all(flip.other == flip.gold != flip.first for flip in row.gains)
    sureness = [flip.probability for flip in row.losses]
    assert sureness == sorted(sureness, reverse=True)


def test_of_several_runs_the_p_values_are_adjusted(runs):
    three = {**runs, "good again": runs["good"]}
    first, poor, again = evaluate.compare(three, QUICK).rows[6:]
    assert first.p_adjusted is None
    assert poor.p_adjusted == pytest.approx(2 * poor.p_value)
    assert again.p_adjusted == 1


def test_holm_is_as_in_a_worked_example():
    # Four tests; the second of the ordered ones is not below .05 / 3, so none after it is.
    adjusted = holm([0.01, 0.04, None, 0.03, 0.005])
    assert adjusted == [pytest.approx(0.03), pytest.approx(0.06), None, pytest.approx(0.06),
                        pytest.approx(0.02)]  # fmt: skip
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("gained", "lost", "p"), [(0, 0, 1.0), (5, 5, 1.0), (0, 6, 2 / 2**6), (8, 1, 20 / 2**9)]
)
def test_mcnemar_is_the_exact_binomial_test(gained, lost, p):
    assert mcnemar(gained, lost) == pytest.approx(p)


def test_nothing_to_compare_is_refused():
    with pytest.raises(DataError, match="name two runs or more"):
        evaluate.compare({})

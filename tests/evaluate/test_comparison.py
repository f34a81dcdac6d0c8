import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipeline import evaluate
from pipeline.config import Evaluate
from pipeline.errors import DataError

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


def test_nothing_to_compare_is_refused():
    with pytest.raises(DataError, match="name two runs or more"):
        evaluate.compare({})

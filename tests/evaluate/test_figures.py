import struct
import subprocess
import sys

import pytest

from pipeline import evaluate
from pipeline.codebook import Asks, Codebook, Label, Task
from pipeline.config import Evaluate

QUICK = Evaluate(resamples=100)


@pytest.fixture(scope="module")
def metrics(scored, codebook, train_gold):
    return evaluate.evaluate(scored, codebook, QUICK, 0, train_gold)


def size(png):
    return struct.unpack(">II", png[16:24])


@pytest.mark.slow
def test_each_task_has_its_plots_and_they_are_the_same_bytes_twice(scored, codebook, metrics):
    once = evaluate.plots(scored, metrics, codebook, QUICK)
    assert list(once) == [
        *("frames_labels.png", "frames_reliability.png"),
        *("stance_confusion.png", "stance_labels.png", "stance_reliability.png"),
        "stance_risk.png",
        *("topic_confusion.png", "topic_labels.png", "topic_reliability.png"),
        "topic_risk.png",
    ]
    for png in once.values():
        assert png.startswith(b"\x89PNG")
        assert b"Software" not in png
        assert min(size(png)) > 300
    assert evaluate.plots(scored, metrics, codebook, QUICK) == once


@pytest.mark.slow
def test_long_strange_and_many_labels_are_drawn(scored_row, table):
    labels = ["$5 and $6", "موقف", "🙂 smile", "政治", "x" * 90, "a long name of " * 6]
    labels += [f"label {k}" for k in range(15)]
    task = Task(asks=Asks.ARTICLE, labels=[Label(id=name.strip()) for name in labels])
    codebook = Codebook(name="many", version="1", tasks={"topic": task})
    even = dict.fromkeys(task.label_ids, 1 / 21)
    rows = [
        scored_row(even, [label], label=label, article_id=label) for label in task.label_ids[:-1]
    ]
    metrics = evaluate.evaluate(table(rows), codebook, QUICK, 0, {})
    plots = evaluate.plots(table(rows), metrics, codebook, QUICK)
    assert all(max(size(png)) < 2600 for png in plots.values())


@pytest.mark.slow
def test_one_example_on_a_further_test_side_is_drawn(scored_row, table, codebook):
    p = {"economy": 0.7, "migration": 0.2, "defence policy": 0.1}
    rows = table([scored_row(p, ["migration"], side="test_2024")])
    metrics = evaluate.evaluate(rows, codebook, QUICK, 0, {})
    assert len(evaluate.plots(rows, metrics, codebook, QUICK)) == 4


def test_without_scores_there_is_nothing_to_draw(table, codebook):
    assert evaluate.plots(table([]), {}, codebook, QUICK) == {}


@pytest.mark.slow
def test_importing_the_room_loads_nothing_heavy():
    code = (
        "import sys, pipeline.evaluate; "
        "sys.exit(bool({'matplotlib', 'jinja2', 'sklearn', 'scipy', 'mlflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

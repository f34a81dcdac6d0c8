"""`slant label agreement` on a small project: what it prints, and what it refuses."""

import importlib.util
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.artifacts import RunFolder, read_table, write_table
from pipeline.cli.agreement import agreement
from pipeline.errors import DataError, PipelineError
from pipeline.records import SCORED
from pipeline.stages import agreement_of

_spec = importlib.util.spec_from_file_location(
    "small_project", Path(__file__).with_name("small_project.py")
)
small = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(small)
slant = small.slant

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The dozen articles; ben differs from ada on three topics and one stance, cem coded two."""
    config = small.write_project(tmp_path_factory.mktemp("agreement"))
    file = config.parent / "annotations.csv"
    text = file.read_text()
    for article, label, other in (
        ("n0,topic,", "farming", "shipping"),
        ("n3,topic,", "shipping", "farming"),
        ("n4,topic,", "shipping", "farming"),
        ("n2,stance,salt-pact", "opportunity", "threat"),
    ):
        assert f"{article},ben,{label}" in text
        text = text.replace(f"{article},ben,{label}", f"{article},ben,{other}")
    file.write_text(text + "n0,topic,,cem,farming\nn1,topic,,cem,farming\n")
    return config.parent


def test_the_tables_fit_a_terminal_and_say_who_differs_on_what(project):
    done = slant("label", "agreement", "config.yaml", cwd=project)
    assert b"24 examples, 21 coded, 3 disputed" in done.stderr
    text = done.stdout.decode()
    assert max(map(len, text.splitlines())) <= 100
    assert "topic: 3 coders, 12 examples answered, 12 by two coders or more" in text
    assert "gold by majority: 10 decided, 2 disputed" in text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "2 ada / ben shipping / farming n3|topic|" in lines
    assert "1 ada / ben farming / shipping n0|topic|" in lines
    assert "Intervals of 95 % are by resampling whole stories; – is not defined." in lines


def test_a_run_one_task_and_json_give_the_same_figures(project):
    found = agreement_of(RunFolder(project / "runs/small"), ["stance"])
    assert list(found["tasks"]) == ["stance"]
    file = json.loads((project / "runs/small/agreement.json").read_text())
    assert found["tasks"]["stance"] == file["tasks"]["stance"]
    assert found["tasks"]["stance"]["agreement"] == pytest.approx(11 / 12, abs=1e-6)
    assert [tie["example_id"] for tie in found["ties"]] == ["n2|stance|salt-pact"]
    done = slant("label", "agreement", "runs/small", "--task", "stance", "--json", cwd=project)
    assert json.loads(done.stdout) == found


def test_a_tie_is_of_the_task_that_the_table_says(project, tmp_path):
    run = RunFolder(tmp_path / "bars")
    shutil.copytree(project / "runs/small", run.path)
    tied = "n2|stance|salt-pact"
    bars = "n2|stance|salt|topic|pact"
    examples = read_table(run.examples)
    ids = [bars if each == tied else each for each in examples["example_id"].to_pylist()]
    place = examples.schema.get_field_index("example_id")
    field = examples.schema.field("example_id")
    write_table(run.examples, examples.set_column(place, field, [ids]))
    run.agreement.write_text(run.agreement.read_text().replace(tied, bars))
    assert [tie["example_id"] for tie in agreement_of(run, ["stance"])["ties"]] == [bars]
    assert bars not in [tie["example_id"] for tie in agreement_of(run, ["topic"])["ties"]]


def test_a_model_of_the_coders_tells_how_each_errs(project, capsys, monkeypatch):
    monkeypatch.chdir(project)
    agreement(
        Path("config.yaml"), most=10, overrides=["label.adjudicate.by=one_coin"],
        folder=Path("runs/coin"),
    )  # fmt: skip
    text = capsys.readouterr().out
    assert "gold by one_coin (settled after" in text
    assert "accuracy" in text
    rows = (project / "runs/coin/disputed.jsonl").read_text().splitlines()
    assert all("coders: " in json.loads(row)["why"] for row in rows)


def test_the_model_stands_below_the_coders_where_it_was_scored(project, capsys, tmp_path):
    run = RunFolder(tmp_path / "scored")
    shutil.copytree(project / "runs/small", run.path)
    kappas = {"kappa": 0.25}
    coders = {
        "coder_kappa": 0.5, "model_kappa": 0.25,
        "pairs": [{"coders": ["ada", "ben"], "n": 12, "kappa": 0.5, "model": [kappas, kappas]}],
    }  # fmt: skip
    said = {"n8": "farming", "n9": "shipping", "n10": "shipping"}
    rows = [
        {"article_id": article, "task": "topic", "target": None, "label": label, "side": "test"}
        for article, label in said.items()
    ]
    names = ("article_id", "task", "target", "label", "side")
    schema = pa.schema([SCORED.field(name) for name in names])
    write_table(run.predictions, pa.Table.from_pylist(rows, schema))
    run.metrics.write_text(
        json.dumps({"dev": {"topic": {}}, "test": {"topic": {"coders": coders}}})
    )
    agreement(run.path, most=10)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "on test: coders both kappa model, first model, second" in lines
    assert "ada, ben 12 .500 .250 .250" in lines
    assert "1 ada / the model farming / shipping n9|topic|" in lines
    assert "1 ben / the model farming / shipping n9|topic|" in lines


def test_what_cannot_be_shown_is_said(project, tmp_path):
    with pytest.raises(DataError, match=r"unknown task \(did you mean 'topic'\?\)"):
        agreement_of(RunFolder(project / "runs/small"), ["topics"])
    with pytest.raises(DataError, match=r"agreement\.json: there is no such file"):
        agreement_of(RunFolder(tmp_path))
    with pytest.raises(PipelineError, match="--set and --run go with a config"):
        agreement(project / "runs/small", most=10, overrides=["seed=1"])
    (tmp_path / "agreement.json").write_text('{"tasks": {}, "ties": []}')
    with pytest.raises(DataError, match="written by an earlier version; run slant label CONFIG"):
        agreement_of(RunFolder(tmp_path))

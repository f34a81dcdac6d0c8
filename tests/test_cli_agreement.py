"""`slant label agreement` on a small project: what it prints, and what it refuses."""

import importlib.util
import json
from pathlib import Path

import pytest

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
    assert "Intervals of 95 % are by resampling whole articles; – is not defined." in lines


def test_a_run_one_task_and_json_give_the_same_figures(project):
    slant("label", "config.yaml", cwd=project)
    done = slant("label", "agreement", "runs/small", "--task", "stance", "--json", cwd=project)
    found = json.loads(done.stdout)
    assert list(found["tasks"]) == ["stance"]
    stance = found["tasks"]["stance"]
    assert (
        stance == json.loads((project / "runs/small/agreement.json").read_text())["tasks"]["stance"]
    )
    assert stance["agreement"] == pytest.approx(11 / 12, abs=1e-6)
    assert [tie["example_id"] for tie in found["ties"]] == ["n2|stance|salt-pact"]


def test_a_model_of_the_coders_tells_how_each_errs(project):
    done = slant(
        "label", "agreement", "config.yaml", "--set", "label.adjudicate.by=one_coin",
        "--run", "runs/coin", cwd=project,
    )  # fmt: skip
    text = done.stdout.decode()
    assert "gold by one_coin (settled after" in text
    assert "accuracy" in text
    rows = (project / "runs/coin/disputed.jsonl").read_text().splitlines()
    assert all("coders: " in json.loads(row)["why"] for row in rows)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere.yaml"], "nowhere.yaml: there is no such file"),
        (["runs"], "runs/agreement.json: there is no such file"),
        (
            ["config.yaml", "--task", "topics"],
            "--task topics: unknown task (did you mean 'topic'?)",
        ),
        (["runs/small", "--set", "seed=1"], "--set and --run go with a config"),
        (
            ["config.yaml", "--set", "label.adjudicate={by: coder, coder: adda}"],
            "label.adjudicate.coder: 'adda' answered nothing (did you mean 'ada'?)",
        ),
    ],
)
def test_what_cannot_be_shown_is_said_in_a_line(project, words, message):
    slant("label", "config.yaml", cwd=project)
    done = slant("label", "agreement", *words, cwd=project, status=1)
    assert message in done.stderr.decode().splitlines()[-1]


def test_figures_of_an_earlier_version_are_refused(project, tmp_path):
    (tmp_path / "agreement.json").write_text('{"tasks": {}, "ties": []}')
    done = slant("label", "agreement", tmp_path, cwd=project, status=1)
    assert b"written by an earlier version; run slant label CONFIG again" in done.stderr

"""`slant behave` on a run and on any model."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location(
    "small_project", Path(__file__).with_name("small_project.py")
)
small = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(small)

pytestmark = pytest.mark.slow

SUITE = """\
name: pacts
version: "1.0"
tests:
  ruin:
    kind: minimum
    task: stance
    target: the Salt Pact
    texts: [The Salt Pact ruins small farms., The Salt Pact opens docks to captains.]
    label: threat
    allow: 0.2
  outlets:
    kind: invariance
    task: topic
    articles: test
    change: {kind: remove_outlet}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("behave")
    small.write_project(folder)
    (folder / "suite.yaml").write_text(SUITE)
    small.slant("behave", "config.yaml", "--set", "behaviour.suites=[general, suite.yaml]",
                cwd=folder)  # fmt: skip
    return folder


def by_name(found):
    return {test["name"]: test for test in found["tests"]}


def test_the_stage_tests_the_test_side_and_the_written_texts(project):
    found = json.loads((project / "runs/small/behaviour.json").read_text())
    assert [suite["name"] for suite in found["suites"]] == ["general", "pacts"]
    tests = by_name(found)
    assert tests["topic.typos"]["n"] == 4  # the articles of the test side
    assert tests["stance.alias"]["n"] == 4
    assert (tests["ruin"]["n"], tests["ruin"]["failures"], tests["ruin"]["passed"]) == (2, 1, False)
    assert (tests["outlets"]["n"], tests["outlets"]["left_out"]) == (0, {"unchanged": 4})


def test_the_table_and_the_failing_cases_are_printed(project):
    done = small.slant("behave", "config.yaml", "--set", "behaviour.suites=[suite.yaml]",
                       "--examples", "1", cwd=project)  # fmt: skip
    head, ruin, outlets, *rest = done.stdout.decode().splitlines()
    assert head.split()[:4] == ["test", "kind", "task", "n"]
    assert ruin.split()[:5] == ["ruin", "minimum", "stance", "2", "0"]
    assert ruin.split()[-1] == "NO"
    assert outlets.split()[3:5] == ["0", "4"]
    assert "ruin: texts.1#0, salt-pact; expected threat" in rest
    assert rest[-1].endswith("The Salt Pact opens docks to captains.")
    assert b"behave     1 of 2 tests fail: ruin; 1 had no case" in done.stderr


def test_a_changed_suite_is_run_again_and_an_equal_one_gives_equal_bytes(project, tmp_path):
    run = shutil.copytree(project / "runs/small", tmp_path / "run")
    words = ["behave", "config.yaml", "--run", run, "--set", "behaviour.suites=[suite.yaml]"]
    small.slant(*words, cwd=project)
    first = (run / "behaviour.json").read_bytes()
    (run / "behaviour.json").unlink()
    small.slant(*words, cwd=project)
    assert (run / "behaviour.json").read_bytes() == first
    (project / "suite.yaml").write_text(SUITE.replace("allow: 0.2", "allow: 0.5"))
    done = small.slant(*words, cwd=project)
    (project / "suite.yaml").write_text(SUITE)
    assert b"behave     0 of 2 tests fail; 1 had no case  [unchanged" not in done.stderr
    assert by_name(json.loads((run / "behaviour.json").read_text()))["ruin"]["passed"] is True


def test_any_model_is_tested_on_articles_that_nobody_coded(project):
    rows = [{"text": "The Salt Pact opens docks. By vessels."}, {"text": "Barley."}, {"body": "x"}]
    (project / "new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = small.slant("behave", "--model", "runs/small/model", "--suite", "suite.yaml", "--suite",
                       "general", "--articles", "new.jsonl", "--json", cwd=project)  # fmt: skip
    tests = by_name(json.loads(done.stdout))
    assert (tests["topic.typos"]["n"], tests["stance.typos"]["n"], tests["ruin"]["n"]) == (2, 1, 2)
    assert b"1 row could not be read; the first is new.jsonl:3: no 'text'" in done.stderr


def test_a_suite_that_does_not_fit_is_told_before_anything_is_trained(tmp_path):
    small.write_project(tmp_path)
    (tmp_path / "suite.yaml").write_text(SUITE.replace("task: stance", "task: stanc"))
    done = small.slant("run", "config.yaml", "--set", "behaviour.suites=[suite.yaml]",
                       cwd=tmp_path, status=1)  # fmt: skip
    assert done.stderr.decode().startswith("slant: suite.yaml:6:5: tests.ruin.task: the codebook")
    assert not (tmp_path / "runs/small/articles.parquet").exists()

"""The gate as users meet it, with real runs in a real MLflow."""

import json
import re
import shutil

import pytest

from pipeline.tracking.store import connected
from tests import small_project as small

pytestmark = pytest.mark.slow

PLACES = ["Aldmouth", "Birkhaven", "Corran", "Dunmere", "Ebbing", "Fallow Bay", "Garth", "Holm"]
BAD = ["ruins {} farms", "ruins {} ferry lines"]
GOOD = ["opens {} markets", "opens {} docks"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with a test side large enough to tell a good model from a poor one."""
    folder = tmp_path_factory.mktemp("gate")
    small.write_project(folder)
    rows = []
    answers = ["article_id,task,target,coder,label"]
    for at, place in enumerate(PLACES):
        for kind, endings in (("threat", BAD), ("opportunity", GOOD)):
            for number, ending in enumerate(endings):
                for side in ("train", "dev", "test"):
                    name = f"{side}-{kind}-{number}-{at}"
                    said = ending.format(f"{place} {side}")
                    topic = "shipping" if number else "farming"
                    text = f"At {place} they meet for the {side} of {at}. The Salt Pact {said}."
                    rows.append({"id": name, "text": text, "split": side})
                    answers.append(f"{name},topic,,ada,{topic}")
                    answers.append(f"{name},stance,salt-pact,ada,{kind}")
    (folder / "articles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "annotations.csv").write_text("\n".join(answers) + "\n")
    run("poor", folder, "--set", "train.C=[0.0000001]")
    return folder


def run(name, folder, *words):
    settings = ["--set", "split.near_duplicate=1.0", "--set", "audit.fail_on=null"]
    settings += ["--set", "evaluate.resamples=1000"]
    return small.slant("run", "config.yaml", "--run", f"runs/{name}", *settings, *words, cwd=folder)


def promote(folder, name, *words, status=0):
    done = small.slant("promote", f"runs/{name}", "--json", *words, cwd=folder, status=status)
    return json.loads(done.stdout)


def test_the_first_run_is_the_champion(project):
    assert promote(project, "poor") == {
        "champion": True, "verdict": "it is the champion already", "numbers": {},
    }  # fmt: skip


def test_a_better_run_takes_the_champions_place_and_a_worse_one_does_not(project):
    better = run("good", project).stderr.decode()
    assert "better: " in better
    assert "the new champion in place of version 1" in better
    worse = run("worse", project, "--set", "train.C=[0.0000002]").stderr.decode()
    assert "worse: " in worse
    verdict = promote(project, "worse", status=4)
    assert not verdict["champion"]
    assert verdict["verdict"].endswith("version 2 stays the champion")
    assert set(verdict["numbers"]) == {"gate.test/stance", "gate.test/topic"}
    assert promote(project, "worse", "--force")["champion"]
    assert promote(project, "good")["champion"]  # and back again


def test_an_error_of_the_audit_keeps_a_run_out(project):
    copy = project / "runs" / "flawed"
    shutil.copytree(project / "runs" / "worse", copy)
    audit = json.loads((copy / "audit.json").read_text())
    audit["findings"] = [{"severity": "error", "check": "copies", "summary": "9 of 9 are copies"}]
    (copy / "audit.json").write_text(json.dumps(audit))
    verdict = promote(project, "flawed", status=4)["verdict"]
    assert verdict.startswith("the audit found an error (copies: 9 of 9 are copies): not promoted")


def test_a_run_that_is_not_recorded_or_was_trained_again_is_refused(project):
    done = small.slant("promote", "runs/nowhere", cwd=project, status=1)
    assert b"runs/nowhere/config.json: there is no such file" in done.stderr
    run("untracked", project, "--set", "track.enabled=false")
    done = small.slant("promote", "runs/untracked", cwd=project, status=1)
    assert b"not recorded in MLflow" in done.stderr
    shutil.copy(project / "runs" / "worse" / "tracking.json", project / "runs" / "untracked")
    done = small.slant("promote", "runs/untracked", cwd=project, status=1)
    assert b"what is registered as version 3 is" in done.stderr


def test_a_comparison_is_written_back_to_the_run(project):
    words = ["compare", "runs/poor", "runs/good", "--speed", "--track"]
    shown = small.slant(*words, cwd=project).stdout.decode()
    head, *rows = [re.split(r"  +", line.strip()) for line in shown.splitlines()]
    assert head[-3:] == ["ECE", "examples/s", "MB"]
    for *_, error, speed, megabytes in rows:
        assert 0 <= float(error) <= 1
        assert float(speed.replace(",", "")) > 0
        assert float(megabytes) >= 0  # of a model this small
    tracked = json.loads((project / "runs" / "good" / "tracking.json").read_text())
    with connected(tracked["uri"]) as client:
        found = client.get_run(tracked["run_id"])
        files = {file.path for file in client.list_artifacts(tracked["run_id"])}
    assert found.data.metrics["compared/test.topic.difference"] > 0
    assert found.data.tags["compared_with"] == "poor"
    assert {"comparison.html", "comparison.json"} <= files

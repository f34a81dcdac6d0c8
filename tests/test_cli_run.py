"""`slant run`, its single stages and `slant compare`, as processes on a small project."""

import importlib.util
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.records import ARTICLES, EXAMPLES, PREDICTIONS, SCORED, SPLITS
from pipeline.stages import STAGES

pytestmark = pytest.mark.slow

_spec = importlib.util.spec_from_file_location(
    "small_project", Path(__file__).with_name("small_project.py")
)
small = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(small)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tracked")
    small.write_project(folder)
    return folder


@pytest.fixture(scope="module")
def first(project):
    """The one full run that the tests look at; `project/runs/small` is never changed after it."""
    return small.slant("run", "config.yaml", cwd=project)


@pytest.fixture(scope="module")
def run(project, first):
    return project / "runs" / "small"


@pytest.fixture
def copy(run, tmp_path):
    """A copy of the run that a test may change."""
    return Path(shutil.copytree(run, tmp_path / "copy"))


def skipped(done):
    return {stage["stage"]: stage["skipped"] for stage in json.loads(done.stdout)["stages"]}


def files_below(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_run_tells_its_stages_on_stderr_and_its_scores_on_stdout(first):
    progress = first.stderr.decode().splitlines()
    assert [line.split()[0] for line in progress] == list(STAGES)
    assert not any("skipped" in line for line in progress)
    table = first.stdout.decode().splitlines()
    assert table[0].split()[:3] == ["side/task", "n", "macro-F1"]
    assert [line.split()[0] for line in table[1:5]] == [
        "dev/stance", "dev/topic", "test/stance", "test/topic"
    ]  # fmt: skip
    assert "slant predict FILE… --model runs/small/model --output out.parquet" in table[-2]


def test_a_run_leaves_the_files_that_the_design_names(project, run):
    assert {path.name for path in run.iterdir()} == {
        ".stages", "agreement.json", "annotations.parquet", "articles.parquet", "audit.json",
        "behaviour.json", "config.json", "copies.jsonl", "disputed.jsonl", "examples.parquet",
        "features", "heldout.parquet", "metrics.json", "model", "model-blind", "model-card.md",
        "outdated.jsonl", "plots", "predictions.parquet", "rejects.jsonl", "report.html",
        "selection.json", "split.json", "splits.parquet", "tracking.json",
    }  # fmt: skip
    assert (project / "mlflow.db").is_file()
    assert (run / "rejects.jsonl").read_bytes() == b""
    assert "</html>" in (run / "report.html").read_text()
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (run / "plots").iterdir())
    for name, schema in {
        "articles": ARTICLES, "examples": EXAMPLES, "splits": SPLITS, "predictions": SCORED
    }.items():  # fmt: skip
        assert pq.read_schema(run / f"{name}.parquet").equals(schema), name


def test_metrics_hold_the_scores_of_each_side_and_task(run):
    metrics = json.loads((run / "metrics.json").read_text())
    for task in ("topic", "stance"):
        scores = metrics["test"][task]
        assert scores["n"] == 4
        for name in ("macro_f1", "macro_f1_low", "macro_f1_high", "accuracy"):
            assert 0 <= scores[name] <= 1
        assert scores["macro_f1_low"] <= scores["macro_f1"] <= scores["macro_f1_high"]
    assert metrics["test"]["topic"]["macro_f1"] > 0.7  # chance is .5; the words tell it all


def test_scored_predictions_begin_with_the_tidy_columns(run):
    table = pq.read_table(run / "predictions.parquet")
    assert table.column_names[: len(PREDICTIONS.names)] == PREDICTIONS.names
    rows = table.filter(table["side"].to_numpy() == "test").to_pylist()
    assert {(row["article_id"], row["task"], row["target"]) for row in rows} == {
        (f"n{number}", task, target)
        for number in range(8, 12)
        for task, target in (("topic", None), ("stance", "salt-pact"))
    }
    for row in rows:
        assert row["codebook_version"] == "harbour@1.0"
        assert dict(row["probabilities"])[row["label"]] == pytest.approx(row["probability"])
        assert sum(dict(row["probabilities"]).values()) == pytest.approx(1, abs=1e-5)


def test_a_second_run_skips_every_stage_and_says_so(project, run):
    before = files_below(run)
    done = small.slant("run", "config.yaml", "--json", cwd=project)
    assert skipped(done) == dict.fromkeys(STAGES, True)
    lines = done.stderr.decode().splitlines()
    assert len(lines) == len(STAGES)
    assert all(line.endswith("[unchanged, skipped]") for line in lines)
    assert files_below(run) == before


def test_a_single_stage_says_that_it_is_not_repeated(project, tmp_path):
    seeds = "repeat={seeds: [1, 2]}"
    done = small.slant("split", "config.yaml", "--set", seeds, "--run", tmp_path, cwd=project)
    assert b"once       repeat is for evaluate and run; this is one run\n" in done.stderr


def test_json_goes_alone_to_stdout(project, run):
    done = small.slant("run", "config.yaml", "--json", cwd=project)
    answer = json.loads(done.stdout)
    assert answer["run"] == "runs/small"
    assert answer["metrics"] == json.loads((run / "metrics.json").read_text())
    assert [stage["stage"] for stage in answer["stages"]] == list(STAGES)


@pytest.mark.parametrize(
    ("setting", "last", "runs"),
    [
        ("evaluate.resamples=120", "evaluate", {"evaluate"}),
        ("train.C=[3.0]", "evaluate", {"train", "behave", "evaluate"}),
        ("behaviour.most=3", "evaluate", {"behave", "evaluate"}),
        ("features.words=2", "train", {"featurize", "train"}),
        ("split.dev=0.5", "split", {"split"}),
        ("label.no_answer=['', n/a]", "split", {"label"}),
        # All rows are read again, and as the articles are the same nothing follows.
        ("ingest.max_rejects=9", "featurize", {"ingest"}),
        ("name=another", "train", set()),
    ],
)
def test_a_changed_section_runs_its_stage_again_and_what_follows(
    project, copy, setting, last, runs
):
    done = small.slant(last, "config.yaml", "--run", copy, "--set", setting, "--json", cwd=project)
    found = skipped(done)
    assert list(found) == list(STAGES[: STAGES.index(last) + 1])
    assert {stage for stage, unchanged in found.items() if not unchanged} == runs


def test_a_changed_source_runs_again_what_it_feeds(project, copy, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(project, moved, ignore=shutil.ignore_patterns("runs", "ml*"))
    with (moved / "annotations.csv").open("a") as lines:
        lines.write("n0,topic,,cleo,farming\n")
    done = small.slant("featurize", "config.yaml", "--run", copy, "--json", cwd=moved)
    assert skipped(done) == {
        "ingest": True,
        "label": False,
        "split": True,
        "audit": False,
        "featurize": False,
    }


def test_an_output_that_was_removed_or_edited_is_made_again(project, copy):
    before = (copy / "agreement.json").read_bytes()
    (copy / "agreement.json").write_text("{}")
    (copy / "splits.parquet").unlink()
    done = small.slant("featurize", "config.yaml", "--run", copy, "--json", cwd=project)
    assert skipped(done) == {
        "ingest": True,
        "label": False,
        "split": False,
        "audit": True,
        "featurize": True,
    }
    assert (copy / "agreement.json").read_bytes() == before


def test_a_stage_that_fails_runs_again_and_leaves_no_half_files(project, copy):
    small.slant(
        "ingest", "config.yaml", "--run", copy, "--set", "ingest.fields.text=body",
        "--set", "ingest.max_rejects=2", cwd=project, status=1,
    )  # fmt: skip
    assert [path.name for path in copy.iterdir() if path.name.startswith(".")] == [".stages"]
    done = small.slant("ingest", "config.yaml", "--run", copy, "--json", cwd=project)
    assert skipped(done) == {"ingest": False}


def test_two_runs_from_scratch_give_the_same_bytes(run, tmp_path):
    small.write_project(tmp_path / "elsewhere")
    small.slant(
        "run", "config.yaml", "--run", "again", "--set", "track.enabled=false",
        cwd=tmp_path / "elsewhere",
    )  # fmt: skip
    again = tmp_path / "elsewhere" / "again"
    apart = {"config.json", "tracking.json"}  # the config says that tracking is off
    ours, theirs = (
        {name: content for name, content in files_below(folder).items()
         if name not in apart and not name.startswith(".stages/")}
        for folder in (run, again)
    )  # fmt: skip
    assert {name for name in ours if name.startswith("model/")}
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []
    assert not (tmp_path / "elsewhere" / "mlflow.db").exists()


def test_runs_can_be_compared(project, run, tmp_path):
    other = shutil.copytree(run, tmp_path / "other")
    small.slant("evaluate", "config.yaml", "--run", other, "--set", "train.C=[0.01]", cwd=project)
    done = small.slant("compare", run, other, "--json", cwd=project)
    rows = json.loads(done.stdout)["rows"]
    assert [(row["side"], row["task"], row["run"]) for row in rows] == [
        ("test", task, str(folder)) for task in ("stance", "topic") for folder in (run, other)
    ]
    assert [row["difference"] is None for row in rows] == [True, False, True, False]
    assert rows[1]["difference"] == pytest.approx(rows[1]["macro_f1"] - rows[0]["macro_f1"])
    shown = small.slant("compare", run, other, cwd=project).stdout.decode().splitlines()
    assert len(shown) == 5
    assert shown[0].split()[:2] == ["side/task", "run"]
    page = tmp_path / "pages" / "both.html"
    small.slant("compare", run, other, "--html", page, cwd=project)
    assert str(other) in page.read_text()


def test_the_run_is_recorded_again_when_its_database_is_gone(run, tmp_path):
    """In a copy of the whole project: the database is looked for where the command runs."""
    moved = tmp_path / "moved"
    shutil.copytree(run.parent.parent, moved, ignore=shutil.ignore_patterns("ml*"))
    before = (moved / "runs" / "small" / "tracking.json").read_bytes()
    found = skipped(small.slant("run", "config.yaml", "--json", cwd=moved))
    assert found == {**dict.fromkeys(STAGES, True), "track": False}
    assert (moved / "mlflow.db").is_file()
    assert (moved / "runs" / "small" / "tracking.json").read_bytes() != before


def test_the_audit_is_a_table_and_its_file_has_the_rows(project, tmp_path):
    done = small.slant("audit", "config.yaml", "--run", tmp_path / "run", cwd=project)
    table = done.stdout.decode().splitlines()
    assert table[0].split() == ["check", "side/task", "finding"]
    assert any(line.startswith("info") and " copies " in line for line in table)
    findings = json.loads((tmp_path / "run" / "audit.json").read_bytes())["findings"]
    assert [line.split()[1] for line in table[1 : len(findings) + 1]] == [
        finding["check"] for finding in findings
    ]
    known = next(finding for finding in findings if finding["check"] == "known_outlet")
    assert known["n_rows"] == len(known["rows"]) == len(known["articles"]) == 4


def test_an_audit_that_stops_the_run_leaves_its_findings(project, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(project, moved, ignore=shutil.ignore_patterns("runs", "ml*"))
    articles = moved / "articles.jsonl"
    rows = [json.loads(line) for line in articles.read_text().splitlines()]
    rows[0]["text"] = "The Salt Pact ruins us, captains of three vessels cried."
    articles.write_text("".join(json.dumps(row) + "\n" for row in rows))
    stopped = small.slant(
        "run", "config.yaml", "--set", "audit.fail_on=warning", cwd=moved, status=1
    )
    assert b"audit: 2 warnings; the first is edited_copies on test" in stopped.stderr
    assert (moved / "runs/small/audit.json").is_file()
    assert not (moved / "runs/small/model").exists()

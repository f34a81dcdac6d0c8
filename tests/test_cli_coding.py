"""`slant label export` and `slant label import`, as a user runs them."""

import contextlib
import csv
import io
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.cli.coding import code
from pipeline.errors import DataError, PipelineError
from tests.small_project import write_project


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The run of a small project whose articles are ingested."""
    folder = tmp_path_factory.mktemp("small")
    write_project(folder)
    with contextlib.chdir(folder):
        invoke("ingest", "config.yaml")
    return folder


@pytest.fixture
def folder(run, monkeypatch, tmp_path):
    """The small project as the working folder; what is written goes to `tmp_path`."""
    monkeypatch.chdir(run)
    return tmp_path


def invoke(*words, given=None):
    """Run a command in this process, with what is `given` on its standard input."""
    result = CliRunner().invoke(app, list(map(str, words)), given)
    assert result.exception is None or result.exit_code == 3, result.exception
    return result


def sheet(path, rows):
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["article_id", "task", "target", "coder", "label"])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_tasks_go_out_and_their_answers_come_in_and_are_labelled(folder):
    out = invoke("label", "export", "config.yaml", "--for", "label-studio", "--task", "stance",
                 "--output", folder / "stance.json", "--json")  # fmt: skip
    (written,) = json.loads(out.stdout)
    assert (written["tasks"], written["coder"]) == (12, None)
    assert (folder / "stance.xml").read_text().startswith("<View>")
    tasks = json.loads((folder / "stance.json").read_text())
    for number, task in enumerate(tasks):
        value = {"choices": ["threat" if number % 2 else "opportunity"]}
        result = {"type": "choices", "from_name": "label", "to_name": "text", "value": value}
        task["annotations"] = [{"id": number, "completed_by": 4, "result": [result]}]
        task["id"] = number
    (folder / "stance.json").write_text(json.dumps(tasks))
    back = folder / "cleo.csv"
    done = invoke("label", "import", folder / "stance.json", "--for", "label-studio", "--config",
                  "config.yaml", "--output", back, "--rename", "4=cleo")  # fmt: skip
    assert "12 new answers, 0 changed, 0 known already" in done.stdout
    assert "coders     cleo 12" in done.stdout
    labelled = invoke("label", "config.yaml", "--set", f"label.annotations=[{back}]",
                      "--run", folder / "run")  # fmt: skip
    assert "24 examples, 12 coded" in labelled.stderr


def test_each_coder_gets_what_he_has_not_answered(folder):
    done = invoke("label", "export", "runs/small", "--for", "csv", "--coder", "ada",
                  "--coder", "cleo/d", "--output", folder / "tasks")  # fmt: skip
    assert sorted(path.name for path in (folder / "tasks").iterdir()) == [
        "stance-cleo_d.csv", "stance-labels.csv", "topic-cleo_d.csv", "topic-labels.csv",
    ]  # fmt: skip
    assert re.search(r"stance +cleo/d +12", done.stdout)


def test_a_worklist_chooses_examples_and_their_order(folder):
    lines = [
        {"example_id": f"{each}|topic|", "article_id": each, "task": "topic", "why": "unsure",
         "suggestion": "farming"}
        for each in ("n5", "n0", "n5")
    ]  # fmt: skip
    worklist = folder / "queue.jsonl"
    worklist.write_text("".join(json.dumps(line) + "\n" for line in lines))
    invoke("label", "export", "config.yaml", "--for", "prodigy", "--worklist", worklist,
           "--output", folder / "out.jsonl", "--suggest")  # fmt: skip
    rows = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    assert [row["article_id"] for row in rows] == ["n5", "n0"]
    assert [row["accept"] for row in rows] == [["farming"]] * 2
    assert rows[0]["meta"]["why"] == "unsure"


def test_a_worklist_may_ask_about_a_target_that_no_example_has(folder):
    worklist = folder / "queue.jsonl"
    row = {"example_id": "n0|stance|growers", "article_id": "n0", "task": "stance",
           "target": "growers", "why": "new"}  # fmt: skip
    worklist.write_text(json.dumps(row))
    invoke("label", "export", "config.yaml", "--for", "doccano", "--worklist", worklist,
           "--output", folder / "out.jsonl")  # fmt: skip
    (task,) = (json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines())
    assert "Barley ⟦growers⟧ fear it." in task["text"]
    assert task["target"] == "growers"


def test_what_is_no_answer_is_in_the_file_of_rejects_and_the_status_says_so(folder):
    row = {"article_id": "n0", "task": "topic", "coder": "cleo", "label": "farming"}
    given = sheet(folder / "given.csv", [row, row | {"article_id": "n1", "label": "fish"},
                                         row | {"article_id": "n2", "label": ""}])  # fmt: skip
    words = ("label", "import", given, "--for", "csv", "--codebook", "codebook.yaml",
             "--output", folder / "a.csv")  # fmt: skip
    done = invoke(*words)
    assert done.exit_code == 3
    assert "reject     1  unknown label 'fish'" in done.stdout
    assert "unanswered 1  no label" in done.stdout
    lines = (folder / "a.csv.rejects.jsonl").read_text().splitlines()
    left = sorted((json.loads(line) for line in lines), key=lambda each: each["place"])
    assert [(each["kind"], each["place"]) for each in left] == [
        ("reject", f"{given}:3"), ("unanswered", f"{given}:4"),
    ]  # fmt: skip
    assert left[0]["what"]["labels"] == ["fish"]
    sheet(given, [row])
    done = invoke(*words, "--json")
    assert (json.loads(done.stdout)["known"], done.exit_code) == (1, 0)
    assert not (folder / "a.csv.rejects.jsonl").exists()


ROW = {"article_id": "n0", "task": "topic", "label": ["farming"], "answer": "accept"}
TASK = {
    "id": 1, "data": ROW | {"label": None},
    "annotations": [{"completed_by": "cleo", "result": [
        {"type": "choices", "from_name": "label", "value": {"choices": ["farming"]}}]}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("csv", "article_id;task;label\nn0;topic;farming\n"),
        ("doccano", json.dumps(ROW)),
        ("prodigy", json.dumps(ROW | {"accept": ["farming"]})),
        ("label-studio", json.dumps([TASK])),
    ],
)
def test_a_file_may_come_on_standard_input(folder, tool, given):
    words = ("label", "import", "-", "--for", tool, "--codebook", "codebook.yaml")
    done = invoke(*words, "--coder", "cleo", "--output", folder / "a.csv", given=given)
    assert "1 new answers" in done.stdout
    assert (folder / "a.csv").read_text().splitlines()[1].startswith("n0,topic,,cleo,farming,")


def test_standard_input_is_no_coder_and_is_read_once(folder):
    words = ("label", "import", "-", "--for", "doccano", "--codebook", "codebook.yaml", "--output")
    done = invoke(*words, folder / "a.csv", given=json.dumps(ROW))
    assert done.exit_code == 3
    assert "no coder" in done.stdout
    result = CliRunner().invoke(app, [*words, str(folder / "a.csv"), "-"])
    assert str(result.exception) == "-: standard input can be read once only"


def test_the_coder_who_is_to_decide_gets_tasks_before_the_first_answer(folder):
    expert = folder / "config.yaml"
    decides = "label:\n  adjudicate: {by: coder, coder: chair}\n"
    expert.write_text(Path("config.yaml").read_text().replace("label:\n", decides))
    invoke("label", "export", expert, "--run", "runs/small", "--for", "csv", "--coder", "chair",
           "--task", "topic", "--output", folder / "chair.csv")  # fmt: skip
    assert len((folder / "chair.csv").read_text().splitlines()) == 13


@pytest.mark.parametrize("marked", ["", ", target_start: from, target_end: to"])
def test_answers_in_the_articles_own_rows_need_no_other_columns(folder, monkeypatch, marked):
    write_project(folder)
    monkeypatch.chdir(folder)
    lines = Path("articles.jsonl").read_text().splitlines()
    asked = {"who": "Salt Pact", "says": "threat"}
    rows = [row | asked | _mark(row["text"], "Salt Pact") for row in map(json.loads, lines[:2])]
    Path("articles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    inline = f"label:\n  inline: {{stance: {{label: says, target: who{marked}}}}}\n"
    config = Path("config.yaml").read_text().replace("label:\n", inline)
    Path("config.yaml").write_text(config)
    invoke("label", "export", "config.yaml", "--for", "prodigy", "--task", "stance",
           "--output", "stance.jsonl")  # fmt: skip
    tasks = [json.loads(line) for line in Path("stance.jsonl").read_text().splitlines()]
    mentions = {task["target"]: task["mentions"] for task in tasks if task["article_id"] == "n0"}
    start = rows[0]["from"]
    assert mentions["Salt Pact"] == [{"start": start, "end": start + len("Salt Pact")}]


def _mark(text, wording):
    start = text.index(wording)
    return {"from": start, "to": start + len(wording)}


class Terminal(io.StringIO):
    """A stream that takes itself for a terminal."""

    def isatty(self):
        return True


def test_white_space_around_a_coders_name_makes_no_other_coder(folder, monkeypatch):
    for stream in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(f"sys.{stream}", Terminal())
    monkeypatch.setattr("pipeline.screen.run_screen", lambda session: session.answer(["farming"]))
    for name in (" cleo", "cleo ", "cleo"):
        code(Path("runs/small"), name, folder / "cleo.csv", tasks=["topic"])
    with (folder / "cleo.csv").open() as stream:
        rows = [(row["article_id"], row["coder"]) for row in csv.DictReader(stream)]
    assert rows == [("n0", "cleo"), ("n1", "cleo"), ("n2", "cleo")]
    with pytest.raises(DataError, match="nothing is left to code for ada"):
        export("--coder", " ada", "--coder", "ada ", "--output", folder)


def export(*words):
    words = ("label", "export", "runs/small", "--for", "csv", "--task", "topic", *words)
    CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)


@pytest.mark.parametrize(
    "words",
    [
        ("export", "config.yaml", "--for", "csv"),
        ("import", "a.csv", "--for", "csv", "--codebook", "codebook.yaml"),
        ("code", "config.yaml"),
    ],
)
def test_a_coder_without_a_name_is_refused(folder, words):
    words = ("label", *words, "--coder", "  ", "--output", folder / "a.csv")
    with pytest.raises(PipelineError, match="--coder is empty; is a shell variable unset"):
        CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)


@pytest.mark.parametrize(
    ("coders", "message"),
    [
        (("a b", "a_b"), r"topic of 'a b' and topic of 'a_b' would both be .*topic-a_b\.csv"),
        (("cleo", "labels"), r"the labels of topic and topic of 'labels' .*topic-labels\.csv"),
    ],
)
def test_two_files_of_one_name_are_refused(folder, coders, message):
    words = [word for coder in coders for word in ("--coder", coder)]
    with pytest.raises(DataError, match=message):
        export(*words, "--output", folder / "tasks")
    assert not (folder / "tasks").exists()


def test_a_misspelt_target_is_told_and_stays_an_answer(folder):
    rows = [
        {"article_id": "n0", "task": "stance", "target": "salt-pakt", "coder": "ada",
         "label": "threat"},
        {"article_id": "nowhere", "task": "topic", "target": "", "coder": "ada",
         "label": "farming"},
    ]  # fmt: skip
    output = folder / "annotations.csv"
    done = invoke("label", "import", sheet(folder / "ada.csv", rows), "--for", "csv",
                  "--config", "config.yaml", "--output", output)  # fmt: skip
    assert (
        "the codebook has no target 'salt-pakt', and 1 of the answers is about it "
        "(did you mean 'salt-pact'?)" in done.stderr
    )
    assert len(output.read_text().splitlines()) == 3
    told = invoke("label", "config.yaml", "--set", f"label.annotations=[{output}]",
                  "--run", folder / "run")  # fmt: skip
    assert "1 answer about articles that are not there" in told.stdout + told.stderr


def test_a_coder_with_a_nul_character_is_a_reject(folder):
    rows = [{"article_id": "n0", "task": "topic", "target": "", "coder": "a\0da",
             "label": "farming"}]  # fmt: skip
    done = invoke("label", "import", sheet(folder / "ada.csv", rows), "--for", "csv",
                  "--config", "config.yaml", "--output", folder / "annotations.csv")  # fmt: skip
    assert "has a NUL character" in done.stdout
    assert done.exit_code == 3

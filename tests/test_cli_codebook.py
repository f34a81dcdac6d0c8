import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.worklists import read_worklist

ROOT = Path(__file__).parent.parent

OLD = """\
name: islands
version: "1.0"
tasks:
  topic:
    asks: article
    labels:
      - {id: economy, definition: "Companies, prices and work."}
      - {id: culture, definition: "Music and books."}
"""
NEW = """\
name: islands
version: "2.0"
tasks:
  topic:
    asks: article
    labels:
      - {id: work, definition: "Wages and strikes.", replaces: [economy]}
      - {id: trade, definition: "Prices and companies.", replaces: [economy]}
      - {id: arts, definition: "Music and books."}
"""
ANSWERS = """\
article_id,task,target,coder,label,comment
n1,topic,,anna,economy,
n2,topic,,anna,culture,"a book, that is"
n2,topic,,ben,culture,
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "old.yaml").write_text(OLD)
    (tmp_path / "new.yaml").write_text(NEW)
    (tmp_path / "answers.csv").write_text(ANSWERS)
    (tmp_path / "articles.jsonl").write_text(
        "".join(
            json.dumps({"id": f"n{n}", "text": f"Text {n} of the isles."}) + "\n" for n in (1, 2)
        )
    )
    (tmp_path / "config.yaml").write_text(
        "name: islands\ncodebook: new.yaml\ningest: {sources: [{path: articles.jsonl}]}\n"
        "label: {annotations: [answers.csv]}\n"
    )
    return tmp_path


def slant(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.cli", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def diff(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return slant(folder, "codebook", "diff", "old.yaml", "new.yaml", *words)


def test_the_diff_says_what_changed_and_what_it_costs(project: Path) -> None:
    done = diff(project, "--annotations", "answers.csv")
    assert done.returncode == 0, done.stderr
    assert "split" in done.stdout
    assert "renamed" in done.stdout
    assert "2 annotations hold, 1 answers do not" in done.stdout


def test_answers_that_hold_are_written_and_the_rest_is_to_be_coded_again(project: Path) -> None:
    files = ["--annotations", "answers.csv", "--output", "now.csv", "--worklist", "again.jsonl"]
    done = diff(project, *files, "--json")
    assert json.loads(done.stdout)["outdated_answers"] == 1
    with (project / "now.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["article_id"], row["coder"], row["label"]) for row in rows] == [
        ("n2", "anna", "arts"),
        ("n2", "ben", "arts"),
    ]
    assert rows[0]["comment"] == "a book, that is"
    assert {row["codebook"] for row in rows} == {"2.0"}
    (left,) = map(json.loads, (project / "now.csv.outdated.jsonl").read_text().splitlines())
    assert (left["article_id"], left["labels"]) == ("n1", ["economy"])
    (again,) = map(json.loads, (project / "again.jsonl").read_text().splitlines())
    assert again["example_id"] == "n1|topic|"
    assert again["why"] == (
        "coded economy 1 under version 1.0: "
        "the label 'economy' of 'topic' was split into work and trade"
    )
    assert again["suggestion"] is None  # nobody can say which of the two it is


def test_a_run_refuses_answers_of_a_version_that_it_cannot_map(project: Path) -> None:
    versioned = ANSWERS.replace("comment", "comment,codebook").replace(",\n", ",,1.0\n")
    (project / "answers.csv").write_text(versioned.replace('is"\n', 'is",1.0\n'))
    done = slant(project, "label", "config.yaml")
    assert done.returncode == 1
    assert "answers.csv:2: answered under version '1.0' of the codebook" in done.stderr
    assert "label.earlier" in done.stderr
    done = slant(project, "label", "config.yaml", "--set", "label.earlier=[old.yaml]")
    assert done.returncode == 0, done.stderr
    assert "2 examples, 1 coded, 1 outdated answer" in done.stderr
    agreement = json.loads((project / "runs/islands/agreement.json").read_text())
    assert agreement["outdated"] == {
        "answers": 1,
        "reasons": {"the label 'economy' of 'topic' was split into work and trade": 1},
    }


def test_what_a_run_cannot_carry_over_is_its_worklist_to_code_again(project: Path) -> None:
    lines = ["article_id,task,target,coder,label,codebook"]
    lines += ["n1,topic,,anna,culture,1.0", "n2,topic,,anna,economy,1.0"]
    lines += ["n2,topic,,ben,economy,1.0", "n1,topic,,ben,arts,2.0"]
    (project / "answers.csv").write_text("\n".join([*lines, ""]))
    redefined = NEW.replace('"Music and books."', '"Music, books and plays.", replaces: [culture]')
    (project / "new.yaml").write_text(redefined)
    done = slant(project, "label", "config.yaml", "--set", "label.earlier=[old.yaml]")
    assert done.returncode == 0, done.stderr
    rows = read_worklist(project / "runs/islands/outdated.jsonl").to_pylist()
    assert [(row["example_id"], row["suggestion"]) for row in rows] == [
        ("n2|topic|", None),  # two answers are lost with it
        ("n1|topic|", "arts"),
    ]
    assert rows[0]["why"].startswith("coded economy 2 under version 1.0: ")


def test_answers_of_a_third_version_are_refused_by_the_diff_too(project: Path) -> None:
    (project / "answers.csv").write_text(
        "article_id,task,target,coder,label,codebook\nn1,topic,,anna,economy,3.0\n"
    )
    done = diff(project, "--annotations", "answers.csv")
    assert done.returncode == 1
    expected = "answered under version '3.0' of the codebook; it must be '1.0' or '2.0'"
    assert f"answers.csv:2: {expected}" in done.stderr


def blocks(heading: str, language: str) -> list[str]:
    """Return the fenced blocks below a heading of the page on labelling."""
    page = (ROOT / "docs" / "labelling.md").read_text()
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.M | re.S)


@pytest.mark.slow
def test_the_example_of_a_new_version_does_what_the_page_says(tmp_path: Path) -> None:
    (commands,) = blocks("A new version of the codebook", "sh")
    (shown,) = blocks("A new version of the codebook", "text")
    script = f'slant() {{ "{sys.executable}" -m pipeline.cli "$@"; }}\n{commands}'
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == shown
    with (tmp_path / "answers-2.csv").open() as stream:
        held = [(row["article_id"], row["coder"], row["label"]) for row in csv.DictReader(stream)]
    assert held == [("n2", "anna", "arts"), ("n3", "anna", "sport"), ("n3", "ben", "sport")]
    again = read_worklist(tmp_path / "again.jsonl").to_pylist()
    assert [(row["article_id"], row["suggestion"]) for row in again] == [
        ("n1", None), ("n4", "weather")
    ]  # fmt: skip
    lost = (tmp_path / "answers-2.csv.outdated.jsonl").read_text().splitlines()
    assert len(lost) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("islands", "ferries"), "are two codebooks, not two versions of one"),
        (('"2.0"', '"1.0"'), "both files say version '1.0' and differ"),
    ],
)
def test_two_files_that_are_no_versions_of_one_codebook_are_refused(
    project: Path, change: tuple[str, str], message: str
) -> None:
    (project / "new.yaml").write_text(NEW.replace(*change))
    done = diff(project)
    assert done.returncode == 1
    assert message in done.stderr

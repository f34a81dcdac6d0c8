"""A codebook with every kind of question, and articles with what files like to break on."""

from pathlib import Path

import pyarrow as pa
import pytest

from pipeline import records
from pipeline.codebook import Codebook
from pipeline.config import LabelSection
from pipeline.label import examples_to_code
from pipeline.label.annotation_files import read_annotations
from pipeline.label.answer_file import AnswerFile
from pipeline.label.answers import AnswerBook, Problems
from pipeline.label.coding_tasks import coding_tasks
from pipeline.label.exchange import FORMS, collect
from pipeline.tools import Tool

CODEBOOK = {
    "name": "islands",
    "version": "2",
    "tasks": {
        "frames": {
            "asks": "article",
            "choose": "many",
            "question": "Which frames does it use?",
            "labels": [{"id": "conflict"}, {"id": "money", "name": "Money & <goods>"}],
        },
        "stance": {
            "asks": "target",
            "question": "How is the target presented?",
            "labels": [
                {"id": "gain", "name": "As a gain", "definition": 'A "chance".'},
                {"id": "loss", "include": ["Fear"], "exclude": ["Doubt: neither"]},
            ],
        },
        "topic": {
            "asks": "article",
            "labels": [
                {"id": "economy"},
                {"id": "work", "name": "Work", "parent": "economy"},
                {"id": "culture"},
            ],
        },
    },
    "targets": [{"id": "pact", "name": "Salt Pact", "aliases": ["the Pact"]}],
}
ARTICLES = [
    ("a1", "Orders & <b>more</b>", 'The Salt Pact fills "books".\nAll, says one; cheer.'),
    ("a|2", "=SUM(1)", "شعر 🦀🇨🇦 and the Pact, \u202ethe Salt Pact."),
    ("ü 3", None, "Nothing is named here: x" + "y" * 140_000),
]


@pytest.fixture(scope="session")
def codebook() -> Codebook:
    return Codebook.model_validate(CODEBOOK, strict=False)


@pytest.fixture(scope="session")
def articles() -> pa.Table:
    rows = [
        {"id": each, "title": title, "text": text, "source": "x.jsonl", "place": place}
        for place, (each, title, text) in enumerate(ARTICLES, start=1)
    ]
    return pa.Table.from_pylist(rows, schema=records.ARTICLES)


@pytest.fixture(scope="session")
def tasks(articles, codebook):
    """Three articles, asked of frames and topic, and two of stance."""
    return coding_tasks(articles, examples_to_code(articles, codebook, LabelSection())[0], codebook)


@pytest.fixture
def of_task(tasks):
    """Return the tasks of one question."""

    def part(name):
        return tasks.part(
            place for place, example in enumerate(tasks.examples) if example.task == name
        )

    return part


@pytest.fixture
def bring_in(codebook, tmp_path):
    """Collect what a tool's file holds into an annotation file, and read it as labelling does."""

    def taken(tool: Tool, path: Path, *, coder=None, names=None, replace=False, earlier=()):
        file = AnswerFile(tmp_path / "annotations.csv", codebook)
        items = FORMS[tool].read(path, coder)
        found = collect(items, codebook, earlier, file.read(), names or {}, replace)
        if found.changed:
            file.replace(found.changed, found.answers)
        elif found.new:
            file.add(found.answers)
        book, problems = AnswerBook(codebook, [""], earlier), Problems()
        if file.path.exists():
            read_annotations(file.path, book, problems)
            problems.stop()
        return found, book

    return taken

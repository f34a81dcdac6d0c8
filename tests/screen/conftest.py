"""A codebook and articles for the screen, and a way to drive the real app without a terminal."""

import asyncio
import csv
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from pipeline import records
from pipeline.codebook import Codebook
from pipeline.config import LabelSection
from pipeline.label import examples_to_code
from pipeline.label.answer_file import AnswerFile
from pipeline.label.coding_tasks import coding_tasks
from pipeline.screen import Session
from pipeline.screen.app import CodingApp

CODEBOOK = {
    "name": "islands",
    "version": "1.0",
    "tasks": {
        "frames": {
            "asks": "article",
            "choose": "many",
            "question": "Which frames does it use?",
            "labels": [{"id": "conflict"}, {"id": "money", "name": "Money"}, {"id": "people"}],
        },
        "stance": {
            "asks": "target",
            "question": "How does the article present the target?",
            "labels": [
                {"id": "gain", "definition": "As a chance."},
                {
                    "id": "loss",
                    "definition": "As a danger.",
                    "include": ["Fear of it"],
                    "exclude": ["A quoted critic alone"],
                    "examples": ["It takes and takes."],
                },
            ],
        },
        "topic": {
            "asks": "article",
            "question": "What is it about?",
            "labels": [
                {"id": f"topic-{number:02}", "definition": f"Definition of number {number}."}
                for number in range(1, 41)
            ],
        },
    },
    "targets": [{"id": "pact", "name": "Salt Pact", "aliases": ["the Pact"]}],
}
ARTICLES = [
    ("a1", "A title 🦀 of the first", "The Salt Pact fills the books.\n\nCheer, says one."),
    ("a2", None, "شعر عن البحر والجزر.\nHere the Pact is \x1b[31mnamed\x07, \u202eעברית."),
    ("a3", "Long", ("Word after word of it. " * 40 + "\n\n") * 110 + "At last the Salt Pact."),
]


def table_of(rows):
    full = [
        {"id": each, "title": title, "text": text, "source": "x", "place": place}
        for place, (each, title, text) in enumerate(rows, start=1)
    ]
    return pa.Table.from_pylist(full, schema=records.ARTICLES)


@pytest.fixture(scope="session")
def codebook() -> Codebook:
    return Codebook.model_validate(CODEBOOK, strict=False)


@pytest.fixture(scope="session")
def all_tasks(codebook):
    articles = table_of(ARTICLES)
    return coding_tasks(articles, examples_to_code(articles, codebook, LabelSection())[0], codebook)


@pytest.fixture
def session(all_tasks, codebook, tmp_path):
    """Return a session of one question; each call is a new start with the same file."""

    def start(task, coder="ada", **more):
        part = all_tasks.part(
            place for place, example in enumerate(all_tasks.examples) if example.task == task
        )
        return Session(part, coder, AnswerFile(tmp_path / "answers.csv", codebook), **more)

    return start


@pytest.fixture
def rows(tmp_path):
    """Return what is in the file of answers, as (article, label) of each row."""

    def read():
        path = tmp_path / "answers.csv"
        if not path.exists():
            return []
        with path.open(newline="", encoding="utf-8") as stream:
            return [(row["article_id"], row["label"]) for row in csv.DictReader(stream)]

    return read


@pytest.fixture
def drive():
    """Press keys in the app; return it as it is after the last one."""

    def press(session, *keys, size=(80, 24), then=None):
        async def run():
            app = CodingApp(session)
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                await pilot.press(*keys)
                await pilot.pause()
                shown = screen_of(app)
                if then is not None:
                    then(app)
            return app, shown

        # A browser that earlier tests drove keeps a loop running in the main thread.
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(lambda: asyncio.run(run())).result()

    return press


def screen_of(app):
    """Return the lines that stand on the screen."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    assert len(lines) == height
    assert {line.cell_length for line in lines} <= {width}
    return "\n".join(line.text.rstrip() for line in lines)

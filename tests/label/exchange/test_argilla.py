import importlib.util
import json
from dataclasses import replace

import pytest

from pipeline.errors import DataError, MissingExtraError
from pipeline.label.answers import Example, Note
from pipeline.label.exchange import FORMS, Kind
from pipeline.tools import Tool

FORM = FORMS[Tool.ARGILLA]
ADA, BEN = "3f1b1c9e-0000-4000-8000-00000000000a", "3f1b1c9e-0000-4000-8000-00000000000b"

pytestmark = pytest.mark.slow  # `datasets` takes seconds to import


@pytest.fixture
def datasets():
    return pytest.importorskip("datasets")


@pytest.fixture
def save(datasets, tmp_path):
    def put(rows, name="export"):
        datasets.disable_progress_bars()
        datasets.Dataset.from_list(rows).save_to_disk(tmp_path / name)
        return tmp_path / name

    return put


def test_answers_to_exported_tasks_come_back_whole(tmp_path, of_task, bring_in, datasets, save):
    FORM.write(tmp_path / "frames", of_task("frames"), suggest=False)
    tasks = list(datasets.load_from_disk(tmp_path / "frames"))
    values = [["conflict", "money"], ["(none)"], ["money"]]
    rows = [
        # As records.to_datasets() has them: a column for each part, and lists of responses.
        {**task, "status": "completed", "_server_id": f"s{place}",
         "label.responses": [value, ["conflict"]],
         "label.responses.users": [ADA, BEN], "label.responses.status": ["submitted"] * 2,
         "comment.responses": ["why 🦀"], "comment.responses.users": [BEN],
         "comment.responses.status": ["submitted"]}
        for place, (task, value) in enumerate(zip(tasks, values, strict=True))
    ]  # fmt: skip
    found, book = bring_in(Tool.ARGILLA, save(rows), names={ADA: "ada", BEN: "ben"})
    assert found.left == []
    assert {example.article_id: coders for example, coders in book.labels.items()} == {
        "a1": {"ada": ["conflict", "money"], "ben": ["conflict"]},
        "a|2": {"ada": [], "ben": ["conflict"]},
        "ü 3": {"ada": ["money"], "ben": ["conflict"]},
    }
    assert book.notes[Example("a1", "frames", None), "ben"] == Note(None, "why 🦀", "2")
    assert book.notes[Example("a1", "frames", None), "ada"] == Note(None, None, "2")


def test_nested_records_are_read_as_well(save, bring_in):
    path = save(
        [
            {
                "id": "a1|topic|",
                "fields": {"text": "x"},
                "metadata": {"article_id": "a1", "task": "topic", "codebook": "islands@2"},
                "suggestions": {"label": {"value": "work", "score": 0.5, "agent": "m"}},
                "responses": {
                    "label": [
                        {"value": "work", "user_id": ADA, "status": "submitted"},
                        {"value": "culture", "user_id": BEN, "status": "draft"},
                        {"value": None, "user_id": "c", "status": "discarded"},
                    ]
                },
            }
        ]
    )
    found, book = bring_in(Tool.ARGILLA, path)
    assert book.labels == {Example("a1", "topic", None): {ADA: ["work"]}}
    assert found.counts() == {"reject": 0, "skipped": 1, "unanswered": 0, "left out": 2}
    (draft,) = [each for each in found.left if each.why == "drafts are no answers"]
    assert (draft.place, draft.what["value"]) == (f"{path}: record 1", "culture")


def test_records_without_a_response_are_unanswered(save, bring_in):
    row = {"id": "1", "text": "x", "article_id": "a1", "task": "topic", "label.responses": []}
    found, _ = bring_in(Tool.ARGILLA, save([row]))
    assert [each.kind for each in found.left] == [Kind.UNANSWERED]


def test_the_settings_have_the_question_with_ids_and_names(codebook):
    settings = json.loads(FORM.schema(codebook.tasks["frames"]))
    label, comment = settings["questions"]
    assert label["settings"]["type"] == "multi_label_selection"
    assert [(each["value"], each["text"]) for each in label["settings"]["options"]] == [
        ("conflict", "conflict"), ("money", "Money & <goods>"), ("(none)", "None of these"),
    ]  # fmt: skip
    assert (comment["name"], comment["settings"]["type"]) == ("comment", "text")


def test_the_settings_declare_every_column_that_brings_an_answer_back(
    tmp_path, of_task, codebook, datasets
):
    """As `records.log` keeps a column: where a field or a metadata property has its name."""
    FORM.write(tmp_path / "stance", of_task("stance"), suggest=False)
    settings = json.loads(FORM.schema(codebook.tasks["stance"]))
    known = {each["name"] for each in [*settings["fields"], *settings["metadata"]]}
    kept = datasets.load_from_disk(tmp_path / "stance").select_columns(sorted(known))
    first = kept[0]
    assert (first["article_id"], first["task"], first["target"]) == ("a1", "stance", "pact")
    assert first["codebook"] == "islands@2"
    assert first["text"].startswith("The ⟦Salt Pact⟧")


@pytest.mark.parametrize(("task", "value"), [("frames", ["money"]), ("stance", "money")])
def test_suggestions_have_a_column_when_asked_for(tmp_path, of_task, datasets, task, value):
    parts = list(of_task(task))
    FORM.write(tmp_path / "out", [replace(parts[0], suggestion="money"), *parts[1:]], suggest=True)
    rows = list(datasets.load_from_disk(tmp_path / "out"))
    assert rows[0]["label"] == value
    assert not rows[1]["label"]


def test_a_folder_of_another_kind_is_refused(tmp_path, bring_in):
    with pytest.raises(DataError, match="there is no such folder"):
        bring_in(Tool.ARGILLA, tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="cannot be read as a dataset"):
        bring_in(Tool.ARGILLA, tmp_path / "empty")


def test_without_the_package_the_error_names_the_extra(tmp_path, bring_in, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"\.\[hub\]"):
        bring_in(Tool.ARGILLA, tmp_path)

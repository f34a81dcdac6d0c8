import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from pipeline.errors import DataError
from pipeline.label.answers import Example, Note
from pipeline.label.exchange import FORMS, Kind
from pipeline.tools import Tool

FORM = FORMS[Tool.LABEL_STUDIO]


def exported(annotations, data=None, **task):
    """Return a task as Label Studio's JSON export has it."""
    return {
        "id": 71,
        "annotations": annotations,
        "file_upload": "5f1-topic.json",
        "drafts": [],
        "predictions": [],
        "data": {"article_id": "a1", "task": "topic", "target": None, "codebook": "islands@2"}
        | (data or {}),
        "meta": {},
        "created_at": "2031-03-01T08:00:00.000000Z",
        "updated_at": "2031-03-01T08:10:00.000000Z",
        "inner_id": 1,
        "total_annotations": len(annotations),
        "cancelled_annotations": 0,
        "total_predictions": 0,
        "comment_count": 0,
        "unresolved_comment_count": 0,
        "last_comment_updated_at": None,
        "project": 7,
        "updated_by": 3,
        "comment_authors": [],
    } | task


def annotated(*results, by=3, **more):
    return {
        "id": 1001,
        "completed_by": by,
        "result": list(results),
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2031-03-01T08:09:00.000000Z",
        "updated_at": "2031-03-01T08:10:00.000000Z",
        "draft_created_at": None,
        "lead_time": 12.5,
        "prediction": {},
        "result_count": len(results),
        "unique_id": "3c7",
        "import_id": None,
        "last_action": None,
        "task": 71,
        "project": 7,
        "updated_by": 3,
        "parent_prediction": None,
        "parent_annotation": None,
        "last_created_by": None,
    } | more


def chosen(*labels, name="label", kind="choices", **more):
    return {
        "value": {kind: list(labels)}, "id": "Xy1", "from_name": name, "to_name": "text",
        "type": kind, "origin": "manual",
    } | more  # fmt: skip


def said(text):
    return {
        "value": {"text": [text]}, "id": "c1", "from_name": "comment", "to_name": "text",
        "type": "textarea", "origin": "manual",
    }  # fmt: skip


@pytest.fixture
def write(tmp_path):
    def put(*tasks):
        path = tmp_path / "export.json"
        path.write_text(json.dumps(tasks))
        return path

    return put


def test_answers_to_exported_tasks_come_back_whole(tmp_path, of_task, bring_in):
    path = tmp_path / "stance.json"
    FORM.write(path, of_task("stance"), suggest=False)
    tasks = json.loads(path.read_text())
    answers = [("gain", 'one\ntwo, "three"'), ("loss", "שלום 🦀")]
    done = [
        exported([annotated(chosen(label), said(comment), by=4)], task["data"])
        for task, (label, comment) in zip(tasks, answers, strict=True)
    ]
    path.write_text(json.dumps(done))
    found, book = bring_in(Tool.LABEL_STUDIO, path, names={"4": "ada"})
    assert len(found.new) == 2
    time = "2031-03-01T08:10:00.000000Z"
    for article_id, (label, comment) in zip(("a1", "a|2"), answers, strict=True):
        example = Example(article_id, "stance", "pact")
        assert book.labels[example] == {"ada": [label]}
        assert book.notes[example, "ada"] == Note(time, comment, "2")


def test_the_task_marks_the_target_and_escapes_the_text(tmp_path, of_task):
    path = tmp_path / "stance.json"
    FORM.write(path, of_task("stance"), suggest=False)
    first, second = (task["data"] for task in json.loads(path.read_text()))
    assert first["html"].startswith("The <mark>Salt Pact</mark> fills &quot;books&quot;.<br>All")
    assert second["html"].count("<mark>") == 2
    for data in (first, second):
        named = [data["text"][each["start"] : each["end"]] for each in data["mentions"]]
        assert set(named) <= {"Salt Pact", "the Pact", "the Salt Pact"}
        assert named


def test_the_interface_has_the_labels_with_their_ids_and_hints(codebook):
    view = ET.fromstring(FORM.schema(codebook.tasks["stance"]))
    choices = view.find("Choices")
    assert choices.get("choice") == "single"
    gain, loss = choices.findall("Choice")
    assert (gain.get("value"), gain.get("alias")) == ("As a gain", "gain")
    assert gain.get("hint") == 'A "chance".'
    assert loss.get("hint") == "Also: Fear. Not: Doubt: neither."
    assert view.find("HyperText").get("value") == "$html"


def test_where_many_may_hold_none_is_a_choice(codebook):
    view = ET.fromstring(FORM.schema(codebook.tasks["frames"]))
    choices = view.find("Choices")
    assert choices.get("choice") == "multiple"
    aliases = [choice.get("alias") for choice in choices.findall("Choice")]
    assert aliases == ["conflict", "money", "(none)"]


def test_labels_below_others_make_a_tree(codebook):
    tree = ET.fromstring(FORM.schema(codebook.tasks["topic"])).find("Taxonomy")
    assert tree.get("maxUsages") == "1"
    economy, culture = tree.findall("Choice")
    assert economy.find("Choice").get("alias") == "work"
    assert culture.get("alias") == "culture"


def test_the_end_of_a_path_is_the_label(write, bring_in):
    result = chosen(["economy", "work"], kind="taxonomy")
    _, book = bring_in(Tool.LABEL_STUDIO, write(exported([annotated(result)])))
    assert book.labels == {Example("a1", "topic", None): {"3": ["work"]}}


def test_several_annotations_of_a_task_are_several_coders(write, bring_in):
    people = [
        3,
        {"id": 4, "email": "ben@example.org", "first_name": "Ben", "last_name": ""},
        {"id": 5, "email": "", "first_name": "Cleo", "last_name": "Dahl"},
        {"id": 6},
    ]
    labels = ["economy", "work", "culture", "economy"]
    path = write(
        exported([annotated(chosen(one), by=by) for one, by in zip(labels, people, strict=True)])
    )
    _, book = bring_in(Tool.LABEL_STUDIO, path)
    assert book.labels[Example("a1", "topic", None)] == {
        "3": ["economy"], "ben@example.org": ["work"], "Cleo Dahl": ["culture"], "6": ["economy"],
    }  # fmt: skip


def test_many_labels_and_none_survive(write, bring_in):
    data = {"task": "frames"}
    path = write(
        exported([annotated(chosen("money", "conflict"))], data),
        exported([annotated(chosen("(none)"))], data | {"article_id": "a|2"}),
        exported([annotated(chosen("(none)", "money"))], data | {"article_id": "ü 3"}),
    )
    found, book = bring_in(Tool.LABEL_STUDIO, path)
    assert book.labels == {
        Example("a1", "frames", None): {"3": ["conflict", "money"]},
        Example("a|2", "frames", None): {"3": []},
    }
    (reject,) = [each for each in found.left if each.kind is Kind.REJECT]
    assert reject.why == "'(none)' and 'money' at once"


def test_what_is_no_answer_is_told_with_its_place_and_kept(write, bring_in):
    region = {"type": "labels", "value": {"start": 0, "end": 3, "labels": ["PER"]}, "id": "r"}
    relation = {"type": "relation", "from_id": "r", "to_id": "q", "direction": "right"}
    bound = chosen("culture", parentID="r")
    path = write(
        exported([annotated(chosen("culture"), region, relation, bound)]),
        exported([annotated(said("unsure"), was_cancelled=True)]),
        exported([annotated(said("hm"))]),
        exported([], predictions=[{"model_version": "m", "result": [chosen("work")]}]),
        {"id": 3, "text": "no data"},
        exported([annotated(chosen("cultur"))], {"article_id": "a|2"}),
        exported([7]),
    )
    found, book = bring_in(Tool.LABEL_STUDIO, path)
    assert book.labels == {Example("a1", "topic", None): {"3": ["culture"]}}
    assert found.counts() == {"reject": 4, "skipped": 1, "unanswered": 1, "left out": 7}
    (skipped,) = [each for each in found.left if each.kind is Kind.SKIPPED]
    assert skipped.place == f"{path}: task 71, annotation 1001"
    assert skipped.what["coder"] == "3"
    assert skipped.what["result"][0]["value"]["text"] == ["unsure"]
    reasons = found.reasons()[Kind.LEFT_OUT]
    assert reasons["results of type 'labels' have no place among labels"] == 1
    assert reasons["relations have no place among labels"] == 1
    assert reasons["lead times have no place among labels"] == 3
    assert reasons["predictions are no answers"] == 1
    whys = [each.why for each in found.left if each.kind is Kind.REJECT]
    assert whys[0].startswith("submitted without a choice")
    assert "unknown label 'cultur' (did you mean 'culture'?)" in whys[2]


def test_parts_of_a_home_made_interface_are_named_after_tasks(write, bring_in):
    results = chosen("work", name="topic"), chosen("conflict", name="frames"), chosen("x", name="z")
    found, book = bring_in(Tool.LABEL_STUDIO, write(exported([annotated(*results)])))
    assert book.labels == {
        Example("a1", "topic", None): {"3": ["work"]},
        Example("a1", "frames", None): {"3": ["conflict"]},
    }
    (why,) = [each.why for each in found.left if each.kind is Kind.REJECT]
    assert why.startswith("unknown task 'z'")


def test_suggestions_go_out_when_asked_for(tmp_path, of_task):
    proposed = replace(of_task("topic")[0], suggestion="work", why="rungs disagree")
    path = tmp_path / "topic.json"
    FORM.write(path, [proposed], suggest=False)
    assert "predictions" not in json.loads(path.read_text())[0]
    FORM.write(path, [proposed], suggest=True)
    (out,) = json.loads(path.read_text())
    (result,) = out["predictions"][0]["result"]
    assert (result["from_name"], result["to_name"]) == ("label", "text")
    assert result["value"] == {"taxonomy": [["economy", "work"]]}
    assert out["data"]["why"] == "rungs disagree"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "not valid JSON"),
        ('{"a": 1}', "must hold a list of tasks, found dict"),
        ('[{"id": 1, "label": "x", "annotator": 1, "annotation_id": 2}]', "JSON-MIN; export as"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, bring_in, content, message):
    path = tmp_path / "export.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        bring_in(Tool.LABEL_STUDIO, path)

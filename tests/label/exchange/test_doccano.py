import json
from dataclasses import replace

from pipeline.label.answers import Example, Note
from pipeline.label.exchange import FORMS, Kind
from pipeline.tools import Tool

FORM = FORMS[Tool.DOCCANO]


def exported(place, task, label, comments=()):
    """Return a row as doccano's JSONL export of text classification has it: meta flattened."""
    meta = {key: value for key, value in task.items() if key not in ("text", "label")}
    return {"id": place, "text": task["text"], **meta, "label": label, "Comments": list(comments)}


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def put(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_answers_to_exported_tasks_come_back_whole(tmp_path, of_task, bring_in):
    FORM.write(tmp_path / "frames.jsonl", of_task("frames"), suggest=False)
    tasks = lines(tmp_path / "frames.jsonl")
    # What doccano gives back are the texts of the labels, which are the codebook's names.
    labels = [["Money & <goods>", "conflict"], ["(none)"], ["money"]]
    rows = [
        exported(place, task, label, ["first", "سؤال 🦀"])
        for place, (task, label) in enumerate(zip(tasks, labels, strict=True))
    ]
    found, book = bring_in(Tool.DOCCANO, put(tmp_path / "ben.jsonl", rows))
    assert found.left == []
    assert {example.article_id: coders for example, coders in book.labels.items()} == {
        "a1": {"ben": ["conflict", "money"]}, "a|2": {"ben": []}, "ü 3": {"ben": ["money"]},
    }  # fmt: skip
    assert set(book.notes.values()) == {Note(None, "first\nسؤال 🦀", "2")}


def test_the_file_of_a_shared_project_needs_a_coder(tmp_path, bring_in):
    row = {"id": 1, "text": "x", "article_id": "a1", "task": "topic", "target": None}
    path = put(tmp_path / "all.jsonl", [row | {"label": ["work"]}])
    found, _ = bring_in(Tool.DOCCANO, path)
    (reject,) = found.left
    assert (reject.place, reject.kind) == (f"{path}:1", Kind.REJECT)
    assert "name one with --coder" in reject.why
    found, book = bring_in(Tool.DOCCANO, path, coder="ada")
    assert book.labels == {Example("a1", "topic", None): {"ada": ["work"]}}


def test_rows_of_other_versions_and_kinds(tmp_path, bring_in):
    known = {"article_id": "a1", "task": "topic"}
    path = put(
        tmp_path / "ada.jsonl",
        [
            {"id": 1, "text": "x", "labels": ["culture"], "meta": known, "comments": ["m"]},
            {"id": 2, "text": "x", "label": [[0, 3, "work"]], **known},
            {"id": 3, "text": "x", "label": [], **known, "Comments": ["which?"]},
            {"id": 4, "text": "x", "label": ["economy", "work"], **known, "article_id": "a|2"},
            {"id": 5, "text": "x", "label": ["work"]},
            {"id": 6, "text": "x", "entities": [{"id": 1}], "relations": [{"id": 2}], **known},
        ],
    )
    with path.open("a") as stream:
        stream.write("{broken\n")
    found, book = bring_in(Tool.DOCCANO, path)
    assert book.labels == {Example("a1", "topic", None): {"ada": ["culture"]}}
    assert book.notes[Example("a1", "topic", None), "ada"].comment == "m"
    assert found.counts() == {"reject": 4, "skipped": 0, "unanswered": 2, "left out": 2}
    whys = {each.place.rpartition(":")[2]: each.why for each in found.left if each.kind == "reject"}
    assert "are they of spans?" in whys["2"]
    assert "'topic' takes one" in whys["4"]
    assert "no article_id" in whys["5"]
    assert "not valid JSON" in whys["7"]
    (asked,) = [each for each in found.left if each.place.endswith(":3")]
    assert asked.what["comment"] == "which?"


def test_a_task_shows_title_and_target_and_its_labels_can_be_imported(tmp_path, of_task, codebook):
    FORM.write(tmp_path / "stance.jsonl", of_task("stance"), suggest=False)
    first, _ = lines(tmp_path / "stance.jsonl")
    assert first["text"].startswith("Orders & <b>more</b>\n\nThe ⟦Salt Pact⟧ fills")
    assert first["label"] == []
    labels = json.loads(FORM.schema(codebook.tasks["stance"]))
    assert [(each["text"], each["suffix_key"]) for each in labels] == [
        ("As a gain", "1"), ("loss", "2"),
    ]  # fmt: skip


def test_suggestions_go_out_as_labels_when_asked_for(tmp_path, of_task):
    proposed = [replace(of_task("stance")[0], suggestion="gain")]
    FORM.write(tmp_path / "stance.jsonl", proposed, suggest=True)
    assert lines(tmp_path / "stance.jsonl")[0]["label"] == ["As a gain"]

import json
from dataclasses import replace

from pipeline.label.answers import Example, Note
from pipeline.label.exchange import FORMS, Kind
from pipeline.tools import Tool

FORM = FORMS[Tool.PRODIGY]


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def put(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def answered(task, accept, answer="accept", session="news-ada", **more):
    """Return a task as Prodigy's database has it once it is answered."""
    return {
        **task, "_input_hash": -1203, "_task_hash": 998, "_is_binary": False, "_view_id": "choice",
        "accept": accept, "answer": answer, "_timestamp": 1930204800,
        "_annotator_id": session, "_session_id": session,
    } | more  # fmt: skip


def test_answers_to_exported_tasks_come_back_whole(tmp_path, of_task, bring_in):
    path = tmp_path / "frames.jsonl"
    FORM.write(path, of_task("frames"), suggest=False)
    accepted = [["conflict", "money"], ["(none)"], []]
    rows = [
        answered(task, accept, comment="ja 🦀")
        for task, accept in zip(lines(path), accepted, strict=True)
    ]
    found, book = bring_in(Tool.PRODIGY, put(path, rows), names={"news-ada": "ada"})
    assert found.left == []
    assert {example.article_id: coders for example, coders in book.labels.items()} == {
        "a1": {"ada": ["conflict", "money"]}, "a|2": {"ada": []}, "ü 3": {"ada": []},
    }  # fmt: skip
    note = Note("2031-03-02T08:00:00+00:00", "ja 🦀", "2")
    assert set(book.notes.values()) == {note}


def test_a_task_offers_the_labels_and_marks_the_target_in_its_text(tmp_path, of_task):
    path = tmp_path / "stance.jsonl"
    FORM.write(path, of_task("stance"), suggest=False)
    for task in lines(path):
        for span in task["spans"]:
            named = task["text"][span["start"] : span["end"]]
            assert named in ("Salt Pact", "the Pact", "the Salt Pact")
        assert task["options"] == [
            {"id": "gain", "text": "As a gain"},
            {"id": "loss", "text": "loss"},
        ]
        assert task["config"] == {"choice_style": "single"}
        assert task["label"] == "How is the target presented? (Salt Pact)"
        assert task["accept"] == []


def test_what_is_no_answer_is_told_and_kept(tmp_path, bring_in):
    task = {"text": "x", "article_id": "a1", "task": "topic", "target": None}
    entity = {"start": 0, "end": 1, "label": "ORG"}
    path = put(
        tmp_path / "out.jsonl",
        [
            answered(task, ["work"], spans=[entity, {**entity, "label": "TARGET"}], relations=[1]),
            answered(task, ["work"], "ignore", comment="unreadable"),
            answered(task, ["culture"], "reject"),
            answered(task, [], article_id="a|2"),
            answered(task, ["work"], "perhaps"),
            task,
            answered(task, ["nothing"], article_id="a|2"),
        ],
    )
    found, book = bring_in(Tool.PRODIGY, path)
    assert book.labels == {Example("a1", "topic", None): {"news-ada": ["work"]}}
    assert found.counts() == {"reject": 3, "skipped": 2, "unanswered": 1, "left out": 2}
    ignored, rejected = (each for each in found.left if each.kind is Kind.SKIPPED)
    assert (ignored.place, ignored.what["comment"]) == (f"{path}:2", "unreadable")
    assert rejected.what["accept"] == ["culture"]
    spans = next(each for each in found.left if each.why.startswith("spans"))
    assert spans.what == [entity]
    assert [each.why for each in found.left if each.kind is Kind.REJECT] == [
        "no label", "the answer 'perhaps' is not one of Prodigy's", "unknown label 'nothing'; "
        "the labels are culture, economy, work",
    ]  # fmt: skip


def test_who_answered_may_be_told_where_no_session_was_named(tmp_path, bring_in):
    task = {"text": "x", "article_id": "a1", "task": "topic", "target": None}
    row = answered(task, ["work"], session=None)
    _, book = bring_in(Tool.PRODIGY, put(tmp_path / "out.jsonl", [row]), coder="ben")
    assert book.labels == {Example("a1", "topic", None): {"ben": ["work"]}}


def test_suggestions_are_chosen_beforehand_when_asked_for(tmp_path, of_task):
    proposed = [replace(of_task("frames")[0], suggestion="conflict|money")]
    FORM.write(tmp_path / "frames.jsonl", proposed, suggest=True)
    assert lines(tmp_path / "frames.jsonl")[0]["accept"] == ["conflict", "money"]

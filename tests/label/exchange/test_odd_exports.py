"""Exports whose values are of other types than the tools write: rejects, and no traceback."""

import copy
import json

import pytest

from pipeline.artifacts import to_json
from pipeline.label.exchange import Kind
from pipeline.tools import Tool

ODD = (None, True, 7, 1.5, "7", "", [], {}, [None], [7], [True], [[]], [{}], {"a": 1}, [["x"], 3])
ASKED = {"article_id": "a1", "task": "topic", "target": None, "codebook": "islands@2"}
CHOSEN = {"from_name": "label", "type": "taxonomy", "value": {"taxonomy": [["economy", "work"]]}}
SAID = {"from_name": "comment", "type": "textarea", "value": {"text": ["so"]}}
ANNOTATION = {
    "id": 1, "completed_by": {"id": 3, "email": "ada@example.org"}, "result": [CHOSEN, SAID],
    "was_cancelled": False, "lead_time": 1.5, "updated_at": "2031-03-01",
}  # fmt: skip
GOOD = {
    Tool.LABEL_STUDIO: {
        "id": 1, "data": ASKED, "annotations": [ANNOTATION], "predictions": [{"result": [CHOSEN]}],
        "drafts": [{"result": []}],
    },
    Tool.DOCCANO: {
        **ASKED, "text": "x", "label": ["work"], "Comments": [{"text": "so"}], "meta": {"n": 1},
        "entities": [{"id": 1}], "relations": [{"id": 1}],
    },
    Tool.PRODIGY: {
        **ASKED, "text": "x", "accept": ["work"], "answer": "accept", "_timestamp": 1930204800,
        "_annotator_id": "ada", "_session_id": "ada", "spans": [{"start": 0, "label": "TARGET"}],
        "relations": [{"head": 1}], "comment": "so", "config": {"choice_style": "single"},
    },
    Tool.ARGILLA: {
        "id": "1", "fields": {"text": "x"}, "metadata": ASKED,
        "responses": {"label": [{"value": "work", "user_id": "ada", "status": "submitted"}]},
        "suggestions": {"label": {"value": "work"}},
    },
}  # fmt: skip


def places_in(value, path=()):
    """Yield the path of every value below `value`."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in pairs:
        yield (*path, key)
        if isinstance(below, dict | list):
            yield from places_in(below, (*path, key))


def with_value(row, path, value):
    changed = copy.deepcopy(row)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return changed


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return the path of an export with one row."""

    def put(tool, row):
        path = tmp_path / f"ada.{'json' if tool is Tool.LABEL_STUDIO else 'jsonl'}"
        if tool is Tool.ARGILLA:  # a dataset's columns have one type: hand the record over as it is
            monkeypatch.setattr("pipeline.label.exchange.argilla._records", lambda _: iter([row]))
        else:
            path.write_text(json.dumps([row] if tool is Tool.LABEL_STUDIO else row) + "\n")
        return path

    return put


@pytest.mark.slow
@pytest.mark.parametrize("tool", GOOD)
def test_a_value_of_any_type_anywhere_ends_in_an_answer_or_a_reason(tool, write, bring_in):
    for path in places_in(GOOD[tool]):
        for value in ODD:
            found, _ = bring_in(tool, write(tool, with_value(GOOD[tool], path, value)), coder="ada")
            told = [each for each in found.left if each.kind is not Kind.LEFT_OUT]
            assert found.known or found.new or told, (path, value)
            assert all(to_json(each.as_dict()) for each in found.left)


@pytest.mark.parametrize(
    ("tool", "path", "value", "kind", "why"),
    [
        (Tool.LABEL_STUDIO, ["annotations"], None, Kind.UNANSWERED, "no annotation"),
        (Tool.LABEL_STUDIO, ["annotations"], 1, Kind.REJECT, "its annotations are no list"),
        (Tool.LABEL_STUDIO, ["annotations", 0], "1", Kind.REJECT, "no annotation: the export"),
        (Tool.LABEL_STUDIO, ["annotations", 0, "result"], True, Kind.REJECT, "a result is no obj"),
        (Tool.LABEL_STUDIO, ["annotations", 0, "result", 0], "x", Kind.REJECT, "a result is no ob"),
        (Tool.LABEL_STUDIO, ["annotations", 0, "result", 0, "value", "taxonomy"], {"a": 1},
         Kind.REJECT, "what is chosen of 'label' is no label"),
        (Tool.LABEL_STUDIO, ["annotations", 0, "result", 0, "value", "taxonomy"], [True],
         Kind.REJECT, "what is chosen of 'label' is no label"),
        (Tool.LABEL_STUDIO, ["predictions"], 3, Kind.LEFT_OUT, "predictions are no answers"),
        (Tool.LABEL_STUDIO, ["data"], "x", Kind.REJECT, "no task: it has no 'data'"),
        (Tool.DOCCANO, ["label"], True, Kind.REJECT, "its labels are no texts"),
        (Tool.DOCCANO, ["label"], [[0, 3, "x"]], Kind.REJECT, "its labels are no texts"),
        (Tool.DOCCANO, ["label"], None, Kind.UNANSWERED, "no label"),
        (Tool.PRODIGY, ["accept"], True, Kind.REJECT, "'accept' holds no ids of options"),
        (Tool.PRODIGY, ["spans"], 7, Kind.LEFT_OUT, "spans have no place among labels"),
        (Tool.PRODIGY, ["answer"], ["accept"], Kind.REJECT, "the answer ['accept'] is not one"),
        (Tool.ARGILLA, ["metadata"], 7, Kind.REJECT, "its metadata are no object"),
        (Tool.ARGILLA, ["responses"], [1], Kind.REJECT, "its responses are no object"),
        (Tool.ARGILLA, ["responses", "label"], 1, Kind.REJECT, "its responses to 'label' are no"),
        (Tool.ARGILLA, ["responses", "label", 0], "x", Kind.REJECT, "its responses to 'label' are"),
        (Tool.ARGILLA, ["responses"], None, Kind.UNANSWERED, "no response"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_has_its_reason(tool, path, value, kind, why, write, bring_in):
    found, _ = bring_in(tool, write(tool, with_value(GOOD[tool], path, value)), coder="ada")
    assert any(each.kind is kind and each.why.startswith(why) for each in found.left), found.left


@pytest.mark.parametrize(
    ("part", "value"), [(".users", ["ada", "ben"]), (".status", 7), ("", "work"), ("", True)]
)
def test_columns_of_responses_that_do_not_fit_are_a_reject(part, value, write, bring_in):
    row = {
        **ASKED, "label.responses": ["work"], "label.responses.users": ["ada"],
        "label.responses.status": ["submitted"], f"label.responses{part}": value,
    }  # fmt: skip
    found, _ = bring_in(Tool.ARGILLA, write(Tool.ARGILLA, row))
    assert (found.new, found.counts()["reject"]) == ({}, 1)


def test_cells_of_any_words_are_answers_or_rejects(tmp_path, bring_in):
    path = tmp_path / "given.csv"
    cells = ["true", "7", "[]", "{}", "null", "|", "||"]
    rows = [f"a1,topic,,ada,{cell}" for cell in cells] + [f"{cell},7,[],ada,x" for cell in cells]
    path.write_text("\n".join(["article_id,task,target,coder,label", *rows]))
    found, _ = bring_in(Tool.CSV, path)
    assert not found.new
    # Five labels of one answer are one reject, and each of the other rows is one.
    assert found.counts() == {"reject": 8, "skipped": 0, "unanswered": 2, "left out": 0}

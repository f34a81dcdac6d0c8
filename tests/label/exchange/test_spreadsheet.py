import csv
from dataclasses import replace

import pytest

from pipeline.errors import DataError
from pipeline.label.answers import Example, Note
from pipeline.label.exchange import FORMS, Kind
from pipeline.tools import Tool

FORM = FORMS[Tool.CSV]


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def put(path, rows, **how):
    with path.open("w", newline="", encoding=how.pop("encoding", "utf-8")) as stream:
        writer = csv.DictWriter(stream, list(rows[0]), **how)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize(
    "how", [{}, {"delimiter": ";", "encoding": "utf-8-sig"}, {"delimiter": "\t", "quoting": 1}]
)
def test_sheets_that_were_filled_in_come_back_whole(tmp_path, of_task, bring_in, how):
    path = tmp_path / "frames.csv"
    FORM.write(path, of_task("frames"), suggest=False)
    csv.field_size_limit(2**30)
    rows = rows_of(path)
    assert len(rows[2]["text"]) > 140_000
    for row, label in zip(rows, ["money|conflict", "(none)", ""], strict=True):
        row |= {"label": label, "coder": "ada", "comment": 'a; "b",\nc', "time": "2031-03-01"}
    found, book = bring_in(Tool.CSV, put(path, rows, **how))
    assert {example.article_id: coders for example, coders in book.labels.items()} == {
        "a1": {"ada": ["conflict", "money"]}, "a|2": {"ada": []},
    }  # fmt: skip
    assert set(book.notes.values()) == {Note("2031-03-01", 'a; "b",\nc', "2")}
    (left,) = found.left
    assert (left.kind, left.what["comment"]) == (Kind.UNANSWERED, 'a; "b",\nc')


def test_a_sheet_shows_the_target_and_runs_no_formula(tmp_path, of_task):
    path = tmp_path / "stance.csv"
    FORM.write(path, of_task("stance"), suggest=False)
    first, second = rows_of(path)
    assert first["text"].startswith("The ⟦Salt Pact⟧")
    assert first["labels"] == "gain|loss"
    assert second["title"] == "'=SUM(1)"
    assert second["article_id"] == "a|2"


@pytest.mark.parametrize(
    "article_id", ["=1+1", "+1", "-a", "@a", "'=1+1", "''-a", "'a", "=\t1", "a=1", "a"]
)
def test_ids_run_no_formula_and_come_back_whole(tmp_path, of_task, bring_in, article_id):
    task = of_task("topic")[0]
    task = replace(task, example=task.example._replace(article_id=article_id), suggestion="=x")
    path = tmp_path / "topic.csv"
    FORM.write(path, [task], suggest=True)
    (row,) = rows_of(path)
    formulas = ("=", "+", "-", "@", "\t", "\r")
    assert not any((cell or "").startswith(formulas) for cell in row.values())
    _, book = bring_in(Tool.CSV, put(path, [row | {"label": "work", "coder": "ada"}]))
    assert list(book.labels) == [Example(article_id, "topic", None)]


@pytest.mark.parametrize("start", "=+-@\t\r")
def test_a_text_that_begins_like_a_formula_has_an_apostrophe(tmp_path, of_task, start):
    path = tmp_path / "topic.csv"
    task = replace(of_task("topic")[0], title=f"{start}cmd", text=f"{start}cmd")
    FORM.write(path, [task], suggest=False)
    (row,) = rows_of(path)
    assert (row["title"][:2], row["text"][:2]) == (f"'{start}", f"'{start}")


def test_an_apostrophe_in_a_form_of_ones_own_stays(tmp_path, bring_in):
    path = tmp_path / "given.csv"
    path.write_text("article_id,task,target,coder,label\n'-a,topic,,ada,work\n")
    _, book = bring_in(Tool.CSV, path)
    assert list(book.labels) == [Example("'-a", "topic", None)]


def test_the_labels_have_a_sheet_with_their_definitions(codebook):
    lines = FORM.schema(codebook.tasks["stance"]).decode().splitlines()
    assert lines == [
        "label,name,definition",
        'gain,As a gain,"A ""chance""."',
        "loss,loss,Also: Fear. Not: Doubt: neither.",
    ]


def test_the_form_with_a_row_for_each_label_is_read_too(tmp_path, bring_in):
    path = tmp_path / "given.csv"
    path.write_text(
        "article_id,task,target,coder,label,comment\n"
        "a1,frames,,ada,conflict,one\n"
        "a1,stance,the Pact,ada,As a gain,\n"
        "a1,frames,,ada,money,two\n"
        "a1,topic,,,work,\n"
    )
    found, book = bring_in(Tool.CSV, path, coder="ben")
    assert found.left == []
    assert book.labels == {
        Example("a1", "frames", None): {"ada": ["conflict", "money"]},
        Example("a1", "stance", "pact"): {"ada": ["gain"]},
        Example("a1", "topic", None): {"ben": ["work"]},
    }
    assert book.notes[Example("a1", "frames", None), "ada"].comment == "one\ntwo"


def test_a_row_that_is_none_is_a_reject_and_the_rest_goes_on(tmp_path, bring_in):
    path = tmp_path / "given.csv"
    path.write_text(
        "article_id,task,target,coder,label\n"
        "a1,topic,,ada,work,more\n"
        "a1,stance,,ada,gain\n"
        "a1,topic,pact,ada,work\n"
        "a1,topic,,ada,(none)\n"
        "a|2,topic,,ada,work\n"
    )
    found, book = bring_in(Tool.CSV, path)
    assert book.labels == {Example("a|2", "topic", None): {"ada": ["work"]}}
    whys = {each.place: each.why for each in found.left}
    assert whys[f"{path}:2"] == "6 cells under 5 columns"
    assert whys[f"{path}:3"] == "no target; 'stance' is asked of a target"
    assert "leave it blank" in whys[f"{path}:4"]
    assert "'(none)' is no answer to 'topic'" in whys[f"{path}:5"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n", "no column article_id, task, label; the columns are a, b"),
        (b"article_id,task,label\nm\xfc,topic,work\n", "save it as CSV UTF-8"),
        (b'article_id,task,label\na1,topic,"work\n', ":2: not valid CSV"),
        (b"", "the columns are none"),
    ],
)
def test_a_file_that_is_no_sheet_is_refused(tmp_path, bring_in, content, message):
    path = tmp_path / "given.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        bring_in(Tool.CSV, path)

import pytest

from pipeline.codebook import Codebook
from pipeline.errors import DataError
from pipeline.label import carried_annotations, write_annotations
from pipeline.label.annotation_files import read_annotations
from pipeline.label.answers import AnswerBook, Example, Problems

LABELS = [{"id": "conflict"}, {"id": "money"}]
CODEBOOK = Codebook.model_validate(
    {
        "name": "demo",
        "version": "1",
        "tasks": {
            "frames": {"asks": "article", "choose": "many", "labels": LABELS},
            "topic": {"asks": "article", "labels": LABELS},
        },
    },
    strict=False,
)
HEADER = "article_id,task,coder,label\n"


def read(path, *lines):
    path.write_text(HEADER + "".join(f"{line}\n" for line in lines))
    book, problems = AnswerBook(CODEBOOK, [""]), Problems()
    read_annotations(path, book, problems)
    problems.stop()
    return book


def test_that_none_of_many_labels_holds_is_an_answer_and_an_empty_cell_is_not(tmp_path):
    book = read(tmp_path / "a.csv", "a1,frames,ada,(none)", "a1,frames,ben,", "a2,frames,ada,money")
    assert book.labels == {
        Example("a1", "frames", None): {"ada": []},
        Example("a2", "frames", None): {"ada": ["money"]},
    }


def test_answers_that_none_holds_survive_being_written_and_read(tmp_path):
    (tmp_path / "a.csv").write_text(HEADER + "a1,frames,ada,(none)\na2,frames,ada,money\n")
    table, _ = carried_annotations([tmp_path / "a.csv"], CODEBOOK, CODEBOOK)
    write_annotations(tmp_path / "b.csv", table)
    again, _ = carried_annotations([tmp_path / "b.csv"], CODEBOOK, CODEBOOK)
    assert again.to_pylist() == table.to_pylist()
    assert again["label"].to_pylist() == ["", "money"]


def test_a_carriage_return_in_a_comment_survives_being_written_and_read(tmp_path):
    (tmp_path / "a.csv").write_bytes(
        b'article_id,task,coder,label,comment\na1,topic,ada,money,"one\rtwo"\n'
    )
    table, _ = carried_annotations([tmp_path / "a.csv"], CODEBOOK, CODEBOOK)
    write_annotations(tmp_path / "b.csv", table)
    again, _ = carried_annotations([tmp_path / "b.csv"], CODEBOOK, CODEBOOK)
    assert again["comment"].to_pylist() == ["one\rtwo"]


def test_a_long_comment_is_read(tmp_path):
    (tmp_path / "a.csv").write_text(
        f"article_id,task,coder,label,comment\na1,topic,ada,money,{'long ' * 40_000}\n"
    )
    table, _ = carried_annotations([tmp_path / "a.csv"], CODEBOOK, CODEBOOK)
    assert len(table["comment"][0].as_py()) == 199_999


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a1,topic,ada,(none)"], "'(none)' is no answer to 'topic', which takes a label"),
        (["a1,frames,ada,(none)", "a1,frames,ada,money"], "with 'money' and with none"),
        (["a1,frames,ada,money", "a1,frames,ada,(none)"], "with none and with 'money'"),
    ],
)
def test_none_contradicts_a_label(tmp_path, lines, message):
    with pytest.raises(DataError) as caught:
        read(tmp_path / "a.csv", *lines)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'a.csv'}:{len(lines) + 1}: ")


@pytest.mark.parametrize("label", [{"id": "(none)"}, {"id": "x", "name": "(none)"}])
def test_no_label_is_called_none(label):
    tasks = {"t": {"asks": "article", "labels": [label, {"id": "y"}]}}
    with pytest.raises(ValueError, match="says that no label holds"):
        Codebook.model_validate({"name": "demo", "version": "1", "tasks": tasks}, strict=False)

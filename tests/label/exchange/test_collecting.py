"""What happens to answers once they are read, whatever the tool."""

import csv
import threading

import pytest

from pipeline.codebook import Codebook
from pipeline.label.answer_file import Answer, AnswerFile
from pipeline.label.answers import Example, Note
from pipeline.label.exchange import FORMS, Kind, import_answers
from pipeline.tools import Tool

HEADER = "article_id,task,target,coder,label,time,comment,codebook\n"


@pytest.fixture
def sheet(tmp_path):
    def put(*lines):
        path = tmp_path / "given.csv"
        path.write_text(HEADER + "".join(f"{line}\n" for line in lines))
        return path

    return put


def test_the_same_file_twice_adds_nothing(sheet, bring_in, tmp_path):
    path = sheet(
        "a1,topic,,ada,work,t1,c,", "a1,frames,,ada,(none),,,", "a1,frames,,ben,money|conflict,,,"
    )
    assert len(bring_in(Tool.CSV, path)[0].new) == 3
    before = (tmp_path / "annotations.csv").read_bytes()
    found, _ = bring_in(Tool.CSV, path)
    assert (found.known, found.new, found.left) == (3, {}, [])
    assert (tmp_path / "annotations.csv").read_bytes() == before


def test_another_answer_of_the_same_coder_is_a_reject_unless_it_is_to_replace(sheet, bring_in):
    bring_in(Tool.CSV, sheet("a1,topic,,ada,work,t1,,", "a|2,topic,,ada,work,,,"))
    later = sheet("a1,topic,,ada,culture,t2,better,")
    found, _ = bring_in(Tool.CSV, later)
    (reject,) = found.left
    assert (reject.kind, reject.place) == (Kind.REJECT, f"{later}:2")
    assert reject.why == "'ada' answered before with work; --replace takes the later answer"
    assert reject.what["labels"] == ["culture"]
    found, book = bring_in(Tool.CSV, later, replace=True)
    assert len(found.changed) == 1
    assert book.labels == {
        Example("a|2", "topic", None): {"ada": ["work"]},
        Example("a1", "topic", None): {"ada": ["culture"]},
    }
    assert book.notes[Example("a1", "topic", None), "ada"] == Note("t2", "better", "2")


def test_a_comment_that_came_later_is_not_lost_silently(sheet, bring_in):
    bring_in(Tool.CSV, sheet("a1,topic,,ada,work,,,"))
    found, _ = bring_in(Tool.CSV, sheet("a1,topic,,ada,work,,now with a comment,"))
    assert "and another comment or time" in found.left[0].why


def test_answers_under_an_earlier_version_keep_it_and_others_are_rejects(sheet, bring_in, codebook):
    old = codebook.model_dump(mode="json") | {"version": "1"}
    old["tasks"]["topic"]["labels"] = [{"id": "trade"}, {"id": "culture"}]
    path = sheet(
        "a1,topic,,ada,trade,,,islands@1", "a1,topic,,ada,work,,,2", "a|2,topic,,ada,trade,,,0"
    )
    found, book = bring_in(Tool.CSV, path, earlier=[Codebook.model_validate(old, strict=False)])
    assert book.earlier["1"].labels == {Example("a1", "topic", None): {"ada": ["trade"]}}
    assert book.labels == {Example("a1", "topic", None): {"ada": ["work"]}}
    (reject,) = found.left
    assert "answered under version '0'" in reject.why


def test_columns_of_ones_own_stay_and_missing_ones_are_added(sheet, bring_in, tmp_path):
    file = tmp_path / "annotations.csv"
    file.write_text("article_id,task,coder,label,mood\na1,topic,ben,culture,fine")
    bring_in(Tool.CSV, sheet("a1,topic,,ada,work,t,c,"))
    with file.open(newline="") as stream:
        ben, ada = csv.DictReader(stream)
    assert (ben["mood"], ben["label"], ben["target"]) == ("fine", "culture", "")
    assert (ada["mood"], ada["label"], ada["comment"], ada["codebook"]) == ("", "work", "c", "2")


def test_a_half_written_line_at_the_end_does_not_swallow_the_next(codebook, tmp_path):
    file = AnswerFile(tmp_path / "a.csv", codebook)
    answers = [
        Answer(Example(each, "topic", None), "ada", ("work",), Note(codebook="2"))
        for each in ("a1", "a2", "a3")
    ]
    file.add(answers[:2])
    content = file.path.read_bytes()
    file.path.write_bytes(content[: content.index(b"a2") + 8])
    file.add(answers[2:])
    assert [key.example.article_id for key in file.read()] == ["a1", "a3"]


def test_spaces_in_the_header_make_no_other_columns(sheet, bring_in, tmp_path):
    kept = tmp_path / "annotations.csv"
    kept.write_text("article_id, task, target, coder, label\na1,topic,,ada,work\n")
    found, book = bring_in(Tool.CSV, sheet("a1,topic,,ada,work,,,", "a|2,topic,,ada,work,,,"))
    assert (found.known, len(found.new)) == (1, 1)
    assert len(book.labels) == 2


def test_an_answer_that_another_process_gives_meanwhile_is_seen(sheet, codebook, tmp_path):
    kept = tmp_path / "annotations.csv"
    form = FORMS[Tool.CSV]

    class Slow:
        """Reads like the form, and somebody answers the same before it ends."""

        def read(self, path, coder):
            yield from form.read(path, coder)
            answer = Answer(Example("a1", "topic", None), "ada", ("culture",), Note(codebook="2"))
            AnswerFile(kept, codebook).add([answer])

    given = sheet("a1,topic,,ada,work,,,")
    done = import_answers([given], Slow(), codebook, [], kept, None, {}, replace=False)
    assert done.collected.new == {}
    (reject,) = done.collected.left
    assert "'ada' answered before with culture" in reject.why


def test_others_wait_while_what_is_written_is_decided(codebook, tmp_path):
    kept = tmp_path / "annotations.csv"
    first, second = (
        Answer(Example(each, "topic", None), "ada", ("work",), Note(codebook="2"))
        for each in ("a1", "a2")
    )
    other = threading.Thread(target=AnswerFile(kept, codebook).add, args=([second],))

    def decide(before):
        other.start()
        other.join(0.1)
        assert not kept.exists()
        return (), [first]

    AnswerFile(kept, codebook).update(decide)
    other.join(10)
    assert list(AnswerFile(kept, codebook).read()) == [first.key, second.key]


def test_a_carriage_return_in_a_comment_ends_no_row(codebook, tmp_path):
    file = AnswerFile(tmp_path / "annotations.csv", codebook)
    note = Note(None, "one\rtwo", "2")
    answer = Answer(Example("a1", "topic", None), "ada", ("work",), note)
    file.add([answer])
    assert file.read() == {answer.key: answer}

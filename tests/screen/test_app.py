"""The real app, driven by textual's own pilot."""

import pytest

from pipeline.errors import DataError

pytestmark = pytest.mark.slow


def test_a_key_answers_and_shows_the_next_example(session, drive, rows):
    coding = session("stance")
    _, shown = drive(coding, "1")
    assert rows() == [("a1", "gain")]
    assert "2 of 3 · 1 answered · ada · islands@1.0" in shown
    assert "How does the article present the target? (Salt Pact)" in shown


def test_an_example_is_shown_with_its_title_labels_and_definitions(session, drive):
    _, shown = drive(session("stance"))
    assert "A title 🦀 of the first" in shown
    assert "The Salt Pact fills the books." in shown
    assert " 1  gain  As a chance." in shown
    assert " 2  loss  As a danger." in shown
    assert "?: definitions" in shown


def test_the_mentions_of_the_target_are_marked(session, drive):
    def look(app):
        (line,) = [
            line
            for line in app.screen._compositor.render_strips()
            if "fills the books" in line.text
        ]
        marked = [part.text for part in line if part.style and part.style.bgcolor
                  and part.style.bold and part.text.strip() and "Pact" in part.text]  # fmt: skip
        assert marked == ["Salt Pact"]

    drive(session("stance"), then=look)


def test_arrows_and_enter_reach_labels_that_have_no_key(session, drive, rows):
    coding = session("topic")
    drive(coding, "up", "enter")  # up from nothing is the last of forty
    assert rows() == [("a1", "topic-40")]
    assert " a  topic-10" in drive(coding, *["down"] * 12)[1]


def test_enter_answers_nothing_before_a_label_is_highlighted(session, drive, rows):
    drive(session("stance"), "enter", "0")
    assert rows() == []


def test_several_labels_are_confirmed_and_none_is_an_answer(session, drive, rows):
    _, shown = drive(session("frames"), "3", "1", "2", "2")
    assert "[x] conflict" in shown
    assert "[ ] Money" in shown
    assert rows() == []
    drive(session("frames"), "3", "1", "enter", "0", "enter")
    assert rows() == [("a1", "conflict"), ("a1", "people"), ("a2", "(none)")]


def test_space_chooses_what_is_highlighted(session, drive, rows):
    drive(session("frames"), "down", "down", "space", "enter")
    assert rows() == [("a1", "money")]


def test_undo_takes_answers_back_from_the_last_one_on(session, drive, rows):
    _, shown = drive(session("stance"), "1", "2", "backspace")
    assert rows() == [("a1", "gain")]
    assert "2 of 3 · 1 answered" in shown
    _, shown = drive(session("stance"), "2", "backspace", "backspace")
    assert rows() == [("a1", "gain")]
    assert "nothing to take back" in shown


def test_going_back_shows_the_answer_and_another_one_takes_its_place(session, drive, rows):
    _, shown = drive(session("stance"), "1", "left")
    assert "answered: gain" in shown
    drive(session("stance"), "left", "2")
    assert rows() == [("a1", "loss")]


def test_undo_puts_back_what_an_earlier_session_answered(session, drive, rows):
    drive(session("stance"), "1", "2")
    _, shown = drive(session("stance"), "left", "1", "1", "left", "left", "2", *["backspace"] * 3)
    assert rows() == [("a1", "gain"), ("a2", "loss")]
    assert "2 of 3 · 2 answered" in shown
    assert "taken back; the former answer holds" in shown
    drive(session("stance"), "left", "slash", *"so", "enter", "1", "backspace")
    assert rows() == [("a1", "gain"), ("a2", "loss")]


def test_undo_keeps_the_comment_of_the_answer_that_it_puts_back(session):
    first = session("stance")
    first.answer(["gain"])
    second = session("stance")
    second.back()
    second.answer(["loss"])
    second.back()
    second.remark("in the title")
    assert second.undo()
    assert not second.undo()
    assert (second.given.labels, second.comment) == (("gain",), "in the title")
    again = session("stance")
    again.back()
    assert (again.given.labels, again.comment) == (("gain",), "in the title")


def test_skipped_examples_come_again_after_the_last_one(session, drive, rows):
    _, shown = drive(session("stance"), "right", "1", "1")
    assert rows() == [("a2", "gain"), ("a3", "gain")]
    assert "1 of 3 · 2 answered" in shown


def test_the_end_says_so_and_still_goes_back(session, drive, rows):
    coding = session("stance")
    _, shown = drive(coding, "1", "1", "1", "1", "?", "/", "enter", "right")
    assert "Every example has an answer." in shown
    assert len(rows()) == 3
    _, shown = drive(session("stance"), "left")
    assert "3 of 3 · 3 answered" in shown


def test_a_comment_goes_with_the_answer_and_can_be_changed(session, drive, tmp_path):
    _, shown = drive(session("stance"), "slash", *"why 1?", "enter")
    assert "comment: why 1?" in shown
    assert not (tmp_path / "answers.csv").exists()
    drive(session("stance"), "slash", *"ok", "enter", "1", "left", "slash", *", so", "enter")
    text = (tmp_path / "answers.csv").read_text()
    assert text.count("\n") == 2
    assert '"ok, so"' in text
    drive(session("stance"), "left", "slash", "x", "escape")
    assert (tmp_path / "answers.csv").read_text() == text


def test_definitions_are_shown_on_demand(session, drive):
    _, shown = drive(session("stance"), "question_mark")
    for text in ("As a danger.", "belongs here: Fear of it", "does not: A quoted critic alone"):
        assert text in shown
    _, shown = drive(session("stance"), "question_mark", "1", "escape")
    assert "1 of 3 · 0 answered" in shown


def test_a_new_start_goes_on_where_the_coder_was(session, drive, rows):
    drive(session("stance"), "1", "2")
    _, shown = drive(session("stance"))
    assert "3 of 3 · 2 answered" in shown
    _, shown = drive(session("stance", coder="ben"))
    assert "1 of 3 · 0 answered · ben" in shown


def test_a_text_of_100_000_characters_scrolls_and_tab_finds_its_mention(session, drive):
    coding = session("stance")
    coding.place = 2
    assert len(coding.current.text) > 100_000
    _, shown = drive(coding)
    assert "At last" not in shown
    assert "At last the Salt Pact." in drive(coding, "tab")[1]
    assert "At last the Salt Pact." in drive(coding, "end")[1]
    assert "Word after word" in drive(coding, "end", "home", "pagedown")[1]
    assert coding.answered == 0


def test_nothing_in_a_text_steers_the_terminal(session, drive):
    coding = session("stance")
    coding.place = 1
    _, shown = drive(coding)
    assert "the Pact is �[31mnamed�, \u2060עברית." in shown
    assert "شعر عن البحر والجزر." in shown


@pytest.mark.parametrize(
    ("size", "task"), [((40, 12), "topic"), ((200, 60), "stance"), ((20, 8), "frames")]
)
def test_any_size_of_the_terminal_works(session, drive, rows, size, task):
    _, shown = drive(session(task), "1", *["enter"] * (task == "frames"), size=size)
    assert len(rows()) == 1
    assert "2 of 3" in shown


def test_suggestions_and_reasons_of_a_worklist(all_tasks, session, drive):
    coding = session("stance")
    coding._tasks._notes[0] = ("the coders are split", "loss")
    _, shown = drive(coding)
    assert "the coders are split" in shown
    assert "suggested" not in shown
    coding = session("stance", suggest=True)
    coding._tasks._notes[0] = ("the coders are split", "loss")
    assert "suggested: loss · the coders are split" in drive(coding)[1]


def test_an_answer_that_cannot_be_written_ends_the_app_with_the_reason(session, drive, tmp_path):
    coding = session("stance")
    (tmp_path / "answers.csv").mkdir()
    app, _ = drive(coding, "1")
    assert isinstance(app.return_value, DataError | OSError)
    assert coding.answered == 0

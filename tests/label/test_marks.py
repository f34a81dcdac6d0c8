"""Marks of mentions stand in the text as it came in; pieces may have been set apart since."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.label.examples import marked_mention
from pipeline.mentions import MentionFinder
from pipeline.preparation import cut_out, in_body

LINES = st.lists(
    st.tuples(st.sampled_from(["the pact stays", "the pact goes; the pact", "no"]), st.booleans()),
    min_size=1,
    max_size=8,
)


def find(text, wording):
    return MentionFinder({wording: [wording]}).find(text).get(wording, [])


def parted(lines):
    """Return the whole text, its body and what was cut out: lines with True."""
    spans, whole = [], ""
    for line, goes in lines:
        start = len(whole)
        whole += line + "\n"
        if goes:
            spans.append(("rule", start, len(whole)))
    return whole, *cut_out(whole, spans)


@settings(deadline=None)
@given(LINES, st.data())
def test_a_mark_stays_on_its_own_occurrence(lines, data):
    whole, body, pieces = parted(lines)
    places = find(whole, "the pact")
    if not places:
        return
    mark = data.draw(st.sampled_from(places))
    moved = in_body(mark, pieces)
    found = marked_mention(body, "the pact", mark, find, pieces)
    if moved is not None:
        assert found == [moved]
        assert body[slice(*moved)] == "the pact"
    else:  # in a piece: the nearest one of those that the model sees
        assert all(body[slice(*span)] == "the pact" for span in found)
        assert bool(found) == bool(find(body, "the pact"))


@given(LINES)
def test_a_mark_on_another_word_is_taken_where_the_body_has_it(lines):
    whole, body, pieces = parted([*lines, ("it rose", False)])
    mark = (whole.index("it rose"), whole.index("it rose") + 2)
    assert marked_mention(body, "the treaty", mark, find, pieces) == [in_body(mark, pieces)]


def test_a_mark_in_a_piece_is_nowhere_in_the_body():
    whole, body, pieces = parted([("no", False), ("it rose", True), ("no", False)])
    mark = (whole.index("it"), whole.index("it") + 2)
    assert marked_mention(body, "the treaty", mark, find, pieces) == []

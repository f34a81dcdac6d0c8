import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest import tidy
from pipeline.preparation import in_body, in_whole, put_together
from pipeline.preparation.boilerplate import BoilerplateFinder
from pipeline.preparation.rules import BoilerplateRule, Stands, packaged_rules
from pipeline.preparation.screen import bit_of, screen_for, suspects

RULES = packaged_rules()
FINDER = BoilerplateFinder(RULES)
NAMES = list(RULES)

PROSE = [
    "The council met at noon.", "Nobody spoke against the levy, and so it stands.",
    "Die Fähren bleiben im Hafen, sagte die Ministerin.", "- forty ferries", "“No,” she said.",
    "x", "Ж 👍 e\u0301 — …",
]  # fmt: skip
BOILERPLATE = [
    "Read more: Salt and its friends", "Advertisement", "© 2031 Harbour Post", "Share this article",
    "By Ada Wien", "Related articles", "The quay. Photo: Ada Wien", "5 min read",
    "This article was amended on Monday.",
    "VARN (Reuters) - The council met.", "The quay of Varn before the storm",
]  # fmt: skip
LINES = st.lists(
    st.tuples(st.sampled_from([*PROSE, *BOILERPLATE]), st.sampled_from(["\n", "\n\n"])),
    min_size=1,
    max_size=12,
)
TEXTS = LINES.map(lambda lines: tidy("".join(line + end for line, end in lines)))


def set_apart(text, finder=FINDER):
    return finder.set_apart(pa.array([text], pa.large_string())).get(0, (text, []))


@settings(deadline=None)
@given(TEXTS)
def test_body_and_pieces_make_up_the_text_again(text):
    body, pieces = set_apart(text)
    assert put_together(body, pieces) == text
    assert tidy(body) == body
    assert body
    assert [piece.start for piece in pieces] == sorted(piece.start for piece in pieces)
    for piece in pieces:
        assert text[piece.start : piece.start + len(piece.text)] == piece.text


@settings(deadline=None)
@given(TEXTS, st.data())
def test_places_go_to_the_whole_text_and_back(text, data):
    body, pieces = set_apart(text)
    start = data.draw(st.integers(0, len(body) - 1))
    end = data.draw(st.integers(start + 1, len(body)))
    ((first, stop),) = in_whole([(start, end)], pieces)
    crossed = [p for p in pieces if first < p.start + len(p.text) and p.start < stop]
    without = text[first:stop]
    for piece in reversed(crossed):
        at = piece.start - first
        without = without[:at] + without[at + len(piece.text) :]
    assert without == body[start:end]
    assert in_body((first, stop), pieces) == (None if crossed else (start, end))


@settings(deadline=None)
@given(TEXTS)
def test_the_screen_passes_over_no_line_that_a_rule_would_take(text):
    found = suspects(pa.array([text], pa.large_string()), screen_for(RULES))
    bits = dict(zip(found.lines.tolist(), found.masks.tolist(), strict=True))
    for number, line in enumerate(text.split("\n")):
        for place, rule in enumerate(RULES.values()):
            if rule.pattern is None or rule.stands is Stands.FIRST:
                continue
            if line and rule.is_candidate(line) and rule.found_in(line):
                assert bits.get(number, 0) & bit_of(place), (line, NAMES[place])


def test_texts_of_a_batch_are_told_apart():
    texts = ["Alone.", "Body.\n\nAdvertisement\n\nMore.", "Advertisement", "Body.\nShare"]
    whole = pa.array(["Advertisement", *texts], pa.large_string())
    found = FINDER.set_apart(whole.slice(1))
    assert {row: body for row, (body, _) in found.items()} == {1: "Body.\n\nMore.", 3: "Body."}


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("A one.\n\nAdvertisement\n\nB two.", "A one.\n\nB two."),
        ("A one.\nAdvertisement\nB two.", "A one.\nB two."),
        ("A one.\n\nAdvertisement\nB two.", "A one.\n\nB two."),
        ("A one.\nAdvertisement\n\nShare\nB two.", "A one.\n\nB two."),
        ("Advertisement\n\nA one.", "A one."),
        ("A one.\n\nAdvertisement", "A one."),
        ("VARN (Reuters) - A one.\n\nShare", "A one."),
        ("Share\n\nVARN — Forty boats.\n\nB two.", "Forty boats.\n\nB two."),
        ("The levy stays\nVARN (Reuters) - Forty boats.", "The levy stays\nForty boats."),
        ("The levy stays.\nVARN (Reuters) - Boats.", "The levy stays.\nVARN (Reuters) - Boats."),
        ("A one. Photo: Ada Wien\n\nB two.", "A one.\n\nB two."),
        ("Advertisement\n\nShare", "Advertisement\n\nShare"),
        ("Advertisement", "Advertisement"),
        ("", ""),
    ],
)
def test_what_is_left_is_tidy(text, body):
    assert set_apart(text)[0] == body


def test_a_line_that_comes_again_is_set_apart_the_second_time():
    text = (
        "The quay of Varn at dawn\n\nForty boats.\n\nThe quay of Varn at dawn\n\nNo. No.\n\nNo. No."
    )
    body, pieces = set_apart(text)
    assert body == "The quay of Varn at dawn\n\nForty boats.\n\nNo. No.\n\nNo. No."
    assert [(piece.rule, piece.start) for piece in pieces] == [("repeated-caption", 40)]


@pytest.mark.slow
@pytest.mark.timeout(60)  # a look at all lines before takes minutes
def test_many_lines_that_come_again_are_found_at_once():
    half = "\n".join(f"The quay of Varn on day {number}" for number in range(60_000))
    body, pieces = set_apart(f"{half}\n{half}")
    assert body == half
    assert len(pieces) == 60_000


def test_a_list_of_links_goes_with_its_heading():
    text = "Forty boats.\n\nRelated articles\n- Salt\n- Fish\n\nThe levy stays."
    body, pieces = set_apart(text)
    assert body == "Forty boats.\n\nThe levy stays."
    assert [piece.rule for piece in pieces] == ["related-links"] * 3


def test_a_rule_of_the_edges_leaves_the_middle():
    middle = "\n".join(f"Line {number} of the report." for number in range(20))
    stamp = "Published on 3 May 2031"
    assert set_apart(f"{stamp}\n{middle}\n{stamp}")[0] == middle
    half = middle.replace("Line 10 of the report.", stamp)
    assert set_apart(half) == (half, [])


def test_a_pile_of_footers_is_taken_from_the_end():
    lines = [f"Reporting by Ada {letter}ien" for letter in "ABCDEFGHIJK"]
    assert set_apart("\n".join(["Forty boats.", *lines]))[0] == "Forty boats."


def test_very_long_and_empty_texts_pass():
    text = "salt " * 40_000 + "\n\nAdvertisement"
    assert set_apart(text)[0] == text.removesuffix("\n\nAdvertisement")
    assert FINDER.set_apart(pa.array([], pa.large_string())) == {}


def test_more_rules_than_bits_find_what_they_look_for():
    rules = {
        f"rule-{number}": BoilerplateRule(words=[f"word{number}"], pattern=f"word{number} here")
        for number in range(130)
    }
    finder = BoilerplateFinder(rules)
    for number in (0, 63, 64, 129):
        body, pieces = set_apart(f"Forty boats.\n\nword{number} here", finder)
        assert (body, pieces[0].rule) == ("Forty boats.", f"rule-{number}")


def test_rules_without_words_look_at_every_line():
    finder = BoilerplateFinder({"stars": BoilerplateRule(pattern=r"\*+")})
    assert set_apart("One.\n***\nTwo.", finder)[0] == "One.\nTwo."

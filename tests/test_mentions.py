import itertools
import re
import sys

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.codebook import Target
from pipeline.mentions import MentionFinder, for_targets

PACT = {"pact": ["the Northern Pact", "Northern Pact", "U.S."]}


def words(finder: MentionFinder, text: str) -> dict[str, list[str]]:
    return {
        target: [text[start:end] for start, end in spans]
        for target, spans in finder.find(text).items()
    }


@pytest.mark.parametrize(
    ("wording", "text", "found"),
    [
        ("U.S.", "the U.S. said", ["U.S."]),
        ("U.S.", "(U.S.)", ["U.S."]),
        ("U.S.", "U.S.-led", ["U.S."]),
        ("U.S.", "the U.S.A", []),
        ("U.S.", "Two groups of soldiers", []),
        ("US", "the US and the us, the USA, BUSINESS", ["US"]),
        ("US", "_US US1 éUS US", ["US"]),
        ("Pact", "PACT, pact and Pact's impact", ["PACT", "pact", "Pact"]),
        ("the  Pact", "the\n\t Pact; the Pact", ["the\n\t Pact", "the Pact"]),
        ("O'Brien", "O’Brien and O'BRIEN", ["O’Brien", "O'BRIEN"]),
        ("anti-pact", "anti\u2011pact", ["anti\u2011pact"]),
        ("#Pact", "see #pact but not a#Pact", ["#pact"]),
        ("C++ (team)", "the c++ (team) won", ["c++ (team)"]),
        ("a.c", "abc", []),
        ("Путин", "ПУТИН сказал, Путина", ["ПУТИН"]),
        ("北约", "在 北约 之后", ["北约"]),
        ("السلام", "قال السلام اليوم", ["السلام"]),
        ("भारत", "भारत और भारतीय भारती", ["भारत"]),
        ("pact", "👍pact👍 ❤️pact", ["pact", "pact"]),
        ("x", "x", ["x"]),
        ("Istanbul", "İSTANBUL", ["İSTANBUL"]),
        ("Pact", "", []),
    ],
)
def test_wording_is_found_literally_at_word_boundaries(
    wording: str, text: str, found: list[str]
) -> None:
    finder = MentionFinder({"t": [wording]})
    assert words(finder, text) == ({"t": found} if found else {})
    assert list(finder.find_in(pa.array([text], pa.large_string()))) == (
        [(0, finder.find(text))] if found else []
    )


def test_longest_wording_of_a_target_is_the_mention() -> None:
    assert words(MentionFinder(PACT), "the Northern Pact, Northern Pact") == {
        "pact": ["the Northern Pact", "Northern Pact"]
    }


def test_longer_of_two_targets_wins_wherever_it_begins() -> None:
    finder = MentionFinder({"paper": ["New York Times"], "hall": ["York Times Square Garden"]})
    assert words(finder, "New York Times Square Garden") == {"hall": ["York Times Square Garden"]}
    assert words(finder, "New York Times") == {"paper": ["New York Times"]}


def test_exact_case_goes_before_any_case() -> None:
    finder = MentionFinder({"pronoun": ["us"], "country": ["US"]})
    assert finder.find("us US Us") == {"pronoun": [(0, 2), (6, 8)], "country": [(3, 5)]}


def test_targets_of_a_codebook_are_found_by_name_and_alias() -> None:
    finder = for_targets([Target(id="pact", name="Northern Pact", aliases=["NP"])])
    assert finder.find("The Northern Pact (NP) and np") == {"pact": [(4, 17), (19, 21)]}


def test_no_wordings_find_nothing() -> None:
    finder = MentionFinder({"t": ["", "  "]})
    assert finder.find("anything") == {}
    assert list(finder.find_in(pa.array(["anything"], pa.large_string()))) == []


def test_many_texts_give_rows_with_mentions_in_order() -> None:
    texts = ["none", "the pact", None, ""] * 3000 + ["Pact"]
    chunks = pa.chunked_array(
        [pa.array(texts[:5], pa.large_string()), texts[5:]], pa.large_string()
    )
    found = list(MentionFinder({"t": ["Pact"]}).find_in(chunks))
    assert [row for row, _ in found] == [
        row for row, text in enumerate(texts) if text and "act" in text
    ]
    assert found[0] == (1, {"t": [(4, 8)]})
    assert list(MentionFinder({"t": ["Pact"]}).find_in(pa.array([], pa.large_string()))) == []


def test_thousands_of_wordings_are_told_apart() -> None:
    finder = MentionFinder({f"t{number}": [f"Union {number}"] for number in range(3000)})
    text = "union 7 and Union 2999 and Union 3000"
    assert words(finder, text) == {"t7": ["union 7"], "t2999": ["Union 2999"]}
    assert len(list(finder.find_in(pa.array([text, "Union x"], pa.large_string())))) == 1


def test_every_letter_is_found_in_the_cases_that_re_takes_for_equal() -> None:
    cased = [c for c in map(chr, range(sys.maxunicode)) if c.islower() and len(c.upper()) == 1]
    for letter in cased:
        other = letter.upper()
        if re.fullmatch(letter, other, re.IGNORECASE):
            finder = MentionFinder({"t": [letter]})
            texts = pa.array([other], pa.large_string())
            assert list(finder.find_in(texts)) == [(0, {"t": [(0, 1)]})], letter


ALPHABET = st.text("aAbBsS. -'’\n1_éİıſKσς北", max_size=8)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(ALPHABET, max_size=4), st.lists(ALPHABET, max_size=4))
def test_many_texts_give_what_each_gives_and_spans_never_overlap(
    wordings: list[str], parts: list[str]
) -> None:
    finder = MentionFinder({f"t{index}": [wording] for index, wording in enumerate(wordings)})
    text = " ".join([*parts, *wordings])
    found = finder.find(text)
    assert dict(finder.find_in(pa.array([text], pa.large_string()))) == (
        {0: found} if found else {}
    )
    spans = sorted(span for target in found.values() for span in target)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))
    assert all(start < end for start, end in spans)

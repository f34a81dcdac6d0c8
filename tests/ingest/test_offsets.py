import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest import spans_in_raw, tidy

TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from("ab \t\n\r\u00a0\ufeffé\u0301\u0308ÅK가각שלا👍𝅗𝅥ऩ"),
        st.characters(exclude_categories=("Cs",), exclude_characters="\0"),
    ),
    max_size=40,
)


@pytest.mark.parametrize(
    ("raw", "piece", "found"),
    [
        ("  Two   words.\r\nMore  here. ", "Two words.", "Two   words."),
        ("  Two   words.\r\nMore  here. ", "More here.", "More  here."),
        ("\ufeffCafe\u0301 ferme\u0301.  Non.", "Café fermé.", "Cafe\u0301 ferme\u0301."),
        ("👍  Schön\u00a0\u00a0war es.", "Schön war es.", "Schön\u00a0\u00a0war es."),
        ("שלום  עולם.", "שלום עולם.", "שלום  עולם."),
        ("clean.", "clean.", "clean."),
    ],
)
def test_a_piece_of_the_tidied_text_is_found_in_the_raw_one(raw, piece, found):
    tidied = tidy(raw)
    start = tidied.index(piece)
    ((first, stop),) = spans_in_raw(raw, tidied, [(start, start + len(piece))])
    assert raw[first:stop] == found


@given(TEXT, st.data())
def test_what_is_found_is_the_same_text_once_tidied(raw, data):
    tidied = tidy(raw)
    words = tidied.split()
    if not words or unicodedata.combining(tidied[0]):
        return
    word = data.draw(st.sampled_from(words))
    start = tidied.index(word)
    if unicodedata.combining(word[0]):
        return
    ((first, stop),) = spans_in_raw(raw, tidied, [(start, start + len(word))])
    assert unicodedata.normalize("NFC", raw[first:stop]).replace("\ufeff", "") == word


def test_no_spans_are_no_spans():
    assert spans_in_raw("a  b", "a b", []) == []

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest import tidy

LONG = "The ministers did not agree on the strait. " * 40


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("one word", "one word"),
        ("  at the ends \n", "at the ends"),
        ("two  spaces\tand a tab", "two spaces and a tab"),
        ("dos\r\nmac\runix\n", "dos\nmac\nunix"),
        ("a \n b", "a\nb"),
        ("a\n\nb", "a\n\nb"),
        ("a\n \n\t\n\n\nb", "a\n\nb"),
        ("\ufeffmarked\ufeff twice", "marked twice"),
        ("prix\u00a0: 3\u202f000\u00a0\u00a0€", "prix : 3 000 €"),
        ("cafe\u0301 und Straße", "café und Straße"),
        ("e\ufeff\u0301", "é"),
        ("ＡＢＣ １２３ ﬁn", "ＡＢＣ １２３ ﬁn"),
        ("Ελλάδα  δεν συμφωνεί", "Ελλάδα δεν συμφωνεί"),
        ("ليس  الحلف تهديدًا\r\nلأحد", "ليس الحلف تهديدًا\nلأحد"),
        ("同盟は  脅威ではない。", "同盟は 脅威ではない。"),
        ("한국\u0020\u0020신문", "한국 신문"),
        ("👩‍👧  🇫🇷 👍🏽", "👩‍👧 🇫🇷 👍🏽"),
        ("می‌خواهم", "می‌خواهم"),
        ("It's NOT a threat; don't, can't, no…", "It's NOT a threat; don't, can't, no…"),
        ("see https://x.example/a?b=1 #tag @name", "see https://x.example/a?b=1 #tag @name"),
    ],
)
def test_table_of_inputs_and_outputs(text: str, expected: str) -> None:
    assert tidy(text) == expected


@pytest.mark.parametrize("flaw", ["  ", " \n", "\n ", "\n\n\n", "\t", "\r\n", "\u00a0"])
@pytest.mark.parametrize("letters", ["", "é"])
def test_a_flaw_in_a_long_text_is_mended_like_in_a_short_one(flaw: str, letters: str) -> None:
    begin, end = LONG.strip() + letters, letters + LONG.strip()

    assert tidy(begin + flaw + end) == begin + tidy(f"a{flaw}b")[1:-1] + end


def test_clean_long_text_comes_back_as_the_same_object() -> None:
    text = (LONG.strip() + "\n\n" + LONG.strip() + "\n") * 3 + "End."

    assert tidy(text) is text


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from(" \t\n\r\u00a0\ufeffae\u0301é.✓"), max_size=40))
def test_tidying_twice_changes_nothing_more(text: str) -> None:
    once = tidy(text * 60)

    assert tidy(once) == once
    assert tidy(text) == tidy(tidy(text))
    assert not any(mark in once for mark in ("  ", " \n", "\n ", "\n\n\n", "\t", "\r", "\ufeff"))


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_no_visible_character_is_lost(text: str) -> None:
    def visible(text: str) -> str:
        text = unicodedata.normalize("NFC", text.replace("\ufeff", ""))
        return "".join(
            character for character in text if character not in " \t\r\n\u00a0\u2007\u202f"
        )

    assert visible(tidy(text)) == visible(text)


ODD = (
    " \t\n\r\x00\x1f\x7f\u00a0\u0300\u0340\u1e9b\u2000\u2009\u2010\u2019\u2026\u202f"
    "\u20ac\u20d0\u212b\u1100\u1161가中👍"
)


@settings(deadline=None)
@given(st.text(alphabet=st.one_of(st.sampled_from("ab.é" + ODD), st.characters(codec="utf-8"))))
def test_what_is_recognised_as_clean_is_what_the_rules_leave_alone(text: str) -> None:
    expected = unicodedata.normalize("NFC", text.replace("\ufeff", ""))
    expected = re.sub("\r\n?", "\n", expected)
    expected = re.sub("[ \t\u00a0\u2007\u202f]+", " ", expected)
    expected = re.sub(" ?\n ?", "\n", expected)
    expected = re.sub("\n{3,}", "\n\n", expected).strip(" \n")

    assert tidy(text) == expected

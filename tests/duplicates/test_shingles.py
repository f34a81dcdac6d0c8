import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.duplicates.shingles import SHINGLE_WORDS, containment, jaccard, minhash, shingle_sets

INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])


def plain_words(text: str) -> list[str]:
    """The words as the module's docstring defines them, in plain Python."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(INVISIBLE)
    return re.findall(r"\w+", folded) or ["".join(folded.split())]


def plain_shingles(text: str) -> set[tuple[str, ...]]:
    words = plain_words(text)
    size = min(SHINGLE_WORDS, len(words))
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}


def same_words(one: str, other: str) -> bool:
    digests = shingle_sets([one, other]).digests
    return bool((digests[0] == digests[1]).all())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The vote, on Monday.", "the VOTE on\n\nmonday"),
        ("“Don’t,” she said – twice", '"Don\'t", she said - twice'),
        ("Zürich", "Zu\u0308rich"),
        ("ＡＢＣ １２３ ﬁve", "abc 123 five"),
        ("Straße", "STRASSE"),
        ("co\u00adoperation zero\u200bwidth", "cooperation zerowidth"),
        ("Ελλάδα ΝΑΙ", "ελλάδα ναι"),
    ],
)
def test_form_does_not_count(one: str, other: str) -> None:
    assert same_words(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("not a threat", "a threat"),
        ("one two", "two one"),
        ("one two", "onetwo"),
        ("3.5", "35"),
        ("naïve", "naive"),
        ("…", "!"),
        ("🙂", "🙁"),
        ("", "a"),
        ("مرحبا بكم", "مرحبا بك"),
        ("a b", "a b b"),
    ],
)
def test_words_and_their_order_count(one: str, other: str) -> None:
    assert not same_words(one, other)


TEXTS = st.text(st.sampled_from("abA .,\n\u00ad\u200bé\u0301ß“🙂中ﬁ_1"), max_size=60)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(one=TEXTS, other=TEXTS)
def test_the_compiled_pass_agrees_with_plain_python(one: str, other: str) -> None:
    sets = shingle_sets([one, other])
    mine, yours = plain_shingles(one), plain_shingles(other)
    assert [len(sets[0]), len(sets[1])] == [len(mine), len(yours)]
    assert jaccard(sets[0], sets[1]) == len(mine & yours) / len(mine | yours)
    assert containment(sets[0], sets[1]) == len(mine & yours) / min(len(mine), len(yours))
    assert same_words(one, other) == (plain_words(one) == plain_words(other))


def test_a_batch_gives_what_each_text_gives_alone() -> None:
    texts = ["a b c d e f", "", "ü " * 50, "one", "a b c d e f"]
    together = shingle_sets(texts)
    for place, text in enumerate(texts):
        alone = shingle_sets([text])
        assert together[place].tolist() == alone[0].tolist()
        assert together.digests[place].tolist() == alone.digests[0].tolist()
    assert len(shingle_sets([])) == 0
    assert minhash(shingle_sets([])).shape == (0, 128)


def test_shingles_depend_on_order_and_length() -> None:
    sets = shingle_sets(["a b c d e", "e d c b a", "a b c d", "a a a a a a a a"])
    assert jaccard(sets[0], sets[1]) == jaccard(sets[0], sets[2]) == 0
    assert len(sets[3]) == 1


def test_a_very_long_word_and_a_very_long_text() -> None:
    sets = shingle_sets(["x" * 100_000, " ".join(map(str, range(100_000)))])
    assert np.diff(sets.bounds).tolist() == [1, 99_996]


def test_hashes_are_the_same_in_every_process() -> None:
    sets = shingle_sets(["Pact"])
    assert sets.values.tolist() == [16000799848883243902]
    assert sets.values.dtype == np.uint64

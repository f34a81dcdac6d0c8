import random

import pyarrow as pa
import pytest
from datasketch import MinHash, MinHashLSH

from pipeline.duplicates.near_duplicates import NearDuplicates, find_near_duplicates

WORDS = [f"word{number}" for number in range(12)]


def find(*texts: str, threshold: float = 0.8) -> NearDuplicates:
    return find_near_duplicates(pa.chunked_array([texts], pa.large_string()), threshold)


def pairs(near: NearDuplicates) -> set[tuple[int, int]]:
    return {(one, other) for one, all_ in near.similar.items() for other, _ in all_ if one < other}


def grams(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def similarity(one: str, other: str) -> float:
    return len(grams(one) & grams(other)) / len(grams(one) | grams(other))


def changed_texts(seed: int, count: int) -> list[str]:
    """Return texts of 60 to 200 words, each followed by one with some of its words replaced."""
    chance = random.Random(seed)
    texts = []
    for _ in range(count):
        words = [f"w{chance.randrange(20_000)}" for _ in range(chance.randrange(60, 200))]
        texts.append(" ".join(words))
        for _ in range(chance.randrange(1, 9)):
            words[chance.randrange(len(words))] = f"v{chance.randrange(20_000)}"
        texts.append(" ".join(words))
    return texts


def test_case_punctuation_and_white_space_do_not_count() -> None:
    near = find("The vote, on Monday.", "the VOTE on\n\nmonday", "the vote on tuesday")
    assert near.first == [0, 0, 2]
    assert near.similar == {}
    assert list(near.of(1)) == [(0, 1.0)]


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("", "a"),
        ("a", "b"),
        ("one two three", "one two three four"),
        ("one two three four five", "one two three four six"),
        ("🙂", "🙁"),
        ("…", "!"),
        ("مرحبا بكم", "مرحبا بك"),
    ],
)
def test_short_texts_are_similar_to_their_equals_only(text: str, other: str) -> None:
    near = find(text, other, text, threshold=0.3)
    assert near.first == [0, 1, 0]
    assert near.similar == {}


def test_similarity_is_exact_and_the_threshold_is_within() -> None:
    # Twelve words are eight 5-grams; a thirteenth is one more.
    longer = " ".join([*WORDS, "thirteen"])
    assert find(" ".join(WORDS), longer, threshold=8 / 9).similar == {
        0: [(1, 8 / 9)],
        1: [(0, 8 / 9)],
    }
    assert find(" ".join(WORDS), longer, threshold=0.89).similar == {}


def test_no_texts_and_one_text_have_no_near_duplicates() -> None:
    assert find() == NearDuplicates([], {})
    assert find("one") == NearDuplicates([0], {})


@pytest.mark.slow
def test_no_pair_that_brute_force_finds_is_missed() -> None:
    texts = changed_texts(seed=5, count=60)
    expected = {
        (i, j)
        for i in range(len(texts))
        for j in range(i + 1, len(texts))
        if similarity(texts[i], texts[j]) >= 0.7
    }
    assert 10 < len(expected) < 60
    assert pairs(find(*texts, threshold=0.7)) == expected


@pytest.mark.slow
def test_datasketch_finds_no_pair_that_is_missed() -> None:
    texts = changed_texts(seed=6, count=150)
    index = MinHashLSH(threshold=0.5, num_perm=128)
    signatures = [MinHash(num_perm=128) for _ in texts]
    for number, (text, signature) in enumerate(zip(texts, signatures, strict=True)):
        signature.update_batch([" ".join(gram).encode() for gram in grams(text)])
        index.insert(number, signature)
    expected = {
        (number, other)
        for number, signature in enumerate(signatures)
        for other in index.query(signature)
        if number < other and similarity(texts[number], texts[other]) >= 0.8
    }
    assert len(expected) > 20
    assert expected <= pairs(find(*texts))


def test_many_headlines_with_one_beginning_stay_apart_and_quick() -> None:
    chance = random.Random(1)
    texts = [
        f"breaking news live updates on the {' '.join(chance.choices(WORDS, k=6))} {number}"
        for number in range(3000)
    ]
    near = find(*texts, *texts[:10])
    assert near.first == [*range(3000), *range(10)]
    assert pairs(near) == set()


def test_article_order_and_company_do_not_change_what_is_similar() -> None:
    texts = changed_texts(seed=7, count=20)
    alone = pairs(find(*texts))
    assert pairs(find(*texts, *changed_texts(seed=8, count=20))) >= alone
    backwards = {
        (len(texts) - 1 - other, len(texts) - 1 - one) for one, other in pairs(find(*texts[::-1]))
    }
    assert backwards == alone


def test_chunks_of_the_column_do_not_matter() -> None:
    texts = changed_texts(seed=9, count=10)
    chunks = pa.chunked_array([texts[:3], texts[3:4], [], texts[4:]], pa.large_string())
    assert find_near_duplicates(chunks, 0.8) == find(*texts)


def wire_copies(count: int) -> list[str]:
    """Return texts each of which differs from the first in one word."""
    words = [f"word{number}" for number in range(100)]
    texts = []
    for number in range(count):
        changed = list(words)
        changed[number % 90] = f"other{number}"
        texts.append(" ".join(changed))
    return texts


def test_many_copies_are_paired_with_the_first_of_each_side_and_not_all_with_all() -> None:
    sides = ["train"] * 500 + ["test"] * 100
    near = find_near_duplicates(pa.chunked_array([wire_copies(600)]), 0.8, sides)
    twice = find_near_duplicates(pa.chunked_array([wire_copies(1200)]), 0.8, sides * 2)
    assert len(pairs(twice)) < 3 * len(pairs(near))
    for article, side in enumerate(sides):
        met = {sides[other] for other, _ in near.of(article) if other != article}
        assert met == {"train", "test"}, (article, side)


def test_a_copy_of_a_text_on_another_side_is_met_though_its_first_is_not() -> None:
    texts = wire_copies(600)
    # The 500th text is on test too, and nothing else is.
    sides = ["train"] * 600 + ["test"]
    near = find_near_duplicates(pa.chunked_array([[*texts, texts[500]]]), 0.8, sides)
    assert near.first[600] == 500
    assert all(500 in {other for other, _ in near.of(article)} for article in range(600))

import random
import tempfile
import time
from collections.abc import Sequence

import numpy as np
import pytest
from datasketch import MinHash, MinHashLSH

from pipeline.duplicates.stories import StoryFinder

WORDS = [f"word{number}" for number in range(3000)]


def stories(
    texts: Sequence[str], near: float = 0.8, contained: float | None = None, at_once: int = 1000
) -> list[int]:
    with tempfile.TemporaryFile() as scratch:
        finder = StoryFinder(near, contained, 50, scratch)
        for start in range(0, len(texts), at_once):
            finder.add(texts[start : start + at_once])
        return finder.stories().tolist()


def made(draw: random.Random, words: int) -> list[str]:
    return draw.choices(WORDS, k=words)


def changed(draw: random.Random, words: list[str], count: int) -> list[str]:
    words = list(words)
    for at in draw.sample(range(len(words)), count):
        words[at] = f"other{draw.randrange(10**9)}"
    return words


def grams(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[at : at + 5]) for at in range(len(words) - 4)}


def similarity(one: str, other: str) -> float:
    return len(grams(one) & grams(other)) / len(grams(one) | grams(other))


def components(texts: Sequence[str], threshold: float) -> list[int]:
    """The stories by comparing every text with every other."""
    story = list(range(len(texts)))
    for other in range(len(texts)):
        for one in range(other):
            if story[one] != story[other] and similarity(texts[one], texts[other]) >= threshold:
                low, high = sorted((story[one], story[other]))
                story = [low if each == high else each for each in story]
    return story


def chains(seed: int, count: int) -> list[str]:
    """Texts each of which is an edit of the one before it, four to a chain, in mixed order."""
    draw = random.Random(seed)
    texts = []
    for _ in range(count):
        words = made(draw, draw.randrange(60, 160))
        for _ in range(4):
            texts.append(" ".join(words))
            words = changed(draw, words, draw.randrange(1, 6))
    draw.shuffle(texts)
    return texts


def test_no_article_one_and_two_equal_ones() -> None:
    assert stories([]) == []
    assert stories(["", "🙂"]) == [0, 1]
    assert stories(["One vote.", "two", "ONE  vote"], contained=0.9) == [0, 1, 0]


def test_a_chain_of_edits_is_one_story_though_its_ends_are_unlike() -> None:
    draw = random.Random(1)
    words = made(draw, 100)
    chain = [words]
    for step in range(4):
        words = [*words[: 12 * step], *made(draw, 2), *words[12 * step + 2 :]]
        chain.append(words)
    texts = [" ".join(each) for each in chain]
    assert similarity(texts[0], texts[-1]) < 0.8
    assert stories(texts[::-1]) == [0] * 5
    assert stories([texts[0], texts[-1]]) == [0, 1]


@pytest.mark.parametrize("threshold", [0.6, 0.8])
def test_stories_are_those_that_comparing_all_with_all_gives(threshold: float) -> None:
    texts = chains(seed=2, count=25)
    expected = components(texts, threshold)
    assert 25 < len(set(expected)) < 100
    assert stories(texts, threshold) == expected


def test_neither_batches_nor_company_change_a_story() -> None:
    texts = chains(seed=3, count=20)
    alone = stories(texts)
    assert stories(texts, at_once=7) == alone
    assert stories([*texts, *chains(seed=4, count=20)])[: len(texts)] == alone


def test_datasketch_finds_no_pair_that_is_missed() -> None:
    texts = chains(seed=5, count=40)
    index = MinHashLSH(threshold=0.5, num_perm=128)
    signatures = [MinHash(num_perm=128) for _ in texts]
    for number, (text, signature) in enumerate(zip(texts, signatures, strict=True)):
        signature.update_batch([" ".join(gram).encode() for gram in grams(text)])
        index.insert(number, signature)
    linked = [
        (number, other)
        for number, signature in enumerate(signatures)
        for other in index.query(signature)
        if number < other and similarity(texts[number], texts[other]) >= 0.8
    ]
    assert len(linked) > 20
    found = stories(texts)
    assert all(found[one] == found[other] for one, other in linked)


def test_a_shortened_copy_is_found_where_the_longer_holds_enough_of_it() -> None:
    draw = random.Random(6)
    whole = made(draw, 400)
    third, short = whole[150:280], whole[:40]
    half_own = whole[:80] + made(draw, 80)
    texts = [" ".join(words) for words in (third, whole, short, half_own)]
    assert stories(texts) == [0, 1, 2, 3]
    assert stories(texts, contained=0.9) == [0, 0, 2, 3]
    # A little more than the 76 of 156 shingles that it shares.
    assert stories(texts, contained=0.52) == [0, 0, 2, 3]


def test_shortened_copies_are_found_beside_many_copies_of_the_whole() -> None:
    draw = random.Random(7)
    whole = made(draw, 300)
    texts = [" ".join(changed(draw, whole, 2)) for _ in range(200)] + [" ".join(whole[:100])]
    assert set(stories(texts, contained=0.9)) == {0}


def test_a_footer_that_everybody_has_makes_no_story() -> None:
    draw = random.Random(8)
    footer = made(draw, 60)
    texts = [" ".join([*made(draw, 20), *footer]) for _ in range(200)]
    assert stories(texts, contained=0.9) == list(range(200))


@pytest.mark.slow
def test_ten_thousand_copies_do_not_make_fifty_million_pairs() -> None:
    draw = random.Random(9)
    words = made(draw, 60)
    texts = [" ".join(changed(draw, words, 1)) for _ in range(10_000)]
    stories(texts[:10], contained=0.9)  # compiles
    started = time.process_time()
    found = stories(texts, contained=0.9)
    assert time.process_time() - started < 20
    assert np.unique(found).tolist() == [0]

"""Static token vectors: which tokens a part averages, where they stand, how rare they are."""

import numpy as np
import pytest

from pipeline.encoders.static import distil, rarity, token_means

BODY = "Captains fear the Salt Pact. Growers cheer the Salt Pact loudly."


@pytest.fixture
def laid_out(bert, ask):
    texts, asked = ask(("Docks", BODY, "Salt Pact", None))
    tokens = bert.tokenizer.tokens(texts)
    size = bert.tokenizer.size
    return (
        tokens,
        size,
        token_means(tokens, asked, size, 3, bert.tokenizer.unknown, sees_target=True),
    )


def part_of(laid_out, part):
    _, size, means = laid_out
    inside = means.matrix.indices // size == part
    return means.matrix.indices[inside] % size, means.matrix.data[inside], means.places[inside]


def test_the_whole_text_is_averaged_token_by_token(laid_out):
    tokens, _, _ = laid_out
    ids, shares, places = part_of(laid_out, 0)
    np.testing.assert_array_equal(ids, tokens.ids)
    np.testing.assert_allclose(shares, 1 / len(tokens.ids))
    np.testing.assert_array_equal(places, tokens.spans[:, 0])


def test_the_parts_around_a_mention_are_what_stands_there(laid_out):
    text = f"Docks\n\n{BODY}"
    tokens, _, _ = laid_out

    def cut(part):
        _, shares, places = part_of(laid_out, part)
        assert shares.sum() == pytest.approx(1)
        ends = dict(tokens.spans.tolist())
        return [text[place : ends[place]] for place in places.tolist()]

    assert "".join(cut(3)) == "SaltPactSaltPact"
    assert cut(1)[-1] == "the"
    assert cut(2)[0] == "."
    assert not {"Sa", "Salt"} & {*cut(1), *cut(2)}


def test_a_text_without_a_mention_has_empty_parts(bert, ask):
    texts, asked = ask((None, "Nobody names it.", "Salt Pact", None))
    means = token_means(
        bert.tokenizer.tokens(texts), asked, bert.tokenizer.size, 3, None, sees_target=True
    )
    assert means.matrix.shape == (1, 4 * bert.tokenizer.size)
    assert (means.matrix.indices < bert.tokenizer.size).all()


def test_rare_tokens_weigh_more(bert, ask):
    texts, _ = ask((None, "the the the the the the the salt"))
    tokens = bert.tokenizer.tokens(texts)
    weights = rarity(tokens, np.array([0, 0]), bert.tokenizer.size, 0.5)
    common = bert.tokenizer.ids("the")[0]
    unseen = bert.tokenizer.ids("harbour")[0]
    share = (tokens.ids == common).mean()
    assert weights[common] == pytest.approx(0.5 / (0.5 + share))
    assert weights[unseen] == 1


def test_the_vocabulary_becomes_a_table(bert, tmp_path):
    table = distil(bert, 8, tmp_path)
    assert table.shape == (bert.tokenizer.size, 8)
    assert table.dtype == np.float32
    np.testing.assert_allclose(table.mean(axis=0), 0, atol=1e-4)
    spread = table.std(axis=0)
    assert (spread[:-1] >= spread[1:] - 1e-6).all()
    np.testing.assert_array_equal(table, distil(bert, 8, tmp_path))


def test_what_the_vocabulary_lacks_says_nothing(bert, ask):
    texts, asked = ask((None, "😱😱 salt"))
    tokenizer = bert.tokenizer
    means = token_means(
        tokenizer.tokens(texts), asked, tokenizer.size, 3, tokenizer.unknown, sees_target=False
    )
    np.testing.assert_array_equal(means.matrix.indices, tokenizer.ids("salt"))

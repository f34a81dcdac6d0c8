"""Pieces of texts are what Python's own slices of the bodies are."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.features import cut, in_lanes, texts_of

LETTERS = st.text(alphabet=st.sampled_from("ab .é中👍\u0301"), max_size=300)


def _texts(titles, bodies):
    return texts_of(pa.array(titles, pa.large_string()), pa.array(bodies, pa.large_string()))


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.tuples(st.none() | LETTERS, LETTERS), min_size=1, max_size=4), st.data())
def test_a_piece_is_the_slice_of_the_body(articles, data):
    texts = _texts([title for title, _ in articles], [body for _, body in articles])
    owners = data.draw(st.lists(st.integers(0, len(articles) - 1), max_size=6))
    places = [
        sorted(data.draw(st.tuples(*[st.integers(0, len(articles[owner][1]))] * 2)))
        for owner in owners
    ]

    pieces = cut(texts, np.array(owners, np.int64), np.array(places, np.int32).reshape(-1, 2))

    assert pieces.type == pa.large_string()
    assert pieces.to_pylist() == [
        articles[owner][1][start:stop] for owner, (start, stop) in zip(owners, places, strict=True)
    ]


def test_a_piece_far_into_a_long_text():
    body = "é" * 1000 + "The pact is no threat." + "中" * 500

    piece = cut(_texts(["Head"], [body]), np.zeros(1, np.int64), np.array([[1000, 1022]], np.int32))

    assert piece.to_pylist() == ["The pact is no threat."]


@pytest.mark.parametrize(("labels", "lanes"), [(1, 8), (8, 8), (9, 16), (21, 24)])
def test_lanes_are_the_weights_and_zeros_after_them(labels, lanes):
    weights = np.arange(1, 3 * labels + 1, dtype=np.float32).reshape(3, labels)

    padded = in_lanes(weights)

    assert padded.shape == (3, lanes)
    assert (padded[:, :labels] == weights).all()
    assert not padded[:, labels:].any()

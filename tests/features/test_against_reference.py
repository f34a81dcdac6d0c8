"""The compiled passes and the plain Python of `reference.py` are two tellings of one thing."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import NgramFeatures, TargetView
from pipeline.features import (
    NgramVectorizer,
    Parties,
    about_targets,
    reference,
    texts_of,
    whole_texts,
)
from pipeline.features.abbreviations import abbreviation_hashes
from pipeline.features.characters import classes, lower
from pipeline.features.ngrams import SOURCE, TARGET, Block
from pipeline.features.passes import emit_one
from pipeline.features.words import split_sentences, split_words, words_room

ALPHABET = "ab ABé Éñß.!?…\"'’“”«»()[]\n\t -_0129ЖжΩω中のé́👍🏽שلاहिं\u200d\u00a0\u3000。！U.S"
TEXT = st.text(
    alphabet=st.one_of(st.sampled_from(ALPHABET), st.characters(exclude_categories=("Cs",))),
    max_size=80,
)


def _texts(*bodies, title=None):
    titles = pa.array([title] * len(bodies), pa.large_string())
    return texts_of(titles, pa.array(bodies, pa.large_string()))


def _compiled_words(text):
    data = np.frombuffer(text.encode() or b"\0", np.uint8)
    stop = len(text.encode())
    room = words_room(stop)
    count = split_words(data, 0, stop, classes(), lower(), room)
    spans = np.zeros((stop + 2, 2), np.int32)
    found = split_sentences(
        data, 0, stop, classes(), lower(), count, room, abbreviation_hashes(), spans
    )
    points, bounds = room.points, room.bounds
    words = [
        reference.Word("".join(map(chr, points[bounds[w] : bounds[w + 1]])), int(room.places[w]))
        for w in range(count)
    ]
    for word, sentence in zip(words, room.sentences.tolist(), strict=False):
        assert spans[sentence, 0] <= word.start < spans[sentence, 1]
    return words, [tuple(map(int, span)) for span in spans[:found]]


@pytest.mark.slow
@settings(deadline=None, max_examples=300)
@given(TEXT)
def test_words_and_sentences_agree(text):
    words, sentences = _compiled_words(text)
    assert words == reference.words_of(text)
    assert sentences == reference.sentences_of(text)


@pytest.mark.slow
@settings(deadline=None, max_examples=150)
@given(
    TEXT,
    st.sampled_from([None, [1, 3], [3, 5]]),
    st.integers(1, 3),
    st.integers(1, 4),
    st.booleans(),
    st.data(),
)
def test_features_agree(text, chars, words, window, show, data):
    section = NgramFeatures(
        words=words, chars=chars, buckets_log2=20,
        target=TargetView(window=window, mention="mark" if show else "mask"),
    )  # fmt: skip
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6, unique=True)))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    roles = [data.draw(st.sampled_from([TARGET, SOURCE])) for _ in spans]
    mentions = [(*span, role) for span, role in zip(spans, roles, strict=True)]
    texts = _texts(text)
    titled = _texts(text, title=text)
    twice = f"{text}\n\n{text}"
    targets = [s for s, role in zip(spans, roles, strict=True) if role == TARGET]
    sources = [s for s, role in zip(spans, roles, strict=True) if role == SOURCE]
    for sees, source, asked, expected in (
        (
            False,
            titled,
            whole_texts(np.arange(1)),
            reference.article_features(twice, section, len(text) + 2),
        ),
        (
            True,
            texts,
            about_targets(texts, [0], [targets], [sources], [Parties("")]),
            reference.target_features(text, mentions, section),
        ),
    ):
        vectorizer = NgramVectorizer(section, sees_target=sees)
        corpus, recipe = vectorizer._corpus(source, asked), vectorizer._recipe()
        buckets, _, ends = emit_one(corpus, recipe, 0)
        starts = [0, *ends[:-1]]
        for block in Block:
            got = sorted(buckets[starts[block] : ends[block]].tolist())
            assert got == sorted(f.bucket for f in expected if f.block == block), block


@pytest.mark.slow
def test_rows_and_scores_agree_with_the_reference():
    section = NgramFeatures(chars=[3, 4], min_count=1, buckets_log2=22)
    bodies = [
        "The pact is no threat to anyone. “It never was,” said the minister.",
        "No threat? The pact threatens the harbour, the yards and the harbour's boats.",
        "Rain is likely in the north.",
    ]
    texts = _texts(*bodies)
    targets = [[(4, 8)], [(15, 19)], []]
    asked = about_targets(texts, [0, 1, 2], targets, [[], [], []], [Parties("")] * 3)
    vectorizer = NgramVectorizer(section, sees_target=True).fit(texts, asked)
    matrix = vectorizer.transform(texts, asked)
    idf = dict(zip(vectorizer.kept_.tolist(), vectorizer.idf_.tolist(), strict=True))
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(len(idf), 3)).astype(np.float32)
    bias = rng.normal(size=3).astype(np.float32)
    result = vectorizer.score(texts, asked, weights, bias, sentences=2)
    for row, body in enumerate(bodies):
        features = reference.target_features(body, [(*s, TARGET) for s in targets[row]], section)
        expected = reference.vector(features, idf)
        got = {
            int(vectorizer.kept_[c]): v
            for c, v in zip(matrix[[row]].indices, matrix[[row]].data, strict=True)
        }
        assert got.keys() == expected.keys()
        np.testing.assert_allclose([got[k] for k in expected], list(expected.values()), rtol=1e-5)
    np.testing.assert_allclose(result.scores, matrix @ weights + bias, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_evidence_adds_up_to_the_score_and_points_into_the_body():
    section = NgramFeatures(min_count=1)
    body = "Good news came. The pact ruined us all! Mr. Vey of the U.S. office left."
    texts = texts_of(
        pa.array(["A headline"], pa.large_string()), pa.array([body], pa.large_string())
    )
    asked = whole_texts(np.arange(1))
    vectorizer = NgramVectorizer(section, sees_target=False).fit(texts, asked)
    weights = np.ones((len(vectorizer.kept_), 2), np.float32) * np.float32([1, 0])
    result = vectorizer.score(texts, asked, weights, np.zeros(2, np.float32), sentences=5)
    shown = [body[a:b] for a, b in result.spans[0] if a >= 0]
    assert sorted(shown) == [
        "Good news came.",
        "Mr. Vey of the U.S. office left.",
        "The pact ruined us all!",
    ]
    assert list(result.gains[0]) == sorted(result.gains[0], reverse=True)
    headline = result.scores[0, 0] - result.gains[0].sum()
    assert 0 < headline < result.scores[0, 0]

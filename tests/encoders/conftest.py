"""Texts with mentions, and the tiny encoders as objects."""

import pyarrow as pa
import pytest

from pipeline.features import Parties, about_targets, texts_of, whole_texts


@pytest.fixture(scope="session")
def bert(tiny_bert):
    from pipeline.encoders import Encoder, find_encoder

    return Encoder(find_encoder(str(tiny_bert)))


@pytest.fixture(scope="session")
def roberta(tiny_roberta):
    from pipeline.encoders import Encoder, find_encoder

    return Encoder(find_encoder(str(tiny_roberta)))


@pytest.fixture
def sixteen_bits():
    """Skip where the processor does not multiply 16-bit numbers itself."""
    pytest.importorskip("torch")
    from pipeline.encoders.precision import half_of

    if half_of("auto") is None:
        pytest.skip("this processor does not multiply 16-bit numbers")


@pytest.fixture
def ask():
    """Make Texts and Asked of (title, body, target, source entity) as tables would."""

    def make(*rows):
        titles = pa.chunked_array([pa.array([row[0] for row in rows], pa.large_string())])
        bodies = pa.chunked_array([pa.array([row[1] for row in rows], pa.large_string())])
        texts = texts_of(titles, bodies)
        if rows and len(rows[0]) == 2:
            import numpy as np

            return texts, whole_texts(np.arange(len(rows)))
        targets, sources, parties = [], [], []
        for _, body, target, source in rows:
            targets.append(spans_in(body, target))
            sources.append(spans_in(body, source) if source else [])
            parties.append(Parties(target, source))
        return texts, about_targets(texts, range(len(rows)), targets, sources, parties)

    return make


def spans_in(text, wording):
    spans, at = [], text.find(wording)
    while at >= 0:
        spans.append((at, at + len(wording)))
        at = text.find(wording, at + 1)
    return spans

"""Votes by nearness: how like a text is to each label's description, to an encoder."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.codebook import Label
from pipeline.config import EncoderFeatures, ZeroShot
from pipeline.encoders import Encoder, open_encoder, windows_of
from pipeline.errors import ConfigError, DataError, MissingExtraError, UnavailableError
from pipeline.features.texts import Texts, texts_of, whole_texts
from pipeline.records import VOTES
from pipeline.votes.places import window
from pipeline.votes.questions import Questions, votes_for

NAME: Final = "zero_shot"
_LEAST_SPREAD: Final = 1e-6
_BETWEEN_MENTIONS: Final = " … "


@dataclass(frozen=True)
class Nearest:
    """What could be voted for, k candidates, each with how clear it is."""

    rows: NDArray[np.int64]  # [k] examples
    labels: NDArray[np.int64]  # [k]
    margins: NDArray[np.float64]  # [k] in standard deviations


def zero_shot_votes(
    questions: Questions,
    section: ZeroShot,
    gold: NDArray[np.bool_],
    known: NDArray[np.bool_],
    on_train: NDArray[np.bool_],
) -> tuple[pa.Table, dict[str, Any]]:
    """Return records.VOTES, and the margin from which on it votes, with how it was chosen.

    What is typical of each label, and which margin will do, is learned `on_train` [n]; `gold` [n,
    labels] is read there where it is `known` [n]. Cost: one pass of the encoder over at most
    `windows` windows of each example.
    """
    candidates = nearest(similarities(questions, section), questions.many, on_train)
    margin, about = _margin(candidates, section, gold, known & on_train)
    tables = []
    for place, label in enumerate(questions.task.label_ids):
        ours = (candidates.labels == place) & (candidates.margins >= margin)
        tables.append(votes_for(questions, NAME, candidates.rows[ours], label))
    return pa.concat_tables(tables) if tables else VOTES.empty_table(), about


def encoder_digest(section: ZeroShot) -> str:
    """Return the digest of the encoder's files: other weights under a name vote otherwise."""
    return _open(section).files.digest


def similarities(questions: Questions, section: ZeroShot) -> NDArray[np.float32]:
    """Return the cosine of each example and the description of each label, [n, labels]."""
    encoder = _open(section)
    labels = sorted(questions.task.labels, key=lambda label: label.id)
    described = _vectors(encoder, _texts(list(map(describe, labels))), section)
    return np.asarray(_vectors(encoder, _shown(questions, section), section) @ described.T)


def describe(label: Label) -> str:
    """Return what the encoder reads of a label: name, definition, cases and examples."""
    parts = [label.name or label.id, label.definition, *label.include, *label.examples]
    return ". ".join(part.strip().rstrip(".") for part in parts if part.strip())


def nearest(near: NDArray[np.float32], many: bool, typical: NDArray[np.bool_]) -> Nearest:
    """Return each example's nearest label, or where many may hold every label.

    `near` [n, labels] is taken in standard deviations from each label's mean over the `typical`
    rows [n]: some descriptions are nearer to all texts than others. The margin is the lead over the
    next label, or where many may hold the distance from the mean.
    """
    if not typical.any():
        none = np.zeros(0, np.int64)
        return Nearest(none, none, np.zeros(0))
    spread = np.maximum(near[typical].std(axis=0, dtype=np.float64), _LEAST_SPREAD)
    scaled = (near - near[typical].mean(axis=0, dtype=np.float64)) / spread
    if many:
        rows, labels = np.indices(scaled.shape)
        return Nearest(rows.ravel(), labels.ravel(), scaled.ravel())
    order = np.argsort(-scaled, axis=1, kind="stable")
    rows = np.arange(len(scaled))
    lead = scaled[rows, order[:, 0]] - scaled[rows, order[:, 1]]
    return Nearest(rows, order[:, 0], lead)


def _margin(
    candidates: Nearest, section: ZeroShot, gold: NDArray[np.bool_], known: NDArray[np.bool_]
) -> tuple[float, dict[str, Any]]:
    """Return the least margin that is right often enough, or the config's where gold is scarce."""
    if known.sum() < section.enough:
        return section.margin, {"margin": section.margin, "chosen_on": 0, "accuracy": None}
    judged = known[candidates.rows]
    margins = candidates.margins[judged]
    right = gold[candidates.rows[judged], candidates.labels[judged]]
    order = np.argsort(-margins, kind="stable")
    margins, share = margins[order], np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    last = np.append(margins[1:] < margins[:-1], True)  # equal ones vote together or not at all
    fits = np.flatnonzero(last & (share >= section.accuracy) & (np.arange(len(share)) >= 4))
    about = {"chosen_on": int(known.sum())}
    if not len(fits):
        return np.inf, {"margin": None, **about, "accuracy": None}
    margin = float(margins[fits[-1]])
    return margin, {"margin": margin, **about, "accuracy": float(share[fits[-1]])}


def _open(section: ZeroShot) -> Encoder:
    try:
        return open_encoder(_features(section))
    except (ConfigError, DataError, MissingExtraError, UnavailableError) as error:
        told = str(error).replace("features.", "label.zero_shot.", 1)
        raise type(error)(told) from None


def _features(section: ZeroShot) -> EncoderFeatures:
    return EncoderFeatures(
        kind="encoder",
        model=section.model,
        revision=section.revision,
        window=section.window,
        overlap=0,
        windows=section.windows,
        batch=section.batch,
        cache=section.cache,
    )


def _shown(questions: Questions, section: ZeroShot) -> Texts:
    """Return what is read of each example: the article, or what stands around its mentions."""
    rows = pa.array(questions.article_of)
    titles, texts = (questions.articles[name].take(rows) for name in ("title", "text"))
    if not any(questions.targets):
        return texts_of(titles, texts)
    return _texts(
        [
            _BETWEEN_MENTIONS.join(window(text, mention, section.words) for mention in mentions)
            or text
            for text, mentions in zip(texts.to_pylist(), questions.mentions, strict=True)
        ]
    )


def _texts(texts: list[str]) -> Texts:
    return texts_of(pa.nulls(len(texts), pa.large_string()), pa.array(texts, pa.large_string()))


def _vectors(encoder: Encoder, texts: Texts, section: ZeroShot) -> NDArray[np.float32]:
    """Return a vector of length 1 for each text, [n, width]."""
    asked = whole_texts(np.arange(len(texts)))
    tokenizer = encoder.tokenizer
    windows = windows_of(tokenizer, tokenizer.tokens(texts), asked, _features(section))
    vectors = encoder.vectors(
        windows, len(texts), section.batch, with_mention=False, cache=section.cache
    )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, _LEAST_SPREAD), np.float32)

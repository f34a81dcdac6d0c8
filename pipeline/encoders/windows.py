"""Cut what is asked of texts into windows that an encoder can read."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.config import EncoderFeatures
from pipeline.encoders.tokens import EncoderTokenizer, Tokens
from pipeline.features import (
    TARGET,
    Asked,
    Texts,
    headlines_of,
    whole_texts,
    with_partial_mentions,
)

# Where a token comes from that is not of the text: frame, marks, second segment.
NOWHERE = -1
# A name that takes more than this part of a window is cut: it must not push the text out.
_LONGEST_NAME = 1 / 3


@dataclass(frozen=True)
class Window:
    """One input of an encoder, k tokens."""

    ids: NDArray[np.int32]  # [k]
    types: NDArray[np.int8]  # [k] 1 in the second segment where the encoder tells segments apart
    mention: NDArray[np.bool_]  # [k] the target's mentions, with the marks around them
    places: NDArray[np.int32]  # [k] which of the text's tokens it is, or NOWHERE
    example: int
    share: float  # in the mean over the example's windows; they add up to 1
    mention_share: float  # in the mean over those with a mention; 0 without one

    def digest(self) -> bytes:
        """Return what tells its input from any other, 16 bytes."""
        parts = (self.ids, self.types, self.mention)
        return hashlib.blake2b(b"".join(part.tobytes() for part in parts), digest_size=16).digest()


def seen(texts: Texts, asked: Asked, section: EncoderFeatures) -> tuple[Texts, Asked]:
    """Return what `section.reads` of the texts, and what is asked of it.

    With the mentions that `section.target` sees. Mentions are of bodies: a headline alone has none.
    """
    if not section.sees_target:
        asked = whole_texts(asked.text_of)
    if section.reads == "headline":
        texts = headlines_of(texts)
    return texts, with_partial_mentions(texts, asked) if section.target.parts else asked


def windows_of(
    tokenizer: EncoderTokenizer,
    tokens: Tokens,
    asked: Asked,
    section: EncoderFeatures,
    exchanged: Sequence[str] = (),
) -> list[Window]:
    """Return the windows of each example, in order: one at least, `section.windows` at most.

    A text that does not fit is cut every `window - overlap` tokens. Where there are too many, those
    that mention the target go first, then those at the beginning. A window with a mention weighs
    `mention_weight` times one without. Where no window has one, the target's name after the text
    stands in for it if `section.target.name` is `marked`. With `exchanged` each example is shown
    with this name of another target, in its mentions and after the text.
    """
    found: list[Window] = []
    for example in range(len(asked)):
        another = exchanged[example] if exchanged else None
        found += _of_example(tokenizer, tokens, asked, section, example, another)
    return found


def _of_example(
    tokenizer: EncoderTokenizer,
    tokens: Tokens,
    asked: Asked,
    section: EncoderFeatures,
    example: int,
    another: str | None,
) -> Iterator[Window]:
    frame = tokenizer.frame
    second = _second_segment(tokenizer, asked, section, example, another)
    text = _marked(tokenizer, tokens, asked, section, example, another)
    ends = frame.between + second.ids + frame.after if second.ids else frame.after_one
    room = max(1, section.window - len(frame.before) - len(ends))
    starts = _starts(text.mention, room, min(section.overlap, room - 1), section.windows)
    named = np.array([text.mention[at : at + room].any() for at in starts])
    weights = np.where(named, section.mention_weight, 1.0)
    stand_in = np.zeros(len(ends), np.bool_)
    if second.mention.any() and not named.any():
        stand_in[len(frame.between) :][: len(second.ids)] = second.mention
        named[:] = True
    shares = (weights / weights.sum()).tolist()
    mention_shares = (named / max(1, named.sum())).tolist()
    types = [0] * len(ends)
    if second.ids:
        types[len(frame.between) :] = [frame.second_type] * (len(second.ids) + len(frame.after))
    for start, share, mention_share in zip(starts, shares, mention_shares, strict=True):
        part = slice(start, start + room)
        kept = len(text.ids[part])
        ids = np.concatenate([frame.before, text.ids[part], ends])
        inside_mention = np.zeros(len(ids), np.bool_)
        places = np.full(len(ids), NOWHERE, np.int32)
        inside = slice(len(frame.before), len(frame.before) + kept)
        inside_mention[inside] = text.mention[part]
        places[inside] = text.places[part]
        inside_mention[len(ids) - len(ends) :] = stand_in
        yield Window(
            ids.astype(np.int32),
            np.concatenate([np.zeros(len(ids) - len(ends)), types]).astype(np.int8),
            inside_mention,
            places,
            example,
            share,
            mention_share,
        )


@dataclass(frozen=True)
class _Marked:
    """A text's tokens with the marks among them."""

    ids: NDArray[np.int32]
    mention: NDArray[np.bool_]
    places: NDArray[np.int32]


@dataclass(frozen=True)
class _Second:
    """The tokens of the second segment, none where nothing is named."""

    ids: list[int]
    mention: NDArray[np.bool_]  # which of them are the target's marked name


def _second_segment(
    tokenizer: EncoderTokenizer,
    asked: Asked,
    section: EncoderFeatures,
    example: int,
    another: str | None,
) -> _Second:
    if not asked.parties or section.target.mention == "mask":
        return _Second([], np.zeros(0, np.bool_))
    parties = asked.parties[example]
    if another:
        parties = parties._replace(target=another)
    most = int(section.window * _LONGEST_NAME)
    if section.target.name == "plain":
        ids = tokenizer.ids(parties.words)[:most]
        return _Second(ids, np.zeros(len(ids), np.bool_))
    before, after = tokenizer.marks_of_source
    acting = []
    if parties.source_entity:
        acting = [*before, *tokenizer.ids(parties.source_entity)[: most // 2], *after]
    before, after = tokenizer.marks_of_target
    meant = [*before, *tokenizer.ids(parties.target)[: most // 2], *after]
    return _Second(acting + meant, np.arange(len(acting) + len(meant)) >= len(acting))


def _marked(
    tokenizer: EncoderTokenizer,
    tokens: Tokens,
    asked: Asked,
    section: EncoderFeatures,
    example: int,
    another: str | None,
) -> _Marked:
    name = None if another is None else np.array(tokenizer.ids(another), np.int32)
    first, stop = tokens.bounds[asked.text_of[example] : asked.text_of[example] + 2]
    ids, spans = tokens.ids[first:stop], tokens.spans[first:stop]
    places = np.arange(len(ids), dtype=np.int32)
    parts: list[tuple[NDArray[np.int32], bool, NDArray[np.int32]]] = []
    at = 0
    for mention in range(asked.bounds[example], asked.bounds[example + 1]):
        start, end = asked.mentions[mention]
        begins = max(at, int(np.searchsorted(spans[:, 1], start, side="right")))
        ends = max(begins, int(np.searchsorted(spans[:, 0], end, side="left")))
        if ends == begins:
            continue
        parts.append((ids[at:begins], False, places[at:begins]))
        is_target = bool(asked.roles[mention] == TARGET)
        if section.target.mention == "mask" and is_target:
            hidden = np.array(tokenizer.mask, np.int32)
            parts.append((hidden, True, np.full(len(hidden), places[begins], np.int32)))
        else:
            before, after = tokenizer.marks_of_target if is_target else tokenizer.marks_of_source
            parts.append((np.array(before, np.int32), is_target, np.full(len(before), NOWHERE)))
            if is_target and name is not None:
                parts.append((name, True, np.full(len(name), NOWHERE)))
            else:
                parts.append((ids[begins:ends], is_target, places[begins:ends]))
            parts.append((np.array(after, np.int32), is_target, np.full(len(after), NOWHERE)))
        at = ends
    parts.append((ids[at:], False, places[at:]))
    return _Marked(
        np.concatenate([part for part, _, _ in parts]).astype(np.int32),
        np.concatenate([np.full(len(part), inside, np.bool_) for part, inside, _ in parts]),
        np.concatenate([at for _, _, at in parts]).astype(np.int32),
    )


def _starts(mention: NDArray[np.bool_], room: int, overlap: int, most: int) -> list[int]:
    """Return where windows of `room` tokens begin, in order."""
    length = len(mention)
    if length <= room:
        return [0]
    starts = list(range(0, length - room, room - overlap))
    starts.append(length - room)
    if len(starts) > most:
        named = [at for at in starts if mention[at : at + room].any()]
        starts = sorted((named + [at for at in starts if at not in named])[:most])
    return starts

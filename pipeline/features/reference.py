"""The features in plain Python: slow, readable, the standard that the compiled passes must meet."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.config import NgramFeatures
from pipeline.features import characters
from pipeline.features.abbreviations import ABBREVIATIONS, fnv
from pipeline.features.ngrams import EDGE, SCALES, SOURCE, TARGET, Block

_64_BITS = 2**64 - 1
_CLOSING = "\"')]’“”»"
_SPACES = " \t\n\v\f\r\xa0\u3000"


@dataclass(frozen=True)
class Word:
    """A word in lower case, and the character of the text that it begins with."""

    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True)
class Feature:
    """One occurrence of an n-gram: its bucket, and where in the text its first word begins."""

    block: Block
    bucket: int
    place: int


def _class_of(character: str) -> int:
    point = ord(character)
    if point < characters.PLANE:
        return int(characters.classes()[point])
    return characters.ALONE if point >= characters.FIRST_EMOJI else characters.WORD


def _lower(character: str) -> str:
    point = ord(character)
    return chr(characters.lower()[point]) if point < characters.PLANE else character


def words_of(text: str) -> list[Word]:
    """Return the words of a text."""
    found: list[Word] = []
    open_word = ""
    for place, character in enumerate(text):
        kind = _class_of(character)
        if kind == characters.APOSTROPHE:
            after = text[place + 1 : place + 2]
            joins = open_word and after and _class_of(after) == characters.WORD
            kind = characters.WORD if joins else characters.SEPARATOR
        if kind == characters.WORD:
            open_word += _lower(character)
            continue
        if open_word:
            found.append(Word(open_word, place - len(open_word)))
            open_word = ""
        if kind == characters.ALONE:
            found.append(Word(_lower(character), place))
    if open_word:
        found.append(Word(open_word, len(text) - len(open_word)))
    return found


def sentences_of(text: str) -> list[tuple[int, int]]:
    """Return the first character of each sentence and the one after its last."""
    starts_of_words = {word.end: word for word in words_of(text)}
    cuts = {0, len(text)}
    for place, character in enumerate(text):
        if character == "\n" and text[:place].rstrip(_SPACES.replace("\n", "")).endswith("\n"):
            cuts.add(place)
        elif character in "。！？":
            after = place + 1
            while after < len(text) and text[after] in _SPACES:
                after += 1
            if after < len(text) and not _is_small(text[after]):
                cuts.add(after)
        elif character in ".!?…":
            word = starts_of_words.get(place)
            if character == "." and word is not None and _wants_full_stop(word):
                continue
            after = place + 1
            while after < len(text) and text[after] in _CLOSING:
                after += 1
            begin = after
            while begin < len(text) and text[begin] in _SPACES:
                begin += 1
            if begin > after and begin < len(text) and not _is_small(text[begin]):
                cuts.add(begin)
    spans = []
    for start, stop in zip(sorted(cuts), sorted(cuts)[1:], strict=False):
        piece = text[start:stop]
        if piece.strip(_SPACES):
            left = len(piece) - len(piece.lstrip(_SPACES))
            right = len(piece) - len(piece.rstrip(_SPACES))
            spans.append((start + left, stop - right))
    return spans


def _wants_full_stop(word: Word) -> bool:
    return len(word.text) == 1 or word.text in ABBREVIATIONS


def _is_small(character: str) -> bool:
    """Tell whether a sentence would not begin with this character."""
    return (
        ord(character) < characters.PLANE
        and _class_of(character) == characters.WORD
        and _lower(character) == character
        and character not in "0123456789"
    )


def _bucket(value: int, block: Block, section: NgramFeatures) -> int:
    value = (value + 0x9E3779B97F4A7C15 * (block + 1)) & _64_BITS
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _64_BITS
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _64_BITS
    return (value ^ (value >> 31)) >> (64 - section.buckets_log2)


def _chain(left: int, right: int) -> int:
    return ((left ^ (right >> 32) ^ right) * 0x100000001B3 + right) & _64_BITS


@dataclass(frozen=True)
class _Token:
    """A word, or the mark that stands for a mention."""

    value: int
    word: Word
    role: int = 0


def _word_ngrams(
    tokens: Sequence[_Token], longest: int, block: Block, section: NgramFeatures
) -> list[Feature]:
    found = []
    for position, token in enumerate(tokens):
        value = token.value
        found.append(Feature(block, _bucket(value, block, section), token.word.start))
        for following in tokens[position + 1 : position + longest]:
            value = _chain(value, following.value)
            found.append(Feature(block, _bucket(value, block, section), token.word.start))
    return found


def _char_ngrams(word: Word, block: Block, section: NgramFeatures) -> list[Feature]:
    if section.chars is None:
        return []
    shortest, longest = section.chars
    edged = chr(EDGE) + word.text + chr(EDGE)
    return [
        Feature(block, _bucket(fnv(edged[start : start + size]), block, section), word.start)
        for start in range(len(edged))
        for size in range(shortest, longest + 1)
        if start + size <= len(edged)
    ]


def article_features(text: str, section: NgramFeatures, body: int = 0) -> list[Feature]:
    """Return the features of an article's view, block by block; the body begins at `body`."""
    words = words_of(text)
    tokens = [_Token(fnv(word.text), word) for word in words]
    found = _word_ngrams(tokens, section.words, Block.TEXT, section)
    for word in words:
        found += _char_ngrams(word, Block.CHARS, section)
    headline = [token for token in tokens if token.word.start < body]
    return found + _word_ngrams(headline, section.words, Block.HEADLINE, section)


def target_features(
    text: str, mentions: Sequence[tuple[int, int, int]], section: NgramFeatures
) -> list[Feature]:
    """Return the features of a target's view; `mentions` are (start, end, role), in order."""
    words = words_of(text)
    inside = {word: _mention_at(word, mentions) for word in words}
    tokens: list[_Token] = []
    previous: object = None
    for word in words:
        mention = inside[word]
        if mention is None:
            tokens.append(_Token(fnv(word.text), word))
        elif mention is not previous:
            tokens.append(_Token(fnv(chr(mention[2] + 1)), word, mention[2]))
        previous = mention if mention is not None else previous
    away = [_distance(position, tokens) for position in range(len(tokens))]
    near = [distance is not None and abs(distance) <= section.target.window for distance in away]
    plain = [token.role == 0 for token in tokens]

    found = _word_ngrams(tokens, section.words, Block.TEXT, section)
    for token, is_word in zip(tokens, plain, strict=True):
        found += _char_ngrams(token.word, Block.CHARS, section) if is_word else []
    position = 0
    while position < len(tokens):
        stop = position
        while stop < len(tokens) and near[stop]:
            stop += 1
        stretch = tokens[position:stop]
        found += _word_ngrams(stretch, section.words, Block.WINDOW, section)
        position = stop + 1
    for token, distance, is_near in zip(tokens, away, near, strict=True):
        if is_near and token.role != TARGET:
            side = 3 if distance is not None and distance < 0 else 5
            bucket = _bucket(_chain(side, token.value), Block.SIDES, section)
            found.append(Feature(Block.SIDES, bucket, token.word.start))
    found += _between(tokens, section)
    if section.target.mention == "mark":
        for word in words:
            mention = inside[word]
            if mention is not None and mention[2] == TARGET:
                bucket = _bucket(fnv(word.text), Block.MENTION, section)
                found.append(Feature(Block.MENTION, bucket, word.start))
    for token, is_near, is_word in zip(tokens, near, plain, strict=True):
        if is_near and is_word:
            found += _char_ngrams(token.word, Block.WINDOW_CHARS, section)
    return found


def _mention_at(
    word: Word, mentions: Sequence[tuple[int, int, int]]
) -> tuple[int, int, int] | None:
    return next((m for m in mentions if m[0] < word.end and word.start < m[1]), None)


def _distance(position: int, tokens: Sequence[_Token]) -> int | None:
    """Return the tokens from the nearest target mark; negative where it follows."""
    marks = [at for at, token in enumerate(tokens) if token.role == TARGET]
    if not marks:
        return None
    return min((position - at for at in marks), key=lambda away: (abs(away), away < 0))


def _between(tokens: Sequence[_Token], section: NgramFeatures) -> list[Feature]:
    marks = [at for at, token in enumerate(tokens) if token.role]
    pairs = []
    for second in marks:  # in the order in which a pair is complete
        others = [at for at in marks if at < second and tokens[at].role != tokens[second].role]
        if others:
            pairs.append((others[-1], second))
    if not pairs:
        return []
    first, last = min(pairs, key=lambda pair: pair[1] - pair[0])
    found = _word_ngrams(tokens[first : last + 1], 2, Block.BETWEEN, section)
    order = 3 if tokens[first].role == SOURCE else 5
    bucket = _bucket(order, Block.BETWEEN, section)
    return [*found, Feature(Block.BETWEEN, bucket, tokens[first].word.start)]


def vector(features: Sequence[Feature], idf: Mapping[int, float]) -> dict[int, float]:
    """Return the weighted row by bucket: TF-IDF over the buckets in `idf`, block by block scaled.

    Blocks never share a bucket on purpose, but hashes may collide: then their values add up.
    """
    row: Counter[int] = Counter()
    for block in Block:
        times = Counter(f.bucket for f in features if f.block == block and f.bucket in idf)
        values = {b: (1 + math.log(times[b])) * idf[b] for b in times}
        length = math.sqrt(sum(value**2 for value in values.values()))
        for bucket, value in values.items():
            row[bucket] += SCALES[block] * value / length
    return dict(row)

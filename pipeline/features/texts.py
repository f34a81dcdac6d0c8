"""What the compiled passes read: the texts of articles as bytes, and what is asked of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.features.ngrams import SOURCE, TARGET

# Between headline and body: a blank line, so that the headline is a sentence by itself.
HEADLINE_END: Final = "\n\n"


@dataclass(frozen=True)
class Texts:
    """Headlines and bodies of articles, one after another in one buffer of UTF-8 bytes."""

    buffer: NDArray[np.uint8]
    offsets: NDArray[np.int64]  # text i is bytes offsets[i] to offsets[i + 1]
    body: NDArray[np.int32]  # characters before the body of text i

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def text(self, at: int) -> str:
        """Return text number `at`."""
        return self.buffer[self.offsets[at] : self.offsets[at + 1]].tobytes().decode()


class Parties(NamedTuple):
    """Whom an example is about, in words: the target, and who acts towards it if that is said."""

    target: str
    source_entity: str | None = None

    @property
    def words(self) -> str:
        """How they are written beside the text."""
        return f"{self.source_entity} > {self.target}" if self.source_entity else self.target


@dataclass(frozen=True)
class Asked:
    """The examples of one task: which text each is about, and where its target stands in it."""

    text_of: NDArray[np.int64]  # index of each example's text
    bounds: NDArray[np.int64]  # mentions of example i are bounds[i] to bounds[i + 1]
    mentions: NDArray[np.int32]  # [k, 2] characters of the text, headline included
    roles: NDArray[np.int8]  # [k] TARGET or SOURCE
    # [n] for the rungs that read the names; none where the whole text is asked about.
    parties: Sequence[Parties] = ()

    def __len__(self) -> int:
        return len(self.text_of)

    def take(self, rows: NDArray[np.int64]) -> "Asked":
        """Return the examples at `rows`, in that order."""
        counts = np.diff(self.bounds)[rows]
        picked = [np.arange(self.bounds[row], self.bounds[row + 1]) for row in rows]
        places = np.concatenate(picked) if picked else np.zeros(0, np.int64)
        return Asked(
            text_of=self.text_of[rows],
            bounds=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            mentions=self.mentions[places],
            roles=self.roles[places],
            parties=[self.parties[row] for row in rows] if self.parties else (),
        )


def texts_of(titles: pa.ChunkedArray, bodies: pa.ChunkedArray) -> Texts:
    """Join each title (null where there is none) and body (both large_string) to one text."""
    titles = _flat(titles)
    bodies = _flat(bodies)
    end = pa.scalar(HEADLINE_END, pa.large_string())
    joined = pc.coalesce(pc.binary_join_element_wise(titles, bodies, end), bodies)
    before = pc.fill_null(pc.add(pc.utf8_length(titles), len(HEADLINE_END)), 0)
    offsets, data = joined.buffers()[1:]
    count = len(joined)
    return Texts(
        buffer=np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8),
        offsets=np.frombuffer(offsets, np.int64)[joined.offset : joined.offset + count + 1]
        if count
        else np.zeros(1, np.int64),
        body=before.to_numpy(zero_copy_only=False).astype(np.int32),
    )


def headlines_of(texts: Texts) -> Texts:
    """Return the headline of each text alone, and a text that has none as it is.

    Places in it are those of the whole text, `body` as well.
    """
    parts = []
    for at, body in enumerate(texts.body.tolist()):
        length = body - len(HEADLINE_END)
        parts.append(texts.text(at)[: length if length > 0 else None].encode())
    return Texts(
        buffer=np.frombuffer(b"".join(parts), np.uint8),
        offsets=np.cumsum([0, *map(len, parts)], dtype=np.int64),
        body=texts.body,
    )


def _flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return array.cast(pa.large_string())


def whole_texts(text_of: NDArray[np.int64]) -> Asked:
    """Ask of texts without pointing at anything in them."""
    return Asked(
        text_of=np.ascontiguousarray(text_of, np.int64),
        bounds=np.zeros(len(text_of) + 1, np.int64),
        mentions=np.zeros((0, 2), np.int32),
        roles=np.zeros(0, np.int8),
    )


# Mentions of the target and of the source entity in an article's body: (start, end) characters.
Spans = Sequence[tuple[int, int]]


def about_targets(
    texts: Texts,
    text_of: Sequence[int],
    targets: Sequence[Spans],
    sources: Sequence[Spans],
    parties: Sequence[Parties],
) -> Asked:
    """Ask of each text about the target that `targets` mentions in its body and `parties` names."""
    bounds = np.zeros(len(text_of) + 1, np.int64)
    rows: list[tuple[int, int, int]] = []
    for index, text in enumerate(text_of):
        shift = int(texts.body[text])
        spans = [(start + shift, end + shift, TARGET) for start, end in targets[index]]
        spans += [(start + shift, end + shift, SOURCE) for start, end in sources[index]]
        rows += sorted(spans)
        bounds[index + 1] = len(rows)
    table = np.array(rows, np.int32).reshape(-1, 3)
    return Asked(
        text_of=np.array(text_of, np.int64),
        bounds=bounds,
        mentions=np.ascontiguousarray(table[:, :2]),
        roles=np.ascontiguousarray(table[:, 2]).astype(np.int8),
        parties=parties,
    )

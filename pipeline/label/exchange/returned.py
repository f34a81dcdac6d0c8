"""What comes back from a labelling tool, before the codebook has judged it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from pipeline.errors import DataError
from pipeline.label.answers import Note
from pipeline.label.stdin import opened


class Kind(StrEnum):
    """Why something that came back is no answer."""

    REJECT = "reject"
    """It was meant as one, and cannot be taken."""
    SKIPPED = "skipped"
    """The coder passed it over, on purpose."""
    UNANSWERED = "unanswered"
    """Nobody has answered."""
    LEFT_OUT = "left out"
    """An annotation form has no place for it: a region, a relation, a draft."""


@dataclass(frozen=True)
class Returned:
    """One coder's answer as the tool has it."""

    place: str
    """File, and the place in it."""
    article_id: str
    task: str
    target: str
    """Empty for tasks that are asked of the article."""
    coder: str
    """Empty where the file does not say."""
    labels: tuple[str, ...]
    """Ids or names; NONE_HOLDS alone where the coder says so."""
    note: Note


@dataclass(frozen=True)
class Left:
    """Something that is no answer, with its place and the reason."""

    kind: Kind
    place: str
    why: str
    what: Any = None
    """The piece itself, JSON-ready, so that nothing is lost."""

    def as_dict(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        return {"kind": self.kind.value, "place": self.place, "why": self.why, "what": self.what}


Item: TypeAlias = Returned | Left


def text_of(value: Any) -> str:
    """Return a field that holds text or a number as text; nothing for what holds neither."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def texts_of(value: Any) -> list[str] | None:
    """Return a text, or a list of them, as a list; None where it is something else."""
    texts = [text_of(each) for each in listed(value)]
    return [text for text in texts if text] if all(texts) else None


def listed(value: Any) -> list[Any]:
    """Return a list as it is, nothing as an empty one, and anything else as the only one in it."""
    return value if isinstance(value, list) else [] if value is None else [value]


def json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any] | Left]]:
    """Yield (place, object) of each line, and what to say where a line is none."""
    try:
        with opened(path) as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    place = f"{path}:{number}"
                    yield place, _object(place, line)
    except OSError as error:
        raise unreadable(path, error) from None


def _object(place: str, line: bytes) -> dict[str, Any] | Left:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        shown = line[:200].decode(errors="replace")
        return Left(Kind.REJECT, place, f"not valid JSON ({error})", shown)
    if isinstance(value, dict):
        return value
    why = f"must be a JSON object, found {type(value).__name__}"
    return Left(Kind.REJECT, place, why, value)


def unreadable(path: Path, error: OSError) -> DataError:
    """Return what to say about a file that cannot be opened."""
    if isinstance(error, FileNotFoundError):
        return DataError(f"{path}: there is no such file")
    return DataError(f"{path}: cannot be read ({error.strerror})")

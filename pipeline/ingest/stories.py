"""Tell which articles are one story, which of them came first, and which of them stay."""

from array import array
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.config import Keep, Stories
from pipeline.duplicates.stories import StoryFinder
from pipeline.groups import outlet_key

Places = npt.NDArray[np.int32]

# After all dates there are.
_UNDATED: Final = float("inf")


@dataclass(frozen=True)
class Told:
    """What became of each article, by its position among all."""

    earliest: Places
    """The earliest article of its story."""
    stays: Places
    """The article that stays for it: itself where it does."""

    @property
    def is_kept(self) -> npt.NDArray[np.bool_]:
        """True for the articles that stay."""
        return np.equal(self.stays, np.arange(len(self.stays), dtype=np.int32))

    def reason(self, article: int) -> str:
        """Say in a sentence why an article does not stay."""
        if self.stays[article] == self.earliest[article]:
            return "the earliest article of the story stays"
        return "an earlier article of the outlet stays"


class StoryTeller:
    """Takes the articles in order, and tells of their stories when it has seen all.

    Earliest is what was published first; a day without a time is its beginning, and a time without
    a zone is UTC. Of equals, and of those without a date that can be read, which come last, it is
    the first in the order of the sources. Articles that name no outlet count as of one outlet.

    Keeps 12 bytes per article besides what `StoryFinder` does.
    """

    def __init__(self, section: Stories, scratch: BinaryIO) -> None:
        self._keep = section.keep
        self._finder = StoryFinder(
            section.near_duplicate, section.contained, section.shortest, scratch
        )
        self._published = array("d")
        self._outlets = array("i")
        self._numbers: dict[str | None, int] = {}

    def add(self, articles: pa.Table) -> None:
        """Take the next articles, records.ARTICLES."""
        self._finder.add(articles["text"].to_pylist())
        self._published.extend(map(_time, articles["published"].to_pylist()))
        self._outlets.extend(map(self._number, articles["outlet"].to_pylist()))

    def tell(self) -> Told:
        """Return what becomes of the articles."""
        stories = self._finder.stories()
        published = np.frombuffer(self._published, np.float64)
        order = np.argsort(published, kind="stable").astype(np.int32)
        earliest = _first_of(stories, order)
        match self._keep:
            case Keep.ALL:
                stays = np.arange(len(stories), dtype=np.int32)
            case Keep.EARLIEST:
                stays = earliest
            case Keep.ONE_PER_OUTLET:
                outlets = np.frombuffer(self._outlets, np.int32)
                together = stories.astype(np.int64) * (len(self._numbers) + 1) + outlets
                stays = _first_of(np.unique(together, return_inverse=True)[1], order)
        return Told(earliest, stays)

    def _number(self, outlet: str | None) -> int:
        """Return the number of an outlet however it is spelt."""
        if outlet not in self._numbers:
            key = outlet_key(outlet) if outlet else None
            self._numbers[outlet] = self._numbers.setdefault(key, len(self._numbers))
        return self._numbers[outlet]


def _time(published: str | None) -> float:
    try:
        time = datetime.fromisoformat(published or "")
    except ValueError:
        return _UNDATED
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _first_of(groups: npt.NDArray[np.integer], order: Places) -> Places:
    """Return for each article the one of its group that is first in `order`."""
    first = np.empty(len(groups), np.int32)
    first[groups[order[::-1]]] = order[::-1]
    return np.take(first, groups)

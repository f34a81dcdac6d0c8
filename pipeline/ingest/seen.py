"""Remember which ids have occurred, in 12 to 24 bytes each."""

from array import array
from hashlib import blake2b
from typing import Final

_FIRST_SIZE: Final = 1 << 12
# Share of the table that is filled before it is doubled.
_FULL: Final = 2 / 3


class SeenIds:
    """A set of ids that keeps 64 bits of each: open addressing with linear probing.

    A Python set of strings takes about ten times the memory. Two different ids among ten million
    share their 64 bits with a probability of 3 in a million.
    """

    def __init__(self) -> None:
        self._slots = _empty(_FIRST_SIZE)
        self._count = 0

    def add(self, name: str) -> bool:
        """Add an id; False where it was there already."""
        digest = blake2b(name.encode(), digest_size=8).digest()
        if not _insert(self._slots, int.from_bytes(digest, "little") or 1):
            return False
        self._count += 1
        if self._count > _FULL * len(self._slots):
            self._grow()
        return True

    def _grow(self) -> None:
        larger = _empty(2 * len(self._slots))
        for key in self._slots:
            if key:
                _insert(larger, key)
        self._slots = larger


def _empty(size: int) -> "array[int]":
    return array("Q", bytes(8 * size))


def _insert(slots: "array[int]", key: int) -> bool:
    mask = len(slots) - 1  # the size is a power of two
    place = key & mask
    while held := slots[place]:
        if held == key:
            return False
        place = (place + 1) & mask
    slots[place] = key
    return True

"""Fill the slots of written texts, such as `{pact}` in "The {pact} is a danger"."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

_SLOT: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def slots_in(*texts: str | None) -> list[str]:
    """Return the names of the slots, each once, in the order in which they occur."""
    return list(dict.fromkeys(name for text in texts for name in _SLOT.findall(text or "")))


def filled(
    texts: Sequence[str | None], slots: Mapping[str, Sequence[str]]
) -> Iterator[list[str | None]]:
    """Yield the texts with each combination of what their slots may hold; None stays None."""
    names = slots_in(*texts)
    for values in itertools.product(*(slots[name] for name in names)):
        chosen = dict(zip(names, values, strict=True))
        yield [text and _SLOT.sub(lambda slot: chosen[slot[1]], text) for text in texts]  # noqa: B023

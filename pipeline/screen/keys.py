"""Which key chooses which label."""

import string
from collections.abc import Sequence
from typing import Final

# Zero says that none holds; commands are keys that are neither digits nor letters.
LABEL_KEYS: Final = string.digits[1:] + string.ascii_lowercase


def keys_of(labels: Sequence[str]) -> dict[str, str]:
    """Return the label that each key chooses; labels beyond the keys are reached by arrows."""
    return dict(zip(LABEL_KEYS, labels, strict=False))

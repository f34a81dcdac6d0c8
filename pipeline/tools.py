"""The labelling tools whose files are written and read."""

from enum import StrEnum


class Tool(StrEnum):
    """See pipeline/label/exchange/, which has a module for each."""

    LABEL_STUDIO = "label-studio"
    DOCCANO = "doccano"
    PRODIGY = "prodigy"
    ARGILLA = "argilla"
    CSV = "csv"

"""The codebook: its schema, the labelling rules in it, and what changed between two versions."""

from pipeline.codebook.schema import (
    Asks,
    Choose,
    Codebook,
    Label,
    Slug,
    Target,
    Task,
    Text,
    load,
)

__all__ = ["Asks", "Choose", "Codebook", "Label", "Slug", "Target", "Task", "Text", "load"]

"""Between a source and whoever reads: boilerplate set apart, personal data masked."""

from pipeline.preparation.pieces import (
    Piece,
    cut_out,
    in_body,
    in_whole,
    pieces_of,
    put_together,
)
from pipeline.preparation.preparation import Preparation, Prepared
from pipeline.preparation.rules import rule_files

__all__ = [
    "Piece",
    "Preparation",
    "Prepared",
    "cut_out",
    "in_body",
    "in_whole",
    "pieces_of",
    "put_together",
    "rule_files",
]

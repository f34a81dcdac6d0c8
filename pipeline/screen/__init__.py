"""Coding in the terminal: one example at a time. The only home of textual."""

from pipeline.screen.session import Session
from pipeline.screen.start import run_screen

__all__ = ["Session", "run_screen"]

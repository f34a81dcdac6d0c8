"""Slant: topic and stance of news articles, from a codebook to calibrated predictions."""

__version__ = "0.1.0"

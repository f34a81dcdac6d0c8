"""Tests of what a model does: suites in YAML, the cases that they make, and what comes of them."""

from pipeline.behaviour.cases import Articles, by_hash, hash_of, of_articles, prepare
from pipeline.behaviour.outcomes import run_tests
from pipeline.behaviour.reading import load_suites, suite_path
from pipeline.behaviour.suite import Suite

__all__ = [
    "Articles",
    "Suite",
    "by_hash",
    "hash_of",
    "load_suites",
    "of_articles",
    "prepare",
    "run_tests",
    "suite_path",
]

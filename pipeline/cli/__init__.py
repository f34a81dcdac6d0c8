"""The command line: each command parses, makes one call, and prints.

Results go to stdout, progress and errors to stderr. Exit status: 0 done; 1 the user can put
something right; 2 a wrong command; 3 done, but some rows were rejected; 4 not promoted.
"""

from pipeline.cli.app import app, main

# The help lists the commands in the order of these imports.
from pipeline.cli import running, labelling, agreement, coding, voting, reviewing  # noqa: F401  isort: skip
from pipeline.cli import behaving, predicting, comparing, codebooks  # noqa: F401  isort: skip

__all__ = ["app", "main"]

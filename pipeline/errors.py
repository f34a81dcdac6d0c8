"""What a user can put right.

A `PipelineError` says where, what, the value, and what to do; the command line prints it as one
line and exits with status 1. Anything else that is raised is a bug and keeps its traceback.
"""


class PipelineError(Exception):
    """Something in the user's files, config or command that the user can put right."""


class ConfigError(PipelineError):
    """The config file or a `--set` is wrong; the message begins with file, line and key."""


class CodebookError(PipelineError):
    """The codebook is wrong; the message begins with file, line and key."""


class DataError(PipelineError):
    """The articles or annotations cannot be used as they are."""


class UnavailableError(PipelineError):
    """Something outside does not answer, such as the network or a disk; it may do so later."""


class BundleError(PipelineError):
    """A model folder is incomplete, changed, or made by an incompatible version."""


class MissingExtraError(PipelineError):
    """An optional dependency is not installed; the message names the command that adds it."""


class SuiteError(PipelineError):
    """A suite of behaviour tests is wrong; the message begins with file, line and key."""


def first_line(error: BaseException) -> str:
    """Return the first line that a library's error says something in, or its kind."""
    lines = filter(None, map(str.strip, str(error).splitlines()))
    return next(lines, type(error).__name__)

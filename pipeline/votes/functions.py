"""Votes of the user's own Python functions, from the file that the config names."""

import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pyarrow as pa

from pipeline.codebook import Codebook, Task
from pipeline.documents import suggest
from pipeline.errors import DataError
from pipeline.mentions import Span
from pipeline.records import VOTES
from pipeline.votes.questions import Questions, answer_rows

LISTED_AS: Final = "FUNCTIONS"


@dataclass(frozen=True)
class Article:
    """What a labelling function is given. It sees no answers and no side."""

    id: str
    title: str | None
    text: str
    outlet: str | None
    published: str | None
    target: str | None  # as people write it; null for tasks that are asked of the article
    mentions: tuple[Span, ...]  # where `text` names the target: start and end in characters


# Returns a label, a list of them, or None to abstain.
Function = Callable[[Article], Any]


def load_functions(path: Path, codebook: Codebook) -> dict[str, list[Function]]:
    """Run the file at `path` and return its functions by task; DataError where it is none.

    It lists them as `FUNCTIONS = {"topic": [first, second]}`.
    """
    listed = getattr(_run(path), LISTED_AS, None)
    if not isinstance(listed, Mapping):
        raise DataError(
            f'{path}: has no {LISTED_AS}; list the functions by task, as {LISTED_AS} = {{"topic": '
            "[my_function]}"
        )
    found = {}
    for task, functions in listed.items():
        if task not in codebook.tasks:
            raise DataError(
                f"{path}: {LISTED_AS}: unknown task {task!r}"
                f"{suggest(str(task), sorted(codebook.tasks), 'task')}"
            )
        found[task] = _checked(path, task, functions)
    return found


def _checked(path: Path, task: str, functions: Any) -> list[Function]:
    if not isinstance(functions, list | tuple) or not all(map(callable, functions)):
        raise DataError(
            f"{path}: {LISTED_AS}[{task!r}] must be a list of functions; it is {functions!r}"
        )
    names = [_name(function) for function in functions]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise DataError(
            f"{path}: {LISTED_AS}[{task!r}] has two functions called {min(twice)!r}; rename one"
        )
    return list(functions)


def _run(path: Path) -> ModuleType:
    """Run a file as a module of its own that nothing else can import."""
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; label.functions names a Python file")
    spec = importlib.util.spec_from_file_location(f"slant_functions_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise DataError(f"{path}: label.functions must name a Python file, one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    # Where dataclasses and the like look the module up while it runs.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise DataError(f"{path}:{error.lineno}: not valid Python: {error.msg}") from None
    except (Exception, SystemExit) as error:  # a file may end the process, and must not end ours
        raise DataError(f"{_place(error, path)}: {_told(error)}") from error
    finally:
        del sys.modules[spec.name]
    return module


def function_votes(
    questions: Questions, functions: Sequence[Function], path: Path
) -> Iterator[pa.Table]:
    """Yield records.VOTES of each function; DataError names function, article and value."""
    articles = questions.articles.select(["id", "title", "text", "outlet", "published"]).to_pylist()
    for function in functions:
        rows: list[dict[str, Any]] = []
        for row, place in enumerate(questions.article_of.tolist()):
            shown = Article(
                **articles[place],
                target=questions.targets[row],
                mentions=tuple(questions.mentions[row]),
            )
            labels, whole = _asked(function, shown, questions.task, path)
            rows += answer_rows(questions, row, function_name(function), labels, whole=whole)
        yield pa.Table.from_pylist(rows, schema=VOTES)


def function_name(function: Function) -> str:
    """Return what tables call a function."""
    return f"function:{_name(function)}"


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _asked(function: Function, article: Article, task: Task, path: Path) -> tuple[list[str], bool]:
    """Return the labels that the function gives, and whether it says that no other holds."""
    about = f"{_name(function)} on article {article.id!r}"
    try:
        answer = function(article)
    except (Exception, SystemExit) as error:
        raise DataError(f"{_place(error, path)}: {about}: {_told(error)}") from error
    whole = isinstance(answer, list | tuple | set | frozenset)
    if whole and task.choose.value == "one":
        raise DataError(
            f"{path}: {about} returned {answer!r}; this task takes one label: return it by itself, "
            "or None to abstain"
        )
    given = [] if answer is None else list(answer) if whole else [answer]
    try:
        return sorted({task.label_id(label) for label in given}), whole
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{path}: {about} returned {answer!r}: {error}; return a label, or None to abstain"
        ) from None


def _place(error: BaseException, path: Path) -> str:
    """Return the file and the line of it at which an error came up."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename) == path
    ]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _told(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__

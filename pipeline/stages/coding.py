"""Hand examples to coders, and take their answers, around the label stage."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline import codebook as codebooks
from pipeline.artifacts import read_table, replacing
from pipeline.codebook import Codebook
from pipeline.config import LabelSection
from pipeline.errors import DataError
from pipeline.label import columns_to_code, examples_to_code
from pipeline.label.answer_file import AnswerFile
from pipeline.label.answers import Example
from pipeline.label.coding_tasks import CodingTasks, coding_tasks
from pipeline.label.exchange import FORMS, Form
from pipeline.stages.opening import config_of, open_run
from pipeline.stages.runner import Outcome
from pipeline.tools import Tool
from pipeline.worklists import read_worklist

_NO_FILE_NAME: Final = re.compile(r"[^\w.@-]+")
FILE_ENDINGS: Final = (".json", ".jsonl", ".csv", ".tsv", ".xml", ".xlsx", ".parquet")


@dataclass(frozen=True)
class Coding:
    """What there is to code."""

    codebook: Codebook
    tasks: CodingTasks
    answered: Mapping[str, set[Example]]
    """What each coder has answered, by what the config names."""
    missing: list[Path]
    """Files of `label.annotations` that are not there yet."""

    def left_for(self, coder: str) -> CodingTasks:
        """Return the tasks without those that the coder has answered."""
        done = self.answered.get(coder, set())
        examples = self.tasks.examples
        return self.tasks.part(
            place for place, example in enumerate(examples) if example not in done
        )


@dataclass(frozen=True)
class Exported:
    """One file of tasks."""

    path: Path
    schema: Path
    """The file with the labels, for the tool."""
    task: str
    coder: str | None
    tasks: int


def open_coding(
    source: Path,
    overrides: Sequence[str],
    folder: Path | None,
    told: Callable[[Outcome], None],
    worklist: Path | None = None,
    asked: Sequence[str] = (),
    answers_elsewhere: Path | None = None,
) -> Coding:
    """Return what a config, or the folder of a run, has to code; of these tasks if any are `asked`.

    A config's articles are ingested first, where they are not up to date. Answers in the file
    `answers_elsewhere` do not count as given: somebody else keeps account of them.
    """
    run = open_run(source, overrides, folder, "ingest", told)
    config = config_of(run)
    codebook = codebooks.load(config.codebook)
    if unknown := [name for name in asked if name not in codebook.tasks]:
        raise DataError(
            f"--task {unknown[0]}: the tasks of {codebook.identity} are "
            f"{', '.join(sorted(codebook.tasks))}"
        )
    section, missing = _without_missing(config.label)
    articles = read_table(run.articles, columns_to_code(section))
    examples, answered = examples_to_code(articles, codebook, section)
    rows = None if worklist is None else read_worklist(worklist)
    tasks = coding_tasks(articles, examples, codebook, rows)
    if asked:
        tasks = tasks.part(
            place for place, example in enumerate(tasks.examples) if example.task in asked
        )
    if not len(tasks):
        raise DataError(_nothing(worklist, asked))
    kept = None if answers_elsewhere is None else AnswerFile(answers_elsewhere, codebook)
    for key in kept.read() if kept else ():
        if key.version == codebook.version and key.coder in answered:
            answered[key.coder].discard(key.example)
    return Coding(codebook, tasks, answered, missing)


def _nothing(worklist: Path | None, asked: Sequence[str]) -> str:
    what = f" of {', '.join(asked)}" if asked else ""
    if worklist is not None:
        return f"{worklist}: the worklist names no example{what}"
    return f"there is no example{what} to code: does no article name a target of the codebook?"


def _without_missing(section: LabelSection) -> tuple[LabelSection, list[Path]]:
    """Leave out the files of answers that are yet to come: before coding there are none."""
    there = [path for path in section.annotations if path.exists()]
    missing = [path for path in section.annotations if path not in there]
    return section.model_copy(update={"annotations": there}), missing


def export_tasks(
    coding: Coding, tool: Tool, output: Path, coders: Sequence[str], suggest: bool
) -> list[Exported]:
    """Write a file for each task of the codebook (and coder), and beside it one with its labels.

    `output` is a folder, or the file of the only one there is to write. Files of coders have what
    they have not answered yet; there is none where that is nothing.
    """
    form = FORMS[tool]
    whose: list[str | None] = [*coders] if coders else [None]
    parts = [
        (name, coder, part)
        for coder in whose
        for name, part in _by_task(coding.tasks if coder is None else coding.left_for(coder))
    ]
    if not parts:
        raise DataError(f"nothing is left to code for {', '.join(coders)}")
    names = _names(parts, form, output)
    exported = []
    for (name, coder, part), (path, schema) in zip(parts, names, strict=True):
        form.write(path, part, suggest)
        with replacing(schema) as temporary:
            temporary.write_bytes(form.schema(coding.codebook.tasks[name]))
        exported.append(Exported(path, schema, name, coder, len(part)))
    return exported


def _by_task(tasks: CodingTasks) -> list[tuple[str, CodingTasks]]:
    places: dict[str, list[int]] = {}
    for place, example in enumerate(tasks.examples):
        places.setdefault(example.task, []).append(place)
    return [(name, tasks.part(places[name])) for name in sorted(places)]


def _names(
    parts: Sequence[tuple[str, str | None, CodingTasks]], form: Form, output: Path
) -> list[tuple[Path, Path]]:
    """Return the paths of tasks and of labels for each part."""
    if form.ending and output.suffix == form.ending and not output.is_dir():
        if len(parts) > 1:
            what = ", ".join(_stem(name, coder) for name, coder, _ in parts)
            raise DataError(
                f"--output {output}: this is one file, and there are {len(parts)} to write "
                f"({what}); name a folder, or choose one with --task and --coder"
            )
        return [(output, output.with_name(output.stem + form.schema_ending))]
    if output.suffix in FILE_ENDINGS and not output.is_dir():
        takes = f"a folder or a file that ends in {form.ending}" if form.ending else "a folder"
        raise DataError(f"--output {output}: name {takes}")
    names = [
        (
            output / f"{_stem(name, coder)}{form.ending}",
            output / f"{_stem(name, None)}{form.schema_ending}",
        )
        for name, coder, _ in parts
    ]
    _check_apart(parts, names)
    return names


def _check_apart(
    parts: Sequence[tuple[str, str | None, CodingTasks]], names: Sequence[tuple[Path, Path]]
) -> None:
    """Raise DataError where one file would take the place of another: names lose characters."""
    taken = {
        schema: f"the labels of {part[0]}" for part, (_, schema) in zip(parts, names, strict=True)
    }
    for (name, coder, _), (path, _) in zip(parts, names, strict=True):
        what = name if coder is None else f"{name} of {coder!r}"
        if path in taken:
            raise DataError(
                f"--coder: {taken[path]} and {what} would both be {path}; give one another name, "
                "or export one at a time into another folder"
            )
        taken[path] = what


def _stem(name: str, coder: str | None) -> str:
    return name if coder is None else f"{name}-{_NO_FILE_NAME.sub('_', coder)}"

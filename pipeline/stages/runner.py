"""Run a stage, or skip it because nothing that it depends on has changed.

What a stage depends on: the digests of its input files, its part of the config, the source code of
the modules that do its work, and the versions of the packages that matter to it. What it left is
checked too, so that an output which was edited or removed is made again.
"""

import hashlib
import importlib.metadata
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.artifacts import RunFolder, digest_of, read_json, to_json, write_json
from pipeline.errors import DataError


@dataclass(frozen=True)
class Stage:
    """One step of a run."""

    name: str
    inputs: Sequence[Path]
    outputs: Sequence[Path]
    settings: Any  # JSON values
    code: Sequence[str]  # modules and packages below `pipeline`
    packages: Sequence[str]  # distributions whose version matters to the result
    work: Callable[[], str]  # writes the outputs; returns what happened, in a few words
    # True where the outputs say of themselves that more can be had by running again.
    unfinished: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Outcome:
    """What became of a stage."""

    stage: str
    summary: str
    seconds: float
    skipped: bool


def run_stage(stage: Stage, folder: RunFolder) -> Outcome:
    """Run `stage` unless its record shows that it would do the same again."""
    started = time.perf_counter()
    record_file = folder.stages / f"{stage.name}.json"
    key = stage_key(stage)
    record = _read_record(record_file)
    unchanged = (
        record is not None and record["key"] == key and record["outputs"] == _digests(stage.outputs)
    )
    if record is not None and unchanged and not stage.unfinished():
        return Outcome(stage.name, record["summary"], time.perf_counter() - started, skipped=True)
    record_file.unlink(missing_ok=True)  # a stage that fails half-way has to run again
    summary = stage.work()
    write_json(record_file, {"key": key, "summary": summary, "outputs": _digests(stage.outputs)})
    return Outcome(stage.name, summary, time.perf_counter() - started, skipped=False)


def _read_record(path: Path) -> dict[str, Any] | None:
    try:
        record = read_json(path)
    except DataError:
        return None
    complete = isinstance(record, dict) and record.keys() == {"key", "summary", "outputs"}
    return record if complete else None


def stage_key(stage: Stage) -> str:
    """Return the digest of all that the stage's result depends on."""
    parts = {
        "settings": stage.settings,
        # Of an input that is missing the stage itself knows best what to say.
        "inputs": [[_text(p.name), digest_of(p) if p.exists() else None] for p in stage.inputs],
        "code": code_digest(tuple(stage.code)),
        "packages": {name: importlib.metadata.version(name) for name in stage.packages},
    }
    return hashlib.sha256(to_json(parts)).hexdigest()


def _text(name: str) -> str:
    r"""Return a file's name with each byte that is no UTF-8 as `\xff`, which JSON can hold."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _digests(paths: Sequence[Path]) -> dict[str, str] | None:
    if not all(path.exists() for path in paths):
        return None
    return {path.name: digest_of(path) for path in paths}


@cache
def code_digest(names: tuple[str, ...]) -> str:
    """Return the digest of the source of what is named below `pipeline`.

    Templates and packaged rules are source too.
    """
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for name in names:
        place = root / name
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if file.suffix in (".py", ".j2", ".yaml"):
                digest.update(file.read_bytes())
    return digest.hexdigest()

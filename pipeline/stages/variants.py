"""Many runs of one experiment that differ in a few keys: trials of a search, seeds, folds.

Each has a folder of its own. What the data stages of the first made is linked into it, so that
articles are read once, unless a variant changes what those stages do.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from pipeline.artifacts import RunFolder

DATA_STAGES: Final = ("ingest", "label", "split", "vote", "audit")


@dataclass(frozen=True)
class Variant:
    """One of many runs: its name, and the keys in which it differs."""

    name: str
    changes: Mapping[str, Any]  # dotted key → value

    @property
    def overrides(self) -> list[str]:
        """The changes as `--set` takes them; JSON is YAML."""
        return [f"{key}={orjson.dumps(value).decode()}" for key, value in self.changes.items()]


def link_data(source: RunFolder, target: RunFolder) -> None:
    """Let `target` begin with what the data stages left in `source`, sharing its bytes on disk.

    Every file is replaced and none is written into, so that neither run can change the other's.
    """
    for path in (
        *(source.articles, source.rejects, source.copies),
        *(source.examples, source.annotations, source.agreement),
        *(source.disputed, source.outdated),
        *(source.splits, source.account, source.audit),
        *(source.votes, source.vote_account, source.soft_labels),
        *(source.stages / f"{stage}.json" for stage in DATA_STAGES),
    ):
        link = target.path / path.relative_to(source.path)
        if path.exists() and not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            _link(path, link)


def _link(path: Path, link: Path) -> None:
    try:
        os.link(path, link)
    except OSError:  # another file system, or one without links
        shutil.copyfile(path, link)


def of_seeds_and_folds(seeds: Sequence[int] | None, folds: int | None) -> list[Variant]:
    """Return a variant for each seed and fold that is asked for."""
    parts_of_seed: list[dict[str, Any]] = [{"seed": seed} for seed in seeds] if seeds else [{}]
    parts_of_fold = [{"split.fold": fold} for fold in range(folds)] if folds else [{}]
    return [
        Variant(
            "-".join(f"{key.rpartition('.')[2]}-{value}" for key, value in changes.items()),
            changes,
        )
        for fold in parts_of_fold
        for seed in parts_of_seed
        if (changes := {**fold, **seed})
    ]

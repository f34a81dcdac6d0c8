"""Take annotation files from one version of the codebook to the next."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.artifacts import write_lines
from pipeline.codebook import Codebook
from pipeline.codebook.versions import Migration
from pipeline.errors import DataError
from pipeline.label import Example, Outdated, carried_annotations, write_annotations
from pipeline.records import WORKLIST, example_id, join_labels
from pipeline.worklists import write_worklist


@dataclass(frozen=True)
class Migrated:
    """What became of the answers in some annotation files."""

    migration: Migration
    carried: int
    """Rows of the new annotation file: one per coder, example and label."""
    outdated: list[Outdated]
    """Answers that have to be given again."""


def migration_of(old: Codebook, new: Codebook) -> Migration:
    """Return the way from `old` to `new`; DataError where they are not of one name."""
    if old.name != new.name:
        raise DataError(
            f"{old.identity} and {new.identity} are two codebooks, not two versions of one; "
            "their names must be equal"
        )
    # Compared as they are dumped: without rules, which are no part of a version.
    if old.version == new.version and old.model_dump() != new.model_dump():
        raise DataError(
            f"both files say version {new.version!r} and differ; give the new one another version"
        )
    return Migration(old, new)


def migrate(migration: Migration, files: Sequence[Path]) -> tuple[pa.Table, Migrated]:
    """Read annotations under the old codebook (or the new one); return records.ANNOTATIONS."""
    annotations, outdated = carried_annotations(files, migration.old, migration.new)
    return annotations, Migrated(migration, annotations.num_rows, outdated)


def write_migrated(
    output: Path, annotations: pa.Table, outdated: Sequence[Outdated]
) -> Path | None:
    """Write the annotations, and beside them a file of what is outdated; return it, if any."""
    write_annotations(output, annotations)
    if not outdated:
        return None
    beside = output.with_name(f"{output.name}.outdated.jsonl")
    write_lines(beside, (each.as_dict() for each in outdated))
    return beside


def write_recoding(path: Path, outdated: Sequence[Outdated]) -> int:
    """Write the worklist of what is to be coded again; return how many examples it has."""
    worklist = recoding_worklist(outdated)
    write_worklist(path, worklist)
    return len(worklist)


def recoding_worklist(outdated: Sequence[Outdated]) -> pa.Table:
    """Return records.WORKLIST of what is to be coded again, each example once.

    Those that most coders answered come first: so many answers are lost with each.
    """
    answers: dict[Example, list[Outdated]] = {}
    for each in outdated:
        for example in each.again:
            answers.setdefault(example, []).append(each)
    ranked = sorted(answers, key=lambda example: (-len(answers[example]), example_id(*example)))
    return pa.Table.from_pylist(
        [_recoding_row(example, answers[example]) for example in ranked], schema=WORKLIST
    )


def _recoding_row(example: Example, answers: Sequence[Outdated]) -> dict[str, Any]:
    said = Counter(join_labels(sorted(each.labels)) or "none" for each in answers)
    told = ", ".join(f"{labels} {count}" for labels, count in sorted(said.items()))
    maybe = {each.maybe for each in answers}
    found = maybe.pop() if len(maybe) == 1 else None
    return {
        "example_id": example_id(*example),
        **example._asdict(),
        "why": f"coded {told} under version {answers[0].version}: {answers[0].why}",
        "suggestion": None if found is None else join_labels(list(found)),
    }

"""Take what tools exported over into an annotation file."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.artifacts import write_lines
from pipeline.codebook import Codebook
from pipeline.errors import DataError
from pipeline.label.answer_file import Answer, AnswerFile, Key
from pipeline.label.exchange.collecting import Collected, collect
from pipeline.label.exchange.forms import Form
from pipeline.label.stdin import STDIN


@dataclass(frozen=True)
class Imported:
    """What became of the answers in some files."""

    collected: Collected
    rejects_file: Path | None
    """Everything that is no answer, with place and reason; none where all are."""
    unknown_targets: dict[str, int]
    """Answers about targets that the codebook does not have, by target. Rows may bring targets of
    their own, so they are answers; but where the codebook has targets, it may be a slip."""


def import_answers(
    files: Sequence[Path],
    form: Form,
    codebook: Codebook,
    earlier: Sequence[Codebook],
    output: Path,
    coder: str | None,
    names: Mapping[str, str],
    replace: bool,
) -> Imported:
    """Take the answers in `files` over into the annotation file `output`, which may be there.

    See `collect`. What is no answer goes to `<output>.rejects.jsonl`.
    """
    if files.count(STDIN) > 1:
        raise DataError(f"{STDIN}: standard input can be read once only")
    rejects_file = output.with_name(f"{output.name}.rejects.jsonl")
    for file in files:
        for written in (output, rejects_file):
            if file.exists() and written.exists() and file.samefile(written):
                raise DataError(f"{file}: read from and written to at once; write to another file")
    kept = AnswerFile(output, codebook)
    items = [item for file in files for item in form.read(file, coder)]
    collected = Collected()

    def decide(before: Mapping[Key, Answer]) -> tuple[Collection[Key], Sequence[Answer]]:
        nonlocal collected
        collected = collect(items, codebook, earlier, before, names, replace)
        return collected.changed.keys(), collected.answers

    kept.update(decide)
    unknown = _unknown_targets(collected, codebook)
    if not collected.left:
        rejects_file.unlink(missing_ok=True)
        return Imported(collected, None, unknown)
    write_lines(rejects_file, (each.as_dict() for each in collected.left))
    return Imported(collected, rejects_file, unknown)


def _unknown_targets(collected: Collected, codebook: Codebook) -> dict[str, int]:
    known = {target.id for target in codebook.targets}
    if not known:
        return {}
    asked = (answer.example.target for answer in collected.answers)
    return dict(sorted(Counter(each for each in asked if each and each not in known).items()))

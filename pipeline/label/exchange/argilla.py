"""Argilla 2: records as a folder of the package `datasets`, with the settings of the dataset.

The columns are those of `dataset.records.to_datasets()`: fields and metadata by their names,
`label.responses` with `.users` and `.status`, `label.suggestion`. Records whose parts are nested
(`fields`, `metadata`, `responses`) are read as well.
"""

import importlib.util
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from pipeline.artifacts import replacing, to_json
from pipeline.codebook import Choose, Task
from pipeline.errors import DataError, MissingExtraError, first_line
from pipeline.label.answers import Note
from pipeline.label.coding_tasks import CodingTask, marked
from pipeline.label.exchange.forms import (
    identity,
    mention_list,
    options,
    shown,
    suggested,
)
from pipeline.label.exchange.returned import Item, Kind, Left, Returned, text_of, texts_of

LABEL: Final = "label"
COMMENT: Final = "comment"
RESPONSES: Final = ".responses"
SUGGESTION: Final = ".suggestion"
# Columns that `records.log` keeps beside the fields: it passes over what the settings do not name.
METADATA: Final = ("article_id", "task", "target", "codebook")


class Argilla:
    """See `Form`."""

    ending = ""
    schema_ending = "-settings.json"

    def write(self, path: Path, tasks: Iterable[CodingTask], suggest: bool) -> None:
        """Write a folder that `datasets.load_from_disk` reads and `records.log` takes."""
        _check(path)
        import datasets

        rows = [_row(task, suggest) for task in tasks]
        # All columns are text, but for suggestions where many labels may hold: name their types,
        # or a column of nulls would get none.
        kinds = {name: _kind(name, rows) for name in (rows[0] if rows else ())}
        made = datasets.Dataset.from_list(rows, features=datasets.Features(kinds))
        with replacing(path) as temporary, _no_progress_bars():
            made.save_to_disk(temporary)

    def schema(self, task: Task) -> bytes:
        """Return what `rg.Settings.from_json` reads."""
        chosen = "multi_label_selection" if task.choose is Choose.MANY else "label_selection"
        told = [f"**{name_of}** (`{each}`): {why}" for each, name_of, why in options(task) if why]
        label = {
            "name": LABEL,
            "title": task.question or "Label",
            "description": None,
            "required": True,
            "settings": {
                "type": chosen,
                "options": [
                    {"value": each, "text": name_of, "description": None}
                    for each, name_of, _ in options(task)
                ],
                "visible_options": None,
            },
        }
        comment = {
            "name": COMMENT,
            "title": "Comment",
            "description": None,
            "required": False,
            "settings": {"type": "text", "use_markdown": False},
        }
        fields = [
            {
                "name": field,
                "title": field.capitalize(),
                "required": field == "text",
                "settings": {"type": "text", "use_markdown": False},
            }
            for field in ("question", "title", "text")
        ]
        return to_json(
            {
                "guidelines": "\n\n".join(told) or None,
                "allow_extra_metadata": True,
                "fields": fields,
                "questions": [label, comment],
                "metadata": [_metadata(field) for field in METADATA],
                "vectors": [],
            }
        )

    def read(self, path: Path, coder: str | None) -> Iterator[Item]:
        """Read a folder that `records.to_datasets().save_to_disk()` wrote."""
        for number, row in enumerate(_records(path), start=1):
            place = f"{path}: record {number}"
            if why := _misshapen(row):
                yield Left(Kind.REJECT, place, why, row)
            else:
                yield from _answers(place, _flat(row), coder)


def _metadata(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "title": name,
        "type": "terms",
        "settings": {"type": "terms", "values": None, "visible_for_annotators": True},
        "visible_for_annotators": True,
    }


class _Response(NamedTuple):
    value: Any
    user: str
    status: str


def _check(path: Path) -> None:
    if importlib.util.find_spec("datasets") is None:
        raise MissingExtraError(
            f"{path}: Argilla's folders need the package datasets; "
            "install it in Slant's folder with: pip install '.[hub]'"
        )


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Keep the progress bars of `datasets` off the screen."""
    import datasets

    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()


def _row(task: CodingTask, suggest: bool) -> dict[str, Any]:
    fields = shown(task)
    proposed = suggested(task, suggest)
    row: dict[str, Any] = {
        "id": task.example_id,
        **{key: fields[key] for key in ("question", "title")},
        "text": marked(task.text, task.mentions),
        **{key: value or "" for key, value in identity(task).items()},
        **{key: fields[key] for key in ("target_name", "why") if key in fields},
        "mentions": orjson.dumps(mention_list(task)).decode(),
    }
    if suggest:
        # A column of the question's own name is what `records.log` takes for a suggestion.
        row[LABEL] = proposed if task.many else next(iter(proposed), None)
    return row


def _kind(name: str, rows: Sequence[Mapping[str, Any]]) -> Any:
    import datasets

    text = datasets.Value("string")
    return datasets.List(text) if isinstance(rows[0][name], list) else text


def _records(path: Path) -> Iterator[dict[str, Any]]:
    _check(path)
    import datasets

    if not path.is_dir():
        what = "this is a file" if path.exists() else "there is no such folder"
        raise DataError(f"{path}: {what}; name the folder that save_to_disk wrote")
    try:
        found = datasets.load_from_disk(str(path))
    except (OSError, ValueError) as error:
        reason = first_line(error)
        raise DataError(f"{path}: cannot be read as a dataset ({reason})") from None
    parts = found.values() if isinstance(found, datasets.DatasetDict) else [found]
    for part in parts:
        yield from part


def _misshapen(row: Mapping[str, Any]) -> str | None:
    """Say what is wrong with the parts of a record that may be nested."""
    if not isinstance(row.get("fields"), dict):
        return None
    for part in ("metadata", "responses", "suggestions"):
        if row.get(part) is not None and not isinstance(row[part], dict):
            return f"its {part} are no object, but {type(row[part]).__name__}"
    for question, responses in (row.get("responses") or {}).items():
        if responses is None:
            continue
        if not isinstance(responses, list) or not all(isinstance(e, dict) for e in responses):
            return f"its responses to {question!r} are no list of objects"
    return None


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record whose parts may be nested as one with a key for each part's entry."""
    if not isinstance(row.get("fields"), dict):
        return dict(row)
    flat: dict[str, Any] = {"id": row.get("id"), **row["fields"], **(row.get("metadata") or {})}
    for question, responses in (row.get("responses") or {}).items():
        key = f"{question}{RESPONSES}"
        flat[key] = [each.get("value") for each in responses or ()]
        flat[f"{key}.users"] = [each.get("user_id") for each in responses or ()]
        flat[f"{key}.status"] = [each.get("status") for each in responses or ()]
    for question, suggestion in (row.get("suggestions") or {}).items():
        value = suggestion.get("value") if isinstance(suggestion, dict) else suggestion
        flat[f"{question}{SUGGESTION}"] = value
    return flat


def _answers(place: str, row: Mapping[str, Any], coder: str | None) -> Iterator[Item]:
    named = {key: row[key] for key in ("article_id", "task", "target") if key in row}
    questions = [key.removesuffix(RESPONSES) for key in row if key.endswith(RESPONSES)]
    for key in row:
        if key.endswith(SUGGESTION) and row[key]:
            told = {**named, key: row[key]}
            yield Left(Kind.LEFT_OUT, place, "suggestions are no answers", told)
    comments = {
        each.user: text
        for each in _responses(row, COMMENT) or ()
        if (text := text_of(each.value)) and each.status != "discarded"
    }
    answered = False
    for question in questions:
        responses = _responses(row, question)
        if responses is None:
            answered = True
            why = f"the responses to {question!r} are no list with a user and a status for each"
            yield Left(Kind.REJECT, place, why, dict(row))
        for response in responses or () if question != COMMENT else ():
            answered = True
            yield _answer(place, row, question, response, comments, coder)
    if not answered:
        yield Left(Kind.UNANSWERED, place, "no response", named)


def _responses(row: Mapping[str, Any], question: str) -> list[_Response] | None:
    """Return the responses to a question; None where their columns do not fit each other."""
    key = f"{question}{RESPONSES}"
    values = [] if row.get(key) is None else row[key]
    if not isinstance(values, list):
        return None
    none = [None] * len(values)
    users, states = (row.get(f"{key}.{part}") or none for part in ("users", "status"))
    if not all(isinstance(each, list) and len(each) == len(values) for each in (users, states)):
        return None
    return [
        _Response(value, text_of(user), text_of(status) or "submitted")
        for value, user, status in zip(values, users, states, strict=True)
    ]


def _answer(
    place: str,
    row: Mapping[str, Any],
    question: str,
    response: _Response,
    comments: Mapping[str, str],
    coder: str | None,
) -> Item:
    who = response.user or coder or ""
    comment = comments.get(response.user)
    told = {
        **{key: row[key] for key in ("article_id", "task", "target") if key in row},
        "coder": who, "value": response.value, "comment": comment,
    }  # fmt: skip
    if response.status == "discarded":
        return Left(Kind.SKIPPED, place, "discarded by the coder", told)
    if response.status == "draft":
        return Left(Kind.LEFT_OUT, place, "drafts are no answers", told)
    labels = texts_of(response.value)
    if labels is None:
        return Left(Kind.REJECT, place, f"the response to {question!r} holds no labels", told)
    return Returned(
        place=place,
        article_id=text_of(row.get("article_id")),
        # In datasets that people made for several questions, each is named after a task.
        task=text_of(row.get("task")) if question == LABEL else question,
        target=text_of(row.get("target")),
        coder=who,
        labels=tuple(labels),
        note=Note(None, comment, text_of(row.get("codebook")) or None),
    )

"""Read the answers that stand in the articles' own rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
import pyarrow as pa

from pipeline.codebook import Asks, Choose
from pipeline.config import InlineGold, LabelSection
from pipeline.errors import DataError
from pipeline.label.answers import AnswerBook, Example, Problems

# The name under which an inline answer counts as a coder's.
CODER: Final = "inline"
# Columns that ingest took out of a row; all its other fields are in `extra`.
TAKEN: Final = ("title", "outlet", "published", "url", "language", "given_split")


@dataclass(frozen=True)
class Inline:
    """What one article's row says about one example, beside the label."""

    target: str | None
    """The target as the row words it."""
    mark: tuple[int, int] | None
    """Where its mention is, in characters of the text as it came in."""
    source_entity: str | None


def read_inline(
    articles: pa.Table, section: LabelSection, book: AnswerBook, problems: Problems
) -> dict[Example, Inline]:
    """Add the rows' own answers to `book` and what is wrong to `problems`; return the rest.

    A row that names a target is an example even if it has no label. DataError where the section
    names a task that the codebook has not, or a field that no row has.
    """
    for name, gold in section.inline.items():
        _check_task(book, name, gold)
    found: dict[Example, Inline] = {}
    seen: set[str] = set()
    for row, fields in enumerate(_fields(articles)) if section.inline else ():
        seen.update(fields)
        for name, gold in section.inline.items():
            try:
                _read(fields, articles["id"][row].as_py(), name, gold, book, found)
            except ValueError as error:
                source, place = articles["source"][row].as_py(), articles["place"][row].as_py()
                problems.add(f"{source}:{place}", str(error))
    if articles.num_rows:
        _check_fields(section.inline, seen)
    return found


def _check_task(book: AnswerBook, name: str, gold: InlineGold) -> None:
    try:
        task = book.task(name)
    except ValueError as error:
        raise DataError(f"label.inline.{name}: {error}") from None
    if task.asks is Asks.TARGET and gold.target is None:
        raise DataError(
            f"label.inline.{name}: no target field is named; set label.inline.{name}.target, "
            "since this task is asked of a target"
        )
    if task.asks is Asks.ARTICLE and gold.target is not None:
        raise DataError(
            f"label.inline.{name}.target: {gold.target!r} is named, but this task is asked of the "
            "article; leave it out"
        )


def _fields(articles: pa.Table) -> Iterator[Mapping[str, Any]]:
    """Yield each article's fields: those of its row, and under them the columns of the table."""
    columns = [articles[name].to_pylist() for name in TAKEN]
    for extra, *values in zip(articles["extra"].to_pylist(), *columns, strict=True):
        taken = dict(zip(TAKEN, values, strict=True))
        yield taken | orjson.loads(extra) if extra else taken


def _check_fields(inline: Mapping[str, InlineGold], seen: set[str]) -> None:
    for task, gold in inline.items():
        for key, name in gold.model_dump().items():
            if name is not None and name not in seen:
                raise DataError(
                    f"label.inline.{task}.{key}: no article has a field {name!r}; "
                    f"the fields are {', '.join(sorted(seen))}"
                )


def _read(
    fields: Mapping[str, Any],
    article_id: str,
    task: str,
    gold: InlineGold,
    book: AnswerBook,
    found: dict[Example, Inline],
) -> None:
    value = fields.get(gold.label)
    texts = _texts(gold.label, value)
    target = _text(fields, gold.target)
    # An empty list says that none of many labels holds; an empty text, that nobody looked.
    is_none = value == [] and book.task(task).choose is Choose.MANY
    if not target and book.has_no_label(task, texts) and not is_none:
        return
    example = book.example(article_id, task, target)
    book.add(example, CODER, texts)
    if is_none:
        book.add_none(example, CODER)
    source_entity = _text(fields, gold.source_entity)
    found[example] = Inline(target or None, _mark(fields, gold), source_entity or None)


def _texts(field: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [_as_text(field, one) for one in values if one is not None]


def _text(fields: Mapping[str, Any], field: str | None) -> str:
    value = fields.get(field) if field else None
    return "" if value is None else _as_text(str(field), value).strip()


def _as_text(field: str, value: Any) -> str:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"{field!r} must be text; it is {value!r}")


def _mark(fields: Mapping[str, Any], gold: InlineGold) -> tuple[int, int] | None:
    start, end = _offset(fields, gold.target_start), _offset(fields, gold.target_end)
    return None if start is None or end is None else (start, end)


def _offset(fields: Mapping[str, Any], field: str | None) -> int | None:
    value = fields.get(field) if field else None
    if value is None or value == "":
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ValueError(f"{field!r} must be a whole number; it is {value!r}") from None

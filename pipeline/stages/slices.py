"""What each example belongs to, so that scores can be told apart by outlet, time or length."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.documents import suggest
from pipeline.errors import DataError
from pipeline.groups import extra_fields, field_values, group_keys, iso_day
from pipeline.quotations import is_quoted, quoted_spans
from pipeline.records import SCORED

# First word count of each class of lengths, and what the class is called.
LENGTHS: Final = (
    (1000, "1,000 words and more"),
    (400, "400–999 words"),
    (150, "150–399 words"),
    (0, "under 150 words"),
)
# What `evaluate.slices` may name beside fields of the rows.
NAMED: Final = ("outlet", "period", "length", "language", "target", "voice")
# With more years than this a period is a year, else a quarter of one.
YEARS: Final = 2


def with_slices(
    scored: pa.Table, articles: pa.Table, examples: pa.Table, names: Sequence[str]
) -> pa.Table:
    """Return records.SCORED with its column `slices` filled in.

    `names` are those of `evaluate.slices`, `articles` is records.ARTICLES, and `examples`
    records.EXAMPLES. An example is in no slice of what it has no value for. Cost: a pass over the
    scored articles' texts.
    """
    known = pa.array(sorted(set(scored["article_id"].to_pylist())), pa.string())
    used = articles.filter(pc.is_in(articles["id"], value_set=known)).combine_chunks()
    at = pc.index_in(scored["article_id"], value_set=used["id"].combine_chunks()).to_pylist()
    columns: dict[str, list[str | None]] = {}
    for name in names:
        if name == "target":
            columns[name] = scored["target"].to_pylist()
        elif name == "voice":
            columns[name] = _voices(scored, used, examples)
        else:
            values = _article_values(used, articles, name)
            columns[name] = [values[place] for place in at]
    rows = [
        [(name, value) for name, value in zip(columns, row, strict=True) if value is not None]
        for row in zip(*columns.values(), strict=True)
    ] or [[] for _ in range(len(scored))]
    field = SCORED.field("slices")
    place = scored.schema.get_field_index("slices")
    return scored.set_column(place, field, pa.array(rows, field.type))


def _article_values(used: pa.Table, articles: pa.Table, name: str) -> list[str | None]:
    """Return the value of each article in `used`; `articles` are all there are."""
    match name:
        case "outlet":
            return outlet_names(used)
        case "period":
            return _periods(used, articles)
        case "length":
            counts = pc.count_substring_regex(used["text"], r"\S+").to_pylist()
            return [next(said for least, said in LENGTHS if n >= least) for n in counts]
        case _:
            _check_known(name, articles)
            return field_values(used, name)


def _check_known(name: str, articles: pa.Table) -> None:
    """Raise DataError where `name` is no column, and no row has such a field."""
    if name in articles.column_names:
        return
    fields = {field for row in extra_fields(articles) for field in row}
    if name not in fields:
        known = sorted({*NAMED, *articles.column_names, *fields} - {"extra", "set_apart"})
        raise DataError(
            f"evaluate.slices: no row has a field {name!r}{suggest(name, known, 'field')}"
        )


def outlet_names(articles: pa.Table) -> list[str | None]:
    """Return each article's outlet under its commonest spelling; None where it is unknown."""
    keys, spelt = group_keys(articles, "outlet"), field_values(articles, "outlet")
    counts: dict[str, Counter[str]] = {}
    for key, name in zip(keys, spelt, strict=True):
        if key is not None and name is not None:
            counts.setdefault(key, Counter())[name] += 1
    shown = {key: min(names, key=lambda x: (-names[x], x)) for key, names in counts.items()}
    return [None if key is None else shown[key] for key in keys]


def _periods(used: pa.Table, articles: pa.Table) -> list[str | None]:
    days = [iso_day(text or "") for text in articles["published"].to_pylist()]
    by_year = len({day[:4] for day in days if day}) > YEARS
    return [
        None if (day := iso_day(text or "")) is None else day[:4] if by_year else _quarter(day)
        for text in used["published"].to_pylist()
    ]


def _quarter(day: str) -> str:
    return f"{day[:4]} Q{(int(day[5:7]) + 2) // 3}"


def _voices(scored: pa.Table, articles: pa.Table, examples: pa.Table) -> list[str | None]:
    """Return whether each example's target is named in quotations only, outside, or both."""
    ids = pa.array(sorted(set(scored["article_id"].to_pylist())), pa.string())
    asked = examples.filter(pc.is_in(examples["article_id"], value_set=ids))
    quoted = {
        name: quoted_spans(text)
        for name, text in zip(articles["id"].to_pylist(), articles["text"].to_pylist(), strict=True)
    }
    voices = {
        (row["article_id"], row["task"], row["target"]): _voice(
            [(span["start"], span["end"]) for span in row["mentions"] or []],
            quoted[row["article_id"]],
        )
        for row in asked.select(["article_id", "task", "target", "mentions"]).to_pylist()
    }
    keys = scored.select(["article_id", "task", "target"]).to_pylist()
    return [voices.get((key["article_id"], key["task"], key["target"])) for key in keys]


def _voice(
    mentions: Sequence[tuple[int, int]], quotations: Sequence[tuple[int, int]]
) -> str | None:
    said = {is_quoted(mention, quotations) for mention in mentions}
    if len(said) == 2:
        return "quoted and not"
    return {True: "quoted only", False: "not quoted"}[said.pop()] if said else None

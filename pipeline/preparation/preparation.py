"""What is done to the texts of articles between their source and whoever reads them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config import Ingest, PersonalData
from pipeline.preparation.boilerplate import BoilerplateFinder
from pipeline.preparation.masking import Masker
from pipeline.preparation.rules import BoilerplateRule, dump_rules, load_rules, restore_rules
from pipeline.records import ARTICLES, SET_APART

# What `extractor` begins with where a text was made out of HTML.
PAGES: Final = ("trafilatura", "feedparser")
# Columns in which personal data is masked, and `extra` beside them.
MASKED: Final = ("title", "text", "url")


@dataclass(frozen=True)
class Prepared:
    """Articles as models and people read them."""

    articles: pa.Table
    """records.ARTICLES, with `set_apart` where the texts were searched."""
    masked: Counter[PersonalData]
    """What was masked, by kind."""
    pieces: int
    """How many pieces were set apart."""


@dataclass(frozen=True)
class Preparation:
    """What a run does to its texts, and a model trained on them to those that it predicts."""

    texts: str = "none"
    """Which texts are searched for boilerplate, as in `ingest.boilerplate.texts`."""
    rules: Mapping[str, BoilerplateRule] = field(default_factory=dict)
    """The rules by name."""
    mask: tuple[PersonalData, ...] = ()
    """Kinds of personal data that are masked."""

    @classmethod
    def of(cls, section: Ingest) -> Self:
        """Return what the config asks for; ConfigError where a rule is wrong."""
        kinds = tuple(kind for kind in PersonalData if kind in section.mask)
        return cls(section.boilerplate.texts, load_rules(section.boilerplate), kinds)

    @classmethod
    def restore(cls, values: Mapping[str, Any]) -> Self:
        """Return what `as_dict` wrote; ValueError where it is no such thing."""
        kinds = tuple(PersonalData(kind) for kind in values.get("mask", ()))
        rules = restore_rules(values.get("rules", {}))
        return cls(values.get("texts", "none"), rules, kinds)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready values, without the lines that test the rules."""
        return {"texts": self.texts, "rules": dump_rules(self.rules), "mask": list(self.mask)}

    @cached_property
    def _finder(self) -> BoilerplateFinder:
        return BoilerplateFinder(self.rules)

    def prepare(self, articles: pa.Table) -> Prepared:
        """Mask personal data and set boilerplate apart in records.ARTICLES with tidy texts.

        Masks are as long as what they hide, and come first; so the whole text, which body and
        pieces make up, has the characters of the tidied one at the same places.
        """
        masker = Masker(self.mask)
        if self.mask:
            articles = _masked(articles, masker)
        pieces = 0
        searched = self._searched(articles)
        if searched is not None:
            articles, pieces = self._set_apart(articles, searched)
        return Prepared(articles, masker.counts, pieces)

    def mask_text(self, text: str) -> str:
        """Return `text` without personal data, of the same length."""
        return Masker(self.mask).mask(text)

    def _searched(self, articles: pa.Table) -> pa.Array | None:
        """Return the rows whose texts are searched for boilerplate; None for no row."""
        if self.texts == "none" or not self.rules or not len(articles):
            return None
        if self.texts == "all":
            return pa.array(range(len(articles)), pa.int64())
        names = articles["extractor"].to_pylist()
        pages = [row for row, name in enumerate(names) if name and name.startswith(PAGES)]
        return pa.array(pages, pa.int64()) if pages else None

    def _set_apart(self, articles: pa.Table, rows: pa.Array) -> tuple[pa.Table, int]:
        texts = articles["text"].combine_chunks()
        texts = texts if isinstance(texts, pa.Array) else texts.chunk(0)
        numbers = rows.to_pylist()
        found = self._finder.set_apart(texts if len(rows) == len(texts) else texts.take(rows))
        column: list[list[dict[str, Any]] | None] = [None] * len(articles)
        for row in numbers:
            column[row] = []
        if found:
            for at, (_, pieces) in found.items():
                column[numbers[at]] = [piece._asdict() for piece in pieces]
            changed = {numbers[at]: body for at, (body, _) in found.items()}
            mask = pa.array([row in changed for row in range(len(texts))], pa.bool_())
            bodies = pa.array(list(changed.values()), pa.large_string())
            articles = _with(articles, "text", pc.replace_with_mask(texts, mask, bodies))
        articles = _with(articles, "set_apart", pa.array(column, SET_APART))
        return articles, sum(len(pieces) for _, pieces in found.values())


def _masked(articles: pa.Table, masker: Masker) -> pa.Table:
    for name in (*MASKED, "extra"):
        mask = masker.mask_json if name == "extra" else masker.mask
        values = articles[name].combine_chunks()
        found = pc.fill_null(pc.match_substring_regex(values, masker.screen), False)
        if pc.any(found).as_py():
            masked = [mask(value) for value in values.filter(found).to_pylist()]
            masked_values = pc.replace_with_mask(values, found, pa.array(masked, values.type))
            articles = _with(articles, name, masked_values)
    return articles


def _with(articles: pa.Table, name: str, values: pa.Array) -> pa.Table:
    at = articles.schema.get_field_index(name)
    return articles.set_column(at, ARTICLES.field(name), values)

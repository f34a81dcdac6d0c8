"""The same texts asked about other targets, which a model of stance has to tell apart.

An example's text is asked about another target of the same article where there is one; else about
who acts towards the target, with the roles exchanged; else about a target that is drawn from the
other examples, which the text need not mention.
"""

from collections import defaultdict
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.codebook import Codebook


def swapped(
    examples: pa.Table, everything: pa.Table, codebook: Codebook, seed: int
) -> tuple[pa.Table, list[int]]:
    """Return the examples with other targets, and the rows they were made of.

    `everything` holds all examples of the task, coded or not; each is a candidate for its article's
    other examples, unless it is who acts in them. A row without any other target is left out.
    """
    by_article: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in everything.select(["article_id", "target", "mentions"]).to_pylist():
        by_article[row["article_id"]].append(row)
    targets = sorted(set(everything["target"].to_pylist()))
    draw = np.random.default_rng(seed)
    rows, kept = [], []
    for at, row in enumerate(examples.to_pylist()):
        other = (
            _of_the_article(row, by_article[row["article_id"]], codebook)
            or _exchanged(row, codebook)
            or _drawn(row, targets, draw)
        )
        if other is not None:
            rows.append({**row, **other})
            kept.append(at)
    return pa.Table.from_pylist(rows, examples.schema), kept


def _of_the_article(
    row: dict[str, Any], candidates: list[dict[str, Any]], codebook: Codebook
) -> dict[str, Any] | None:
    own = {row["target"], codebook.target_id(row["source_entity"] or "")}
    others = [each for each in candidates if each["target"] not in own and each["mentions"]]
    if not others:
        return None
    # The next one in their order, so that no target is everyone's swap.
    after = [each for each in others if each["target"] > row["target"]]
    chosen = min(after or others, key=lambda each: each["target"])
    return {"target": chosen["target"], "mentions": chosen["mentions"]}


def _exchanged(row: dict[str, Any], codebook: Codebook) -> dict[str, Any] | None:
    if not row["source_entity"] or not row["source_mentions"]:
        return None
    return {
        "target": codebook.target_id(row["source_entity"]),
        "mentions": row["source_mentions"],
        "source_entity": codebook.target_names.get(row["target"], row["target"]),
        "source_mentions": row["mentions"],
    }


def _drawn(
    row: dict[str, Any], targets: list[str], draw: np.random.Generator
) -> dict[str, Any] | None:
    if len(targets) < 2:
        return None
    at = int(draw.integers(len(targets) - 1))
    other = targets[at] if targets[at] < row["target"] else targets[at + 1]
    return {"target": other, "mentions": []}

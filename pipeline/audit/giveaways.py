"""What gives the label away without the article being read: a field of the row, a word."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pipeline.audit.coded import Coded
from pipeline.audit.findings import Finding, Severity
from pipeline.codebook import Label, Task
from pipeline.groups import as_text, extra_fields

# Accuracy above that of the commonest label from which on a field is a warning.
GAIN: Final = 0.1
_FEWEST_VALUES: Final = 2
# A field with more values than this share of the articles has tells articles apart, not labels.
_MOST_VALUES: Final = 0.34
# A rule "the text has the label's word" that is so often right, and finds so many.
_SURE: Final = 0.9
_OFTEN: Final = 0.5
_FEWEST_HITS: Final = 10

Gold = frozenset[str]


def fields(coded: Coded, tasks: Mapping[str, Task], not_these: Sequence[str]) -> Iterator[Finding]:
    """Score what each field alone predicts: the commonest training answer of its value.

    Outlet, language and year are tried, and what the rows have besides, but for `not_these`.
    """
    columns = {
        **_extra(coded, not_these),
        "outlet": coded.groups("outlet"),
        "language": coded.groups("language"),
        "year": [day[:4] if day else None for day in coded.days],
    }
    for task in sorted(tasks):
        answers = list(coded.answers(task))
        for side in coded.test_sides:
            tested = [(place, gold) for place, on, gold in answers if on == side]
            learnt = [(place, gold) for place, _, gold in answers if coded.seen[place]]
            if not tested or not learnt:
                continue
            for name, values in columns.items():
                if (finding := _purity(name, values, learnt, tested)) is not None:
                    yield Finding(f"field_{name}", side=side, task=task, **finding)


def _purity(
    name: str,
    values: Sequence[str | None],
    learnt: Sequence[tuple[int, Gold]],
    tested: Sequence[tuple[int, Gold]],
) -> dict[str, Any] | None:
    known = {values[place] for place, _ in learnt if values[place]}
    articles = len({place for place, _ in learnt})
    if not _FEWEST_VALUES <= len(known) <= max(_FEWEST_VALUES, _MOST_VALUES * articles):
        return None
    by_value: dict[str | None, Counter[Gold]] = {}
    overall: Counter[Gold] = Counter(gold for _, gold in learnt)
    for place, gold in learnt:
        by_value.setdefault(values[place], Counter())[gold] += 1
    commonest = _commonest(overall)
    guesses = [
        _commonest(by_value[values[place]])
        if values[place] and values[place] in by_value
        else commonest
        for place, _ in tested
    ]
    golds = [gold for _, gold in tested]
    right = sum(guess == gold for guess, gold in zip(guesses, golds, strict=True)) / len(golds)
    base = sum(gold == commonest for gold in golds) / len(golds)
    score = _macro_f1(golds, guesses)
    is_worse = right - base >= GAIN
    way = "time" if name == "year" else name
    return {
        "severity": Severity.WARNING if is_worse else Severity.INFO,
        "summary": f"the {name} alone answers with accuracy {right:.3f} and macro-F1 {score:.3f}; "
        f"always the commonest answer: accuracy {base:.3f}"
        + (f"; a split by {way} would say what is left of the score" if is_worse else ""),
        "numbers": {"accuracy": right, "macro_f1": score, "majority_accuracy": base,
                    "values": len(known)},
        "rows": [
            {"value": value, "answer": "|".join(sorted(_commonest(counts))),
             "share": round(max(counts.values()) / counts.total(), 3), "n": counts.total()}
            for value, counts in sorted(
                by_value.items(), key=lambda item: (-item[1].total(), str(item[0]))
            )
        ],
    }  # fmt: skip


def _commonest(counts: Counter[Gold]) -> Gold:
    return min(counts, key=lambda answer: (-counts[answer], sorted(answer)))


def _macro_f1(golds: Sequence[Gold], guesses: Sequence[Gold]) -> float:
    scores = []
    for label in sorted({label for answer in (*golds, *guesses) for label in answer}):
        hits = sum(label in g and label in p for g, p in zip(golds, guesses, strict=True))
        under = sum(label in g for g in golds) + sum(label in p for p in guesses)
        scores.append(2 * hits / under)
    return sum(scores) / len(scores) if scores else 0.0


def _extra(coded: Coded, not_these: Sequence[str]) -> dict[str, list[str | None]]:
    rows = extra_fields(coded.articles)
    names = sorted({name for row in rows for name in row} - set(not_these))
    return {name: [as_text(row.get(name)) for row in rows] for name in names}


def words(coded: Coded, tasks: Mapping[str, Task]) -> Iterator[Finding]:
    """Tell for each task how well the labels' own names in the text give them away."""
    texts = [
        f"{title or ''}\n{text}".casefold()
        for title, text in zip(
            coded.articles["title"].to_pylist(), coded.articles["text"].to_pylist(), strict=True
        )
    ]
    for name in sorted(tasks):
        answers = [(place, gold) for place, _, gold in coded.answers(name) if coded.seen[place]]
        rows: list[dict[str, Any]] = []
        for label in tasks[name].labels:
            has = [_names(label, texts[place]) for place, _ in answers]
            is_it = [label.id in gold for _, gold in answers]
            both = sum(a and b for a, b in zip(has, is_it, strict=True))
            if any(has) and any(is_it):
                precision, recall = both / sum(has), both / sum(is_it)
                rows.append(
                    {"label": label.id, "texts": sum(has), "precision": round(precision, 3),
                     "recall": round(recall, 3)}
                )  # fmt: skip
        rows.sort(key=lambda row: (-row["precision"] * row["recall"], row["label"]))
        sure = [
            row["label"]
            for row in rows
            if row["precision"] >= _SURE
            and row["recall"] >= _OFTEN
            and row["texts"] >= _FEWEST_HITS
        ]
        yield Finding(
            "label_words",
            Severity.WARNING if sure else Severity.INFO,
            f"the names of {', '.join(sure)} stand in the texts and give them away"
            if sure
            else "no label's name in the texts gives it away",
            task=name,
            numbers={"n": len(sure), "of": len(tasks[name].labels)},
            rows=rows,
        )


def _names(label: Label, text: str) -> bool:
    """Tell whether a text in lower case has the label's id or name as words of its own."""
    for wording in {label.id.replace("_", " "), label.name or label.id}:
        word = wording.casefold()
        # Most texts do not have it at all, and that is seen much quicker.
        if word in text and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text):
            return True
    return False

"""What people read: the page about a run, the one about several, and the model card."""

import base64
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from pipeline.codebook import Codebook, Task
from pipeline.config import Abstain, Evaluate, Sets
from pipeline.evaluate.answers import Question, main_side, read_answers, rows_of
from pipeline.evaluate.comparison import Comparison, ComparisonRow
from pipeline.evaluate.tiers import NEEDS
from pipeline.records import LABEL_SEPARATOR

REPORT: Final = "report.html.j2"
COMPARISON: Final = "comparison.html.j2"
CARD: Final = "card.md.j2"
WORST_ERRORS: Final = 10
PAIRS_SHOWN: Final = 10


@dataclass(frozen=True)
class ReportFacts:
    """What the page says that is not in the scores."""

    run: str
    description: str
    model_version: str
    codebook: str
    """Name and version, `demo@1.0`."""
    package_version: str
    articles: int
    articles_are: Sequence[tuple[str, str]]
    """What the articles have in common: outlets, languages, dates."""
    rejects: int
    set_aside: int
    examples: Mapping[str, Mapping[str, int]]
    """Examples by task and side."""
    agreement: Mapping[str, Mapping[str, Any]]
    """How far the coders agree and who decides, by task, as in agreement.json."""
    settings: Sequence[tuple[str, object]]
    """Name and value of what was chosen, in the order to show."""
    findings: Sequence[Mapping[str, Any]]
    """What the audit found, the worst first; see audit.json."""
    behaviour: Sequence[Mapping[str, Any]]
    """What the tests of behaviour found, in their order; see behaviour.json."""
    evaluation: Evaluate
    """How the intervals were made."""
    sets: Sets | None = None
    """What was asked of sets of labels."""
    abstain: Abstain | None = None
    """What was asked of withheld answers."""


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction as the page shows it."""

    article_id: str
    target: str | None
    gold: str
    predicted: str
    probability: float
    """Of the wrong label that the model was surest of."""
    evidence: list[str]


def report(
    metrics: Mapping[str, Any],
    scored: pa.Table,
    plots: Mapping[str, bytes],
    codebook: Codebook,
    facts: ReportFacts,
) -> str:
    """Write the page as one HTML document, without scripts; equal arguments give equal text."""
    side = main_side(metrics) or ""
    tasks = [
        {
            **task,
            "baselines": _baseline_rows(task["score"]),
            "plots": _task_plots(task["name"], task["score"], task["task"], plots),
            "mistakes": _mistakes(
                rows_of(scored, side, task["name"]), codebook, task["name"], facts.evaluation
            ),
        }
        for task in _tasks(metrics, codebook)
    ]
    page: str = _template(REPORT).render(
        facts=facts,
        side=side,
        tasks=tasks,
        metrics=metrics,
        sides=_sides(facts.examples),
        needs=_needs,
        pairs_shown=PAIRS_SHOWN,
        agreed=_agreed(facts.agreement),
        unit={"story": "stories", "article": "articles", "outlet": "outlets"}[
            facts.evaluation.resample_by
        ],
    )
    return page


def model_card(metrics: Mapping[str, Any], codebook: Codebook, facts: ReportFacts) -> str:
    """Write the model card as Markdown; equal arguments give equal text.

    Its parts are those of Mitchell and others 2019, https://doi.org/10.1145/3287560.3287596.
    """
    card: str = _template(CARD).render(
        facts=facts,
        side=main_side(metrics) or "",
        tasks=_tasks(metrics, codebook),
        sides=_sides(facts.examples),
        between=_between,
    )
    return card


def _tasks(metrics: Mapping[str, Any], codebook: Codebook) -> list[dict[str, Any]]:
    """Return each task with its score on the side that headlines show."""
    side = main_side(metrics)
    return [
        {
            "name": name,
            "task": codebook.tasks[name],
            "names": _label_names(codebook.tasks[name]),
            "score": score,
            "tiered": all("tier" in row for row in score["labels"].values()),
        }
        for name, score in (metrics[side].items() if side else [])
    ]


def _between(score: Mapping[str, Any], name: str) -> str:
    low, high = score[f"{name}_low"], score[f"{name}_high"]
    return "" if low is None else f" ({_score(low)} to {_score(high)})"


def _cell(value: object) -> str:
    """Return a text that is not ours as it may stand in Markdown, in a table too: on one line."""
    return re.sub(r"([\\`*_\[\]<>|!])", r"\\\1", " ".join(str(value).split()))


def comparison_page(comparison: Comparison, section: Evaluate) -> str:
    """Write a comparison of runs as one HTML document; equal arguments give equal text."""
    tasks: dict[tuple[str, str], list[ComparisonRow]] = {}
    for row in comparison.rows:
        tasks.setdefault((row.side, row.task), []).append(row)
    names = list(dict.fromkeys(row.run for row in comparison.rows))
    page: str = _template(COMPARISON).render(
        tasks=tasks, names=names, costs=comparison.costs, evaluation=section
    )
    return page


def _template(name: str) -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "cell": _cell,
        "score": _score,
        "signed": _signed,
        "count": _count,
        "percent": _percent,
        "percent_of": _percent_of,
        "p_value": _p_value,
    }
    return environment.get_template(name)


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}".replace("-", "−")


def _count(value: int) -> str:
    return f"{value:,}"


def _percent(value: float) -> str:
    return f"{100 * value:g}\N{NO-BREAK SPACE}%"


def _percent_of(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}\N{NO-BREAK SPACE}%"


def _p_value(value: float | None) -> str:
    return "–" if value is None else "< .001" if value < 0.001 else f"{value:.3f}"


def _needs(tier: str) -> str:
    needs = NEEDS[tier]
    return (
        f"F1 from {needs.f1_low:g} at the lower end of its interval, measured on {needs.support} "
        f"examples or more, and alpha from {needs.alpha:g}"
    )


# Measures of the coders' agreement that the page shows, and what it calls them.
_MEASURES: Final = {
    "agreement": "Equal answers",
    "alpha": "Krippendorff’s alpha",
    "kappa": "Cohen’s kappa, mean of pairs",
    "fleiss_kappa": "Fleiss’ kappa",
    "ac1": "Gwet’s AC1",
}


def _agreed(agreement: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the tasks that two coders or more answered, and the measures that are shown."""
    tasks = {
        task: values for task, values in agreement.items() if values["examples_with_two_coders"]
    }
    return {"tasks": tasks, "measures": _MEASURES}


def _sides(examples: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return train, dev, test, then the other sides."""
    known = {side for counts in examples.values() for side in counts}
    usual = ["train", "dev", "test"]
    return [side for side in usual if side in known] + sorted(known - set(usual))


def _label_names(task: Task) -> dict[str, str]:
    return {label.id: label.name or label.id for label in task.labels}


def _baseline_rows(score: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    rows = [("This model", score)]
    if "target_blind" in score:
        rows.append(("The same model without its target", score["target_blind"]))
    rows.append(("Always the commonest training answer", score["baselines"]["majority"]))
    rows.append(("A random training answer", score["baselines"]["prior"]))
    return rows


def _task_plots(
    name: str, score: Mapping[str, Any], task: Task, plots: Mapping[str, bytes]
) -> list[dict[str, Any]]:
    """Return source, size, caption and alternative text of the plots that there are."""
    texts = {
        "labels": ("F1 of each label, with its interval.", _alt_of_labels(score, task)),
        "confusion": ("Gold against prediction.", _alt_of_confusion(score, task)),
        "reliability": (
            "Probability against the share that is right, and how often each probability occurs.",
            f"Reliability curve of {name}. Its calibration error is {_score(score['ece'])}; a "
            f"perfectly calibrated model would lie on the diagonal.",
        ),
        "risk": (
            "How many of the given answers are wrong when only the surest ones are given.",
            f"Risk–coverage curve of {name}. Its area is {_score(score.get('aurc'))}; were "
            f"sureness worth nothing, it would be {_score(1 - score['accuracy'])}.",
        ),
    }
    return [
        {
            "src": "data:image/png;base64," + base64.b64encode(plots[file]).decode("ascii"),
            "caption": caption,
            "alt": alt,
            **_size(plots[file]),
        }
        for kind, (caption, alt) in texts.items()
        if (file := f"{name}_{kind}.png") in plots
    ]


def _size(png: bytes) -> dict[str, int]:
    """Read a PNG's size from its header, in CSS pixels: plots have half as many again."""
    width, height = struct.unpack(">II", png[16:24])
    return {"width": round(width / 1.5), "height": round(height / 1.5)}


def _alt_of_labels(score: Mapping[str, Any], task: Task) -> str:
    names = _label_names(task)
    known = {label: row["f1"] for label, row in score["labels"].items() if row["f1"] is not None}
    if not known:
        return "F1 by label; no label occurs."
    best, worst = max(known, key=lambda label: known[label]), min(known, key=lambda x: known[x])
    return (
        f"F1 by label, from {_score(known[worst])} ({names[worst]}) to {_score(known[best])} "
        f"({names[best]}). The table above has all values."
    )


def _alt_of_confusion(score: Mapping[str, Any], task: Task) -> str:
    names, cells = _label_names(task), score.get("confusion", {"labels": [], "rows": []})
    wrong = [
        (count, gold, predicted)
        for gold, row in zip(cells["labels"], cells["rows"], strict=True)
        for predicted, count in zip(cells["labels"], row, strict=True)
        if count and gold != predicted
    ]
    if not wrong:
        return "Confusion matrix: every prediction is right."
    count, gold, predicted = max(wrong, key=lambda cell: cell[0])
    return (
        f"Confusion matrix. The commonest confusion is {names[gold]} taken for "
        f"{names[predicted]}, {count} times."
    )


def _mistakes(rows: pa.Table, codebook: Codebook, name: str, evaluation: Evaluate) -> list[Mistake]:
    """Return the wrong predictions that the model was surest of, the surest first."""
    question = Question.of(name, codebook.tasks[name])
    answers = read_answers(rows, question, evaluation.resample_by)
    wrong = answers.predicted & ~answers.gold
    sureness = np.where(wrong, answers.probabilities, -1.0).max(axis=1)
    ranked = [place for place in np.argsort(-sureness, kind="stable") if sureness[place] >= 0]
    worst = ranked[:WORST_ERRORS]
    taken = rows.take(pa.array(worst, pa.int64())).to_pylist()
    names = _label_names(codebook.tasks[name])
    targets = {target.id: target.name for target in codebook.targets}
    return [
        Mistake(
            article_id=row["article_id"],
            target=targets.get(row["target"], row["target"]),
            gold=_answer(row["gold"], names),
            predicted=_answer((row["label"] or "").split(LABEL_SEPARATOR), names),
            probability=float(sureness[place]),
            evidence=[sentence["text"] for sentence in row["evidence"] or []],
        )
        for place, row in zip(worst, taken, strict=True)
    ]


def _answer(labels: Sequence[str], names: Mapping[str, str]) -> str:
    return ", ".join(names[label] for label in labels if label) or "none"

"""Plots of one task each, as PNG bytes: confusion, reliability, F1 by label.

Drawn through matplotlib's objects alone, so that no state is shared with other plots of the
program. The fonts and colours are named here; the colours are told apart by colour-blind readers
(https://doi.org/10.1038/nmeth.1618).
"""

import io
import textwrap
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from pipeline.codebook import Codebook, Task
from pipeline.config import Evaluate
from pipeline.evaluate.abstention import curve, risk_tally
from pipeline.evaluate.answers import Answers, Question, main_side, read_answers, rows_of
from pipeline.evaluate.calibration import Claims, claims_of, reliability_curve
from pipeline.statistics.rates import wilson

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE: Final = "#0072B2"
VERMILLION: Final = "#D55E00"
INK: Final = "#222222"
FAINT: Final = "#8a8a8a"
GRID: Final = "#e3e3e3"
FONT: Final = "DejaVu Sans"  # comes with matplotlib, so the bytes are the same everywhere
DPI: Final = 144
# From this many labels on a cell of the confusion matrix holds its count alone.
CROWDED: Final = 9


def plots(
    scored: pa.Table, metrics: Mapping[str, Any], codebook: Codebook, section: Evaluate
) -> dict[str, bytes]:
    """Draw the plots of the main test side: {file name: PNG}, sorted; none without scores."""
    side = main_side(metrics) or ""
    drawn: dict[str, bytes] = {}
    for name, score in sorted(metrics[side].items()) if side else []:
        task = codebook.tasks[name]
        title = f"{name}, {side} side"
        if "confusion" in score:
            drawn[f"{name}_confusion.png"] = _png(_confusion(score, task, title))
        drawn[f"{name}_labels.png"] = _png(_labels(score, task, title))
        question = Question.of(name, task)
        answers = read_answers(rows_of(scored, side, name), question, section.resample_by)
        claims = claims_of(answers)
        drawn[f"{name}_reliability.png"] = _png(
            _reliability(score, claims, section.bins, title, question.many)
        )
        if not question.many:
            drawn[f"{name}_risk.png"] = _png(_risk(score, answers, title))
    return dict(sorted(drawn.items()))


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A script that the font lacks is drawn as boxes; the page's tables spell the labels out.
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(
            buffer, format="png", bbox_inches="tight", pad_inches=0.15, metadata={"Software": None}
        )
    return buffer.getvalue()


def _title(axes: "Axes", title: str, detail: str) -> None:
    axes.annotate(
        title, (0, 1), xytext=(0, 24), xycoords="axes fraction", textcoords="offset points",
        fontsize=12, fontweight="bold", fontfamily=FONT, color=INK, va="bottom",
    )  # fmt: skip
    axes.annotate(
        detail, (0, 1), xytext=(0, 9), xycoords="axes fraction", textcoords="offset points",
        fontsize=9, fontfamily=FONT, color="#555555", va="bottom",
    )  # fmt: skip


def _names(task: Task, width: int) -> tuple[list[str], list[str]]:
    """Return ids and drawn names of the labels, in the codebook's order."""
    ids = [label.id for label in task.labels]
    return ids, [_wrapped(label.name or label.id, width) for label in task.labels]


def _wrapped(name: str, width: int, lines: int = 2) -> str:
    # A pair of dollar signs would be read as a formula.
    wrapped = textwrap.wrap(name, width, max_lines=lines, placeholder=" …")
    return "\n".join(wrapped).replace("$", r"\$")


def _bare(axes: "Axes", *sides: str) -> None:
    for side in sides:
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, pad=6, labelsize=9, labelcolor=INK, labelfontfamily=FONT)


def _confusion(score: Mapping[str, Any], task: Task, title: str) -> "Figure":
    ids, names = _names(task, 22)
    order = [score["confusion"]["labels"].index(label) for label in ids]
    counts = np.array(score["confusion"]["rows"])[np.ix_(order, order)]
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    size = len(ids) * (0.95 if len(ids) <= 5 else 0.72 if len(ids) < CROWDED else 0.44)
    figure = _figure(size + 2.6, size + 2.1)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="equal")
    _cells(axes, counts, shares)
    _name_columns(axes, task)
    axes.set_yticks(range(len(ids)), names)
    axes.set_xlabel("predicted", fontfamily=FONT, color=INK)
    axes.set_ylabel("gold", fontfamily=FONT, color=INK)
    _bare(axes, "top", "right", "left", "bottom")
    _title(axes, title, "examples; shade: share of the row")
    return figure


def _name_columns(axes: "Axes", task: Task) -> None:
    """Write the names upright where few and short ones fit under their columns, else tilted."""
    names = _names(task, 12)[1]
    upright = len(names) <= 5 and all(len(line) <= 13 for x in names for line in x.split("\n"))
    if upright:
        axes.set_xticks(range(len(names)), names)
        return
    # Tilted lines of one label would run into the next label's, so there is one.
    names = [_wrapped(label.name or label.id, 26, lines=1) for label in task.labels]
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")


def _cells(axes: "Axes", counts: Any, shares: Any) -> None:
    crowded = len(counts) >= CROWDED
    for row, column in np.ndindex(*counts.shape):
        count, share = counts[row, column], shares[row, column]
        if not count:
            continue
        text = f"{count}" if crowded else f"{share:.0%}\n{count:,}"
        axes.text(
            column, row, text, ha="center", va="center", fontfamily=FONT,
            fontsize=7.5 if crowded else 9, color="white" if share > 0.55 else INK,
        )  # fmt: skip


def _risk(score: Mapping[str, Any], answers: Answers, title: str) -> "Figure":
    coverage, risk = curve(np.asarray(risk_tally(answers).sum(axis=0))[None, :])
    figure = _figure(5.2, 4.2)
    axes = figure.add_subplot()
    axes.axhline(1 - score["accuracy"], color=FAINT, linestyle="--", linewidth=1.2, zorder=1)
    axes.plot(coverage, risk, color=BLUE, linewidth=1.8, zorder=3)
    if "abstain" in score and score["abstain"]["error"] is not None:
        axes.plot(
            score["abstain"]["coverage"], score["abstain"]["error"],
            color=VERMILLION, marker="o", markersize=7, zorder=4,
        )  # fmt: skip
    axes.set_xlim(0, 1)
    axes.set_ylim(0, max(0.05, 1.08 * float(risk.max())))
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_xlabel("share of the answers that are given, the surest first", fontfamily=FONT,
                    color=INK)  # fmt: skip
    axes.set_ylabel("share of those that is wrong", fontfamily=FONT, color=INK)
    _bare(axes, "top", "right")
    dot = "; dot: what the model gives" if "abstain" in score else ""
    _title(axes, title, f"dashed: all answers are given{dot}")
    return figure


def _reliability(
    score: Mapping[str, Any], claims: Claims, bins: int, title: str, many: bool
) -> "Figure":
    curve = reliability_curve(claims, bins)
    figure = _figure(5.2, 5.9)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3.4, 1])
    upper.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1.2, zorder=1)
    low, high = wilson(curve.right, curve.n, 1.96)
    upper.errorbar(
        curve.probability, curve.right, yerr=[curve.right - low, high - curve.right],
        color=BLUE, marker="o", markersize=5.5, linewidth=1.6, elinewidth=1.2, zorder=3,
        clip_on=False,
    )  # fmt: skip
    upper.annotate(
        "as sure as right", (0.16, 0.16), xytext=(0, 4), textcoords="offset points", rotation=45,
        rotation_mode="anchor", transform_rotates_text=True, fontsize=8, color="#666666",
        fontfamily=FONT,
    )  # fmt: skip
    upper.set(xlim=(0, 1), ylim=(0, 1))
    what = "share of these labels in gold" if many else "share that is right"
    upper.set_ylabel(what, fontfamily=FONT, color=INK)
    lower.hist(claims.probability.ravel(), bins=np.linspace(0, 1, 21), color=BLUE, alpha=0.75)
    lower.set_ylabel("label decisions" if many else "examples", fontfamily=FONT, color=INK)
    of_what = "probability of each label" if many else "probability of the predicted label"
    lower.set_xlabel(of_what, fontfamily=FONT, color=INK)
    for axes in (upper, lower):
        axes.grid(color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        _bare(axes, "top", "right")
    error = f"calibration error {_with_interval(score, 'ece')}"
    _title(upper, title, error + (", mean of the labels" if many else ""))
    return figure


def _with_interval(score: Mapping[str, Any], name: str) -> str:
    value, low, high = score[name], score[f"{name}_low"], score[f"{name}_high"]
    if value is None:
        return "unknown"
    return f"{value:.3f}" if low is None else f"{value:.3f} ({low:.3f} to {high:.3f})"


def _labels(score: Mapping[str, Any], task: Task, title: str) -> "Figure":
    ids, names = _names(task, 28)
    figure = _figure(6.4, 0.36 * len(ids) + 1.5)
    axes = figure.add_subplot()
    for place, label in enumerate(ids):
        _label_row(axes, place, score["labels"][label])
    if score["macro_f1"] is not None:
        axes.axvline(score["macro_f1"], color=VERMILLION, linewidth=1.4, linestyle="--", zorder=1)
    axes.set(xlim=(0, 1), ylim=(len(ids) - 0.4, -0.6))
    axes.set_yticks(range(len(ids)), names)
    axes.set_xlabel("F1", fontfamily=FONT, color=INK)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    _bare(axes, "top", "right", "left")
    axes.annotate(
        "in gold", (1, 1), xytext=(48, 9), xycoords="axes fraction", textcoords="offset points",
        ha="right", va="bottom", fontsize=9, fontfamily=FONT, color="#555555",
    )  # fmt: skip
    _title(axes, title, f"F1 by label; dashed: macro-F1 {_with_interval(score, 'macro_f1')}")
    return figure


def _label_row(axes: "Axes", place: int, score: Mapping[str, Any]) -> None:
    axes.annotate(
        f"{score['support']:,}", (1, place), xytext=(48, 0), xycoords=("axes fraction", "data"),
        textcoords="offset points", ha="right", va="center", fontsize=9, fontfamily=FONT,
        color=INK, annotation_clip=False,
    )  # fmt: skip
    if score["f1"] is None:
        axes.text(
            0.01, place, "neither in gold nor predicted", va="center", fontsize=8, color="#666666",
            fontfamily=FONT,
        )  # fmt: skip
        return
    if score["f1_low"] is not None:
        axes.plot(
            [score["f1_low"], score["f1_high"]], [place, place], color=BLUE, linewidth=2.4,
            alpha=0.55, solid_capstyle="butt",
        )  # fmt: skip
    axes.plot([score["f1"]], [place], marker="o", markersize=6.5, color=BLUE, clip_on=False)

"""Print the results of accuracy.py as Markdown: the last row of each set, rung and side.

python -m benchmarks.table [benchmarks/results.jsonl]
"""

import json
import sys
from pathlib import Path

RESULTS = Path(__file__).parent / "results.jsonl"

# Macro-F1 of what a user would pick instead, untuned, trained on train + dev of the same rows:
# TF-IDF with logistic regression or a linear SVM, fastText, all-MiniLM-L6-v2 frozen or fine-tuned
# with a first recipe. The best of them, and which it was.
PEERS = {
    ("allsides_topic", "test"): (0.653, "TF-IDF"),
    ("ag_news", "test"): (0.904, "TF-IDF"),
    ("bbc_news", "test"): (0.976, "TF-IDF"),
    ("newsmtsc", "test"): (0.784, "MiniLM fine-tuned"),
    ("newsmtsc", "test_mt"): (0.602, "TF-IDF"),
    ("seesaw", "test"): (0.693, "MiniLM fine-tuned"),
    ("seesaw_doc", "test"): (0.400, "TF-IDF"),
    ("gwsd_climate_stance", "test"): (0.681, "MiniLM fine-tuned"),
    ("gvfc", "test"): (0.723, "MiniLM fine-tuned"),
    ("plover_plv", "test"): (0.735, "MiniLM fine-tuned"),
    ("plover_plv_quad", "test"): (0.923, "MiniLM fine-tuned"),
    # Micro-F1, on one fold.
    ("narrative_frames_climate", "test"): (0.646, "TF-IDF (micro)"),
}
# What its authors published, where read; other training data and larger models, as it says.
PUBLISHED = {
    ("newsmtsc", "test"): ".831 GRU-TSC on RoBERTa, .801 BERT",
    ("newsmtsc", "test_mt"): ".825 GRU-TSC on RoBERTa, .737 BERT",
    ("gvfc", "test"): ".77 BERT (first frame)",
    ("plover_plv", "test"): ".821 zero-shot tree on RoBERTa-large",
    ("plover_plv_quad", "test"): ".893 zero-shot tree on RoBERTa-large",
    ("ag_news", "test"): "accuracy .941 BERT, .924 fastText, with 120k rows",
}
RUNGS = (
    "ngrams", "static", "encoder", "finetune", "sentence", "exchanged", "headline", "started",
    "ensemble",
)  # fmt: skip


def latest(rows):
    """Return the last row of each (set, test side, task, rung), sorted."""
    last = {
        (row["set"], row["side"], row["task"], RUNGS.index(row["rung"])): row
        for row in rows
        if row.get("side", "").startswith("test")
    }
    return [last[key] for key in sorted(last)]


def costs(rows):
    """Return the last row of `accuracy.py --cost` of each (set, rung), else of a scoring."""
    last = {}
    for row in sorted(rows, key=lambda row: "trained" in row):
        if row.get("examples_per_second"):
            last[row["set"], RUNGS.index(row["rung"])] = row
    return [last[key] for key in sorted(last)]


def quality(rows):
    # Where one label is chosen, micro-F1 is the accuracy.
    head = ["set", "side", "rung", "n", "macro-F1", "95 % interval", "micro-F1", "ECE"]
    head += ["without target", "flips", "best peer", "published"]
    yield head
    for row in rows:
        peer = PEERS.get((row["set"], row["side"]))
        yield [
            row["set"],
            row["side"],
            row["rung"],
            "–" if row["n"] is None else f"{row['n']:,}",
            number(row["macro_f1"]),
            f"{number(row['macro_f1_low'])} – {number(row['macro_f1_high'])}",
            micro(row),
            number(row["ece"]),
            number(row.get("blind")),
            "–" if row.get("swapped") is None else f"{100 * row['swapped']:.0f} %",
            "–" if peer is None else f"{number(peer[0])} {peer[1]}",
            PUBLISHED.get((row["set"], row["side"]), "–"),
        ]


def micro(row):
    """Return micro-F1; with its interval where several labels are chosen and it is the number."""
    value = number(row.get("micro_f1", row["accuracy"]))
    if "micro_f1_low" not in row:
        return value
    return f"{value} ({number(row['micro_f1_low'])} – {number(row['micro_f1_high'])})"


def cost(rows):
    yield [
        "set", "rung", "trained on", "training, seconds", "of CPU", "examples/s", "megabytes",
    ]  # fmt: skip
    for row in rows:
        trained = [row.get(name) for name in ("trained", "train_seconds", "train_cpu_seconds")]
        yield [
            row["set"],
            row["rung"],
            *("–" if "trained" not in row else f"{value:,}" for value in trained),
            f"{row['examples_per_second']:,.0f}",
            f"{row['megabytes']:,.1f}",
        ]


def number(value):
    return "–" if value is None else f"{value:.3f}".removeprefix("0")


def markdown(rows):
    head, *body = rows
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in body)])


def main():
    results = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    print(markdown(quality(latest(rows))))
    print()
    print(markdown(cost(costs(rows))))


if __name__ == "__main__":
    main()

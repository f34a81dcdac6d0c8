"""Print the scores of runs as a Markdown table, beside the best linear peer where one is known.

python -m benchmarks.table runs/allsides_topic runs/ag_news …
"""

import json
import sys
from pathlib import Path

# Macro-F1 of the best of TF-IDF with logistic regression or a linear SVM, untuned, trained on
# train + dev of the same rows; for stance with the target marked or its window added.
PEERS = {
    "allsides-topic": {"test": 0.653},
    "ag-news": {"test": 0.904},
    "bbc-news": {"test": 0.976},
    "newsmtsc": {"test": 0.620, "test_mt": 0.602},
    "plover-plv": {"test": 0.677},
}


def rows_of(run):
    config = json.loads((run / "config.json").read_text())
    metrics = json.loads((run / "metrics.json").read_text())
    for side, tasks in metrics.items():
        if not side.startswith("test"):
            continue
        for task, values in tasks.items():
            peer = PEERS.get(config["name"], {}).get(side)
            blind = values.get("target_blind", {}).get("macro_f1")
            yield [
                config["name"],
                f"{side}/{task}",
                f"{values['n']:,}",
                f"{values['macro_f1']:.3f}",
                f"{values['macro_f1_low']:.3f} – {values['macro_f1_high']:.3f}",
                f"{values['accuracy']:.3f}",
                f"{values['ece']:.3f}",
                "–" if blind is None else f"{blind:.3f}",
                "–" if peer is None else f"{peer:.3f}",
            ]


def main():
    head = ["set", "side/task", "n", "macro-F1", "95 % interval", "accuracy", "ECE"]
    head += ["without target", "linear peer"]
    print(f"| {' | '.join(head)} |")
    print("|" + "---|" * len(head))
    for name in sys.argv[1:]:
        for row in rows_of(Path(name)):
            print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()

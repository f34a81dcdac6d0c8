"""How many planted wrong labels stand in the first tenth of the list of likely errors.

python -m benchmarks.label_errors --root FOLDER

FOLDER holds the public sets, one folder each. Of the coded examples of train and dev (2,000 at
most; the test side is left out) 5 % get another label: any other one, or one drawn by how likely a
held-out model finds it, since coders mix up what is alike. Each seed plants others. Where many
labels may hold, one of them is put in or taken away. Chance finds a tenth.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml

from benchmarks.accuracy import config_of
from pipeline.artifacts import RunFolder
from pipeline.review import label_quality
from pipeline.stages.examples import views
from pipeline.stages.judging import Bench
from pipeline.stages.repeats import mean_of
from pipeline.stages.reviewing import open_project

SETS = ("gvfc", "newsmtsc", "bbc_news", "narrative_frames_climate")
RANKINGS = (
    "self_confidence",
    "margin",
    "adjusted_self_confidence",
    "adjusted_margin",
    "confident_learning",
)
PLANTED, READ, MOST = 0.05, 0.1, 2000


def bench_of(name, rung, root, work):
    """Return at most MOST coded examples of a set's train and dev."""
    config = config_of(name, rung, root / name)
    config.pop("repeat", None)
    config["train"]["C"] = config["train"]["C"][1:3]  # hundreds of fits: two strengths will do
    file = work / f"{name}.yaml"
    file.write_text(yaml.safe_dump(config))
    project = open_project(file, [], work / name, lambda _: None)
    (view,) = views(project.codebook, twins=False)
    bench = Bench.of(project.config, project.codebook, RunFolder(work / name), view)
    rows = np.flatnonzero(~bench.tested)
    drawn = np.random.default_rng(0).permutation(rows)[:MOST]
    return with_rows(bench, bench.all.rows.take(pa.array(np.sort(drawn))))


def with_rows(bench, rows):
    return Bench(replace(bench.all, rows=rows), bench.config)


def planted(bench, likely, seed):
    """Return the bench with wrong labels, and which of its rows have one.

    `likely` [n, labels] says how likely each wrong label is to be taken.
    """
    draw = np.random.default_rng(seed)
    gold = bench.all.gold.copy()
    chosen = draw.permutation(len(gold))[: round(PLANTED * len(gold))]
    for row in chosen:
        weights = (
            np.where(gold[row], 1 - likely[row], likely[row])
            if bench.all.many
            else (np.where(gold[row], 0, likely[row]))
        )
        wrong = draw.choice(len(weights), p=weights / weights.sum())
        if bench.all.many:
            gold[row, wrong] ^= True
        else:
            gold[row] = np.arange(len(weights)) == wrong
    labels = [[bench.all.labels[at] for at in np.flatnonzero(row)] for row in gold]
    rows = bench.all.rows
    at = rows.schema.get_field_index("gold")
    rows = rows.set_column(at, "gold", pa.array(labels, pa.list_(pa.string())))
    is_wrong = np.zeros(len(gold), bool)
    is_wrong[chosen] = True
    return with_rows(bench, rows), is_wrong


def found_in_first_tenth(bench, is_wrong):
    judged = bench.by_folds().judged
    wrong = set(np.array(bench.all.rows["example_id"])[is_wrong])
    ids = np.array(judged.rows["example_id"])
    read = round(READ * len(bench.all.rows))
    for ranking in RANKINGS:
        order = np.argsort(label_quality(judged, ranking), kind="stable")[:read]
        yield ranking, len(wrong & set(ids[order])) / len(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--rung", default="ngrams")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    arguments = parser.parse_args()
    print("| set | n | wrong label | " + " | ".join(RANKINGS) + " |")
    print("|---" * (3 + len(RANKINGS)) + "|")
    with tempfile.TemporaryDirectory() as work:
        for name in arguments.sets:
            bench = bench_of(name, arguments.rung, arguments.root, Path(work))
            even = np.ones(bench.all.gold.shape)
            clean = bench.by_folds().judged
            alike = np.full(bench.all.gold.shape, 1e-6)
            at = {each: row for row, each in enumerate(bench.all.rows["example_id"].to_pylist())}
            alike[[at[each] for each in clean.rows["example_id"].to_pylist()]] += (
                clean.probabilities
            )
            for kind, likely in (("any other", even), ("a like one", alike)):
                shares = {ranking: [] for ranking in RANKINGS}
                for seed in arguments.seeds:
                    for ranking, share in found_in_first_tenth(*planted(bench, likely, seed)):
                        shares[ranking].append(share)
                cells = [cell(shares[ranking]) for ranking in RANKINGS]
                print(f"| {name} | {len(even):,} | {kind} | {' | '.join(cells)} |", flush=True)


def cell(values):
    mean = mean_of(values, 0.95, (0, 1))
    return " – ".join([f"{mean['mean']:.2f} ({mean['low']:.2f}", f"{mean['high']:.2f})"])


if __name__ == "__main__":
    main()

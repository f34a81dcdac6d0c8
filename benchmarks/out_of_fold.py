"""Compare ways to weigh an ensemble of rungs on a multi-label set; test is never read.

python -m benchmarks.out_of_fold narrative_frames_climate --root … --members ngrams encoder

Each member answers every article of train and dev out of five folds. Weights and thresholds are
then fitted on four fifths of these answers and scored on the last, or fitted on the dev side and
scored on the train side. The mean over the outer folds that are asked for is printed. A member
that is fine-tuned chooses its epochs by the very fifth that it answers, which flatters it.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
import yaml

from benchmarks.accuracy import RUNGS, SETS, config_of, sections_of, written
from benchmarks.table import markdown, number
from pipeline.artifacts import RunFolder, read_table
from pipeline.bundle import chosen, pooled
from pipeline.codebook import load as load_codebook
from pipeline.config import load
from pipeline.stages import run_stages
from pipeline.stages.examples import Material, coded_examples, views
from pipeline.stages.rungs import rung_of
from pipeline.stages.rungs.ensemble import fit_weights
from pipeline.train import choose_thresholds, group_folds, macro_f1

KINDS = ("f1", "shared", "half")
FOLDS = 5
SEED = 3  # another division than the members'


def answers(config_file, fold, run):
    """Return the members' out-of-fold probabilities [m, n, labels] and what they are of."""
    config = load(config_file, ["repeat=null", f"split.fold={fold}"])
    run_stages(config, run, "featurize", lambda _: None)
    codebook = load_codebook(config.codebook)
    view = next(views(codebook, twins=False))
    coded = coded_examples(run, codebook)
    articles = read_table(run.articles, ["id", "title", "text"])
    rows = coded.filter(np.isin(coded["side"].to_pylist(), ["train", "dev"]))
    material = Material(view, codebook, rows, articles, run.features / view.folder)
    rung = rung_of(config, config.seed)
    likely = rung.out_of_fold([material], run.checkpoints, lambda _: lambda *__: None)[view]
    return likely, material


def scores(likely, gold, parts, kind, weigh):
    """Return micro- and macro-F1 of the rows that `parts` score."""
    answer = np.zeros_like(gold)
    scored = np.concatenate([score for _, score in parts])
    for fit, score in parts:
        weights = np.full(len(likely), 1 / len(likely))
        if weigh:
            weights = fit_weights(likely[:, fit], gold[fit], True)
        thresholds = choose_thresholds(pooled(likely[:, fit], weights, True), gold[fit], True, kind)
        answer[score] = chosen(pooled(likely[:, score], weights, True), thresholds)
    right, said, meant = (answer & gold)[scored].sum(), answer[scored].sum(), gold[scored].sum()
    return 2 * right / (said + meant), macro_f1(answer[scored], gold[scored])


def compare(names, likely, gold, stories, is_dev):
    """Yield (members, weights, thresholds, fitted on) with its scores."""
    every = np.arange(len(gold))
    parts = {
        "folds": group_folds(gold, stories, every, FOLDS, SEED),
        "dev": [(np.flatnonzero(is_dev), np.flatnonzero(~is_dev))],
    }
    for count in range(1, len(names) + 1):
        for some in itertools.combinations(range(len(names)), count):
            for weigh, kind, on in itertools.product((True, False), KINDS, parts):
                if count == 1 and not weigh:
                    continue
                key = (" ".join(names[at] for at in some), "fitted" if weigh else "equal", kind, on)
                yield key, scores(likely[list(some)], gold, parts[on], kind, weigh)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=sorted(path.stem for path in SETS.glob("*.yaml")))
    parser.add_argument("--root", type=Path, required=True, help="folder of the set's rows")
    parser.add_argument("--members", nargs="+", default=["ngrams", "encoder"])
    parser.add_argument("--outer", nargs="+", type=int, default=[0, 1], help="outer folds")
    parser.add_argument("--run", type=Path, default=Path("runs/benchmarks/out-of-fold"))
    arguments = parser.parse_args()
    config = config_of(arguments.set, "ensemble", arguments.root)
    if config["split"]["by"] != "folds":
        parser.error(f"{arguments.set} has no outer folds; so far one set has, with several labels")
    rungs = yaml.safe_load(RUNGS.read_text())
    members = {}
    for name in arguments.members:
        members[name] = sections_of(
            rungs, name, arguments.set, config_of(arguments.set, "ngrams", arguments.root)
        )
        if members[name]["train"].get("kind") != "finetune":
            members[name]["train"] = {**members[name]["train"], "folds": FOLDS}
    config["train"] |= {"members": members, "folds": FOLDS}
    found = {}
    for fold in arguments.outer:
        run = RunFolder(arguments.run / f"{arguments.set}-{fold}")
        likely, material = answers(written(config, run.path), fold, run)
        stories, is_dev = material.stories, material.is_dev
        for key, score in compare(arguments.members, likely, material.gold, stories, is_dev):
            found.setdefault(key, []).append(score)
    means = {key: np.mean(values, axis=0) for key, values in found.items()}
    rows = [["members", "weights", "thresholds", "fitted on", "micro-F1", "macro-F1"]]
    for key, (micro, macro) in sorted(means.items(), key=lambda item: -item[1][0]):
        rows.append([*key, number(micro), number(macro)])
    print(markdown(rows))


if __name__ == "__main__":
    main()

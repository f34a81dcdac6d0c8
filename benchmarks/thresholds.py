"""What a threshold for each label gives where many labels may hold, without the test side.

    slant featurize CONFIG --run RUN
    python -m benchmarks.thresholds CONFIG RUN [--set section.key=value]...

Out-of-fold probabilities over train and dev (five folds of stories, six seeds); the thresholds of
each fifth of the rows are fitted on the other four. Prints macro- and micro-F1 for each C.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.metrics import f1_score

from pipeline import codebook, config
from pipeline.artifacts import RunFolder
from pipeline.bundle.heads import chosen, probabilities
from pipeline.stages import learning
from pipeline.train import linear
from pipeline.train.calibration import fit_temperature, fit_thresholds
from pipeline.train.folds import group_folds

SEEDS = range(6)
HALF = np.float32(0.5)


def out_of_fold(data, section, strength, seed):
    """Return the calibrated probability of each row by a model that did not see its story."""
    scores = np.zeros(data.gold.shape, np.float32)
    for rest, held_out in group_folds(data.gold, data.stories, np.arange(len(data.gold)), 5, seed):
        model = linear._fit(data, rest, section, strength, seed)
        scores[held_out] = linear._scores(model, data, held_out)
    return probabilities(scores, True, fit_temperature(scores, data.gold, True))


def cross_fitted(likely, gold, seed):
    """Return the answers of each fifth by thresholds of the other four."""
    answers = np.zeros(gold.shape, np.bool_)
    order = np.random.default_rng(seed).permutation(len(gold))
    for held_out in np.array_split(order, 5):
        rest = np.setdiff1d(order, held_out)
        answers[held_out] = chosen(likely[held_out], fit_thresholds(likely[rest], gold[rest]))
    return answers


def f1(gold, answers):
    return [f1_score(gold, answers, average=by, zero_division=0) for by in ("macro", "micro")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    section = config.load(options.config, options.set)
    book = codebook.load(section.codebook)
    for view in learning.views(book):
        folder = RunFolder(options.run).features / view.folder
        _, data, _ = learning._load_features(folder, view, section, book)
        if view.is_blind_twin or not data.many:
            continue
        for strength in section.train.C:
            rows = {"half": [], "f1": []}
            for seed in SEEDS:
                likely = out_of_fold(data, section.train, strength, seed)
                rows["half"].append(f1(data.gold, chosen(likely, HALF)))
                rows["f1"].append(f1(data.gold, cross_fitted(likely, data.gold, seed)))
            for name, pairs in rows.items():
                macro, micro = np.mean(pairs, axis=0)
                print(f"{view.task} C={strength:g} {name}: macro {macro:.3f}, micro {micro:.3f}")


if __name__ == "__main__":
    main()

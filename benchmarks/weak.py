"""What votes are worth: macro-F1 with few coded examples, with and without the votes of rules.

python -m benchmarks.weak --root FOLDER --set gvfc --set ag_news
python -m benchmarks.weak --root … --set gvfc --dev        (dev only; test is not read)
python -m benchmarks.weak --root … --set gvfc --zero-shot  (the encoder votes as well)

The rules are those of the set's codebook in configs/codebooks/; they were written from the labels'
definitions and the train side. For each budget and seed so many examples of the train side keep
their gold, the others are uncoded. A linear model of n-grams learns from the gold alone, or also
from the others by their votes. C is chosen by folds over the gold; without gold it is fixed.
Intervals are of a bootstrap over the scored examples, of the mean over the seeds.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from pipeline import codebook as codebooks
from pipeline import config as configs
from pipeline.artifacts import RunFolder, read_table
from pipeline.bundle.heads import chosen
from pipeline.config import LinearTrain, ZeroShot
from pipeline.features import NgramVectorizer, gather
from pipeline.stages import run_stages
from pipeline.train import SoftLabels, TaskData, train_task
from pipeline.votes import Ballot, cast_by_rules, cast_by_zero_shot, matrix_of, questions_of

SETS = Path(__file__).parent.parent / "configs" / "benchmarks"
BUDGETS = (0, 50, 100, 200, 500)
SEEDS = (1, 2, 3)
WAYS = ("gold", "majority", "label_model")
POOL = 2000  # uncoded examples at most, so that the whole takes minutes
FOLDS = 3
RESAMPLES = 2000


class Prepared:
    """A set's train side, the side that is scored, features of both, and the rules' votes."""

    def __init__(self, name, root, scored_side, with_zero_shot, folder):
        config = configs.load(
            SETS / f"{name}.yaml", [f"ingest.root={root / name}", "track.enabled=false"]
        )
        codebook = codebooks.load(config.codebook)
        run = RunFolder(folder / name)
        run_stages(config, run, "split", [].append)
        examples, splits = read_table(run.examples), read_table(run.splits)
        at = pc.index_in(examples["article_id"], splits["article_id"].combine_chunks())
        sides = splits["side"].take(at)
        self.stories = np.array(splits["story"].take(at).to_pylist(), object)
        rng = np.random.default_rng(0)
        train = np.flatnonzero(pc.fill_null(pc.equal(sides, "train"), False).to_numpy())
        self.train = np.sort(rng.permutation(train)[:POOL])
        scored = np.flatnonzero(pc.fill_null(pc.equal(sides, scored_side), False).to_numpy())
        rows = np.concatenate([self.train, scored])
        self.stories = self.stories[rows]
        self.in_train = np.arange(len(rows)) < len(self.train)
        used = examples.take(rows)
        articles = read_table(run.articles)
        (self.questions,) = questions_of(articles, used, codebook)
        self.labels = self.questions.task.label_ids
        answers = used["gold"].to_pylist()
        self.gold = np.array([[label in answer for label in self.labels] for answer in answers])
        sees_target = any(self.questions.targets)
        self.shown = gather(articles, used, codebook.target_names if sees_target else None)
        self.features, self.section = config.features, config.train
        self.sees_target = sees_target
        self.with_zero_shot = with_zero_shot
        self.on_train = self.questions.take(np.flatnonzero(self.in_train))
        self.rules = cast_by_rules(self.on_train)

    def matrix(self):
        """Count the n-grams that the train side has; the same for all budgets."""
        texts, asked = self.shown
        vectorizer = NgramVectorizer(self.features, sees_target=self.sees_target)
        vectorizer.fit(texts, asked.take(np.flatnonzero(self.in_train)))
        return vectorizer.transform(texts, asked)

    def ballot(self, known):
        """Return the votes on the train side, with the gold that is `known`."""
        gold = self.gold[self.in_train] & known[:, None]
        cast = list(self.rules)
        if self.with_zero_shot:
            everything = np.ones(len(known), bool)
            more, _ = cast_by_zero_shot(self.on_train, ZeroShot(windows=2), gold, known, everything)
            cast.append(more)
        votes = matrix_of_cast(cast, self.on_train.ids, self.labels)
        return Ballot(self.labels, False, votes, gold, known, list(self.stories[self.in_train]))


def matrix_of_cast(cast, ids, labels):
    import pyarrow as pa

    tables = pa.concat_tables([table for _, table in cast])
    return matrix_of(tables, [name for name, _ in cast], ids, labels)


def answers_of(prepared, matrix, known, way, weight, seed):
    """Train in one way with the gold that is `known`; return the answers on the scored side."""
    in_train = prepared.in_train
    soft = None
    rows = np.concatenate([np.flatnonzero(known), np.flatnonzero(~in_train)])
    if way != "gold":
        ballot = prepared.ballot(known)
        combined = ballot.combined(way)
        voted = ballot.matrix.covered & ~known
        rows = np.concatenate([np.flatnonzero(known | voted), np.flatnonzero(~in_train)])
        likely = np.zeros(prepared.gold.shape, np.float32)
        likely[: len(known)] = combined.likely
        uncoded = np.zeros(len(in_train), bool)
        uncoded[: len(known)] = voted
        soft = SoftLabels(uncoded[rows], likely[rows], np.full(len(rows), weight, np.float32))
    scored = ~in_train[rows]
    gold = prepared.gold[rows].copy()
    if soft is not None:
        gold[soft.uncoded] = False
    data = TaskData("task", prepared.labels, False, matrix[rows], gold, scored,
                    list(prepared.stories[rows]), soft)  # fmt: skip
    few = not known.any()
    settings = {"folds": 0 if few else FOLDS, "refit": False}
    strengths = prepared.section.C[len(prepared.section.C) // 2 :][:1] if few else None
    section = prepared.section.model_copy(update=settings | ({"C": strengths} if strengths else {}))
    assert isinstance(section, LinearTrain)
    trained = train_task(data, section, seed)
    return chosen(trained.dev_probabilities, None).argmax(axis=1)


def known_of(prepared, budget, seed):
    """Draw the examples that keep their gold; two labels at least are among them."""
    count = int(prepared.in_train.sum())
    known = np.zeros(count, bool)
    known[np.random.default_rng(seed).permutation(count)[:budget]] = True
    return known


def macro_f1s(answers, right, labels, weights):
    """Return macro-F1 of each resample: `weights` [resamples, n] says how often a row is drawn."""
    scores = []
    for label in range(labels):
        hit = weights @ ((answers == label) & (right == label)).astype(float)
        said = weights @ (answers == label).astype(float)
        there = weights @ (right == label).astype(float)
        scores.append(np.where(said + there > 0, 2 * hit / np.maximum(said + there, 1), np.nan))
    return np.nanmean(scores, axis=0)


def measure(name, root, side, weight, with_zero_shot):
    with tempfile.TemporaryDirectory() as folder:
        prepared = Prepared(name, root, side, with_zero_shot, Path(folder))
    matrix = prepared.matrix()
    right = prepared.gold[~prepared.in_train].argmax(axis=1)
    rng = np.random.default_rng(0)
    weights = rng.multinomial(len(right), np.full(len(right), 1 / len(right)), RESAMPLES)
    weights = np.vstack([np.ones((1, len(right))), weights])  # the first is the sample itself
    for budget in BUDGETS:
        found = {}
        for way in WAYS:
            if budget == 0 and way == "gold":
                continue
            seeds = SEEDS if budget else SEEDS[:1]  # without gold nothing is drawn
            runs = [
                answers_of(prepared, matrix, known_of(prepared, budget, seed), way, weight, seed)
                for seed in seeds
            ]
            found[way] = np.mean(
                [macro_f1s(each, right, len(prepared.labels), weights) for each in runs], axis=0
            )
            row = {"set": name, "side": side, "gold": budget, "way": way,
                   **_interval("macro_f1", found[way])}  # fmt: skip
            if way != "gold" and "gold" in found:
                row |= _interval("gain", found[way] - found["gold"])
            if way == "label_model" and "majority" in found:
                row |= _interval("over_majority", found[way] - found["majority"])
            print(json.dumps(row), flush=True)


def _interval(name, values):
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return {name: round(float(values[0]), 3), f"{name}_low": round(float(low), 3),
            f"{name}_high": round(float(high), 3)}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--root", type=Path, required=True, help="folder of the sets' folders")
    parser.add_argument("--set", dest="sets", action="append", required=True)
    parser.add_argument("--dev", action="store_true", help="score dev, and do not read test")
    parser.add_argument("--weight", type=float, default=0.5, help="of an uncoded example")
    parser.add_argument("--zero-shot", action="store_true", help="the encoder votes as well")
    words = parser.parse_args()
    for name in words.sets:
        measure(name, words.root, "dev" if words.dev else "test", words.weight, words.zero_shot)


if __name__ == "__main__":
    main()

"""How much a model learns from examples that the queue picked, against examples drawn at random.

python -m benchmarks.queue --root FOLDER          (settings: --tune, which does not read test)

FOLDER holds the public sets, one folder each. The answers to the training side (4,000 examples at
most) are hidden; each strategy asks for 50, and then for as many again as it has, up to 800 or six
tenths of all. After each list a model learns from all that is coded so far and is scored: on test,
or with --tune on dev and half of the training side, which is then no part of the pool. Each seed
begins elsewhere.

The model is one of word n-grams, so that hundreds of trainings take minutes.

random: drawn at random. uncertain: the first list at random, then the most uncertain. queue: the
first list by the cold start, then the queue, as `slant label queue` does it.
"""

import argparse
import json
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml

from benchmarks.accuracy import config_of
from pipeline.artifacts import read_table
from pipeline.bundle import chosen
from pipeline.config import Queue
from pipeline.records import Side, is_test
from pipeline.review import (
    Facts,
    Waiting,
    first_list,
    first_of_stories,
    group_texts,
    opinions_of,
    spread,
    usefulness,
)
from pipeline.stages.examples import Material, coded_examples, views
from pipeline.stages.repeats import mean_of
from pipeline.stages.reviewing import open_project
from pipeline.stages.rungs import rung_of
from pipeline.train import macro_f1

SETS = ("bbc_news", "gwsd_climate_stance")
BUDGETS = (50, 100, 200, 400, 800)
MOST = 4000
# Where most of the pool is coded, all strategies come to the same.
REACH = 0.6
STRATEGIES = ("random", "uncertain", "queue")


class Simulation:
    """A set whose training answers are hidden, and what its models are scored on."""

    def __init__(self, name, root, work, tune):
        config = config_of(name, "ngrams", root / name)
        config["features"] = {"words": 2, "min_count": 1}
        config["train"] = {"loss": "squared_hinge", "C": [0.1, 1.0], "folds": 3}
        file = work / f"{name}.yaml"
        file.write_text(yaml.safe_dump(config))
        project = open_project(file, [], work / name, lambda _: None)
        (self.view,) = views(project.codebook, twins=False)
        self.codebook = project.codebook
        self.rung = rung_of(project.config, project.config.seed)
        coded = coded_examples(project.run, project.codebook)
        sides = np.array(coded["side"].to_pylist())
        train = np.random.default_rng(0).permutation(np.flatnonzero(sides == Side.TRAIN))
        if tune:
            train, half = np.array_split(train, 2)
            scored = np.concatenate([half, np.flatnonzero(sides == Side.DEV)])
        else:
            scored = np.flatnonzero([is_test(side) for side in sides])
        articles = read_table(project.run.articles)
        self.work = work
        self.pool = self.material(coded.take(pa.array(np.sort(train[:MOST]))), articles)
        self.scored = self.material(coded.take(pa.array(scored[:MOST])), articles)
        at = {each: row for row, each in enumerate(articles["id"].to_pylist())}
        mine = articles.take(pa.array([at[i] for i in self.pool.rows["article_id"].to_pylist()]))
        titles, texts = mine["title"].to_pylist(), mine["text"].to_pylist()
        self.texts = [f"{title or ''}\n{text}" for title, text in zip(titles, texts, strict=True)]
        self.facts = Facts(mine["outlet"].to_pylist(), mine["published"].to_pylist(), self.texts)
        self.waiting = Waiting(self.pool.rows, self.pool.stories, self.facts.outlets)

    def material(self, rows, articles):
        sides = pa.array([Side.TRAIN.value] * len(rows))
        rows = rows.set_column(rows.schema.get_field_index("side"), "side", sides)
        return Material(self.view, self.codebook, rows, articles, Path())

    def model_of(self, coded):
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            rows = self.pool.rows.take(pa.array(coded))
            material = replace(self.pool, rows=rows, folder=Path(folder))
            self.rung.featurize(material)
            learned = self.rung.train([material], Path(folder), lambda _: lambda *_: None)
        return learned[self.view].model

    def curve(self, strategy, section, seed):
        """Return the macro-F1 at each number of coded examples."""
        draw = np.random.default_rng(seed)
        order = draw.permutation(len(self.waiting))
        if strategy == "queue":
            drawn = np.sort(order[: section.considered])
            texts = [self.texts[at] for at in drawn]
            columns = [
                [column[at] for at in drawn]
                for column in (self.facts.outlets, self.facts.published)
            ]
            coded = drawn[first_list(Facts(*columns, texts), BUDGETS[0], seed)[0]]
        else:
            coded = order[: BUDGETS[0]]
        scores = [float("nan")] * len(BUDGETS)
        for at, budget in enumerate(BUDGETS):
            model = self.model_of(np.sort(coded))
            scores[at] = self.score(model)
            if budget == BUDGETS[-1] or BUDGETS[at + 1] > REACH * len(self.waiting):
                break
            size = BUDGETS[at + 1] - len(coded)
            left = np.setdiff1d(np.arange(len(self.waiting)), coded)
            if strategy == "random":
                new = order[len(coded) : len(coded) + size]
            else:
                new = left[self.picked(model, coded, left, size, section, seed)]
            coded = np.concatenate([coded, new])
        return scores

    def score(self, model):
        likely = model.answer(*self.scored.shown, 0).probabilities
        return macro_f1(chosen(likely, model.thresholds), self.scored.gold)

    def picked(self, model, coded, left, size, section, seed):
        texts, asked = self.pool.shown
        likely = model.answer(texts, asked.take(left), 0).probabilities
        opinions = opinions_of(model.labels, self.pool.many, [likely])
        counts = Counter(
            self.pool.labels[label] for label in np.nonzero(self.pool.gold[coded])[1].tolist()
        )
        useful = usefulness(opinions, counts, section)
        waiting = self.waiting.take(left)
        best = first_of_stories(useful, waiting.stories, size * section.breadth)
        if section.breadth > 1:
            groups = group_texts([self.texts[left[at]] for at in best], size, seed).of
        else:
            groups = np.arange(len(best))
        outlets = [waiting.outlets[at] for at in best]
        return best[spread(groups, outlets, size, section)]


PLAIN = Queue(breadth=1, rare=0.0, outlet_share=1.0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--strategies", nargs="+", default=STRATEGIES)
    parser.add_argument("--tune", action="store_true", help="do not read test")
    parser.add_argument("--queue", nargs="+", default=["{}"], help="settings of the queue, as JSON")
    arguments = parser.parse_args()
    budgets = " | ".join(f"{budget} coded" for budget in BUDGETS)
    print(f"| set | strategy | {budgets} | mean | minus random |")
    print("|---" * (4 + len(BUDGETS)) + "|")
    for name in arguments.sets:
        with tempfile.TemporaryDirectory() as work:
            simulation = Simulation(name, arguments.root, Path(work), arguments.tune)
            print_curves(name, simulation, arguments)


def print_curves(name, simulation, arguments):
    """Print a row for each strategy; the last cell compares the means of equal seeds."""
    by_chance = None
    for strategy in arguments.strategies:
        for settings in arguments.queue if strategy == "queue" else ["{}"]:
            section = Queue(**json.loads(settings)) if strategy == "queue" else PLAIN
            curves = [simulation.curve(strategy, section, each) for each in arguments.seeds]
            means = np.nanmean(curves, axis=1)
            by_chance = means if strategy == "random" else by_chance
            told = strategy if settings == "{}" else f"{strategy} {settings}"
            cells = [cell(values) for values in [*zip(*curves, strict=True), means]]
            compared = by_chance is not None and strategy != "random"
            cells.append(cell(means - by_chance) if compared else "–")
            print(f"| {name} | {told} | {' | '.join(cells)} |", flush=True)


def cell(values):
    if np.isnan(values).any():
        return "–"
    mean = mean_of(list(map(float, values)), 0.95, (-1.0, 1.0))
    if mean["low"] is None:
        return f"{mean['mean']:.3f}"
    return f"{mean['mean']:.3f} ({mean['low']:.3f} – {min(mean['high'], 1):.3f})"


if __name__ == "__main__":
    main()

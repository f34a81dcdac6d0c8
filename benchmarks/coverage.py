"""Whether intervals and sets hold what they say: simulated test sides of a known truth.

python -m benchmarks.coverage [--repetitions 2000] [--resamples 1000]
python -m benchmarks.coverage --sets [--repetitions 2000]

Articles come in stories of one to four; within a story gold and errors go together. The truth is
the score on very many stories of the same kind. `percentile` and `bca` are how often such a 95 %
interval holds it; `difference` is how often the interval of the difference between two models that
err alike holds 0, and `type I` how often the paired test at .05 finds one. With `--sets` it is how
often sets of labels, fitted on a dev side, hold the right label on test sides.
"""

import argparse
from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.config import Evaluate
from pipeline.evaluate import metrics
from pipeline.evaluate.significance import difference
from pipeline.statistics import paired
from pipeline.statistics.bootstrap import interval, resampled_sums, resamples_of
from pipeline.train import set_from

TRUTH = 200_000  # stories
SHARES = {2: [0.7, 0.3], 3: [0.5, 0.3, 0.2], 8: [0.3, 0.2, 0.15, 0.1, 0.1, 0.06, 0.05, 0.04]}
KINDS = ("percentile", "bca")
TESTED = 400  # stories of a test side, for sets


def draw(stories: int, labels: int, rng: np.random.Generator) -> tuple[NDArray, ...]:
    """Return gold, two models' answers and the story of each example, as label numbers.

    Both models err alike in distribution, and partly on the same examples.
    """
    gold, story, hard = _gold(stories, labels, rng)
    answers = []
    for _ in range(2):
        wrong = rng.random(len(story)) < hard
        answers.append(np.where(wrong, _answers(len(story), labels, rng), gold))
    return gold, answers[0], answers[1], story


def _gold(
    stories: int, labels: int, rng: np.random.Generator
) -> tuple[NDArray, NDArray, NDArray[np.float64]]:
    """Return gold, the story and how hard it is, of each example."""
    story = np.repeat(np.arange(stories), rng.integers(1, 5, stories))
    of_story = _answers(stories, labels, rng)
    own = _answers(len(story), labels, rng)
    gold = np.where(rng.random(len(story)) < 0.7, of_story[story], own)
    return gold, story, rng.beta(2, 4, stories)[story]


def _answers(count: int, labels: int, rng: np.random.Generator) -> NDArray:
    return rng.choice(labels, count, p=np.array(SHARES[labels]))


def flags(codes: NDArray, labels: int) -> NDArray[np.bool_]:
    return codes[:, None] == np.arange(labels)


SCORES: dict[str, Callable] = {"macro_f1": metrics.macro_f1, "accuracy": paired.accuracy}


def intervals(repetitions: int, resamples: int) -> None:
    """Print how often intervals hold the truth, and how often a test finds what is not there."""
    # Of one resampling the rows of `bca` have those of `percentile` in them.
    sections = {kind: Evaluate(resamples=resamples, interval=kind) for kind in KINDS}
    heads = ["labels", "stories", "examples", "score", "truth", *KINDS]
    _head([*heads, "difference", "type I"])
    for labels in SHARES:
        rng = np.random.default_rng(labels)
        gold, answer, _, _ = draw(TRUTH, labels, rng)
        tally = paired.tally(flags(gold, labels), flags(answer, labels))
        whole = paired.counts_of(tally.sum(axis=0)[None, :])
        truth = {name: float(score(whole)[0]) for name, score in SCORES.items()}
        for stories in (40, 100, 400):
            held: Counter = Counter()
            for _ in range(repetitions):
                gold, one, other, story = draw(stories, labels, rng)
                tallies = {
                    name: paired.tally(flags(gold, labels), flags(codes, labels))
                    for name, codes in (("one", one), ("other", other))
                }
                sums = resampled_sums(tallies, story, sections["bca"], rng)
                counts = {name: paired.counts_of(table) for name, table in sums.items()}
                held["n"] += len(gold)
                for name, score in SCORES.items():
                    ours, theirs = score(counts["one"]), score(counts["other"])
                    for kind, section in sections.items():
                        held[name, kind] += _holds(ours, truth[name], section)
                    tested = difference(resamples_of(theirs - ours, sections["bca"]), stories, 0.95)
                    held[name, "difference"] += tested.low <= 0 <= tested.high
                    held[name, "type I"] += tested.p_value < 0.05
            for name in SCORES:
                columns = [*KINDS, "difference", "type I"]
                shares = [f"{held[name, column] / repetitions:.3f}" for column in columns]
                n = f"{held['n'] / repetitions:.0f}"
                _row([labels, stories, n, name, f"{truth[name]:.3f}", *shares])


def _holds(values: NDArray[np.float64], truth: float, section: Evaluate) -> bool:
    low, high = interval(values, section)
    return low <= truth <= high


def sets(repetitions: int) -> None:
    """Print how often sets of labels hold the right one, over all labels and for the rarest."""
    _head(
        ["labels", "dev stories", "examples", "asked", "held", "5 % to 95 % of dev sides", "size",
         "rarest held", "by label: held", "size", "rarest held"]
    )  # fmt: skip
    for labels in SHARES:
        rng = np.random.default_rng(labels)
        for stories in (40, 100, 400):
            drawn = [
                (_probabilities(stories, labels, rng), _probabilities(TESTED, labels, rng))
                for _ in range(repetitions)
            ]
            n = np.mean([len(gold) for (_, gold), _ in drawn])
            for coverage in (0.8, 0.9):
                found = [
                    np.array([_held(*each, coverage, by_label=by_label) for each in drawn])
                    for by_label in (False, True)
                ]
                spread = np.quantile(found[0][:, 0], [0.05, 0.95])
                means = [[f"{x:.3f}" for x in np.nanmean(each, axis=0)] for each in found]
                (held, *rest), by = means
                between = " – ".join(f"{x:.3f}" for x in spread)
                _row([labels, stories, f"{n:.0f}", coverage, held, between, *rest, *by])


def _probabilities(
    stories: int, labels: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return a model's probabilities and gold: it knows common labels better, and easy stories."""
    gold, _, hard = _gold(stories, labels, rng)
    scores = rng.normal(size=(len(gold), labels)) + np.log(SHARES[labels])
    scores += flags(gold, labels) * (4 - 6 * hard)[:, None]
    likely = np.exp(scores)
    return (likely / likely.sum(axis=1, keepdims=True)).astype(np.float32), flags(gold, labels)


def _held(dev: tuple, test: tuple, coverage: float, *, by_label: bool) -> tuple[float, ...]:
    least = set_from(*dev, coverage, by_label=by_label)
    likely, gold = test
    named = likely >= least
    rarest = gold[:, -1]
    return (
        named[gold].mean(),
        named.sum(axis=1).mean(),
        named[rarest, -1].mean() if rarest.any() else np.nan,
    )


def _head(names: list[str]) -> None:
    _row(names)
    print("|" + "---|" * len(names))


def _row(cells: list) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--sets", action="store_true", help="sets of labels, not intervals")
    arguments = parser.parse_args()
    if arguments.sets:
        sets(arguments.repetitions)
    else:
        intervals(arguments.repetitions, arguments.resamples)


if __name__ == "__main__":
    main()

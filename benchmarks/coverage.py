"""Whether the intervals hold what they say: simulated test sides of a known truth.

python -m benchmarks.coverage [--repetitions 500] [--resamples 1000]

Articles come in stories of one to four; within a story gold and errors go together. The truth is
the score on very many stories of the same kind. `interval` is how often the 95 % interval holds
it, `type I` how often the paired test at .05 finds a difference between two models that have none.
"""

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate import metrics
from pipeline.evaluate.bootstrap import interval, resampled_sums
from pipeline.evaluate.significance import p_value_of

TRUTH = 200_000  # stories
SHARES = {2: [0.7, 0.3], 3: [0.5, 0.3, 0.2], 8: [0.3, 0.2, 0.15, 0.1, 0.1, 0.06, 0.05, 0.04]}


def draw(stories: int, labels: int, rng: np.random.Generator) -> tuple[NDArray, ...]:
    """Return gold, two models' answers and the story of each example, as label numbers.

    Both models err alike in distribution, and partly on the same examples.
    """
    sizes = rng.integers(1, 5, stories)
    story = np.repeat(np.arange(stories), sizes)
    shares = np.array(SHARES[labels])
    of_story = rng.choice(labels, stories, p=shares)
    own = rng.choice(labels, len(story), p=shares)
    gold = np.where(rng.random(len(story)) < 0.7, of_story[story], own)
    hard = rng.beta(2, 4, stories)[story]  # how hard a story is for both
    answers = []
    for _ in range(2):
        wrong = rng.random(len(story)) < hard
        answers.append(np.where(wrong, rng.choice(labels, len(story), p=shares), gold))
    return gold, answers[0], answers[1], story


def flags(codes: NDArray, labels: int) -> NDArray[np.bool_]:
    return codes[:, None] == np.arange(labels)


SCORES: dict[str, Callable] = {"macro_f1": metrics.macro_f1, "accuracy": metrics.accuracy}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=500)
    parser.add_argument("--resamples", type=int, default=1000)
    arguments = parser.parse_args()
    print("| labels | stories | examples | score | truth | interval | type I |")
    print("|---|---|---|---|---|---|---|")
    for labels in SHARES:
        rng = np.random.default_rng(labels)
        gold, answer, _, _ = draw(TRUTH, labels, rng)
        whole = metrics.counts_of(
            metrics.tally(flags(gold, labels), flags(answer, labels)).sum(axis=0)[None, :]
        )
        truth = {name: float(score(whole)[0]) for name, score in SCORES.items()}
        for stories in (40, 100, 400):
            held = dict.fromkeys(SCORES, 0)
            found = dict.fromkeys(SCORES, 0)
            n = 0
            for _ in range(arguments.repetitions):
                gold, one, other, story = draw(stories, labels, rng)
                n += len(gold)
                sums = resampled_sums(
                    {
                        name: metrics.tally(flags(gold, labels), flags(codes, labels))
                        for name, codes in (("one", one), ("other", other))
                    },
                    story,
                    arguments.resamples,
                    rng,
                )
                counts = {name: metrics.counts_of(table) for name, table in sums.items()}
                for name, score in SCORES.items():
                    ours, theirs = score(counts["one"]), score(counts["other"])
                    low, high = interval(ours[1:], 0.95)
                    held[name] += low <= truth[name] <= high
                    found[name] += p_value_of(theirs[1:] - ours[1:]) <= 0.05
            for name in SCORES:
                print(
                    f"| {labels} | {stories} | {n / arguments.repetitions:.0f} | {name} "
                    f"| {truth[name]:.3f} | {held[name] / arguments.repetitions:.3f} "
                    f"| {found[name] / arguments.repetitions:.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()

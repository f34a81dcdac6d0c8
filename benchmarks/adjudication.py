"""Which rule finds the right answer among those of coders whose errors are known.

python -m benchmarks.adjudication [--repetitions 200] [--examples 300] [--seed 1]

Coders are simulated: good ones are right in 90 % of cases, middling ones in 75 %, bad ones in 50 %;
biased ones take two thirds of the second label for the first and are good else; adversarial ones
are right in 15 %. Labels are three, of 60, 30 and 10 %. `right` is the share of examples whose gold
is right, `wrong` that of those whose gold is wrong; the rest has no gold. `likeliest` is how often
the likeliest answer is right, whether or not it is sure enough to be gold. The interval is of the
mean over the repetitions. `against majority` is the paired difference in `likeliest`.
"""

import argparse
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.config import Adjudicate, DawidSkene, Majority, OneCoin
from pipeline.label.adjudication import decide
from pipeline.label.answered import Answered
from pipeline.label.answers import Example

SHARES = np.array([0.6, 0.3, 0.1])
LABELS = ["a", "b", "c"]
K = len(LABELS)


def coin(accuracy: float) -> NDArray[np.float64]:
    """Return the shares of answers by right label of a coder who errs alike everywhere."""
    return np.where(np.eye(K, dtype=bool), accuracy, (1 - accuracy) / (K - 1))


BIASED = coin(0.9)
BIASED[1] = [2 / 3, 0.3, 1 - 2 / 3 - 0.3]
GOOD, MIDDLING, BAD, ADVERSE = coin(0.9), coin(0.75), coin(0.5), coin(0.15)


class Team(NamedTuple):
    """Coders, and how many of them answer each example."""

    coders: Sequence[NDArray[np.float64]]
    each: int


TEAMS = {
    "2 good": Team([GOOD] * 2, 2),
    "1 good, 1 bad": Team([GOOD, BAD], 2),
    "3 good": Team([GOOD] * 3, 3),
    "1 good, 2 bad": Team([GOOD, BAD, BAD], 3),
    "3 good, 2 bad": Team([GOOD] * 3 + [BAD] * 2, 5),
    "2 good, 3 biased": Team([GOOD] * 2 + [BIASED] * 3, 5),
    "3 good, 2 adversarial": Team([GOOD] * 3 + [ADVERSE] * 2, 5),
    "30 middling, 3 each": Team([MIDDLING] * 30, 3),
    "15 good, 15 bad, 3 each": Team([GOOD] * 15 + [BAD] * 15, 3),
}
RULES: dict[str, Adjudicate] = {
    "majority": Majority(),
    "one_coin": OneCoin(by="one_coin"),
    "dawid_skene": DawidSkene(by="dawid_skene"),
}


def draw(team: Team, n: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], Answered]:
    """Return the right answers, and those of the coders."""
    right = rng.choice(K, n, p=SHARES)
    who = np.sort(rng.random((n, len(team.coders))).argsort(axis=1)[:, : team.each], axis=1)
    errors = np.cumsum(np.array(team.coders), axis=2)
    said = (rng.random((n, team.each, 1)) > errors[who, right[:, None]]).sum(axis=2).clip(0, K - 1)
    names = [f"c{number:02}" for number in range(len(team.coders))]
    answered = Answered(
        labels=LABELS,
        many=False,
        examples=[Example(f"x{number}", "task", None) for number in range(n)],
        coders=names,
        example=np.repeat(np.arange(n), team.each),
        coder=who.ravel(),
        chosen=np.eye(K, dtype=bool)[said.ravel()],
    )
    return right, answered


def judged(right: NDArray[np.int64], answered: Answered, rule: Adjudicate) -> list[float]:
    """Return the shares of examples whose gold is right and wrong, and whose likeliest is right."""
    found = decide(answered, rule).decisions
    truth = [[LABELS[k]] for k in right]
    hits = np.mean([each.gold == gold for each, gold in zip(found, truth, strict=True)])
    given = np.mean([each.gold is not None for each in found])
    likeliest = [
        (each.likeliest or each.gold) == gold for each, gold in zip(found, truth, strict=True)
    ]
    return [float(hits), float(given - hits), float(np.mean(likeliest))]


def between(values: NDArray[np.float64], write: Callable[[float], str]) -> str:
    """Return the mean and its 95 % interval."""
    half = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    return f"{write(values.mean())} ({write(values.mean() - half)} – {write(values.mean() + half)})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print("| coders | rule | right | wrong | likeliest | against majority |")
    print("|---|---|---|---|---|---|")
    for name, team in TEAMS.items():
        rng = np.random.default_rng(arguments.seed)
        drawn = [draw(team, arguments.examples, rng) for _ in range(arguments.repetitions)]
        found = {
            rule: np.array([judged(*each, how) for each in drawn]) for rule, how in RULES.items()
        }
        for rule, values in found.items():
            gain = values[:, 2] - found["majority"][:, 2]
            told = "" if rule == "majority" else between(gain, "{:+.3f}".format)
            right, wrong = (f"{values[:, at].mean():.3f}" for at in (0, 1))
            likeliest = between(values[:, 2], "{:.3f}".format)
            cells = [name, rule, right, wrong, likeliest, told]
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()

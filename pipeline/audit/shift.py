"""How the test side differs from what was learnt: its words, and how often labels occur."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pipeline.audit.coded import Coded
from pipeline.audit.findings import Finding, Severity
from pipeline.codebook import Task
from pipeline.records import Side

_WORD: Final = re.compile(r"\w+")
_WORDS_SHOWN: Final = 10
# New words this many times as often as between dev and train.
_SHIFTED: Final = 1.5
_LEAST_SHIFT: Final = 0.01  # of all words: a small dev side says little of what is rarer
# Total variation of the labels' shares from which on scores of the sides are not comparable.
_MOVED: Final = 0.2
_CHANCE: Final = 0.01
_NONE: Final = frozenset(["none of them"])


def vocabulary(coded: Coded) -> Iterator[Finding]:
    """Say how many of a test side's words training never met, and which words tell it apart."""
    by_side: dict[str, Counter[str]] = {}
    for side, title, text in zip(
        coded.sides,
        coded.articles["title"].to_pylist(),
        coded.articles["text"].to_pylist(),
        strict=True,
    ):
        words = _WORD.findall(f"{title or ''} {text}".casefold())
        by_side.setdefault(side, Counter()).update(words)
    train = by_side.get(Side.TRAIN, Counter())
    if not train:
        return
    dev = _new(by_side[Side.DEV], train) if Side.DEV in by_side else None
    for side in coded.test_sides:
        new = _new(by_side[side], train)
        is_shifted = dev is not None and new >= max(_SHIFTED * dev, dev + _LEAST_SHIFT)
        compared = f"; of dev {100 * dev:.1f} %" if dev is not None else ""
        yield Finding(
            "vocabulary", Severity.WARNING if is_shifted else Severity.INFO,
            f"{100 * new:.1f} % of the words are not in train{compared}",
            side, numbers={"new_words": new, "new_words_dev": dev},
            rows=_telling(by_side[side], train),
        )  # fmt: skip


def _new(words: Counter[str], known: Mapping[str, int]) -> float:
    total = words.total()
    return sum(n for word, n in words.items() if word not in known) / total if total else 0.0


def _telling(one: Counter[str], other: Counter[str]) -> list[dict[str, Any]]:
    """Return the words whose frequencies differ most surely.

    By the log-odds ratio with an informative Dirichlet prior, over its standard deviation (Monroe,
    Colaresi and Quinn 2008, equations 15 to 22, https://doi.org/10.1093/pan/mpn018).
    """
    prior = one + other
    if len(prior) < 2:
        return []
    n_one, n_other, n_prior = one.total(), other.total(), prior.total()
    scores = {}
    for word, a in prior.items():
        x, y = one[word] + a, other[word] + a
        odds = math.log(x / (n_one + n_prior - x)) - math.log(y / (n_other + n_prior - y))
        scores[word] = odds / math.sqrt(1 / x + 1 / y)
    ranked = sorted(scores, key=lambda word: (-abs(scores[word]), word))
    return [
        {"word": word, "z": round(scores[word], 1), "test": one[word], "train": other[word]}
        for word in ranked[:_WORDS_SHOWN]
    ]


def labels(coded: Coded, tasks: Mapping[str, Task]) -> Iterator[Finding]:
    """Say how far the shares of the labels on a test side are from those in train and dev.

    That none holds counts as a label. Chance is judged as if each label of each example were drawn
    by itself.
    """
    for name in sorted(tasks):
        answers = [(at, on, gold or _NONE) for at, on, gold in coded.answers(name)]
        learnt = Counter(label for at, _, gold in answers if coded.seen[at] for label in gold)
        for side in coded.test_sides:
            tested = Counter(label for _, on, gold in answers if on == side for label in gold)
            if learnt and tested:
                yield _moved(learnt, tested, side, name)


def _moved(learnt: Counter[str], tested: Counter[str], side: str, task: str) -> Finding:
    from scipy.stats import chi2_contingency

    known = sorted({*learnt, *tested})
    shares = {
        label: (tested[label] / tested.total(), learnt[label] / learnt.total()) for label in known
    }
    ranked = sorted(known, key=lambda label: -abs(shares[label][0] - shares[label][1]))
    moved = sum(abs(test - train) for test, train in shares.values()) / 2
    p_value = 1.0
    if len(known) > 1:
        table = [[counts[label] for label in known] for counts in (learnt, tested)]
        p_value = float(chi2_contingency(table).pvalue)
    test, train = shares[ranked[0]]
    return Finding(
        "label_shares",
        # Of few examples the shares differ by chance.
        Severity.WARNING if moved >= _MOVED and p_value < _CHANCE else Severity.INFO,
        f"the labels' shares differ by {moved:.3f} (total variation, p = {p_value:.2g}), most that "
        f"of {ranked[0]}: {test:.3f}, training {train:.3f}",
        side, task, {"total_variation": moved, "p_value": p_value},
        [{"label": label, "test": round(shares[label][0], 4), "train": round(shares[label][1], 4)}
         for label in ranked],
    )  # fmt: skip

"""Made-up predictions with gold: small, seeded, with what a user's table may hold."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline import records
from pipeline.codebook import Asks, Choose, Codebook, Label, Target, Task
from pipeline.config import Evaluate
from pipeline.evaluate import ReportFacts

LABELS = {
    "topic": ["economy", "migration", "defence policy"],
    "stance": ["threat", "neutral", "partner"],
    "frames": ["conflict", "human interest", "morality", "responsibility"],
}


@pytest.fixture(scope="session")
def codebook() -> Codebook:
    return Codebook(
        name="demo",
        version="1.0",
        tasks={
            "topic": Task(
                asks=Asks.ARTICLE,
                question="What is the article about?",
                labels=[Label(id=x, name=x.title()) for x in LABELS["topic"]],
            ),
            "stance": Task(asks=Asks.TARGET, labels=[Label(id=x) for x in LABELS["stance"]]),
            "frames": Task(
                asks=Asks.ARTICLE,
                choose=Choose.MANY,
                labels=[Label(id=x) for x in LABELS["frames"]],
            ),
        },
        targets=[Target(id="alliance", name="the alliance of the two states")],
    )


@pytest.fixture(scope="session")
def scored_row() -> Callable[..., dict[str, Any]]:
    """Make one row from what matters to the test."""

    def make(probabilities: dict[str, float], gold: Sequence[str], **given: Any) -> dict[str, Any]:
        label = max(probabilities, key=lambda name: probabilities[name])
        row = {
            "article_id": "a1",
            "task": "topic",
            "target": None,
            "label": label,
            "probability": probabilities[label],
            "probabilities": list(probabilities.items()),
            "label_set": None,
            "abstained": False,
            "evidence": [],
            "model_version": "m1",
            "codebook_version": "demo@1.0",
            "side": "test",
            "story": given.get("article_id", "a1"),
            "outlet": None,
            "gold": sorted(gold),
            "blind_label": None,
            "blind_probabilities": None,
            "swapped_target": None,
            "swapped_label": None,
            "slices": None,
        }
        return row | given

    return make


@pytest.fixture(scope="session")
def table() -> Callable[[Sequence[dict[str, Any]]], pa.Table]:
    def make(rows: Sequence[dict[str, Any]]) -> pa.Table:
        return pa.Table.from_pylist(list(rows), schema=records.SCORED)

    return make


@pytest.fixture(scope="session")
def make_scored(scored_row: Any, table: Any) -> Callable[..., pa.Table]:
    """Make a table of all three tasks on dev and test, `n` examples of each; about 7 in 10 right.

    Gold and articles are those of `seed`, the predictions those of `model`.
    """

    def make(n: int = 80, seed: int = 0, model: int = 0, skill: float = 1.2) -> pa.Table:
        gold_rng, rng = np.random.default_rng(seed), np.random.default_rng([model, seed])
        rows = [
            _random_row(scored_row, side, task, place, gold_rng, rng, skill)
            for side in ("test", "dev")
            for task in LABELS
            for place in range(n)
        ]
        return table(rows)

    return make


def _random_row(
    scored_row: Any,
    side: str,
    task: str,
    place: int,
    gold_rng: np.random.Generator,
    rng: np.random.Generator,
    skill: float,
) -> dict[str, Any]:
    labels, many = LABELS[task], task == "frames"
    chances = np.array([0.5, 0.3, 0.15, 0.05])[: len(labels)]
    if many:
        truth = gold_rng.random(len(labels)) < chances
    else:
        truth = np.arange(len(labels)) == gold_rng.choice(len(labels), p=chances / chances.sum())
    probabilities = _probabilities(truth, skill, many, rng)
    given: dict[str, Any] = {
        "article_id": f"{side}-{place}",
        "task": task,
        "side": side,
        "story": f"{side}-{place // 2}",
        "outlet": f"outlet {place % 7}" if place % 5 else None,
        "evidence": [{"start": 0, "end": 4, "text": "“Là <b>& ici</b>” 🙂", "score": 0.5}],
    }
    if many:
        given["label"] = records.join_labels(
            [name for name, p in zip(labels, probabilities, strict=True) if p >= 0.5]
        )
    if task == "stance":
        blind = _probabilities(truth, skill / 3, many, rng)
        given["target"] = "alliance" if place % 2 else "حلف"
        given["blind_label"] = labels[int(np.argmax(blind))]
        given["blind_probabilities"] = list(zip(labels, blind, strict=True))
        if place % 5:  # every fifth text has no other target
            given["swapped_target"] = "league"
            given["swapped_label"] = labels[place % len(labels)]
    gold = [name for name, flag in zip(labels, truth, strict=True) if flag]
    return scored_row(dict(zip(labels, probabilities, strict=True)), gold, **given)


def _probabilities(truth: Any, skill: float, many: bool, rng: np.random.Generator) -> list[float]:
    scores = rng.normal(size=len(truth)) + skill * truth * 1.5 - (skill * 0.7 if many else 0)
    if many:
        return (1 / (1 + np.exp(-scores))).tolist()
    return (np.exp(scores) / np.exp(scores).sum()).tolist()


@pytest.fixture(scope="session")
def scored(make_scored: Callable[..., pa.Table]) -> pa.Table:
    return make_scored()


@pytest.fixture(scope="session")
def train_gold() -> dict[str, list[list[str]]]:
    return {
        "topic": [["economy"]] * 6 + [["migration"]] * 3 + [["defence policy"]],
        "stance": [["neutral"]] * 5 + [["threat"]] * 4 + [["partner"]],
        "frames": [["conflict"]] * 3 + [[]] * 2 + [["conflict", "morality"]],
    }


FINDING = {
    "check": "copies", "severity": "error", "side": "test", "task": None,
    "summary": "2 of 80 (2.5 %) of the articles are <copies>", "numbers": {}, "rows": [],
    "n_rows": 0, "articles": ["a1"],
}  # fmt: skip

BEHAVIOUR = {
    "name": "negation", "task": "stance", "kind": "direction", "description": "<No> is no yes.",
    "expected": "threat falls", "n": 40, "failures": 9, "failure_rate": 0.225,
    "failure_rate_low": 0.1, "failure_rate_high": 0.4, "allow": 0.1, "passed": False,
    "left_out": {"unchanged": 3},
    "examples": [{
        "id": "texts.0#1", "target": "alliance", "target_after": "alliance",
        "answer_before": "threat", "probabilities_before": {"threat": 0.8}, "before": "A <danger>.",
        "answer_after": "", "probabilities_after": {"threat": 0.9}, "after": "No danger.",
    }],
}  # fmt: skip


_MEASURES = ("agreement", "alpha", "kappa", "fleiss_kappa", "ac1")
AGREED = {
    "coders": ["<ann>", "ben"], "examples_with_two_coders": 60, "ties": 3,
    "adjudication": {"by": "dawid_skene"},
    **{f"{name}{end}": value for name in _MEASURES
       for end, value in (("", 0.8123), ("_low", 0.71), ("_high", 0.89))},
}  # fmt: skip
ALONE = AGREED | {"examples_with_two_coders": 0} | dict.fromkeys(
    [f"{name}{end}" for name in _MEASURES for end in ("", "_low", "_high")]
)  # fmt: skip


@pytest.fixture(scope="session")
def facts() -> ReportFacts:
    """What the page says of a run beside its scores."""
    return ReportFacts(
        run="demo <run>",
        description="Tests & trials.",
        model_version="demo-1a2b",
        codebook="demo@1.0",
        package_version="0.1.0",
        articles=1234,
        articles_are=[("Outlets", "2: Post (9) and others")],
        rejects=1,
        set_aside=2,
        examples={"topic": {"test": 80, "train": 400, "test_mt": 7}, "stance": {"test": 80}},
        agreement={"topic": AGREED, "stance": ALONE},
        settings=[("train.C", 3.0)],
        findings=[FINDING, FINDING | {"check": "label_words", "severity": "info", "side": None}],
        behaviour=[BEHAVIOUR, BEHAVIOUR | {"name": "topic.typos", "n": 0, "failures": 0,
                   "failure_rate": None, "passed": None, "examples": []}],
        evaluation=Evaluate(resamples=100),
    )  # fmt: skip

"""The model beside single coders: kappas of pairs, their mean, and what they are computed on."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import cohen_kappa_score

from pipeline.config import Evaluate
from pipeline.evaluate import TIES, Coded, evaluate
from pipeline.evaluate.coders import PAIRS
from pipeline.records import ANNOTATIONS

QUICK = Evaluate(resamples=200)
EXACT = 2e-6  # scores are rounded to six digits
LABELS = ["defence policy", "economy", "migration"]


def noisy(answers, share, rng):
    """Return the answers with a share of them drawn anew."""
    return [str(rng.choice(LABELS)) if rng.random() < share else answer for answer in answers]


def annotations(task, **coders):
    """Make a table of what each coder says: {article: label}, or a list of labels."""
    rows = [
        {"article_id": article, "task": task, "target": None, "coder": coder, "label": label}
        for coder, answers in coders.items()
        for article, given in answers.items()
        for label in ([given] if isinstance(given, str) else given or [""])
    ]
    return pa.Table.from_pylist(rows, ANNOTATIONS)


@pytest.fixture
def beside(scored, codebook, train_gold):
    """Score the made-up predictions of the test side beside coders: what `coders` of a task is."""

    def score(table, task="topic", ties=None):
        coded = Coded(table, TIES.empty_table() if ties is None else ties)
        metrics = evaluate(scored, codebook, QUICK, 0, train_gold, coded=coded)
        assert not any("coders" in scores for scores in metrics["dev"].values())
        return metrics["test"][task].get("coders")

    return score


@pytest.fixture
def model(scored):
    """What the model says of the articles of the test side."""

    def answers(task="topic"):
        return {
            row["article_id"]: row["label"]
            for row in scored.to_pylist()
            if (row["side"], row["task"]) == ("test", task)
        }

    return answers


def test_kappas_agree_with_scikit_learn(beside, model):
    said, rng = model(), np.random.default_rng(1)
    ann = dict(zip(said, noisy(said.values(), 0.4, rng), strict=True))
    ben = dict(list(zip(said, noisy(said.values(), 0.6, rng), strict=True))[20:])
    found = beside(annotations("topic", ann=ann, ben=ben))
    shared = list(ben)
    pair = found["pairs"][0]
    assert (pair["coders"], pair["n"], found["n"], found["ties"]) == (["ann", "ben"], 60, 60, 0)
    answers = [[one[article] for article in shared] for one in (ann, ben, said)]
    for (left, right), row in zip(((0, 1), (0, 2), (1, 2)), (pair, *pair["model"]), strict=True):
        expected = cohen_kappa_score(answers[left], answers[right])
        assert row["kappa"] == pytest.approx(expected, abs=EXACT)
        equal = np.mean([x == y for x, y in zip(answers[left], answers[right], strict=True)])
        assert row["agreement"] == pytest.approx(equal, abs=EXACT)
        assert row["kappa_low"] <= row["kappa"] <= row["kappa_high"]
    assert found["coder_kappa"] == pair["kappa"]
    of_model = np.mean([row["kappa"] for row in pair["model"]])
    assert found["model_kappa"] == pytest.approx(of_model, abs=EXACT)
    assert found["kappa_difference"] == pytest.approx(of_model - pair["kappa"], abs=EXACT)


def test_of_many_labels_kappa_is_the_mean_over_the_labels(beside, model, codebook):
    said = {article: (label or "").split("|") for article, label in model("frames").items()}
    ann = {article: [x for x in labels if x] for article, labels in said.items()}
    ben = {article: labels[:1] for article, labels in ann.items()}
    found = beside(annotations("frames", ann=ann, ben=ben), "frames")
    pair = found["pairs"][0]
    expected = np.mean(
        [
            cohen_kappa_score([x in ann[a] for a in ann], [x in ben[a] for a in ann])
            for x in codebook.tasks["frames"].label_ids
        ]
    )
    assert pair["kappa"] == pytest.approx(expected, abs=EXACT)
    assert pair["model"][0]["kappa"] == 1  # ann says what the model says
    assert pair["n"] == 80  # an answer without labels is one


def test_a_model_that_answers_as_a_coder_does_has_kappa_one_with_it(beside, model):
    said = model()
    ben = noisy(said.values(), 0.5, np.random.default_rng(2))
    found = beside(annotations("topic", ann=said, ben=dict(zip(said, ben, strict=True))))
    pair = found["pairs"][0]
    assert pair["model"][0]["kappa"] == 1
    assert pair["model"][0]["kappa_low"] is None  # no resample can tell how sure that is
    assert pair["model"][1] == {name: pair[name] for name in pair["model"][1]}


def test_coders_who_agree_less_with_one_another_than_with_the_model_are_shown_so(beside, model):
    said, rng = model(), np.random.default_rng(3)
    coders = {name: dict(zip(said, noisy(said.values(), 0.5, rng), strict=True)) for name in "abc"}
    found = beside(annotations("topic", **coders))
    assert len(found["pairs"]) == 3
    means = [np.mean([pair["kappa"] for pair in found["pairs"]])]
    means += [np.mean([row["kappa"] for pair in found["pairs"] for row in pair["model"]])]
    assert [found["coder_kappa"], found["model_kappa"]] == pytest.approx(means, abs=EXACT)
    assert found["kappa_difference_low"] > 0


def test_examples_without_gold_count_too(beside, model):
    said = model()
    ties = pa.Table.from_pylist(
        [
            {"article_id": f"t{n}", "task": "topic", "target": None, "label": "economy",
             "side": "test", "story": f"t{n}", "outlet": None}
            for n in range(20)
        ],
        TIES,
    )  # fmt: skip
    ann = said | {f"t{n}": "economy" for n in range(20)}
    ben = said | {f"t{n}": "migration" for n in range(20)}
    alone = beside(annotations("topic", ann=said, ben=said))
    assert (alone["n"], alone["ties"], alone["coder_kappa"]) == (80, 0, 1)
    found = beside(annotations("topic", ann=ann, ben=ben), ties=ties)
    assert (found["n"], found["ties"]) == (100, 20)
    assert found["pairs"][0]["agreement"] == pytest.approx(0.8)
    assert [row["agreement"] for row in found["pairs"][0]["model"]] == pytest.approx([1, 0.8])


def test_one_coder_is_not_compared(beside, model):
    assert beside(annotations("topic", ann=model())) is None


def test_pairs_that_share_too_little_are_counted(beside, model):
    said = list(model().items())
    table = annotations("topic", ann=dict(said), ben=dict(said[:9]), cem=dict(said[5:40]))
    found = beside(table)
    assert [pair["coders"] for pair in found["pairs"]] == [["ann", "cem"]]
    assert found["pairs_left_out"] == 2
    few = beside(annotations("topic", ann=dict(said[:5]), ben=dict(said)))
    assert (few["n"], few["pairs"], few["pairs_left_out"]) == (5, [], 1)
    assert few["coder_kappa"] is few["model_kappa"] is few["kappa_difference_low"] is None


def test_of_a_crowd_the_pairs_that_share_most_are_compared(beside, model):
    said = list(model().items())
    crowd = {f"w{n:02}": dict(said[n:]) for n in range(12)}
    found = beside(annotations("topic", **crowd))
    assert len(found["pairs"]) == PAIRS
    assert found["pairs_left_out"] == 66 - PAIRS
    assert [pair["n"] for pair in found["pairs"]] == sorted(
        (pair["n"] for pair in found["pairs"]), reverse=True
    )


def test_where_both_always_say_the_same_label_there_is_no_kappa(beside, model):
    same = dict.fromkeys(model(), "economy")
    found = beside(annotations("topic", ann=same, ben=same))
    assert found["pairs"][0]["kappa"] is None
    assert found["pairs"][0]["agreement"] == 1
    assert found["coder_kappa"] is None

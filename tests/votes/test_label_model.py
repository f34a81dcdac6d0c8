import numpy as np
import pyarrow as pa
import pytest

from pipeline.config import Votes
from pipeline.records import VOTES
from pipeline.votes import Ballot, Matrix, account_of, matrix_of, soft_labels
from pipeline.votes.label_model import by_label_model, by_majority

NONE = -1
LABELS = ["farming", "shipping", "weather"]


def matrix(votes, labels=3):
    """Return the matrix of votes [n, m]: label numbers or NONE."""
    votes = np.array(votes)
    said = np.stack([votes == label for label in range(labels)], axis=2).astype(np.int8)
    return Matrix([f"f{place}" for place in range(votes.shape[1])], said)


def simulated(n, accuracies, coverage, seed=0, labels=3):
    """Return votes [n, m] of independent functions, and the right labels [n]."""
    rng = np.random.default_rng(seed)
    right = rng.choice(labels, n, p=[0.5, 0.3, 0.2])
    votes = np.full((n, len(accuracies)), NONE)
    for place, accuracy in enumerate(accuracies):
        wrong = (right + rng.integers(1, labels, n)) % labels
        given = np.where(rng.random(n) < accuracy, right, wrong)
        votes[:, place] = np.where(rng.random(n) < coverage, given, NONE)
    return votes, right


def onehot(right, labels=3):
    return np.eye(labels, dtype=bool)[right]


def test_the_majority_counts_votes_and_shares_ties():
    likely = by_majority(matrix([[0, 0, 1], [0, 1, NONE], [NONE] * 3]), False).likely
    assert np.allclose(likely, [[2 / 3, 1 / 3, 0], [0.5, 0.5, 0], [1 / 3] * 3])


def test_where_many_may_hold_the_majority_is_of_those_who_speak_of_the_label():
    said = np.array([[[1, 0], [1, -1], [0, 0]], [[-1, 1], [0, 0], [0, 0]]], np.int8)
    likely = by_majority(Matrix(["a", "b", "c"], said), True).likely
    assert np.allclose(likely, [[1, 0], [0, 1]])


def test_without_gold_a_good_function_outweighs_two_poor_ones():
    votes, right = simulated(3000, [0.95, 0.9, 0.85, 0.4, 0.4], 0.8)
    none = np.zeros(3000, bool)
    counted, weighed = (
        found.likely
        for found in (
            by_majority(matrix(votes), False),
            by_label_model(matrix(votes), False, onehot(right) & False, none),
        )
    )
    assert (weighed.argmax(1) == right).mean() > (counted.argmax(1) == right).mean() + 0.03


def test_gold_shows_that_a_function_is_wrong_although_it_is_outvoted_by_its_like():
    # Two functions that are nearly always wrong, and agree; one that is right.
    rng = np.random.default_rng(1)
    right = rng.integers(0, 3, 900)
    votes = np.stack([right, (right + 1) % 3, (right + 1) % 3], axis=1)
    known = np.arange(900) < 60
    found = by_label_model(matrix(votes), False, onehot(right), known)
    assert (found.likely.argmax(1) == right).all()
    assert found.converged
    blind = by_label_model(matrix(votes), False, onehot(right), known & False)
    assert (blind.likely.argmax(1) == right).mean() < 0.1


def test_gold_is_what_it_is_whatever_the_votes_say():
    votes = [[1, 1], [1, 1], [0, 0]]
    gold = onehot(np.array([2, 1, 0]))
    found = by_label_model(matrix(votes), False, gold, np.array([True, False, False]))
    assert found.likely[0].tolist() == [0, 0, 1]
    assert np.allclose(found.likely.sum(1), 1)


def test_a_silent_rule_makes_its_label_less_likely():
    # Each function votes for one label only, on nine in ten of its examples.
    rng = np.random.default_rng(2)
    right = rng.integers(0, 3, 1500)
    votes = np.full((1500, 3), NONE)
    for label in range(3):
        votes[:, label] = np.where((right == label) & (rng.random(1500) < 0.9), label, NONE)
    votes[:, 0] = np.where((right == 1) & (rng.random(1500) < 0.5), 0, votes[:, 0])
    known = np.arange(1500) < 150
    found = by_label_model(matrix(votes), False, onehot(right), known).likely
    only_first = (votes[:, 0] == 0) & (votes[:, 1] == NONE) & ~known
    assert (right[only_first] == 0).mean() > 0.8
    assert found[only_first, 0].mean() == pytest.approx((right[only_first] == 0).mean(), abs=0.15)


def test_two_runs_give_the_same_numbers_and_odd_inputs_none_that_are_not():
    votes, right = simulated(200, [0.8, 0.7], 0.5)
    known = np.arange(200) < 20
    first, second = (
        by_label_model(matrix(votes), False, onehot(right), known).likely for _ in range(2)
    )
    assert (first == second).all()
    for rows in (votes[:0], votes[:1], np.full((5, 2), NONE), votes[:, :0]):
        n = len(rows)
        found = by_label_model(matrix(rows), False, onehot(right[:n]), np.zeros(n, bool))
        assert found.likely.shape == (n, 3)
        assert np.isfinite(found.likely).all()
        everything = by_label_model(matrix(rows), False, onehot(right[:n]), np.ones(n, bool))
        assert (everything.likely == onehot(right[:n])).all()


def test_where_many_may_hold_each_label_is_weighed_by_itself():
    rng = np.random.default_rng(3)
    right = rng.random((800, 2)) < [0.5, 0.1]
    said = np.zeros((800, 3, 2), np.int8)
    for place, accuracy in enumerate((0.9, 0.9, 0.6)):
        told = np.where(rng.random((800, 2)) < accuracy, right, ~right)
        said[:, place] = np.where(told, 1, -1)
    said[:40] = 0
    known = np.arange(800) >= 700
    found = by_label_model(Matrix(["a", "b", "c"], said), True, right, known)
    voted = (np.arange(800) >= 40) & ~known
    assert ((found.likely > 0.5) == right)[voted].mean() > 0.9
    assert found.likely[:40, 1].max() < 0.3  # the rare label, where nobody says anything


def vote(example, function, label, holds=True):
    return {"example_id": example, "task": "t", "function": function, "label": label,
            "holds": holds}  # fmt: skip


def test_the_matrix_has_what_the_table_says_and_ignores_other_examples():
    rows = [
        vote("a", "f", "farming"),
        vote("b", "g", "weather", holds=False),
        vote("elsewhere", "f", "farming"),
        vote("a", "g", None, holds=None),
    ]
    found = matrix_of(pa.Table.from_pylist(rows, schema=VOTES), ["f", "g"], ["a", "b"], LABELS)
    assert found.said.tolist() == [[[1, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, -1]]]


@pytest.fixture
def ballot():
    """Four examples, three functions; the first three have gold."""
    votes = [[0, 0, NONE], [0, 1, NONE], [1, NONE, NONE], [0, NONE, NONE]]
    gold = onehot(np.array([0, 1, 1, 0]))
    known = np.array([True, True, True, False])
    return Ballot(LABELS, False, matrix(votes), gold & known[:, None], known, ["a", "b", "c", "d"])


def test_the_account_has_coverage_overlap_conflict_and_accuracy(ballot):
    told = account_of(ballot, 0.95)
    first, second, third = told["functions"]
    assert first["labels"] == ["farming", "shipping"]
    assert (first["coverage"], first["overlap"], first["conflict"]) == (1.0, 0.5, 0.25)
    assert (first["n"], round(first["accuracy"], 3)) == (3, 0.667)
    assert first["accuracy_low"] < 0.5 and first["accuracy_high"] > 0.9
    assert (second["coverage"], second["overlap"], second["conflict"]) == (0.5, 0.5, 0.25)
    assert second["accuracy"] == 1
    assert (third["votes"], third["labels"], third["accuracy"]) == (0, [], None)
    assert told["covered"] == 1.0
    assert told["combined"]["majority"]["n"] == 3


def test_the_label_model_is_judged_on_gold_that_it_did_not_see():
    # Votes say nothing; judged on gold that fixes its own answers it would be right always.
    rng = np.random.default_rng(4)
    right = rng.integers(0, 3, 300)
    votes = rng.integers(0, 3, (300, 2))
    known = np.ones(300, bool)
    stories = [f"s{number}" for number in range(300)]
    told = account_of(Ballot(LABELS, False, matrix(votes), onehot(right), known, stories), 0.95)
    assert told["combined"]["label_model"]["accuracy"] < 0.5


def test_soft_labels_are_of_uncoded_examples_that_have_a_vote(ballot):
    uncoded = ~ballot.known
    section = Votes(combine="majority")
    table = soft_labels(ballot, list("abcd"), uncoded, section)
    assert table["example_id"].to_pylist() == ["d"]
    assert dict(table["soft"][0].as_py()) == {"farming": 1, "shipping": 0, "weather": 0}
    unsure = Votes(combine="label_model", min_confidence=0.99)
    assert len(soft_labels(ballot, list("abcd"), uncoded, unsure)) == 0
    assert len(soft_labels(ballot, list("abcd"), uncoded & False, section)) == 0

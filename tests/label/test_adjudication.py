"""From several answers to gold: the majority, models of coders, a named coder; what is disputed."""

import numpy as np
import pytest

from pipeline.config import DawidSkene, LabelSection, Majority, OneCoin
from pipeline.errors import DataError
from pipeline.label.adjudication import check_coder, decide, disputed_worklist
from pipeline.label.adjudication.coder_models import CoderAnswers, estimate
from pipeline.records import WORKLIST

DAWID_SKENE = DawidSkene(by="dawid_skene")
ONE_COIN = OneCoin(by="one_coin")

# Dawid and Skene (1979), https://doi.org/10.2307/2346806, table 1: what five anaesthetists, the
# first of them three times, say of how fit 45 patients are, from 1 to 4.
ANAESTHETISTS = """
1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343
1111111 2223212 1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222
1111111 1111111 2322222 1111111 1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343
2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222
"""
OBSERVER = (0, 0, 0, 1, 2, 3, 4)


def anaesthetists():
    rows = [(n, OBSERVER[at], int(said) - 1)
            for n, patient in enumerate(ANAESTHETISTS.split())
            for at, said in enumerate(patient)]  # fmt: skip
    example, coder, label = np.array(rows).T
    return CoderAnswers(example, coder, label, (45, 5, 4), np.full(45, -1))


def adjudicate(**section):
    return LabelSection.model_validate({"adjudicate": section}).adjudicate


def gold(decided):
    return ["".join(each.gold) if each.gold is not None else None for each in decided.decisions]


def simulated(answered, accuracies, n, seed=0, labels="abc"):
    """Return the right answers and those of coders with these accuracies."""
    rng = np.random.default_rng(seed)
    right = rng.integers(0, len(labels), n)
    letters = np.array(list(labels))
    coders = [
        "".join(letters[np.where(
            rng.random(n) < accuracy, right,
            (right + rng.integers(1, len(labels), n)) % len(labels),
        )])
        for accuracy in accuracies
    ]  # fmt: skip
    return letters[right].tolist(), answered(*coders, labels=labels)


# Majority


def test_the_majority_says_of_how_many_it_is(answered):
    given = answered("aab.", "ab..", "ab.b")
    decided = decide(given, Majority())
    assert gold(decided) == ["a", "b", "b", "b"]
    assert [each.by for each in decided.decisions] == [
        "majority 3 of 3", "majority 2 of 3", "majority 1 of 1", "majority 1 of 1"
    ]  # fmt: skip
    assert [each.confidence for each in decided.decisions] == [None] * 4


def test_of_many_labels_the_majority_is_that_of_the_closest_one(answered):
    given = answered(["ab", "a", "", ""], ["ab", "b", "", "b"], ["a", ".", "c", "."], many=True)
    decided = decide(given, Majority())
    assert gold(decided) == ["ab", None, "", None]
    assert [each.by for each in decided.decisions] == [
        "majority 2 of 3", None, "majority 2 of 3", None
    ]  # fmt: skip


# Models of the coders


def test_prevalences_and_errors_are_those_of_dawid_and_skene():
    # Their table 4: prevalences .40, .42, .11 and .07; the first observer's errors as below. They
    # smooth nothing.
    found = estimate(anaesthetists(), DawidSkene(by="dawid_skene", prior=1e-6))
    assert found.settled
    assert found.prevalence == pytest.approx([0.40, 0.42, 0.11, 0.07], abs=0.006)
    errors = [[0.89, 0.11, 0, 0], [0.07, 0.88, 0.05, 0], [0, 0.34, 0.66, 0], [0, 0, 0.56, 0.44]]
    assert found.errors[0] == pytest.approx(np.array(errors), abs=0.006)
    assert found.posterior.sum(axis=1) == pytest.approx(np.ones(45))


@pytest.mark.parametrize("section", [DAWID_SKENE, ONE_COIN])
def test_the_accuracy_of_each_coder_is_found(answered, section):
    accuracies = [0.95, 0.8, 0.65, 0.8]
    _, given = simulated(answered, accuracies, 2000)
    found = [row["accuracy"] for row in decide(given, section).coders.values()]
    assert found == pytest.approx(accuracies, abs=0.04)


@pytest.mark.parametrize(
    "section",
    [
        DawidSkene(by="dawid_skene", min_confidence=0),
        OneCoin(by="one_coin", min_confidence=0),
    ],
)
def test_one_good_coder_outweighs_two_bad_ones(answered, section):
    right, given = simulated(answered, [0.95, 0.5, 0.5], 600)
    hits = {
        rule: np.mean(
            [one == two for one, two in zip(gold(decide(given, how)), right, strict=True)]
        )
        for rule, how in (("majority", Majority()), ("model", section))
    }
    assert hits["model"] > hits["majority"] + 0.05


def test_a_bias_that_most_coders_share_is_seen_in_the_tables_of_errors(answered):
    rng = np.random.default_rng(4)
    right = rng.choice(list("ab"), 600, p=[0.6, 0.4])
    good = ["".join(np.where(rng.random(600) < 0.05, "a", right)) for _ in range(2)]
    biased = ["".join(np.where(rng.random(600) < 0.65, "a", right)) for _ in range(3)]
    found = gold(decide(answered(*good, *biased), DAWID_SKENE))
    assert np.mean([one == two for one, two in zip(found, right, strict=True)]) > 0.95
    by_majority = gold(decide(answered(*good, *biased), Majority()))
    assert np.mean([one == two for one, two in zip(by_majority, right, strict=True)]) < 0.92


def test_few_answers_make_nobody_perfect(answered):
    decided = decide(answered("aab", "aab"), DAWID_SKENE)
    assert gold(decided) == ["a", "a", "b"]
    assert all(each.confidence < 0.999 for each in decided.decisions)
    assert all(row["accuracy"] < 0.99 for row in decided.coders.values())


@pytest.mark.parametrize("section", [DAWID_SKENE, ONE_COIN])
def test_coders_who_cannot_be_told_apart_leave_a_tie(answered, section):
    decided = decide(answered("ab" + "ab" * 10, "ba" + "ab" * 10), section)
    assert gold(decided)[:2] == [None, None]
    assert decided.decisions[0].by is decided.decisions[0].likeliest is None
    assert gold(decided)[2:] == ["a", "b"] * 10


def test_what_is_not_sure_enough_has_no_gold_and_names_the_likeliest(answered):
    _, given = simulated(answered, [0.8, 0.7, 0.6], 200)
    sure = [each.confidence for each in decide(given, ONE_COIN).decisions]
    strict = decide(given, OneCoin(by="one_coin", min_confidence=0.9))
    for confidence, each in zip(sure, strict.decisions, strict=True):
        assert each.confidence == confidence
        assert (each.gold is None) == (confidence < 0.9)
        assert each.gold is None or each.likeliest == each.gold
    assert 0 < gold(strict).count(None) < 200


def test_of_many_labels_each_is_a_question_of_its_own(answered):
    rng = np.random.default_rng(6)
    right = rng.random((500, 2)) < 0.4

    def says(accuracy):
        flags = np.where(rng.random((500, 2)) < accuracy, right, ~right)
        return ["".join(np.array(list("ab"))[row]) for row in flags]

    given = answered(says(0.95), says(0.7), says(0.7), labels="ab", many=True)
    decided = decide(given, DawidSkene(by="dawid_skene", min_confidence=0))
    expected = ["".join(np.array(list("ab"))[row]) for row in right]
    share = np.mean([one == two for one, two in zip(gold(decided), expected, strict=True)])
    votes = np.mean(
        [one == two for one, two in zip(gold(decide(given, Majority())), expected, strict=True)]
    )
    assert share > votes + 0.05
    assert decided.coders["c0"]["labels"]["a"]["sensitivity"] > 0.85
    assert decided.coders["c1"]["labels"]["a"]["specificity"] < 0.85


def test_a_model_that_did_not_settle_says_so(answered):
    _, given = simulated(answered, [0.8, 0.7, 0.6], 200)
    assert decide(given, DAWID_SKENE).facts["settled"]
    facts = decide(given, DawidSkene(by="dawid_skene", rounds=1)).facts
    assert (facts["settled"], facts["rounds"]) == (False, 1)


@pytest.mark.parametrize(
    ("coders", "note"),
    [(["ab"], "two coders"), (["ab", "ab"], "three coders"), (["ab", "ab", "ab"], None)],
)
def test_what_too_few_coders_cannot_show_is_noted(answered, coders, note):
    found = decide(answered(*coders), ONE_COIN).facts["note"]
    assert found is None if note is None else note in found


def test_equal_answers_give_equal_estimates(answered):
    _, given = simulated(answered, [0.8, 0.7, 0.6], 200)
    assert decide(given, DAWID_SKENE) == decide(given, DAWID_SKENE)


# A named coder


def test_the_named_coder_counts_and_the_others_decide_the_rest(answered):
    given = answered("a.a.", "bbbb", "bbab")
    decided = decide(given, adjudicate(by="coder", coder="c0"))
    assert gold(decided) == ["a", "b", "a", "b"]
    assert [each.by for each in decided.decisions] == [
        "coder c0", "majority 2 of 2", "coder c0", "majority 2 of 2"
    ]  # fmt: skip
    alone = decide(given, adjudicate(by="coder", coder="c0", otherwise={"by": "none"}))
    assert gold(alone) == ["a", None, "a", None]


def test_a_model_learns_from_the_named_coder_as_from_the_truth(answered):
    # c1 and c2 agree in error; what the expert says of the first half shows it.
    right, _ = simulated(answered, [1.0], 200, labels="ab")
    rng = np.random.default_rng(8)
    other = {"a": "b", "b": "a"}
    bad = ["".join(other[x] if rng.random() < 0.8 else x for x in right) for _ in range(2)]
    expert = "".join(right[:100]) + "." * 100
    section = adjudicate(by="coder", coder="c0", otherwise={"by": "one_coin"})
    decided = decide(answered(expert, *bad, labels="ab"), section)
    assert decided.coders["c1"]["accuracy"] < 0.35
    later = [(one, two) for one, two in zip(gold(decided)[100:], right[100:], strict=True) if one]
    assert np.mean([one == two for one, two in later]) > 0.8


def test_a_coder_who_answered_nothing_is_refused():
    with pytest.raises(DataError, match=r"'ana' answered nothing \(did you mean 'anna'"):
        check_coder(adjudicate(by="coder", coder="ana"), ["anna", "ben"])
    check_coder(adjudicate(by="coder", coder="anna"), ["anna", "ben"])


# What is disputed


def disputed(given, section):
    decisions = dict(zip(given.examples, decide(given, section).decisions, strict=True))
    answers = {example: {} for example in given.examples}
    for at, example in enumerate(given.example):
        chosen = [given.labels[k] for k in np.flatnonzero(given.chosen[at])]
        answers[given.examples[example]][given.coders[given.coder[at]]] = chosen
    return disputed_worklist(decisions, answers)


def test_ties_are_a_worklist_with_the_votes_the_most_evenly_split_first(answered):
    worklist = disputed(answered("aaab", "bbab", "..ac", "..b."), Majority())
    assert worklist.schema == WORKLIST
    assert [(row["example_id"], row["why"]) for row in worklist.to_pylist()] == [
        ("x000|task|", "the coders are split; 2 coders: a 1, b 1"),
        ("x001|task|", "the coders are split; 2 coders: a 1, b 1"),
    ]
    four = disputed(answered("aa", "bb", "ca", "db"), Majority()).to_pylist()
    assert [row["example_id"] for row in four] == ["x000|task|", "x001|task|"]


def test_the_least_sure_come_first_with_what_is_likeliest(answered):
    _, given = simulated(answered, [0.8, 0.7, 0.6], 200)
    rows = disputed(given, OneCoin(by="one_coin", min_confidence=0.9)).to_pylist()
    sure = [float(row["why"].split("with ")[1].split(";")[0]) for row in rows]
    assert sure == sorted(sure)
    assert {row["suggestion"] for row in rows} <= set("abc")
    assert "3 coders: " in rows[0]["why"]


def test_what_the_named_coder_left_out_is_not_called_a_split(answered):
    section = adjudicate(by="coder", coder="c0", otherwise={"by": "none"})
    rows = disputed(answered("a...", "baab", "b.ab"), section).to_pylist()
    assert [(row["example_id"], row["why"]) for row in rows] == [
        ("x002|task|", "nobody decided; 2 coders: a 2"),
        ("x003|task|", "nobody decided; 2 coders: b 2"),
        ("x001|task|", "nobody decided; 1 coder: a 1"),
    ]


def test_of_many_labels_none_is_a_vote_too(answered):
    (row,) = disputed(answered(["a"], [""], labels="ab", many=True), Majority()).to_pylist()
    assert row["why"] == "the coders are split; 2 coders: a 1, none 1"

"""The measures of agreement, against published worked examples and scikit-learn."""

import itertools
import time
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from pipeline.config import Agreement
from pipeline.label.agreement import agreement_on
from pipeline.label.agreement.disagreements import Disagreements
from pipeline.label.agreement.krippendorff import (
    distance_alpha,
    distance_tally,
    masi_distances,
)
from pipeline.label.answered import Answered

QUICK = Agreement(resamples=100)

# Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section C,
# https://repository.upenn.edu/asc_papers/43: four observers, twelve units, some values missing.
# There: alpha nominal .743, and interval .849 in section D. The same data are `cac.raw4raters` in
# https://cran.r-project.org/web/packages/irrCAC/vignettes/overview.html, by the author of AC1 and
# after Gwet (2014): percent agreement .81818, Fleiss .76117, AC1 .77544, alpha .74342.
FOUR_OBSERVERS = [
    "111", "2232", "3333", "3333", "2222", "1234", "4444", "1121", "2222", "555", "11", "3",
]  # fmt: skip

# Fleiss (1971), https://doi.org/10.1037/h0031619, table 1: of six psychiatrists, how many gave each
# of 30 patients each of five diagnoses. There: kappa .430, and by diagnosis .245 (depression), .245
# (personality disorder), .520 (schizophrenia), .471 (neurosis), .566 (other).
PSYCHIATRISTS = [
    "00060", "03003", "01401", "00006", "03030", "20400", "00402", "20310", "20040", "00006",
    "10050", "11040", "03300", "10050", "02031", "00501", "30012", "51000", "02040", "10203",
    "00006", "01050", "02013", "20040", "10041", "05010", "40002", "02040", "10500", "00006",
]  # fmt: skip

# Cohen (1960), https://doi.org/10.1177/001316446002000104, table 1: two judges, 200 cases, of which
# .70 are equal and .41 by chance; kappa .492.
COHEN = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]

# Gwet (2008), https://doi.org/10.1348/000711006X126600: where nearly all is of one kind, kappa is
# near 0 although nearly all answers are equal. 125 cases, 118 and 2 of them equal, 5 and 0 not:
# kappa -.0234, Scott's pi (which is Fleiss' kappa of two coders) -.0288, AC1 .9408.
PARADOX = [[118, 5], [2, 0]]


def measured(given: Answered, section: Agreement = QUICK, **clusters: Any) -> dict[str, Any]:
    drawn = clusters.get("clusters", np.arange(len(given.examples)))
    return agreement_on(given, np.asarray(drawn), section, np.random.default_rng(1))


def from_units(units: list[str]) -> list[str]:
    """Return what each coder says where it does not matter which coder says it."""
    return ["".join(column) for column in itertools.zip_longest(*units, fillvalue=".")]


def two_judges(table: list[list[int]]) -> tuple[str, str]:
    cells = [("abc"[i], "abc"[j], n) for i, row in enumerate(table) for j, n in enumerate(row)]
    return "".join(i * n for i, _, n in cells), "".join(j * n for _, j, n in cells)


def test_with_missing_answers_all_are_the_published_ones(answered):
    found = measured(answered(*from_units(FOUR_OBSERVERS)))
    assert found["alpha"] == pytest.approx(0.743421, abs=5e-7)
    assert found["fleiss_kappa"] == pytest.approx(0.761169, abs=5e-7)
    assert found["ac1"] == pytest.approx(0.775444, abs=5e-7)
    assert (found["examples"], found["examples_with_two_coders"]) == (12, 11)


def test_alpha_with_a_distance_is_the_published_one(answered):
    given = answered(*from_units(FOUR_OBSERVERS))
    squares = np.subtract.outer(np.arange(5.0), np.arange(5.0)) ** 2
    sums = np.asarray(distance_tally(given, squares).sum(axis=0))[None, :]
    assert distance_alpha(sums, squares)[0] == pytest.approx(0.849, abs=5e-4)


def test_alpha_of_two_observers_is_the_published_one(answered):
    # Krippendorff (2011), section A: coincidences 10 of 0-0, 2 of 1-1, 8 mixed; alpha .095.
    found = measured(answered("0100000000", "1110010100"))
    assert found["alpha"] == pytest.approx(0.095, abs=5e-4)


def test_fleiss_kappa_of_all_diagnoses_and_of_each_is_the_published_one(answered):
    units = ["".join("abcde"[k] * int(n) for k, n in enumerate(row)) for row in PSYCHIATRISTS]
    found = measured(answered(*from_units(units)))
    assert found["fleiss_kappa"] == pytest.approx(0.430, abs=5e-4)
    by_label = [row["fleiss_kappa"] for row in found["labels"].values()]
    assert by_label == pytest.approx([0.245, 0.245, 0.520, 0.471, 0.566], abs=5e-4)


def test_cohens_kappa_is_the_published_one(answered):
    found = measured(answered(*two_judges(COHEN)))
    assert found["kappa"] == pytest.approx(0.492, abs=5e-4)
    assert found["agreement"] == pytest.approx(0.70)
    assert found["kappa"] == found["pairs"][0]["kappa"]


def test_where_nearly_all_is_of_one_kind_ac1_is_high_and_kappa_is_not(answered):
    found = measured(answered(*two_judges(PARADOX)))
    assert found["ac1"] == pytest.approx(0.9408, abs=5e-5)
    assert found["kappa"] == pytest.approx(-0.0234, abs=5e-5)
    assert found["fleiss_kappa"] == pytest.approx(-0.0288, abs=5e-5)


@pytest.fixture
def three(answered):
    """Three coders of 200 examples, with gaps: what they say, and the same laid out."""
    rng = np.random.default_rng(5)
    right = rng.choice(list("abcd"), 200, p=[0.5, 0.3, 0.15, 0.05])
    said = np.where(rng.random((3, 200)) < 0.3, rng.choice(list("abcd"), (3, 200)), right)
    said[rng.random((3, 200)) < 0.2] = "."
    return said, answered(*map("".join, said), labels="abcd")


def test_kappa_of_each_pair_and_label_is_scikit_learns(three):
    said, given = three
    found = measured(given)
    assert [pair["coders"] for pair in found["pairs"]] != []
    for pair in found["pairs"]:
        one, two = (said[int(coder[1])] for coder in pair["coders"])
        both = (one != ".") & (two != ".")
        assert pair["n"] == both.sum()
        assert pair["kappa"] == pytest.approx(cohen_kappa_score(one[both], two[both]), abs=1e-6)
        for label, row in pair["labels"].items():
            expected = cohen_kappa_score(one[both] == label, two[both] == label)
            assert row["kappa"] == pytest.approx(expected, abs=1e-6)
    mean = np.mean([pair["kappa"] for pair in found["pairs"]])
    assert found["kappa"] == pytest.approx(mean, abs=1e-6)


def test_a_label_against_the_rest_is_measured_as_two_labels_are(three, answered):
    said, given = three
    found = measured(given)["labels"]["b"]
    merged = ["".join(mark if mark in "b." else "x" for mark in coder) for coder in said]
    expected = measured(answered(*merged))
    for name in ("agreement", "alpha", "kappa", "fleiss_kappa", "ac1"):
        assert found[name] == pytest.approx(expected[name], abs=2e-6), name


def test_many_labels_are_measured_one_by_one_and_as_sets(answered):
    given = answered(["ab", "a", "", "c"], ["ab", "ab", "", "b"], labels="abc", many=True)
    found = measured(given)
    assert found["agreement"] == 0.5
    # By hand: of `a` the pairs are yes yes, yes yes, no no, no no; of `b` yes yes, no yes, no no,
    # no yes; of `c` no no, no no, no no, yes no.
    assert found["labels"]["a"]["alpha"] == 1
    b = (7 * 4 - (4 * 3 + 4 * 3)) / (8 * 7 - (4 * 3 + 4 * 3))
    assert found["labels"]["b"]["alpha"] == pytest.approx(b, abs=1e-6)
    c = (7 * 6 - 7 * 6) / (8 * 7 - 7 * 6)
    assert found["labels"]["c"]["alpha"] == pytest.approx(c, abs=1e-6)
    assert found["alpha"] == pytest.approx((1 + b + c) / 3, abs=1e-6)


def test_sets_of_labels_are_as_far_apart_as_masi_says():
    # Passonneau (2006), https://aclanthology.org/L06-1392/: 1 - Jaccard × 1, 2/3, 1/3 or 0.
    sets = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0]], bool)
    distances = masi_distances(sets)
    assert np.diag(distances) == pytest.approx(np.zeros(5))
    assert distances[0, 1] == pytest.approx(1 - 1 / 2 * 2 / 3)  # one holds the other
    assert distances[0, 2] == pytest.approx(1 - 1 / 3 * 1 / 3)  # they overlap
    assert distances[0, 3] == distances[0, 4] == 1  # nothing is in common
    assert (distances == distances.T).all()


def test_alpha_of_sets_is_one_minus_observed_over_expected_distance(answered):
    given = answered(["ab", "a", "", "c"], ["ab", "ab", "", "bc"], labels="abc", many=True)
    sets = ["ab", "ab", "a", "ab", "", "", "c", "bc"]
    distances = masi_distances(given.kinds)
    at = {"".join(np.array(list("abc"))[kind]): place for place, kind in enumerate(given.kinds)}
    apart = [distances[at[one], at[two]] for one, two in itertools.permutations(sets, 2)]
    observed = [distances[at[sets[2 * n]], at[sets[2 * n + 1]]] for n in range(4)]
    expected = 1 - np.mean(observed) / np.mean(apart)
    assert measured(given)["alpha_masi"] == pytest.approx(expected, abs=1e-6)


def test_of_too_many_different_answers_there_is_no_alpha_of_sets(answered):
    rng = np.random.default_rng(3)
    letters = np.array(list("abcdefghijkl"))
    said = [["".join(letters[rng.random(12) < 0.5]) for _ in range(800)] for _ in range(2)]
    given = answered(*said, labels="abcdefghijkl", many=True)
    assert len(given.kinds) > 1000
    found = measured(given)
    assert found["alpha_masi"] is None
    assert found["alpha"] is not None


@pytest.mark.parametrize(
    ("coders", "reason"),
    [
        (["ab"], "c0 is the only coder"),
        (["ab..", "..ba"], "no example has answers of two coders"),
        (["aa", "aa"], "all answers to compare are the same"),
    ],
)
def test_what_is_not_defined_is_null_with_the_reason(answered, coders, reason):
    found = measured(answered(*coders, labels="ab"))
    assert found["undefined"] == reason
    assert found["alpha"] is found["kappa"] is found["fleiss_kappa"] is None
    assert found["alpha_low"] is found["alpha_high"] is None


def test_of_equal_answers_alone_their_share_is_defined_with_an_interval(answered):
    found = measured(answered("aaaaaaaaaa", "aaaaaaaaaa", labels="ab"))
    assert (found["agreement"], found["agreement_high"], found["ac1"]) == (1, 1, 1)
    assert 0.6 < found["agreement_low"] < 0.8
    assert found["labels"]["a"]["undefined"] == "all chose it"
    assert found["labels"]["b"]["undefined"] == "nobody chose it where two coders answered"
    assert found["pairs"][0]["undefined"] == "both gave one and the same answer"


def test_without_an_answer_nothing_is_defined(answered):
    found = measured(answered("..", labels="ab"))
    assert (found["examples"], found["coders"], found["alpha"]) == (0, [], None)
    assert found["undefined"] == "nobody answered"


def test_pairs_who_share_no_example_are_counted(answered):
    found = measured(answered("ab..", "ba..", "..ab", labels="ab"))
    assert [pair["coders"] for pair in found["pairs"]] == [["c0", "c1"]]
    assert found["pairs_without_shared"] == 2


def test_pairs_with_few_common_examples_are_shown_and_in_no_mean(answered):
    found = measured(answered("ab" * 6, "ab" * 5 + "ba", "ba" + "." * 10))
    kappas = {tuple(pair["coders"]): (pair["n"], pair["kappa"]) for pair in found["pairs"]}
    assert kappas["c0", "c2"] == (2, -1)
    assert found["kappa_pairs"] == 1
    assert found["kappa"] == kappas["c0", "c1"][1] == pytest.approx(2 / 3, abs=1e-6)


def test_the_interval_holds_the_value_and_narrows_with_more_examples(answered):
    rng = np.random.default_rng(2)
    widths = []
    for n in (50, 800):
        right = rng.choice(list("ab"), n)
        coders = [
            "".join(np.where(rng.random(n) < 0.2, rng.choice(list("ab"), n), right))
            for _ in range(2)
        ]
        found = measured(answered(*coders), Agreement(resamples=400))
        assert found["alpha_low"] < found["alpha"] < found["alpha_high"]
        widths.append(found["alpha_high"] - found["alpha_low"])
    assert widths[1] < widths[0] / 3


def test_examples_of_one_story_are_drawn_together(three):
    _, given = three
    alone = measured(given)
    stories = measured(given, clusters=np.arange(len(given.examples)) // 40)
    assert stories["alpha"] == alone["alpha"]
    assert stories["alpha_low"] != alone["alpha_low"]
    one = measured(given, clusters=np.zeros(len(given.examples), int))
    assert one["alpha"] is not None
    assert one["alpha_low"] is None


def test_two_runs_give_equal_figures(three):
    _, given = three
    assert measured(given) == measured(given)


def test_who_disagrees_with_whom_on_what_is_counted_with_examples(answered):
    found = measured(answered("aabbc", "abbac", "aab.a"))
    assert found["disagreements"][0] == {
        "coders": ["c0", "c1"], "labels": ["a", "b"], "n": 1, "examples": ["x001|task|"]
    }  # fmt: skip
    assert {(*row["coders"], *row["labels"], row["n"]) for row in found["disagreements"]} == {
        ("c0", "c1", "a", "b", 1), ("c0", "c1", "b", "a", 1), ("c0", "c2", "c", "a", 1),
        ("c1", "c2", "b", "a", 1), ("c1", "c2", "c", "a", 1),
    }  # fmt: skip
    assert [(row["labels"], row["n"]) for row in found["confused"]] == [
        (["a", "b"], 3), (["a", "c"], 2)
    ]  # fmt: skip
    assert found["by_coder"]["c0"] == {
        "answers": 5, "compared": 9, "agreement": pytest.approx(6 / 9, abs=1e-6)
    }  # fmt: skip


def test_the_one_who_is_asked_about_is_the_second_of_each_pair(answered):
    rows = Disagreements.of(answered("aab", "abb", "aaa")).of_coder("c1")
    assert {(*row["coders"], *row["labels"], row["n"]) for row in rows} == {
        ("c0", "c1", "a", "b", 1), ("c2", "c1", "a", "b", 2)
    }  # fmt: skip


def test_of_many_labels_a_disagreement_is_one_that_only_one_coder_chose(answered):
    found = measured(answered(["ab", "a"], ["b", "ac"], many=True))
    assert found["disagreements"] == [
        {"coders": ["c0", "c1"], "labels": [None, "c"], "n": 1, "examples": ["x001|task|"]},
        {"coders": ["c0", "c1"], "labels": ["a", None], "n": 1, "examples": ["x000|task|"]},
    ]
    assert {tuple(row["labels"]) for row in found["confused"]} == {("a", None), ("c", None)}


@pytest.mark.slow
def test_a_thousand_resamples_of_thirty_thousand_answers_take_seconds(answered):
    rng = np.random.default_rng(3)
    n = 10_000
    right = rng.choice(list("abcdef"), n)
    coders = [
        "".join(np.where(rng.random(n) < 0.3, rng.choice(list("abcdef"), n), right))
        for _ in range(3)
    ]
    given = answered(*coders)
    started = time.process_time()
    found = measured(given, Agreement(resamples=1000))
    assert time.process_time() - started < 10
    assert found["alpha_high"] - found["alpha_low"] < 0.04

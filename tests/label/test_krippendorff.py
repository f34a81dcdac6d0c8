import pytest

from pipeline.label.krippendorff import nominal_alpha

# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", section A: two observers,
# binary data, ten units: coincidences 10 of 0-0, 2 of 1-1, 8 mixed; 1 - 19 * 4 / (14 * 6) = .095.
TWO_OBSERVERS = list(zip("0100000000", "1110010100", strict=True))

# The same paper, section C: four observers, nominal data, twelve units, some values missing;
# alpha is .743 there.
FOUR_OBSERVERS = [
    "111",
    "2232",
    "3333",
    "3333",
    "2222",
    "1234",
    "4444",
    "1121",
    "2222",
    "555",
    "11",
    "3",
]


def test_alpha_of_two_observers_is_the_published_one() -> None:
    assert nominal_alpha(TWO_OBSERVERS) == pytest.approx(0.095, abs=0.0005)


def test_alpha_of_four_observers_with_missing_values_is_the_published_one() -> None:
    assert nominal_alpha(FOUR_OBSERVERS) == pytest.approx(0.743, abs=0.0005)


def test_full_agreement_is_one_and_systematic_disagreement_is_negative() -> None:
    assert nominal_alpha(["aa", "bb"]) == 1.0
    # By hand: no pair agrees; 4 values, 2 of each: 1 - 3 * 4 / 8.
    assert nominal_alpha(["ab", "ba"]) == pytest.approx(1 - 3 * 4 / 8)


@pytest.mark.parametrize("units", [[], ["a"], ["a", "b"], ["aa", "aaa"]])
def test_alpha_without_comparable_or_varying_values_is_undefined(units: list[str]) -> None:
    assert nominal_alpha(units) is None


def test_single_answers_change_nothing() -> None:
    assert nominal_alpha([*FOUR_OBSERVERS, "1", "2"]) == nominal_alpha(FOUR_OBSERVERS)

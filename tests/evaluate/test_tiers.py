"""The rules of the tiers, at their limits."""

import pytest

from pipeline.evaluate import tiers_of, with_tiers
from pipeline.evaluate.tiers import Tier, tier_of


@pytest.mark.parametrize(
    ("f1_low", "support", "alpha", "coded_twice", "tier", "why"),
    [
        (0.75, 30, 0.8, 10, "A", ""),
        (0.7499, 30, 0.8, 10, "B", "F1 low .749 < .750"),
        (0.75, 29, 0.8, 10, "B", "support 29 < 30"),
        (0.75, 30, 0.7999, 10, "B", "alpha .799 < .800"),
        (0.75, 30, 0.8, 9, "B", "coded twice 9 < 10"),
        (1.0, 900, None, 0, "B", "agreement unknown"),
        (0.5, 10, 0.667, 1, "B",
         "support 10 < 30, F1 low .500 < .750, alpha .667 < .800"),
        (0.4999, 10, 0.667, 1, "C", "F1 low .499 < .500"),
        (1.0, 9, 1.0, 900, "C", "support 9 < 10"),
        (1.0, 900, 0.6669, 900, "C", "alpha .666 < .667"),
        (1.0, 900, -0.2, 900, "C", "alpha -.200 < .667"),
        (None, 900, 1.0, 900, "C", "no F1 interval"),
        (None, 0, None, 0, "C", "support 0 < 10"),
    ],
)  # fmt: skip
def test_a_label_has_the_best_tier_whose_needs_it_meets(
    f1_low, support, alpha, coded_twice, tier, why
):
    assert tier_of(f1_low, support, alpha, coded_twice) == Tier(tier, why)


def test_a_label_that_was_not_scored_is_in_the_lowest_tier():
    agreement = {"war": {"alpha": 1.0, "coded_twice": 50}}
    assert tiers_of({}, agreement) == {"war": {"tier": "C", "why": "support 0 < 10"}}


def test_tiers_stand_beside_the_scores_and_leave_these_as_they_were():
    metrics = {"topic": {"n": 40, "labels": {"war": {"f1_low": 0.9, "support": 40}}}}
    agreement = {"war": {"alpha": 0.9, "coded_twice": 20}}
    found = with_tiers(metrics, {"topic": tiers_of(metrics["topic"]["labels"], agreement)})
    assert found["topic"]["labels"]["war"] == {
        "f1_low": 0.9, "support": 40, "tier": "A", "why": ""
    }  # fmt: skip
    assert found["topic"]["n"] == 40
    assert "tier" not in metrics["topic"]["labels"]["war"]

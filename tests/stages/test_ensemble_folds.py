"""With folds an ensemble's weights are fitted on what no member saw, over train and dev."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipeline.bundle import EnsembleModel
from pipeline.codebook import Codebook
from pipeline.errors import DataError
from pipeline.stages.examples import Material, View
from pipeline.stages.rungs import Learned
from pipeline.stages.rungs.ensemble import EnsembleRung

CODEBOOK = Codebook.model_validate(
    {
        "name": "coast",
        "version": "1.0",
        "tasks": {
            "frames": {
                "asks": "article",
                "choose": "many",
                "labels": [{"id": "conflict"}, {"id": "money"}],
            }
        },
    }
)
TWO = Codebook.model_validate(
    {
        "name": "coast",
        "version": "1.0",
        "tasks": {
            task: {"asks": "article", "labels": [{"id": "conflict"}, {"id": "money"}]}
            for task in ("topic", "tone")
        },
    }
)
VIEW = View("frames", sees_target=False, is_blind_twin=False)


@dataclass(frozen=True)
class Model:
    """Only what the weighing looks at."""

    thresholds: np.ndarray


class Head:
    """Only what a bundle keeps."""

    labels = ("conflict", "money")

    def settings(self):
        return {}

    def arrays(self):
        return {"weights": np.zeros(2, np.float32)}


@dataclass(frozen=True)
class Rows:
    """A rung that only notes what it is given."""

    seen: list = field(default_factory=list)

    def train(self, materials, *_):
        self.seen.append(materials)
        return {
            each.view: Learned(
                Model(None), [], np.full((int(each.is_dev.sum()), 2), 0.5, np.float32)
            )
            for each in materials
        }

    def without_refit(self):
        return self


@dataclass(frozen=True)
class Shares:
    """The smallest rung: each label is as likely as it is frequent on the train side."""

    strays: float
    refit: bool = True
    trained_on: list = field(default_factory=list)
    seen: list = field(default_factory=list)

    def train(self, materials, *_):
        (material,) = materials
        self.seen.append(material)
        train = np.flatnonzero(~material.is_dev)
        self.trained_on.append((train.tolist(), self.refit))
        share = material.gold[train].mean(axis=0) * self.strays
        dev = np.tile(share.astype(np.float32), (int(material.is_dev.sum()), 1))
        return {material.view: Learned(Model(np.full(2, 0.5, np.float32)), [], dev)}

    def without_refit(self):
        return Shares(self.strays, False, self.trained_on, self.seen)


def material(rows=60, dev=9):
    rng = np.random.default_rng(1)
    labels = [[name for name in ("conflict", "money") if rng.random() < 0.5] for _ in range(rows)]
    table = pa.table(
        {
            "gold": pa.array(labels, pa.list_(pa.string())),
            "side": ["dev"] * dev + ["train"] * (rows - dev),
            "story": [f"story {row // 2}" for row in range(rows)],
        }
    )
    return Material(VIEW, CODEBOOK, table, pa.table({}), None)


def with_votes(material):
    """Return the material with votes beside it: on ten stories that are coded, and on ten more."""
    voted = [("conflict", 0.75), ("money", 0.25)]
    count, sides = len(material.rows), pa.array(["train"] * 20)
    stories = [f"story {row}" for row in range(10)] + [f"other {row}" for row in range(10)]
    uncoded = pa.table({"gold": pa.nulls(20, pa.list_(pa.string())), "side": sides,
                        "story": stories})  # fmt: skip
    soft = pa.array([None] * count + [voted] * 20, pa.map_(pa.string(), pa.float32()))
    weight = pa.array([1.0] * count + [0.5] * 20, pa.float32())
    rows = pa.concat_tables([material.rows, uncoded])
    return replace(material, rows=rows.append_column("soft", soft).append_column("weight", weight))


def rung(members, thresholds, folds, logit_adjustment=0.0):
    return EnsembleRung(members, thresholds, folds, logit_adjustment, seed=7)


@pytest.fixture
def asked(tmp_path):
    return replace(material(), folder=tmp_path)


def train(ensemble, asked, tmp_path):
    return ensemble.train([asked], tmp_path, lambda _: None)[asked.view]


def test_every_row_is_answered_by_a_member_that_never_saw_its_story(asked, tmp_path):
    one, other = Shares(1.0), Shares(0.7)
    learned = train(rung({"one": one, "other": other}, "f1", 4), asked, tmp_path)

    (full, full_refits), *folds = one.trained_on
    assert (len(full), full_refits) == (51, True)
    assert len(folds) == 4
    assert not any(refits for _, refits in folds)
    left_out = [sorted(set(range(60)) - set(rows)) for rows, _ in folds]
    assert sorted(row for rows in left_out for row in rows) == list(range(60))
    for rows, (trained, _) in zip(left_out, folds, strict=True):
        stories = np.array(asked.stories, object)
        assert not set(stories[rows]) & set(stories[trained])
    assert other.trained_on == one.trained_on
    # Of all these, dev is what the run goes on with.
    assert learned.dev_probabilities.shape == (9, 2)


def test_what_nobody_coded_is_judged_on_in_no_fold_and_learned_from_in_those_of_other_stories(
    asked, tmp_path
):
    one, material = Shares(1.0), with_votes(asked)
    learned = train(rung({"one": one, "other": Shares(0.7)}, "f1", 4), material, tmp_path)

    stories = np.array(material.stories, object)
    held_out = []
    for fold in one.seen[1:]:
        held_out += np.flatnonzero(fold.is_dev).tolist()
        mine = np.isin(stories[60:], stories[fold.is_dev])
        assert mine.any()
        assert fold.soft.weights[60:].tolist() == np.where(mine, 0, 0.5).tolist()
        assert fold.soft.weights[:60].tolist() == [1.0] * 60
    assert sorted(held_out) == list(range(60))
    alone = train(rung({"one": Shares(1.0), "other": Shares(0.7)}, "f1", 4), asked, tmp_path)
    assert learned.dev_probabilities.shape == alone.dev_probabilities.shape


def test_what_votes_say_is_part_of_what_a_model_learns_from(asked):
    def digest(given, without=()):
        ids = pa.array(["n0"] * len(given.rows))
        rows = given.rows.append_column("article_id", ids).drop_columns(list(without))
        articles = pa.table({"id": ["n0"], "title": ["Rain"], "text": ["It rains."]})
        return replace(given, rows=rows, articles=articles).digest()

    voted = with_votes(asked)
    gold_alone = replace(voted, rows=voted.rows.slice(0, 60))
    assert digest(gold_alone) == digest(asked)  # what was learned before is found again
    assert digest(voted) != digest(voted, ["soft", "weight"])


def of_two_tasks(*counts):
    """Return the material of each of two tasks; they share the stories that come first."""
    return [
        Material(
            View(task, sees_target=False, is_blind_twin=False),
            TWO,
            pa.table(
                {
                    "gold": pa.array([["conflict", "money"][row % 2 : row % 2 + 1]
                                      for row in range(rows)], pa.list_(pa.string())),
                    "side": ["train"] * rows,
                    "story": [f"story {row // 2}" for row in range(rows)],
                }
            ),
            pa.table({}),
            Path(task),
        )
        for task, rows in zip(("tone", "topic"), counts, strict=True)
    ]  # fmt: skip


def test_a_story_is_held_out_of_all_tasks_at_once():
    one = Rows()
    rung({"one": one, "other": Rows()}, "f1", 4).train(of_two_tasks(60, 30), Path(), lambda _: None)
    assert len(one.seen) == 1 + 4
    for materials in one.seen[1:]:
        held, learnt = (
            [{each.stories[row] for row in np.flatnonzero(each.is_dev == is_dev)}
             for each in materials]
            for is_dev in (True, False)
        )  # fmt: skip
        assert all(held)
        assert not set.union(*held) & set.union(*learnt)


@pytest.mark.parametrize(
    ("counts", "message"),
    [((60, 6), "4 folds of task 'topic' need as many coded stories on train and dev; there are 3")],
)
def test_too_few_stories_are_noticed_before_any_training(counts, message):
    one = Rows()
    with pytest.raises(DataError, match=message):
        rung({"one": one, "other": Rows()}, "f1", 4).train(
            of_two_tasks(*counts), Path(), lambda _: None
        )
    assert not one.seen


def test_without_folds_members_train_once(asked, tmp_path):
    one, other = Shares(1.0), Shares(0.7)
    train(rung({"one": one, "other": other}, "f1", 0), asked, tmp_path)
    assert len(one.trained_on) == len(other.trained_on) == 1


def test_a_dev_side_is_not_needed_with_folds(asked, tmp_path):
    sides = pa.array(["train"] * 60)
    alone = replace(asked, rows=asked.rows.set_column(1, "side", sides))
    members = {"one": Shares(1.0), "other": Shares(0.7)}
    learned = train(rung(members, "shared", 3), alone, tmp_path)
    assert learned.dev_probabilities.shape == (0, 2)
    assert len(set(learned.model.thresholds.tolist())) == 1


@pytest.mark.parametrize("folds", [0, 3])
def test_an_adjustment_takes_from_what_members_say_together_by_how_frequent_labels_are(
    asked, tmp_path, folds
):
    labels = [["conflict"] if row % 3 else ["money"] for row in range(12)] + [["conflict"]] * 48
    gold = pa.array(labels, pa.list_(pa.string()))
    one_label = replace(
        asked,
        view=View("topic", sees_target=False, is_blind_twin=False),
        codebook=TWO,
        rows=asked.rows.set_column(0, "gold", gold),
    )
    members = {"one": Shares(1.0), "other": Shares(0.7)}
    plain, adjusted = (
        train(rung(members, "half", folds, amount), one_label, tmp_path) for amount in (0.0, 0.8)
    )
    shares = one_label.gold.mean(axis=0)
    assert not plain.model.bias.any()
    assert adjusted.model.bias == pytest.approx(-0.8 * np.log(shares))
    if not folds:  # dev is judged by what is known without it
        shares = one_label.gold[~one_label.is_dev].mean(axis=0)
    expected = plain.dev_probabilities * shares**-0.8
    expected /= expected.sum(axis=1, keepdims=True)
    assert adjusted.dev_probabilities == pytest.approx(expected, abs=1e-5)


def test_what_is_added_to_the_members_sums_is_kept_in_the_bundle():
    model = EnsembleModel({"one": Head()}, np.ones(1), np.array([0.25, -1.5]), None)
    again = EnsembleModel.assemble(model.settings(), model.members, model.arrays())
    assert again.bias.tolist() == [0.25, -1.5]

    older = {name: array for name, array in model.arrays().items() if name != "bias"}
    assert not EnsembleModel.assemble(model.settings(), model.members, older).bias.any()
    with pytest.raises(ValueError, match="bias"):
        EnsembleModel.assemble(model.settings(), model.members, {"bias": np.zeros(3)})

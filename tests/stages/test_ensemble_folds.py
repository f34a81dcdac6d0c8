"""With folds an ensemble's weights are fitted on what no member saw, over train and dev."""

from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pytest

from pipeline.codebook import Codebook
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
VIEW = View("frames", sees_target=False, is_blind_twin=False)


@dataclass(frozen=True)
class Model:
    """Only what the weighing looks at."""

    thresholds: np.ndarray


@dataclass(frozen=True)
class Shares:
    """The smallest rung: each label is as likely as it is frequent on the train side."""

    strays: float
    refit: bool = True
    trained_on: list = field(default_factory=list)

    def train(self, materials, *_):
        (material,) = materials
        train = np.flatnonzero(~material.is_dev)
        self.trained_on.append((train.tolist(), self.refit))
        share = material.gold[train].mean(axis=0) * self.strays
        dev = np.tile(share.astype(np.float32), (int(material.is_dev.sum()), 1))
        return {material.view: Learned(Model(np.full(2, 0.5, np.float32)), [], dev)}

    def without_refit(self):
        return Shares(self.strays, False, self.trained_on)


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


@pytest.fixture
def asked(tmp_path):
    return replace(material(), folder=tmp_path)


def train(ensemble, asked, tmp_path):
    return ensemble.train([asked], tmp_path, lambda _: None)[VIEW]


def test_every_row_is_answered_by_a_member_that_never_saw_its_story(asked, tmp_path):
    one, other = Shares(1.0), Shares(0.7)
    learned = train(EnsembleRung({"one": one, "other": other}, "f1", 4, 7), asked, tmp_path)

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


def test_without_folds_members_train_once(asked, tmp_path):
    one, other = Shares(1.0), Shares(0.7)
    train(EnsembleRung({"one": one, "other": other}, "f1", 0, 7), asked, tmp_path)
    assert len(one.trained_on) == len(other.trained_on) == 1


def test_a_dev_side_is_not_needed_with_folds(asked, tmp_path):
    sides = pa.array(["train"] * 60)
    alone = replace(asked, rows=asked.rows.set_column(1, "side", sides))
    learned = train(
        EnsembleRung({"one": Shares(1.0), "other": Shares(0.7)}, "shared", 3, 7), alone, tmp_path
    )
    assert learned.dev_probabilities.shape == (0, 2)
    assert len(set(learned.model.thresholds.tolist())) == 1

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn import metrics as sk

from pipeline import evaluate, records
from pipeline.config import Evaluate
from pipeline.errors import DataError

QUICK = Evaluate(resamples=200)
EXACT = 2e-6  # scores are rounded to six digits


def indicators(table: pa.Table, column: str, labels: list[str]) -> np.ndarray:
    rows = table[column].to_pylist()
    answers = [row.split("|") if isinstance(row, str) else row for row in rows]
    return np.array([[label in answer for label in labels] for answer in answers])


def probabilities(table: pa.Table, labels: list[str]) -> np.ndarray:
    rows = [dict(row) for row in table["probabilities"].to_pylist()]
    return np.array([[row[label] for label in labels] for row in rows])


@pytest.fixture(scope="module")
def metrics(scored, codebook, train_gold):
    return evaluate.evaluate(scored, codebook, QUICK, 0, train_gold)


@pytest.fixture
def part(scored):
    def take(task, side="test"):
        rows = [row for row in scored.to_pylist() if row["task"] == task and row["side"] == side]
        return pa.Table.from_pylist(rows, schema=records.SCORED)

    return take


def test_sides_and_tasks_are_sorted_and_the_keys_have_one_order(metrics):
    assert list(metrics) == ["dev", "test"]
    assert list(metrics["test"]) == ["frames", "stance", "topic"]
    assert list(metrics["test"]["stance"]) == [
        *("n", "n_stories", "macro_f1", "macro_f1_low", "macro_f1_high"),
        *("accuracy", "accuracy_low", "accuracy_high", "ece", "ece_low", "ece_high"),
        *("log_loss", "log_loss_low", "log_loss_high", "brier", "brier_low", "brier_high"),
        "target_blind",
        *("target_blind_delta", "target_blind_delta_low", "target_blind_delta_high"),
        *("target_swap_flip_rate", "target_swap_flip_rate_low", "target_swap_flip_rate_high"),
        "target_swap_n",
        *("labels", "confusion", "baselines", "aurc", "aurc_low", "aurc_high"),
        "slices",
    ]
    json.dumps(metrics, allow_nan=False)


@pytest.mark.parametrize("task", ["topic", "stance"])
def test_scores_of_one_label_agree_with_scikit_learn(metrics, part, codebook, task):
    rows, score, labels = part(task), metrics["test"][task], codebook.tasks[task].label_ids
    gold, predicted = [row[0] for row in rows["gold"].to_pylist()], rows["label"].to_pylist()
    p = probabilities(rows, labels)
    p /= p.sum(axis=1, keepdims=True)  # single precision sums to 1 up to 1e-7 only
    assert score["accuracy"] == pytest.approx(sk.accuracy_score(gold, predicted), abs=EXACT)
    macro = sk.f1_score(gold, predicted, average="macro")
    assert score["macro_f1"] == pytest.approx(macro, abs=EXACT)
    expected = sk.log_loss(gold, p, labels=labels)
    assert score["log_loss"] == pytest.approx(expected, abs=EXACT)
    expected = sk.brier_score_loss(gold, p, labels=labels, scale_by_half=False)
    assert score["brier"] == pytest.approx(expected, abs=EXACT)
    assert score["confusion"]["labels"] == labels
    expected = sk.confusion_matrix(gold, predicted, labels=labels).tolist()
    assert score["confusion"]["rows"] == expected
    table = sk.precision_recall_fscore_support(gold, predicted, labels=labels)
    for name, column in zip(("precision", "recall", "f1", "support"), table, strict=True):
        ours = [score["labels"][label][name] for label in labels]
        assert ours == pytest.approx(column.tolist(), abs=EXACT)


def test_scores_of_many_labels_agree_with_scikit_learn(metrics, part, codebook):
    rows, score, labels = (
        part("frames"),
        metrics["test"]["frames"],
        codebook.tasks["frames"].label_ids,
    )
    gold, predicted = indicators(rows, "gold", labels), indicators(rows, "label", labels)
    p = probabilities(rows, labels)
    assert score["accuracy"] == pytest.approx(sk.accuracy_score(gold, predicted), abs=EXACT)
    for average in ("macro", "micro"):
        expected = sk.f1_score(gold, predicted, average=average)
        assert score[f"{average}_f1"] == pytest.approx(expected, abs=EXACT)
    columns = range(len(labels))
    expected = np.mean([sk.log_loss(gold[:, k], p[:, k], labels=[0, 1]) for k in columns])
    assert score["log_loss"] == pytest.approx(expected, abs=EXACT)
    expected = np.mean([sk.brier_score_loss(gold[:, k], p[:, k]) for k in columns])
    assert score["brier"] == pytest.approx(expected, abs=EXACT)
    assert "confusion" not in score


def test_answers_that_change_with_the_target_are_counted_where_there_is_another(metrics, part):
    rows = part("stance")
    pairs = [
        (row["label"], row["swapped_label"])
        for row in rows.to_pylist()
        if row["swapped_target"] is not None
    ]
    score = metrics["test"]["stance"]
    assert 0 < len(pairs) < len(rows)
    assert score["target_swap_n"] == len(pairs)
    expected = np.mean([label != other for label, other in pairs])
    assert score["target_swap_flip_rate"] == pytest.approx(expected, abs=EXACT)
    assert score["target_swap_flip_rate_low"] < expected < score["target_swap_flip_rate_high"]
    assert "target_swap_n" not in metrics["test"]["topic"]


def test_the_blind_model_is_scored_by_its_label(metrics, part):
    rows, score = part("stance"), metrics["test"]["stance"]
    gold = [row[0] for row in rows["gold"].to_pylist()]
    blind = rows["blind_label"].to_pylist()
    expected = sk.f1_score(gold, blind, average="macro")
    assert score["target_blind"]["macro_f1"] == pytest.approx(expected, abs=EXACT)
    delta = score["macro_f1"] - score["target_blind"]["macro_f1"]
    assert score["target_blind_delta"] == pytest.approx(delta, abs=EXACT)
    assert 0 < score["target_blind_delta_low"] < delta < score["target_blind_delta_high"]
    assert "target_blind" not in metrics["test"]["topic"]


def test_intervals_hold_the_score_and_are_of_plausible_width(metrics):
    for side in metrics.values():
        for score in side.values():
            for name in ("macro_f1", "accuracy", "ece"):
                low, high = score[f"{name}_low"], score[f"{name}_high"]
                assert low <= score[name] <= high
                assert high - low < 0.4
    accuracy = metrics["test"]["topic"]
    # 80 examples: the normal approximation gives about ± .09; the stories here are independent.
    half = 1.96 * np.sqrt(accuracy["accuracy"] * (1 - accuracy["accuracy"]) / 80)
    width = accuracy["accuracy_high"] - accuracy["accuracy_low"]
    assert width == pytest.approx(2 * half, rel=0.4)


def test_equal_arguments_give_equal_scores_and_another_seed_other_intervals(
    scored, codebook, train_gold, metrics
):
    again = evaluate.evaluate(scored, codebook, QUICK, 0, train_gold)
    other = evaluate.evaluate(scored, codebook, QUICK, 1, train_gold)
    assert again == metrics
    assert other["test"]["topic"]["accuracy"] == metrics["test"]["topic"]["accuracy"]
    assert other["test"]["topic"]["macro_f1_low"] != metrics["test"]["topic"]["macro_f1_low"]


def test_the_intervals_of_one_task_do_not_depend_on_what_else_is_scored(
    part, codebook, train_gold, metrics
):
    alone = evaluate.evaluate(part("topic"), codebook, QUICK, 0, train_gold)
    assert alone["test"]["topic"] == metrics["test"]["topic"]


def test_the_order_of_the_rows_changes_no_point_score(part, codebook, train_gold, metrics):
    rows = part("stance")
    turned = rows.take(list(reversed(range(rows.num_rows))))
    score = evaluate.evaluate(turned, codebook, QUICK, 0, train_gold)["test"]["stance"]
    for name in ("macro_f1", "accuracy", "ece", "log_loss", "confusion"):
        assert score[name] == metrics["test"]["stance"][name]


def test_resampling_larger_clusters_widens_the_interval(scored_row, table, codebook, train_gold):
    # Ten articles of a story are all right or all wrong together.
    sure = {"economy": 0.8, "migration": 0.1, "defence policy": 0.1}
    rows = [
        scored_row(sure, ["economy" if place // 10 % 3 else "migration"], article_id=f"a{place}",
                   story=f"s{place // 10}")
        for place in range(200)
    ]  # fmt: skip
    width = {}
    for unit in ("story", "article"):
        section = Evaluate(resamples=200, resample_by=unit)
        score = evaluate.evaluate(table(rows), codebook, section, 0, train_gold)["test"]["topic"]
        width[unit] = score["accuracy_high"] - score["accuracy_low"]
    assert width["story"] > 2 * width["article"]


def test_an_unknown_outlet_is_a_cluster_of_its_story(scored, codebook, train_gold):
    section = Evaluate(resamples=200, resample_by="outlet")
    score = evaluate.evaluate(scored, codebook, section, 0, train_gold)["test"]["topic"]
    assert score["accuracy_low"] < score["accuracy"] < score["accuracy_high"]


def test_one_example_has_scores_but_no_interval(scored_row, table, codebook):
    row = scored_row({"economy": 0.7, "migration": 0.2, "defence policy": 0.1}, ["economy"])
    score = evaluate.evaluate(table([row]), codebook, QUICK, 0, {})["test"]["topic"]
    assert (score["n"], score["macro_f1"], score["accuracy"]) == (1, 1.0, 1.0)
    assert score["ece"] == pytest.approx(0.3, abs=EXACT)
    assert score["macro_f1_low"] is None
    assert score["ece_high"] is None
    assert score["baselines"]["majority"] == {"accuracy": None, "macro_f1": None}
    assert score["labels"]["migration"] == {
        "precision": None, "recall": None, "f1": None, "f1_low": None, "f1_high": None,
        "support": 0, "predicted": 0,
    }  # fmt: skip


def test_no_rows_give_no_scores(table, codebook):
    assert evaluate.evaluate(table([]), codebook, QUICK, 0, {}) == {}


@pytest.mark.parametrize("empty", ["", None])
def test_an_answer_without_labels_is_an_answer_where_many_may_hold(
    scored_row, table, codebook, empty
):
    low = dict.fromkeys(["conflict", "human interest", "morality", "responsibility"], 0.1)
    rows = [scored_row(low, [], task="frames", label=empty, article_id=f"a{k}") for k in range(3)]
    score = evaluate.evaluate(table(rows), codebook, QUICK, 0, {"frames": [[]]})["test"]["frames"]
    assert score["accuracy"] == 1.0
    assert score["macro_f1"] is None
    assert score["micro_f1_low"] is None
    assert score["ece"] == pytest.approx(0.1, abs=EXACT)
    assert score["baselines"]["majority"]["accuracy"] == 1.0


def test_baselines_by_hand(scored_row, table, codebook):
    p = {"economy": 0.2, "migration": 0.7, "defence policy": 0.1}
    gold = ["economy", "economy", "economy", "migration"]
    rows = [scored_row(p, [label], article_id=label + str(k)) for k, label in enumerate(gold)]
    training = {"topic": [["economy"], ["economy"], ["migration"], ["migration"]]}
    score = evaluate.evaluate(table(rows), codebook, QUICK, 0, training)["test"]["topic"]
    majority, prior = score["baselines"]["majority"], score["baselines"]["prior"]
    # Economy and migration are equally common; the first in the alphabet is taken.
    assert majority["accuracy"] == 0.75
    assert majority["macro_f1"] == pytest.approx((2 * 3 / 7 + 0) / 2, abs=EXACT)
    assert prior["accuracy"] == 0.5
    assert 0.3 < prior["macro_f1"] < 0.55


def test_what_cannot_be_scored_is_refused_with_its_name(scored_row, table, codebook):
    p = {"economy": 0.7, "migration": 0.2, "defence policy": 0.1}
    bad = {
        "'sports', which is not a label": scored_row(p, ["sports"]),
        "none or several": scored_row(p, ["economy", "migration"]),
        "'weather' is not in the codebook demo@1.0": scored_row(p, ["economy"], task="weather"),
        "some are abstained": scored_row(p, ["economy"], abstained=True),
        "'war', which is not a label": scored_row(p | {"war": 0.0}, ["economy"]),
    }
    for message, row in bad.items():
        with pytest.raises(DataError, match=message):
            evaluate.evaluate(table([row]), codebook, QUICK, 0, {})
    with pytest.raises(DataError, match="no column gold, blind_label; they have"):
        lacking = table([scored_row(p, ["economy"])]).drop_columns(["gold", "blind_label"])
        evaluate.evaluate(lacking, codebook, QUICK, 0, {})


def test_a_table_in_many_chunks_scores_the_same(scored, codebook, train_gold, metrics):
    pieces = [scored.slice(start, 7) for start in range(0, scored.num_rows, 7)]
    assert evaluate.evaluate(pa.concat_tables(pieces), codebook, QUICK, 0, train_gold) == metrics


def test_what_a_model_withholds_is_scored_beside_all_answers(scored, codebook, train_gold):
    plain = evaluate.evaluate(scored, codebook, QUICK, 0, train_gold)
    found = evaluate.evaluate(
        scored, codebook, QUICK, 0, train_gold, answer_from={"topic": 0.6, "stance": 2.0}
    )
    topic = found["test"]["topic"]
    rows = [row for row in scored.to_pylist() if (row["side"], row["task"]) == ("test", "topic")]
    given = [row for row in rows if row["probability"] >= 0.6]
    wrong = [row for row in given if [row["label"]] != row["gold"]]
    told = topic.pop("abstain")
    assert told["n"] == len(given)
    assert told["coverage"] == pytest.approx(len(given) / len(rows), abs=EXACT)
    assert told["error"] == pytest.approx(len(wrong) / len(given), abs=EXACT)
    assert told["coverage_low"] < told["coverage"] < told["coverage_high"]
    assert topic["accuracy"] == plain["test"]["topic"]["accuracy"]
    assert found["test"]["stance"]["abstain"]["error"] is None
    assert "abstain" not in found["test"]["frames"]
    assert "aurc" not in found["test"]["frames"]


def test_sets_of_labels_are_scored_by_what_they_hold_and_their_size(
    scored_row, table, codebook, train_gold
):
    p = {"economy": 0.5, "migration": 0.3, "defence policy": 0.2}
    named = [
        ("economy", ["economy"]), ("economy", ["economy", "migration"]), ("economy", []),
        ("migration", ["economy"]), ("migration", ["economy", "migration"]),
        ("economy", ["economy"]),
    ]  # fmt: skip
    rows = [
        scored_row(p, [gold], article_id=f"a{at}", label_set=labels)
        for at, (gold, labels) in enumerate(named)
    ]
    scores = evaluate.evaluate(table(rows), codebook, QUICK, 0, train_gold)["test"]["topic"]
    sets = scores["sets"]
    assert sets["coverage"] == pytest.approx(4 / 6, abs=EXACT)
    assert sets["size"] == pytest.approx(7 / 6, abs=EXACT)
    assert sets["single"] == pytest.approx(3 / 6, abs=EXACT)
    assert sets["empty"] == pytest.approx(1 / 6, abs=EXACT)
    assert sets["coverage_low"] < sets["coverage"] < sets["coverage_high"]
    assert sets["size_low"] < sets["size"] < sets["size_high"]
    assert {label: row["coverage"] for label, row in sets["labels"].items()} == {
        "economy": 0.75, "migration": 0.5, "defence policy": None,
    }  # fmt: skip
    assert [row["support"] for row in sets["labels"].values()] == [0, 4, 2]
    without = evaluate.evaluate(
        table([row | {"label_set": None} for row in rows]), codebook, QUICK, 0, train_gold
    )["test"]["topic"]
    assert without == {name: value for name, value in scores.items() if name != "sets"}


def test_both_kinds_of_interval_are_of_the_same_scores(scored, codebook, train_gold):
    plain, corrected = (
        evaluate.evaluate(scored, codebook, Evaluate(resamples=200, interval=kind), 0, train_gold)
        for kind in ("percentile", "bca")
    )
    for task, scores in plain["test"].items():
        other = corrected["test"][task]
        assert {name for name, value in scores.items() if other[name] != value} >= {
            "macro_f1_low", "macro_f1_high", "ece_high", "log_loss_low",
        }  # fmt: skip
        assert all(other[name] == value for name, value in scores.items()
                   if not name.endswith(("_low", "_high", "labels")))  # fmt: skip


def test_what_an_audit_found_is_left_out_and_the_other_scores_stay(scored, codebook, train_gold):
    plain = evaluate.evaluate(scored, codebook, QUICK, 0, train_gold)
    on_test = scored.filter(pc.equal(scored["side"], "test"))
    gone = sorted(set(on_test["article_id"].to_pylist()))[::3]
    everything = set(on_test["article_id"].to_pylist())
    touched = {"test": {"copies": gone, "known_outlet": everything, "dates": {"no such article"}}}
    found = evaluate.evaluate(scored, codebook, QUICK, 0, train_gold, touched)
    for task, scores in found["test"].items():
        without = scores.pop("without")
        assert scores == plain["test"][task]
        assert without["known_outlet"] == {"n": 0}
        assert without["dates"]["macro_f1"] == scores["macro_f1"]
        assert without["dates"]["n"] == scores["n"]
        left = on_test.filter(
            pc.and_(
                pc.equal(on_test["task"], task),
                pc.invert(pc.is_in(on_test["article_id"], pa.array(gone))),
            )
        )
        alone = evaluate.evaluate(left, codebook, QUICK, 0, train_gold)["test"][task]
        for name in ("n", "macro_f1", "accuracy"):
            assert without["copies"][name] == alone[name]
        assert without["copies"]["macro_f1_low"] <= alone["macro_f1"]
        assert without["copies"]["macro_f1_high"] >= alone["macro_f1"]
    assert found["dev"] == plain["dev"]


def test_a_label_without_an_error_has_an_interval_by_its_clusters(
    scored_row, table, codebook, train_gold
):
    rows = [
        scored_row(
            {"economy": 0.9, "migration": 0.1} if at < 40 else {"economy": 0.1, "migration": 0.9},
            ["economy" if at < 40 else "migration"],
            article_id=f"a{at}",
        )
        for at in range(44)
    ]
    scores = evaluate.evaluate(table(rows), codebook, Evaluate(resamples=100), 0, train_gold)
    topic = scores["test"]["topic"]
    labels = topic["labels"]
    assert labels["economy"]["f1"] == labels["migration"]["f1"] == 1
    assert 0.5 < labels["migration"]["f1_low"] < 0.75 < labels["economy"]["f1_low"] < 1
    assert topic["macro_f1_low"] < 1 == topic["macro_f1_high"]

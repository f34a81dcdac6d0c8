"""Predictions for articles. The first test to use `tiny_bundle` waits for it to be trained."""

import itertools
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import DataError
from pipeline.features import texts_of, whole_texts
from pipeline.predict import (
    AskedTarget,
    label_columns,
    named_targets,
    predict_articles,
    targets_to_ask,
)
from pipeline.records import PREDICTIONS

TYPES = pa.schema([("id", pa.string()), ("title", pa.large_string()), ("text", pa.large_string())])
BOTH = "The Salt Pact has brought orders. 🙂 The River League is a danger to the budget."
NEITHER = "The match ended as it began, and the coach spoke of a point."


def articles(*rows):
    return pa.Table.from_pylist(
        [{"id": f"n{n}", "title": title, "text": text} for n, (title, text) in enumerate(rows)],
        schema=TYPES,
    )


@pytest.fixture
def predict(tiny_bundle):
    """A function from (title, text) pairs to the rows of predictions."""

    def predict(*rows, asked=(), evidence=2):
        finder = targets_to_ask(tiny_bundle.codebook, asked)
        table = predict_articles(tiny_bundle, articles(*rows), finder, evidence)
        assert table.schema == PREDICTIONS
        return table.to_pylist()

    return predict


def topics(bundle, *rows):
    finder = targets_to_ask(bundle.codebook)
    table = predict_articles(bundle, articles(*rows), finder, 0)
    return [row for row in table.to_pylist() if row["task"] == "topic"]


def nested_topics(bundle, parents):
    """Return the bundle with these parents of labels of its task `topic`."""
    task = bundle.codebook.tasks["topic"]
    labels = [label.model_copy(update={"parent": parents.get(label.id)}) for label in task.labels]
    tasks = bundle.codebook.tasks | {"topic": task.model_copy(update={"labels": labels})}
    return replace(bundle, codebook=bundle.codebook.model_copy(update={"tasks": tasks}))


def test_a_set_holds_every_label_that_is_likely_enough_the_likeliest_first(tiny_bundle, predict):
    plain = predict(("T", BOTH), (None, NEITHER))
    assert [row["label_set"] for row in plain] == [None] * len(plain)
    likely = sorted(dict(plain[3]["probabilities"]).items(), key=lambda pair: -pair[1])
    labels = [label for label, _ in likely]
    for count in range(4):
        least = likely[count - 1][1] if count else 2.0  # a label as likely as that is in
        bundle = replace(tiny_bundle, set_from={"topic": dict.fromkeys(labels, least)})
        assert topics(bundle, ("T", BOTH))[0]["label_set"] == labels[:count]
    rare = replace(tiny_bundle, set_from={"topic": dict.fromkeys(labels, 2.0) | {labels[2]: 0.0}})
    assert topics(rare, ("T", BOTH))[0]["label_set"] == labels[2:]
    finder = targets_to_ask(rare.codebook)
    others = predict_articles(rare, articles(("T", BOTH)), finder, 0).to_pylist()
    assert {row["task"] for row in others if row["label_set"] is None} == {"frames", "stance"}


def test_sets_are_of_the_labels_as_coded_where_labels_have_parents(tiny_bundle):
    flat = topics(tiny_bundle, ("T", BOTH))[0]
    first, second, last = sorted(dict(flat["probabilities"]), key=dict(flat["probabilities"]).get)
    least = dict(flat["probabilities"])[second]
    bundle = replace(
        nested_topics(tiny_bundle, {last: first}),
        set_from={"topic": dict.fromkeys((first, second, last), least)},
    )
    rolled = topics(bundle, ("T", BOTH))[0]
    assert dict(rolled["probabilities"])[first] > least  # of itself and the one below it
    assert rolled["label_set"] == [last, second]


@pytest.mark.parametrize("back_off", [None, 0.99])
def test_what_is_withheld_is_decided_by_the_labels_as_coded(tiny_bundle, back_off):
    flat = dict(topics(tiny_bundle, ("T", BOTH))[0]["probabilities"])
    first, _, last = sorted(flat, key=flat.get)
    nested = nested_topics(tiny_bundle, {last: first})
    nested = replace(nested, predict=nested.predict.model_copy(update={"back_off": back_off}))
    for more, withheld in ((0.0, False), (1e-4, True)):
        least = flat[last] + more
        row = topics(replace(nested, answer_from={"topic": least}), ("T", BOTH))[0]
        assert dict(row["probabilities"])[first] > least  # by which it was to be given
        assert row["abstained"] == withheld
        assert row["label"] == (None if withheld else first if back_off else last)


def keys(rows):
    return [(row["article_id"], row["task"], row["target"]) for row in rows]


def test_rows_are_in_the_order_of_articles_then_tasks_then_targets(predict):
    assert keys(predict(("T", BOTH), (None, NEITHER), (None, BOTH))) == [
        ("n0", "frames", None),
        ("n0", "stance", "river-league"),
        ("n0", "stance", "salt-pact"),
        ("n0", "topic", None),
        ("n1", "frames", None),
        ("n1", "topic", None),
        ("n2", "frames", None),
        ("n2", "stance", "river-league"),
        ("n2", "stance", "salt-pact"),
        ("n2", "topic", None),
    ]


def test_an_article_is_answered_alike_alone_and_in_a_batch(predict):
    rows = [("T", BOTH), (None, NEITHER), ("Rain", "Winds turn to the west. The S.P. is a danger.")]
    together = predict(*rows)
    apart = [row for n, each in enumerate(rows) for row in renamed(predict(each), n)]
    assert together == apart


def renamed(rows, number):
    return [row | {"article_id": f"n{number}"} for row in rows]


def test_an_empty_batch_gives_the_columns_and_no_row(predict):
    assert predict() == []


def test_an_empty_text_is_answered_without_evidence(predict):
    rows = predict((None, ""), ("", ""), ("Only a title about rain", ""))
    assert keys(rows) == [(f"n{n}", task, None) for n in range(3) for task in ("frames", "topic")]
    assert all(row["evidence"] == [] for row in rows)
    assert all(np.isfinite(p) for row in rows for _, p in row["probabilities"])


def test_a_long_text_is_answered_as_quickly_as_it_is_read(predict):
    rows = predict((None, (BOTH + " ") * 1500))
    assert len(rows) == 4
    assert [len(row["evidence"]) for row in rows] == [2] * 4


def test_a_target_is_found_by_its_aliases_and_named_by_its_id(predict):
    for text in ("THE PACT OF THE TWO COASTS holds.", "the S.P. holds.", "a Salt\nPact holds."):
        assert keys(predict((None, text)))[1] == ("n0", "stance", "salt-pact")
    for text in ("The s.p. holds.", "The Salt Pactum holds.", "No pact."):
        assert keys(predict((None, text))) == [("n0", "frames", None), ("n0", "topic", None)]


def test_a_target_in_the_title_alone_is_not_asked_about(predict):
    assert keys(predict(("The Salt Pact", NEITHER))) == [
        ("n0", "frames", None),
        ("n0", "topic", None),
    ]


def test_an_asked_target_gets_rows_beside_those_of_the_codebook(predict):
    text = "The Merrow Accord has brought exports, the Salt Pact debt. حلف البحر is new."
    asked = [AskedTarget("Merrow Accord"), AskedTarget("sea", ["حلف البحر"])]
    found = [
        target for _, task, target in keys(predict((None, text), asked=asked)) if task == "stance"
    ]
    assert found == ["Merrow Accord", "salt-pact", "sea"]


def test_asking_about_a_target_of_the_codebook_adds_aliases_to_it(predict):
    for name in ("salt-pact", "the pact of the TWO coasts"):
        rows = predict((None, "Brine Deal it is."), asked=[AskedTarget(name, ["Brine Deal"])])
        assert keys(rows)[1] == ("n0", "stance", "salt-pact")


def test_a_blank_target_is_refused(tiny_bundle):
    with pytest.raises(DataError, match=r"^--target: a target needs at least one word$"):
        targets_to_ask(tiny_bundle.codebook, [AskedTarget(" ")])


def test_a_codebook_without_target_tasks_needs_no_finder_and_takes_no_target(tiny_bundle):
    topic = {"topic": tiny_bundle.codebook.tasks["topic"]}
    book = tiny_bundle.codebook.model_copy(update={"tasks": topic})
    assert targets_to_ask(book) is None
    with pytest.raises(DataError) as error:
        targets_to_ask(book, [AskedTarget("x")])
    assert str(error.value) == (
        "codebook coast@1.0 has no task that is asked of a target; leave out --target 'x'"
    )


def test_probabilities_are_of_all_labels_and_of_one_answer_sum_to_one(predict, tiny_bundle):
    for row in predict(("T", BOTH), (None, NEITHER)):
        probabilities = dict(row["probabilities"])
        assert list(probabilities) == tiny_bundle.tasks[row["task"]].labels
        assert all(0 <= p <= 1 for p in probabilities.values())
        if row["task"] != "frames":
            assert sum(probabilities.values()) == pytest.approx(1, abs=1e-6)
            assert row["probability"] == max(probabilities.values())
            assert row["label"] == max(probabilities, key=probabilities.get)


def test_several_labels_are_joined_and_none_is_null(predict):
    frames = predict((None, "Debt ruins small traders; the exporters quarrel at the market."))[0]
    likely = {label: p for label, p in frames["probabilities"] if p >= 0.5}
    assert frames["label"] == "|".join(likely) == "conflict|money"
    assert frames["probability"] == min(likely.values())

    probabilities = np.array([[0.5, 0.2, 0.9], [0.1, 0.49, 0.0]], np.float32)
    label, probability = label_columns(["a", "b", "c"], np.full(3, 0.5, np.float32), probabilities)
    assert label.to_pylist() == ["a|c", None]
    assert probability.to_pylist() == [0.5, None]


@pytest.mark.parametrize("title", [None, "", "Títle 🙂 with «marks»", "שער העיר"])
@pytest.mark.parametrize(
    "text",
    [
        BOTH,
        "👩🏽‍🚒🙂 Ships! “The Salt Pact has brought orders 🙂,” she said. Rain in the north.",
        "היום גשם בצפון. The Salt Pact هو خطر danger. ألعاب team goals!\n\nפסקה two: prices fell.",
        "e\u0301te\u0301. Café prices rose… The market hall stands half empty。雨 rain。",
        "\n\n  The market.  \r\n Prices fell.\t",
    ],
)
def test_evidence_is_where_its_offsets_say_and_in_the_order_of_what_it_adds(predict, title, text):
    for row in predict((title, text), evidence=5):
        for sentence in row["evidence"]:
            assert text[sentence["start"] : sentence["end"]] == sentence["text"]
            assert sentence["text"].strip() == sentence["text"] != ""
            assert sentence["score"] > 0
        scores = [sentence["score"] for sentence in row["evidence"]]
        assert scores == sorted(scores, reverse=True)
        spans = sorted((sentence["start"], sentence["end"]) for sentence in row["evidence"])
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))
        assert row["task"] == "frames" or row["evidence"], row["task"]


def test_evidence_for_a_stance_is_about_its_own_target(predict):
    evidence = {row["target"]: row["evidence"][0]["text"] for row in predict((None, BOTH))
                if row["task"] == "stance"}  # fmt: skip
    assert evidence["salt-pact"].startswith("The Salt Pact")
    assert evidence["river-league"].endswith("The River League is a danger to the budget.")


@pytest.mark.parametrize("count", [0, 1, 3])
def test_there_is_as_much_evidence_as_was_asked_for_at_most(predict, count):
    rows = predict(("T", BOTH), (None, "Prices. Market. Rain. Team. Danger."), evidence=count)
    assert max(len(row["evidence"]) for row in rows) == count


def test_the_number_of_sentences_does_not_change_the_answer(predict):
    with_evidence, without = predict(("T", BOTH), evidence=3), predict(("T", BOTH), evidence=0)
    assert [row | {"evidence": []} for row in with_evidence] == without


def test_every_row_says_which_model_and_codebook_it_comes_from(predict, tiny_bundle):
    for row in predict((None, BOTH)):
        assert row["model_version"] == tiny_bundle.version
        assert row["codebook_version"] == "coast@1.0"
        assert row["abstained"] is False


def test_a_sliced_table_is_read_from_where_it_begins(tiny_bundle):
    whole = articles(("A", NEITHER), (None, BOTH), ("C", "Rain 🙂 and winds."))
    finder = targets_to_ask(tiny_bundle.codebook)
    sliced = predict_articles(tiny_bundle, whole.slice(1, 2), finder, 2)
    copied = predict_articles(tiny_bundle, whole.take([1, 2]), finder, 2)
    assert sliced.equals(copied)


def test_a_named_target_gets_its_row_even_where_the_text_never_names_it(tiny_bundle):
    rows = named_targets(
        tiny_bundle,
        articles((None, BOTH), (None, NEITHER), (None, "Brine Deal ruins us.")),
        {2: "Brine Deal", 0: "s.p.", 1: "Salt Pact"},
        1,
    ).to_pylist()
    assert keys(rows) == [
        ("n0", "stance", "salt-pact"),
        ("n1", "stance", "salt-pact"),
        ("n2", "stance", "Brine Deal"),
    ]


def test_the_title_is_read_and_not_quoted(tiny_bundle):
    table = articles(("Goals: the team won the match", "Winds."), (None, "Winds."))
    model = tiny_bundle.tasks["topic"]
    found = model.answer(texts_of(table["title"], table["text"]), whole_texts(np.arange(2)), 1)
    sport = model.labels.index("sport")
    assert found.probabilities[0, sport] > found.probabilities[1, sport]

"""Suites on the tiny model: which cases there are, and which fail."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipeline.behaviour import by_hash, load_suites, of_articles, prepare, run_tests
from pipeline.predict import predict_articles, targets_to_ask
from pipeline.records import EXAMPLES

pytestmark = pytest.mark.slow


@pytest.fixture
def results(suite_of, tiny_bundle, tiny_articles):
    """A function from tests in YAML to what they find on the dozen articles, by name."""

    def run(tests, most=200):
        given = of_articles(tiny_articles, tiny_bundle.codebook)
        prepared = prepare([suite_of(tests)], tiny_bundle.codebook, given, most)
        return {each["name"]: each for each in run_tests(tiny_bundle, prepared, 0.95)}

    return run


def test_a_minimum_test_fails_where_the_answer_is_another(results):
    found = results(
        """
  known:
    kind: minimum
    task: stance
    target: "{pact}"
    slots: {pact: [Salt Pact, River League]}
    texts: ["The {pact} is a danger, it ruins the traders.", "The {pact} has brought gains."]
    label: threat
    allow: 0.4
  both:
    kind: minimum
    task: stance
    target: Salt Pact
    texts: ["The Salt Pact has brought gains."]
    label: [threat, opportunity]
    allow: 0
"""
    )
    known = found["known"]
    assert (known["n"], known["failures"], known["clusters"], known["passed"]) == (4, 2, 2, False)
    first = known["examples"][0]
    assert first["before"] == "The Salt Pact has brought gains."
    assert (first["answer_before"], first["answer_after"], first["after"]) == (
        "opportunity", None, None,
    )  # fmt: skip
    assert sum(first["probabilities_before"].values()) == pytest.approx(1, abs=1e-3)
    assert found["both"]["passed"] is True


def test_invariance_and_direction_compare_before_and_after(results):
    found = results(
        """
  other_word:
    kind: invariance
    task: topic
    texts: [The coach and his team scored a goal in the match., No team scored a goal.]
    change:
      kind: replace
      words: {coach: rain, team: winds, scored: likely, goal: evening, match: north}
  rises:
    kind: direction
    task: topic
    texts: [The goalkeeper saved the match.]
    change: {kind: replace, words: {goalkeeper: storm, match: rain}}
    label: weather
    moves: rises
  falls:
    kind: direction
    task: topic
    pairs: [{before: The goalkeeper saved the match., after: Storm and rain and winds.}]
    label: weather
    moves: falls
  too_little:
    kind: direction
    task: topic
    pairs: [{before: Rain and winds by night., after: Rain and winds by evening.}]
    label: weather
    moves: rises
    by: 0.9
"""
    )
    assert found["other_word"]["failures"] == 2
    assert found["rises"]["failures"] == 0
    assert found["rises"]["mean_shift"] > 0.1
    assert (found["falls"]["failures"], found["too_little"]["failures"]) == (1, 1)
    example = found["falls"]["examples"][0]
    assert (example["before"], example["after"]) == (
        "The goalkeeper saved the match.", "Storm and rain and winds.",
    )  # fmt: skip
    assert found["falls"]["passed"] is None


def test_the_answer_to_many_labels_is_their_set(results, tiny_bundle):
    found = results(
        """
  more:
    kind: invariance
    task: frames
    pairs:
      - before: Prices and loans.
        after: Prices and loans. The captain left after a quarrel with his coach.
      - {before: Prices fell., after: Prices fell. }
  some:
    {kind: minimum, task: frames, texts: [Heating prices and loans.], label: [money, conflict]}
"""
    )
    assert found["more"]["failures"] == 1
    example = found["more"]["examples"][0]
    assert example["answer_before"] != example["answer_after"]
    assert found["some"]["failures"] == 0


ON_ARTICLES = """
  alias: {kind: invariance, articles: test, change: {kind: alias}, allow: 0.5}
  other: {kind: invariance, task: stance, articles: test, change: {kind: target}}
  headline: {kind: invariance, articles: test, change: {kind: upper_headline}}
"""


def test_a_test_without_a_task_is_made_in_each_that_it_fits(results):
    found = results(ON_ARTICLES)
    assert list(found) == [
        "stance.alias", "other", "frames.headline", "stance.headline", "topic.headline"
    ]  # fmt: skip
    # The tiny model masks the target, so that its name decides nothing.
    assert found["stance.alias"]["n"] == 10
    assert found["stance.alias"]["failures"] == 0
    assert (found["other"]["n"], found["other"]["left_out"]) == (2, {"no other target named": 8})
    assert (found["topic.headline"]["n"], found["topic.headline"]["left_out"]) == (
        10, {"unchanged": 2},
    )  # fmt: skip


def test_at_most_so_many_cases_are_taken_and_they_are_the_same_ones(results):
    few, all_ = results(ON_ARTICLES, most=3), results(ON_ARTICLES)
    assert few["topic.headline"]["n"] == 3
    assert few == results(ON_ARTICLES, most=3)
    assert all_["topic.headline"]["n"] == 10


def test_before_a_change_the_answer_is_that_of_prediction(tiny_bundle, tiny_articles, suite_of):
    """The passages reach the model just as articles do in `slant predict`."""
    from pipeline.behaviour.outcomes import _ask

    given = of_articles(tiny_articles, tiny_bundle.codebook)
    test = "{kind: invariance, task: stance, articles: test, change: {kind: alias}}"
    (prepared,) = prepare([suite_of(f"  one: {test}\n")], tiny_bundle.codebook, given, 200)
    answers = _ask(tiny_bundle, "stance", [prepared])
    finder = targets_to_ask(tiny_bundle.codebook)
    rows = predict_articles(tiny_bundle, tiny_articles, finder, 0)
    rows = rows.filter(pc.equal(rows["task"], "stance")).to_pylist()
    predicted = {f"{row['article_id']}|stance|{row['target']}": row for row in rows}
    assert len(prepared.cases) == len(predicted)
    for case in prepared.cases:
        likely = answers.likely[answers.row_of[case.before]]
        assert likely.tolist() == pytest.approx(
            [value for _, value in predicted[case.id]["probabilities"]]
        )


def test_marked_mentions_and_who_acts_are_kept_through_a_change(tiny_bundle, suite_of):
    """A source may mark "He", which no finder would find."""
    text = "Rain fell, and he ruins the ferries, Ilka says."
    spans = {"he": (15, 17), "Ilka": (37, 41)}
    row = {
        "example_id": "a|stance|Jory Pell", "article_id": "a", "task": "stance",
        "target": "Jory Pell", "mentions": [{"start": 15, "end": 17}], "source_entity": "Ilka",
        "source_mentions": [{"start": 37, "end": 41}], "gold": ["threat"], "coders": 1,
    }  # fmt: skip
    examples = pa.Table.from_pylist([row], EXAMPLES)
    for name, value in (("story", "a"), ("outlet", None)):
        examples = examples.append_column(name, pa.array([value], pa.string()))
    articles = pa.table({"id": ["a"], "title": [None], "text": [text]})
    assert {name: text[start:end] for name, (start, end) in spans.items()} == {
        "he": "he", "Ilka": "Ilka",
    }  # fmt: skip
    words = "{Rain: Heavy snow, Ilka: Jo, ruins: mends}"
    suite = suite_of(
        "  one: {kind: invariance, task: stance, articles: test, "
        f"change: {{kind: replace, words: {words}}}}}\n"
    )
    (prepared,) = prepare([suite], tiny_bundle.codebook, by_hash(examples, articles), 9)
    after = prepared.cases[0].after
    assert after.text == "Heavy snow fell, and he mends the ferries, Ilka says."
    assert [after.text[start:end] for start, end in after.mentions] == ["he"]
    assert [after.text[start:end] for start, end in after.source_mentions] == ["Ilka"]


def test_without_articles_tests_on_them_have_no_rate(tiny_bundle):
    prepared = prepare(load_suites(["general"], tiny_bundle.codebook), tiny_bundle.codebook, {}, 9)
    found = run_tests(tiny_bundle, prepared, 0.95)
    assert {each["n"] for each in found} == {0}
    assert {each["passed"] for each in found} == {each["failure_rate"] for each in found} == {None}

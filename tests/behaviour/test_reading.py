"""A suite is read strictly, and what does not fit the codebook is said with its place."""

import pytest

from pipeline.behaviour import load_suites, suite_path
from pipeline.behaviour.reading import written
from pipeline.behaviour.templates import filled
from pipeline.codebook import load
from pipeline.errors import PipelineError, SuiteError

HEAD = "kind: minimum, task: stance, target: Salt Pact"


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("kind: minimum, task: stanc, texts: [x], label: a",
         "tests.one.task: the codebook coast@1.0 has no task 'stanc' (did you mean 'stance'?)"),
        (f"{HEAD}, texts: [The Salt Pact.], label: thret",
         "tests.one.label: 'stance' has no label 'thret' (did you mean 'threat'?)"),
        (f"{HEAD}, texts: ['The Salt Pact ruins {{whom}}.'], label: threat",
         "tests.one.texts.0: nothing fills the slot {whom}; list its wordings in slots.whom"),
        (f"{HEAD}, texts: [The Salt Pact.], slots: {{whom: [us]}}, label: threat",
         "tests.one.slots.whom: no text has the slot {whom}; leave it out"),
        (f"{HEAD}, texts: [The Salt Pact., The River League.], label: threat",
         "tests.one.texts.1: the target 'Salt Pact' is not named in 'The River League.'; "
         "it names river-league"),
        ("kind: minimum, task: stance, texts: [x], label: threat",
         "tests.one: 'stance' is asked of a target; name it as target"),
        ("kind: minimum, task: topic, target: Salt Pact, texts: [x], label: sport",
         "tests.one.target: 'topic' is asked of the whole article; leave target out"),
        ("kind: invariance, task: topic, articles: test, change: {kind: alias}",
         "tests.one.change: 'topic' is asked of the whole article; there is no target in it"),
        ("kind: invariance, articles: test",
         "tests.one: articles and texts need a change, and pairs have none"),
        ("kind: invariance, task: topic, articles: test, texts: [x], change: {kind: typos}",
         "tests.one: needs one of articles, texts and pairs; it has articles and texts"),
        ("kind: invariance, texts: [x], change: {kind: typos}",
         "tests.one: written texts need a task"),
        ("kind: invariance, articles: test, change: {kind: typos, shar: 0.1}",
         "tests.one.change.shar: unknown key (did you mean 'share'?)"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_suite_is_said_with_file_line_and_key(suite_of, test, message):
    with pytest.raises(SuiteError) as caught:
        suite_of(f"  one: {{{test}}}\n")
    (line,) = str(caught.value).splitlines()
    assert "suite.yaml:4:" in line
    assert message in line


def test_an_empty_suite_is_refused(suite_of):
    with pytest.raises(SuiteError, match=r"suite\.yaml:3:1: tests: "):
        suite_of("")


def test_one_label_and_a_list_of_them_are_both_taken(suite_of):
    one = f"  one: {{{HEAD}, texts: [The Salt Pact.], label: threat}}\n"
    two = f"  two: {{{HEAD}, texts: [The Salt Pact.], label: [threat, opportunity]}}\n"
    tests = suite_of(one + two).tests
    assert [test.label for test in tests.values()] == [["threat"], ["threat", "opportunity"]]


def test_two_suites_with_a_test_of_one_name_are_refused(tiny_bundle):
    with pytest.raises(SuiteError, match=r"general: tests\.typos: general has this test too"):
        load_suites(["general", "general"], tiny_bundle.codebook)


def test_the_packaged_suite_fits_any_codebook_and_the_written_one_only_its_own(tiny_bundle):
    written_suite = "configs/behaviour/alliances.yaml"
    alliances = load(suite_path("configs/codebooks/alliances.yaml"))
    for codebook in (tiny_bundle.codebook, alliances):
        assert load_suites(["general"], codebook)[0].name == "general"
    assert len(load_suites(["general", written_suite], alliances)[1].tests) > 10
    with pytest.raises(PipelineError, match="'stance' has no label 'neither'"):
        load_suites([written_suite], tiny_bundle.codebook)


def test_every_combination_of_the_slots_fills_a_text_and_its_target():
    slots = {"x": ["A", "B"], "y": ["c", "d"], "z": ["unused"]}
    assert list(filled(["{x} and {y}, {x}", None, "{x}"], slots)) == [
        ["A and c, A", None, "A"], ["A and d, A", None, "A"],
        ["B and c, B", None, "B"], ["B and d, B", None, "B"],
    ]  # fmt: skip
    assert list(filled(["plain {Braces}"], slots)) == [["plain {Braces}"]]


def test_written_texts_have_their_places(suite_of):
    pairs = "pairs: [{before: Rain., after: Snow.}]"
    test = suite_of(f"  one: {{kind: invariance, task: topic, {pairs}}}\n").tests["one"]
    assert written(test) == [(("pairs", 0), ["Rain.", "Snow."])]

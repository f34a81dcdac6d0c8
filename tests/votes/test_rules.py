import time

import pytest

from pipeline.codebook import load
from pipeline.codebook.versions import Migration
from pipeline.errors import CodebookError
from pipeline.stages.codebooks import migration_of
from pipeline.votes import cast_by_rules


@pytest.fixture
def hits(asked, book):
    """Say which of `articles` a rule for `farming` votes on, by number or by text alone."""

    def run(rule, *articles, asks="article"):
        pairs = [each if isinstance(each, tuple) else (None, each) for each in articles]
        questions = asked(book({"farming": [rule]}, asks=asks), pairs)
        if not questions:
            return []
        ((_, votes),) = cast_by_rules(questions[0])
        assert set(votes["label"].to_pylist()) <= {"farming"}
        ids = votes["example_id"].to_pylist()
        return [int(each.partition("|")[0][1:]) for each in ids]

    return run


def test_keywords_are_literal_and_end_at_word_boundaries(hits):
    rule = {"keywords": ["rye", "U.S.", "winter wheat"]}
    texts = [
        "Rye is dear.", "The Fryer burned.", "The U.S. buys.", "Groups met.", "WINTER  WHEAT falls",
        "",
    ]  # fmt: skip
    assert hits(rule, *texts) == [0, 2, 4]


def test_a_keyword_without_small_letters_is_found_in_exactly_that_case(hits):
    assert hits({"keywords": ["WHO", "3D"]}, "The WHO warns", "who knows", "3D print") == [0, 2]


def test_a_pattern_is_found_as_it_is_written(hits):
    rule = {"pattern": r"\b\d+ tons\b"}
    assert hits(rule, "It weighs 40 tons.", "It weighs 40 tonsils.", "40 Tons") == [0]
    assert hits({"pattern": r"(?i)barley"}, "BARLEY", "rye") == [0]


PLACES = [
    ({"where": "title"}, [0]),
    ({"where": "text"}, [1, 2]),
    ({"where": "lead", "words": 3}, [1]),
    ({"where": "anywhere"}, [0, 1, 2]),
    ({}, [0, 1, 2]),
]


@pytest.mark.parametrize(("where", "found"), PLACES)
def test_a_rule_looks_at_its_place_alone(where, found, hits):
    articles = [
        ("Barley again", "Nothing to see."),
        (None, "Growers sow barley early this year."),
        ("Harvest", "It was a long year, and nobody sold barley."),
    ]
    assert hits({"keywords": ["barley"], **where}, *articles) == found


def test_in_tasks_of_targets_a_rule_looks_around_the_mentions(hits):
    far = "word " * 30
    texts = [
        "The Salt Pact ruins growers.",
        f"The Salt Pact is old. {far} Drought ruins growers.",
        f"Drought ruins growers. {far} The Salt Pact is old. {far} It ruins nobody.",
        f"It ruins them. {far} Then the pact ruins them as well.",
        "Drought ruins growers.",
    ]
    assert hits({"keywords": ["ruins"]}, *texts, asks="target") == [0, 3]
    assert hits({"keywords": ["ruins"], "words": 60}, *texts, asks="target") == [0, 1, 2, 3]
    assert hits({"keywords": ["ruins"], "where": "text"}, *texts, asks="target") == [0, 1, 2, 3]


def test_a_negation_undoes_the_hits_of_its_own_sentence(hits):
    rule = {"keywords": ["threat"], "unless": ["not", "no longer"]}
    texts = [
        "The pact is not a threat to anyone.",
        "The pact is a threat. It is not popular.",
        "It is no longer a threat. But the toll is a threat.",
        "Nothing is a knotty threat.",
        "A threat? Not that!",
    ]
    assert hits(rule, *texts) == [1, 2, 3, 4]
    assert hits({"pattern": "threats?", "unless": ["not"]}, *texts) == [1, 2, 3, 4]


def test_long_and_odd_texts_are_looked_at_whole(hits):
    long = "lorem ipsum " * 10_000 + "barley"
    assert hits({"keywords": ["barley"]}, long, "🌾 barley 🌾", "\x00", "🌾") == [0, 1]
    assert hits({"keywords": ["barley"], "where": "lead"}, long) == []


def test_a_pattern_that_would_never_end_elsewhere_ends_soon(hits):
    started = time.perf_counter()
    assert hits({"pattern": r"^(a+)+$"}, "a" * 50_000 + "!") == []
    assert hits({"pattern": r"(a|aa|aaa)*b"}, "a" * 50_000) == []
    assert time.perf_counter() - started < 5


def test_each_rule_votes_under_its_own_name(asked, book):
    rules = {
        "shipping": [{"keywords": ["ship"]}, {"name": "docks", "keywords": ["dock"]}],
        "farming": [{"keywords": ["barley"]}],
    }
    (questions,) = asked(book(rules), [(None, "A ship in the dock.")])
    assert [name for name, _ in cast_by_rules(questions)] == [
        "rule:farming/1",
        "rule:shipping/1",
        "rule:shipping/docks",
    ]


CODEBOOK = """\
name: harbour
version: "1"
tasks:
  topic:
    asks: article
    labels:
      - id: farming
        definition: Fields and barns.
        rules:
          - RULE
      - id: shipping
"""

BAD = [
    ("{pattern: '(a'}", "rules.0.pattern: not a pattern that RE2 reads (missing ): (a); it is"),
    ("{pattern: '(?<=a)b'}", "rules.0.pattern: not a pattern that RE2 reads (invalid perl operat"),
    (r"{pattern: '(a)\1'}", "rules.0.pattern: not a pattern that RE2 reads (invalid escape sequ"),
    ("{pattern: 'a*'}", "rules.0.pattern: finds the empty text, and so every article; it is 'a*'"),
    ("{pattern: 'a{2000}'}", "rules.0.pattern: not a pattern that RE2 reads (invalid repetition"),
    ("{keywords: []}", "rules.0.keywords: must not be empty"),
    ("{name: x}", "rules.0: a rule has either keywords or a pattern"),
    ("{keywords: [a], pattern: b}", "rules.0: a rule has either keywords or a pattern"),
    ("{keywords: [a], where: window}", "tasks.topic: label 'farming': a rule looks at the window"),
    ("{keywords: [a], where: titel}", "rules.0.where: input should be 'anywhere', 'title'"),
    ("{keywords: [a], where: title, words: 3}", "rules.0: words are of a lead or a window"),
    ("{keyword: [a]}", "rules.0.keyword: unknown key (did you mean 'keywords'?)"),
    ("{name: n, keywords: [a]}\n          - {name: n, keywords: [b]}", "two rules are called 'n'"),
    ("{name: '2', keywords: [a]}\n          - {keywords: [b]}", "two rules are called '2'"),
]


@pytest.mark.parametrize(("rule", "message"), BAD)
def test_a_bad_rule_is_told_with_file_and_line(rule, message, tmp_path):
    file = tmp_path / "codebook.yaml"
    file.write_text(CODEBOOK.replace("RULE", rule))
    with pytest.raises(CodebookError) as caught:
        load(file)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{file}:")
    assert str(caught.value).removeprefix(f"{file}:")[0].isdigit()


def test_a_changed_rule_is_no_change_of_the_codebook(tmp_path):
    versions = []
    for rule in ("{keywords: [barley]}", "{pattern: rye}"):
        file = tmp_path / "codebook.yaml"
        file.write_text(CODEBOOK.replace("RULE", rule))
        versions.append(load(file))
    old, new = versions
    assert old.tasks["topic"].labels[0].rules != new.tasks["topic"].labels[0].rules
    assert Migration(old, new).changes == []
    assert migration_of(old, new).changes == []  # both are version 1, and not taken for two
    assert old.model_dump() == new.model_dump()
    assert "rules" not in old.model_dump_json()

"""Parts of names are found as further mentions."""

import time

import numpy as np
import pyarrow as pa
import pytest

from pipeline.features import (
    TARGET,
    Parties,
    about_targets,
    texts_of,
    whole_texts,
    with_partial_mentions,
)


def found(body, target, source=None, title=None, targets=(), sources=()):
    """Return the wordings that stand for the target and for the source entity."""
    texts = texts_of(pa.array([title], pa.large_string()), pa.array([body], pa.large_string()))
    asked = with_partial_mentions(
        texts,
        about_targets(texts, [0], [list(targets)], [list(sources)], [Parties(target, source)]),
    )
    whole = texts.buffer.tobytes().decode()
    by_role = ([], [])
    for (start, end), role in zip(asked.mentions, asked.roles, strict=True):
        by_role[int(role != TARGET)].append(whole[start:end])
    assert asked.bounds.tolist() == [0, len(asked.mentions)]
    assert (np.diff(asked.mentions[:, 0]) > 0).all()
    return by_role


@pytest.mark.parametrize(
    ("body", "name", "words"),
    [
        ("Mr. Okafor blamed the crews.", "Ada Okafor", ["Okafor"]),
        ("Aides of Ada J. Okafor said no.", "Ada Okafor", ["Okafor"]),
        ("Harbourists left the hall.", "Harbourist Party", ["Harbourists"]),
        ("A few Harbouring boats.", "Harbourist Party", ["Harbouring"]),
        ("The harbourist view.", "Harbourist Party", []),  # a name has its capital
        ("The SPC met.", "Salt Producers Council", ["SPC"]),
        ("The salt quotas hurt.", "salt quota", ["salt quotas"]),
        ("Of the league and of the coast.", "League of the Coast", []),
        ("An Okaforesque speech.", "Ada Okafor", []),  # too long an ending
        ("It was theirs.", "Ada Okafor", []),
        ("", "Ada Okafor", []),
    ],
)
def test_words_of_a_name_are_its_mentions(body, name, words):
    assert found(body, name)[0] == words


def test_a_word_of_both_names_is_of_neither():
    targets, sources = found("The Party of Harbourists.", "Harbourist Party", "Grower Party")
    assert (targets, sources) == (["Harbourists"], [])


def test_source_and_target_are_told_apart():
    targets, sources = found("Okafor scolds the Growers.", "Grower Party", "Ada Okafor")
    assert (targets, sources) == (["Growers"], ["Okafor"])


def test_a_whole_name_stays_one_mention_and_its_parts_elsewhere_are_others():
    body = "Then Ada Okafor spoke; Okafor left."
    assert found(body, "Ada Okafor", targets=[(5, 15)])[0] == ["Ada Okafor", "Okafor"]


def test_a_long_text_with_many_mentions_is_done_at_once():
    body = "Okafor spoke. " * 20_000
    begun = time.process_time()
    assert len(found(body, "Ada Okafor", "Okafor Party", targets=[(0, 6)])[0]) == 1
    assert len(found(body, "Ada Okafor", targets=[(0, 6)])[0]) == 20_000
    assert time.process_time() - begun < 5


def test_the_headline_is_passed_over_and_characters_are_counted_with_it():
    assert found("Später lobte Okafor das Œuvre.", "Ada Okafor", title="Ökafor? Okafor!")[0] == [
        "Okafor"
    ]


def test_what_is_asked_of_whole_texts_stays():
    texts = texts_of(pa.array([None], pa.large_string()), pa.array(["Okafor"], pa.large_string()))
    asked = whole_texts(np.array([0]))
    assert with_partial_mentions(texts, asked) is asked

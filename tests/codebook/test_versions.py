from typing import Any

import pytest

from pipeline.codebook import Codebook
from pipeline.codebook.versions import Kind, Migration, OutdatedError, VersionedAnswer

ECONOMY = {"id": "economy", "definition": "Companies, prices, work."}
CULTURE = {"id": "culture", "definition": "Music and books."}
PACT = {"id": "pact", "name": "Northern Pact"}


def book(
    *labels: dict[str, Any],
    version: str = "2",
    targets: tuple[dict[str, Any], ...] = (PACT,),
    **task: Any,
) -> Codebook:
    tasks = {"topic": {"asks": "article", "question": "What about?"} | task}
    tasks["topic"]["labels"] = list(labels)
    tasks["stance"] = {"asks": "target", "labels": [{"id": "pro"}, {"id": "con"}]}
    return Codebook.model_validate(
        {"name": "demo", "version": version, "tasks": tasks, "targets": list(targets)}
    )


OLD = book(ECONOMY, CULTURE, version="1")


def found(
    new: Codebook, old: Codebook = OLD
) -> list[tuple[Kind, tuple[str, ...], tuple[str, ...]]]:
    return [(change.kind, change.old, change.new) for change in Migration(old, new).changes]


def carried(new: Codebook, *labels: str, old: Codebook = OLD) -> tuple[str, ...]:
    return Migration(old, new).carry(VersionedAnswer("topic", None, labels)).labels


def outdated(new: Codebook, *labels: str, old: Codebook = OLD) -> str:
    with pytest.raises(OutdatedError) as caught:
        Migration(old, new).carry(VersionedAnswer("topic", None, labels))
    return str(caught.value)


def test_equal_codebooks_have_no_changes_and_carry_everything() -> None:
    same = book(ECONOMY, CULTURE)
    assert found(same) == []
    assert carried(same, "economy") == ("economy",)


def test_a_label_with_another_id_and_the_same_criteria_is_renamed() -> None:
    new = book(ECONOMY | {"id": "business"}, CULTURE)
    assert found(new) == [(Kind.RENAMED, ("economy",), ("business",))]
    assert carried(new, "economy") == ("business",)


def test_labels_without_any_criteria_are_not_taken_for_one_another() -> None:
    old = book({"id": "a"}, {"id": "b"}, version="1")
    new = book({"id": "c"}, {"id": "b"})
    assert found(new, old) == [(Kind.REMOVED, ("a",), ()), (Kind.ADDED, (), ("c",))]


def test_a_declared_renaming_with_another_definition_is_a_redefinition_too() -> None:
    new = book({"id": "business", "definition": "Firms.", "replaces": ["economy"]}, CULTURE)
    kinds = [kind for kind, *_ in found(new)]
    assert kinds == [Kind.RENAMED, Kind.REDEFINED]
    assert outdated(new, "economy") == "the label 'business' of 'topic' was redefined"
    assert carried(new, "culture") == ("culture",)


def test_merged_labels_are_carried_over() -> None:
    new = book({"id": "all", "replaces": ["economy", "culture"]}, {"id": "none", "replaces": []})
    assert (Kind.MERGED, ("economy", "culture"), ("all",)) in found(new)
    assert carried(new, "economy") == carried(new, "culture") == ("all",)


def test_a_split_label_is_coded_again_and_its_neighbours_are_not() -> None:
    new = book(
        {"id": "work", "replaces": ["economy"]}, {"id": "prices", "replaces": ["economy"]}, CULTURE
    )
    assert found(new) == [(Kind.SPLIT, ("economy",), ("work", "prices"))]
    assert outdated(new, "economy") == (
        "the label 'economy' of 'topic' was split into work and prices"
    )
    assert carried(new, "culture") == ("culture",)


def test_a_new_label_that_takes_from_one_that_stays_splits_it() -> None:
    new = book(ECONOMY, CULTURE, {"id": "strikes", "replaces": ["economy"]})
    assert found(new) == [(Kind.SPLIT, ("economy",), ("economy", "strikes"))]
    outdated(new, "economy")


@pytest.mark.parametrize("field", ["definition", "include", "exclude"])
def test_other_criteria_redefine_a_label(field: str) -> None:
    value = "Firms." if field == "definition" else ["Firms"]
    new = book(ECONOMY | {field: value}, CULTURE)
    (change,) = Migration(OLD, new).changes
    assert (change.kind, change.recode, change.why) == (Kind.REDEFINED, True, f"changed: {field}")
    outdated(new, "economy")


def test_since_says_that_a_new_wording_means_the_same() -> None:
    new = book(ECONOMY | {"definition": "Firms, prices, work.", "since": "1"}, CULTURE)
    assert found(new) == [(Kind.REWORDED, ("economy",), ("economy",))]
    assert carried(new, "economy") == ("economy",)
    later = book(ECONOMY | {"definition": "Firms.", "since": "1"}, CULTURE, version="3")
    assert carried(later, "economy", old=new) == ("economy",)
    outdated(book(ECONOMY | {"definition": "Firms.", "since": "2"}, CULTURE), "economy")


def test_names_and_examples_are_for_readers() -> None:
    new = book(ECONOMY | {"name": "Economy", "examples": ["Flour is cheaper."]}, CULTURE)
    assert found(new) == [(Kind.REWORDED, ("economy",), ("economy",))]
    assert carried(new, "economy") == ("economy",)


def test_an_unexplained_new_label_puts_all_answers_in_doubt() -> None:
    new = book(ECONOMY, CULTURE, {"id": "sport"})
    assert "'sport'" in outdated(new, "culture")
    explained = book(ECONOMY, CULTURE, {"id": "sport", "replaces": []})
    assert found(explained) == [(Kind.ADDED, (), ("sport",))]
    assert carried(explained, "culture") == ("culture",)


def test_a_label_that_is_gone_is_coded_again() -> None:
    old = book(ECONOMY, CULTURE, {"id": "sport"}, version="1")
    new = book(ECONOMY, CULTURE)
    assert found(new, old) == [(Kind.REMOVED, ("sport",), ())]
    assert outdated(new, "sport", old=old) == "the label 'sport' of 'topic' is gone"


@pytest.mark.parametrize("change", [{"question": "Why?"}, {"choose": "many"}])
def test_another_question_puts_all_answers_in_doubt(change: dict[str, str]) -> None:
    new = book(ECONOMY, CULTURE, **change)
    assert found(new) == [(Kind.REDEFINED, ("topic",), ("topic",))]
    outdated(new, "culture")


def test_a_reworded_question_holds_by_since() -> None:
    new = book(ECONOMY, CULTURE, question="About what?", since="1")
    assert found(new) == [(Kind.REWORDED, ("topic",), ("topic",))]
    assert carried(new, "culture") == ("culture",)


def test_of_many_labels_each_is_carried_and_no_label_stays_none() -> None:
    old = book(ECONOMY, CULTURE, {"id": "law"}, version="1", choose="many")
    new = book({"id": "all", "replaces": ["economy", "culture"]}, {"id": "law"}, choose="many")
    assert carried(new, "economy", "culture", "law", old=old) == ("all", "law")
    assert carried(new, old=old) == ()


def test_targets_are_renamed_split_and_removed() -> None:
    stance = VersionedAnswer("stance", "pact", ("pro",))
    renamed = book(ECONOMY, CULTURE, targets=({"id": "treaty", "name": "N", "replaces": ["pact"]},))
    assert Migration(OLD, renamed).carry(stance).target == "treaty"
    split = book(ECONOMY, CULTURE, targets=(PACT, {"id": "nt", "name": "T", "replaces": ["pact"]}))
    assert found(split) == [(Kind.SPLIT, ("pact",), ("pact", "nt"))]
    assert Migration(OLD, split).ask_again(stance) == [("stance", "pact"), ("stance", "nt")]
    gone = book(ECONOMY, CULTURE, targets=())
    assert found(gone) == [(Kind.REMOVED, ("pact",), ())]
    with pytest.raises(OutdatedError, match="the target 'pact' is gone"):
        Migration(OLD, gone).carry(stance)
    assert Migration(OLD, gone).ask_again(stance) == []


def test_a_target_that_only_rows_name_is_carried_as_it_is() -> None:
    answer = VersionedAnswer("stance", "the ferries", ("con",))
    assert Migration(OLD, book(ECONOMY, CULTURE)).carry(answer) == answer


def test_a_renamed_task_takes_its_answers_along() -> None:
    new = Codebook.model_validate(
        {
            "name": "demo",
            "version": "2",
            "tasks": {
                "subject": {
                    "asks": "article",
                    "question": "What about?",
                    "replaces": "topic",
                    "labels": [ECONOMY, CULTURE],
                }
            },
        }
    )
    changes = found(new)
    assert (Kind.RENAMED, ("topic",), ("subject",)) in changes
    assert (Kind.REMOVED, ("stance",), ()) in changes
    answer = Migration(OLD, new).carry(VersionedAnswer("topic", None, ("economy",)))
    assert answer == VersionedAnswer("subject", None, ("economy",))
    with pytest.raises(OutdatedError, match="the task 'stance' is gone"):
        Migration(OLD, new).carry(VersionedAnswer("stance", "pact", ("pro",)))

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import records
from pipeline.config import FoldSplit, GivenSplit, HashSplit, SplitSection, TimeSplit
from pipeline.errors import DataError
from pipeline.records import is_test
from pipeline.split import Split, split_articles

LONG = "the council voted late on monday to raise the price of water for all of the old town"


def articles(*rows: dict[str, Any]) -> pa.Table:
    full = [
        {"id": f"a{place}", "text": f"text {place}", "source": "news.jsonl", "place": place} | row
        for place, row in enumerate(rows, start=1)
    ]
    return pa.Table.from_pylist(full, schema=records.ARTICLES)


def sides(split: Split) -> dict[str, str | None]:
    rows = split.splits.to_pylist()
    return {row["article_id"]: row["side"] for row in rows}


def reasons(split: Split) -> dict[str, str]:
    return {row["article_id"]: row["reason"] for row in split.splits.to_pylist()}


def given_rows(*names: str | None) -> list[dict[str, Any]]:
    return [{"given_split": name} for name in names]


NO_DEV = GivenSplit(by="given", dev=0.0)
HALVES = HashSplit(by="id", dev=0.0, test=0.5)
TIMES = TimeSplit(by="time", dev_from="2024-02-01", test_from="2024-03-01")


# Sides that the sources name


def test_given_sides_are_kept() -> None:
    rows = given_rows("train", "dev", "test", "test_mt")
    split = split_articles(articles(*rows), GivenSplit(by="given"))
    assert split.splits.schema == records.SPLITS
    assert sides(split) == {"a1": "train", "a2": "dev", "a3": "test", "a4": "test_mt"}
    assert set(reasons(split).values()) == {"given"}


def test_training_and_dev_articles_that_are_near_a_test_article_are_set_aside() -> None:
    rows = given_rows("train", "dev", "test", "test_mt", "train", "dev", "train")
    for row, text in zip(rows, [LONG, LONG, LONG, LONG, "a", "b", "b"], strict=True):
        row["text"] = text
    split = split_articles(articles(*rows), GivenSplit(by="given"))
    assert [row["side"] for row in split.splits.to_pylist()] == [
        None,
        None,
        "test",
        "test_mt",
        "train",
        "dev",
        None,
    ]
    assert reasons(split)["a1"] == "near-duplicate of a3 on test"
    assert reasons(split)["a7"] == "near-duplicate of a6 on dev"
    assert split.account["set_aside"][0] == {
        "article": "a1",
        "twin": "a3",
        "twin_side": "test",
        "similarity": 1.0,
    }
    assert split.account["counts"]["set aside"] == {"near-duplicate": 3}
    assert split.account["near_duplicate_stories"][0] == {
        "story": "a1",
        "size": 4,
        "sides": {"set aside": 2, "test": 1, "test_mt": 1},
        "articles": ["a1", "a2", "a3", "a4"],
    }
    json.dumps(split.account)


def test_dev_is_drawn_from_the_training_stories_where_none_is_named() -> None:
    rows = [{"given_split": "train", "text": f"text {i // 2}"} for i in range(400)]
    table = articles(*rows, {"given_split": "test", "text": "other"})
    split = split_articles(table, GivenSplit(by="given", dev=0.2))
    by_story: dict[str, set[str]] = {}
    for row in split.splits.to_pylist():
        by_story.setdefault(row["story"], set()).add(row["side"])
    assert all(len(found) == 1 for found in by_story.values())
    share = sum(found == {"dev"} for found in by_story.values()) / 200
    assert 0.1 < share < 0.3


@pytest.mark.parametrize(
    ("rows", "section", "message"),
    [
        (
            given_rows("train", None, None, None, None, "test"),
            NO_DEV,
            "4 of 6 articles name no side: news.jsonl:2 ('a2'), news.jsonl:3 ('a3'), "
            "news.jsonl:4 ('a4'), …; give their source a 'split'",
        ),
        (given_rows("train", "tset"), NO_DEV, "news.jsonl:2 ('a2') has 'tset'"),
        (
            given_rows("train", "train"),
            NO_DEV,
            "test side is empty .*name a source with 'split: test'",
        ),
        (given_rows("dev", "test"), NO_DEV, "train side is empty"),
        (given_rows("train", "test"), GivenSplit(by="given", dev=0.01), "dev side is empty"),
        ([], NO_DEV, "no articles to split"),
        ([{}, {"outlet": " "}], HashSplit(by="outlet"), "2 of 2 articles name no outlet"),
        ([{}], HashSplit(by="id"), "side is empty"),
        (
            [{"published": "2024-01-01"}, {"published": "2004-2005"}, {}],
            TIMES,
            "2 of 3 articles have no date of publication as YYYY-MM-DD: "
            r"news.jsonl:2 ('a2') has '2004-2005', news.jsonl:3 ('a3');",
        ),
        ([{"published": "2024-02-30"}], TIMES, "has '2024-02-30'"),
        (
            [{"published": "2024-01-01"}],
            TIMES,
            "dev side is empty .train 1; 0 of 1 set aside.; move",
        ),
        (
            [{}],
            TIMES.model_copy(update={"test_from": "2024-02-01"}),
            "dev_from (2024-02-01) must be before test_from (2024-02-01)",
        ),
        ([{}], TIMES.model_copy(update={"dev_from": "soon"}), "split.dev_from: must be a date"),
    ],
)
def test_articles_that_cannot_be_split_are_refused(
    rows: list[dict[str, Any]], section: SplitSection, message: str
) -> None:
    pattern = message.replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(DataError, match=pattern):
        split_articles(articles(*rows), section)


# Sides by hash


def test_shares_are_about_what_the_section_says() -> None:
    split = split_articles(articles(*[{}] * 2000), HashSplit(by="id", dev=0.1, test=0.3))
    found = list(sides(split).values())
    assert abs(found.count("test") - 600) < 80
    assert abs(found.count("dev") - 200) < 50


def test_the_side_of_an_article_depends_on_its_id_and_the_salt_alone() -> None:
    many, few = articles(*[{}] * 300), articles(*[{}] * 100)
    all_sides = sides(split_articles(many, HALVES))
    assert sides(split_articles(few, HALVES)).items() <= all_sides.items()
    salted = HALVES.model_copy(update={"salt": "other"})
    assert sides(split_articles(many, salted)) != all_sides


def test_stories_stay_together_and_later_articles_follow() -> None:
    copies = [{"id": f"copy{n}", "text": LONG + " now" * (n % 2)} for n in range(50)]
    others = [{"id": f"other{n}"} for n in range(50)]
    split = split_articles(articles(*copies, *others), HashSplit(by="story", dev=0.0, test=0.5))
    found = [row for row in split.splits.to_pylist() if row["article_id"].startswith("copy")]
    assert len({row["side"] for row in found}) == 1
    assert {row["group"] for row in found} == {row["story"] for row in found} == {"copy0"}
    assert found[1]["reason"] == "near-duplicate of copy0"
    assert split.account["stories"] == 51


def test_copies_on_another_side_are_set_aside_by_id() -> None:
    split = split_articles(articles(*[{"text": LONG}] * 20, *[{}] * 20), HALVES)
    found = split.splits.to_pylist()[:20]
    first = found[0]["side"]
    assert {row["side"] for row in found} == {first, None}
    assert {row["reason"] for row in found} == {"hash", f"near-duplicate of a1 on {first}"}


def test_outlets_stay_together_however_they_are_written() -> None:
    names = ["The  Daily", "the daily ", "THE DAILY", *map(str, range(20))]
    table = articles(*[{"outlet": name} for name in names])
    split = split_articles(table, HashSplit(by="outlet", dev=0.0, test=0.5))
    rows = split.splits.to_pylist()
    assert {row["group"] for row in rows[:3]} == {"daily"}
    assert len({row["side"] for row in rows[:3]}) == 1


def test_a_field_of_the_rows_stays_together() -> None:
    rows = [{"extra": json.dumps({"author": f"Writer {n % 9}"})} for n in range(60)]
    split = split_articles(
        articles(*rows), HashSplit(by="field", field="author", dev=0.0, test=0.5)
    )
    sides_of: dict[str, set[str | None]] = {}
    for row in split.splits.to_pylist():
        sides_of.setdefault(row["group"], set()).add(row["side"])
    assert len(sides_of) == 9
    assert all(len(found) == 1 for found in sides_of.values())


def test_a_field_that_a_row_does_not_have_is_named_with_its_place() -> None:
    rows = [{"extra": '{"author": "A"}'}, {"extra": "{}"}]
    with pytest.raises(DataError, match=r"1 of 2 articles name no author, the first is news.jsonl"):
        split_articles(articles(*rows), HashSplit(by="field", field="author"))


def test_folds_of_outlets_test_each_outlet_whole() -> None:
    table = articles(*[{"outlet": f"Paper {n % 12}"} for n in range(120)])
    tested: list[str] = []
    for fold in range(3):
        section = FoldSplit(by="folds", folds=3, fold=fold, dev=0.0, apart="outlet")
        rows = split_articles(table, section).splits.to_pylist()
        here = {row["group"] for row in rows if row["side"] == "test"}
        assert not here & {row["group"] for row in rows if row["side"] != "test"}
        tested += sorted(here)
    assert sorted(tested) == sorted({f"paper {n}".replace(" ", "") for n in range(12)})


def test_train_and_dev_articles_of_a_tested_outlet_are_set_aside() -> None:
    rows = given_rows("test", "train", "train", "dev", "train", "test_late")
    names = ["The Herald", "Herald - Opinion", "Post", "Echo", "echo.com", "Echo"]
    for row, name in zip(rows, names, strict=True):
        row["outlet"] = name
    split = split_articles(articles(*rows), GivenSplit(by="given", apart="outlet", dev=0.0))
    assert list(sides(split).values()) == ["test", None, "train", None, None, "test_late"]
    assert reasons(split)["a2"] == "outlet on test"
    assert reasons(split)["a4"] == reasons(split)["a5"] == "outlet on test_late"
    assert split.account["set_aside"][0] == {"article": "a2", "reason": "outlet on test"}


def test_an_article_that_is_set_aside_does_not_keep_its_outlet_from_train() -> None:
    rows = given_rows("test", "dev", "dev", "train", "train")
    for row, name in zip(rows, ["Herald", "Echo", "Post", "Echo", "Echo"], strict=True):
        row["outlet"] = name
    rows[0]["text"] = rows[1]["text"] = LONG
    split = split_articles(articles(*rows), GivenSplit(by="given", apart="outlet"))
    assert list(sides(split).values()) == ["test", None, "dev", "train", "train"]
    assert reasons(split)["a2"] == "near-duplicate of a1 on test"
    assert split.splits["group"].to_pylist()[3] == "echo"


def test_dev_is_drawn_by_outlet_where_outlets_are_apart() -> None:
    rows = given_rows(*["train"] * 60, "test")
    for number, row in enumerate(rows[:-1]):
        row |= {"outlet": f"Paper {number % 15}", "text": LONG if number % 15 < 2 else f"t{number}"}
    rows[-1]["outlet"] = "Other"
    split = split_articles(articles(*rows), GivenSplit(by="given", dev=0.3, apart="outlet"))
    where: dict[str, set[str]] = {}
    for row, side in zip(rows, sides(split).values(), strict=True):
        if side is not None:
            where.setdefault(row["outlet"], set()).add(side)
    assert {"train", "dev", "test"} == {side for found in where.values() for side in found}
    assert all(len(found) == 1 for found in where.values())


def test_time_and_outlet_together_leave_neither_on_two_sides() -> None:
    rows = [{"outlet": f"Paper {n % 20}", "published": f"2024-0{1 + n % 3}-11"} for n in range(240)]
    section = TIMES.model_copy(update={"apart": "outlet"})
    split = split_articles(articles(*rows), section)
    where: dict[str, set[str]] = {}
    dates: dict[str, set[str]] = {}
    for row, side, reason in zip(rows, sides(split).values(), reasons(split).values(), strict=True):
        if side is None:
            assert reason.startswith("outlet on ")
            continue
        where.setdefault(row["outlet"], set()).add(side)
        dates.setdefault(side, set()).add(row["published"])
    assert all(len(found) == 1 for found in where.values())
    assert max(dates["train"]) < min(dates["dev"]) < min(dates["test"])
    assert split.account["counts"]["set aside"]["outlet on train"] > 0


def test_where_a_side_is_left_empty_the_cure_names_what_is_apart() -> None:
    rows = [{"outlet": "Only", "published": f"2024-0{month}-11"} for month in (1, 2, 3)]
    with pytest.raises(DataError, match=r"or set split.apart to null \(it is outlet\)"):
        split_articles(articles(*rows), TIMES.model_copy(update={"apart": "outlet"}))


# Sides by time


def test_dates_decide_and_later_copies_are_set_aside() -> None:
    dates = ["2024-01-31T23:59:00Z", "2024-02-01", "2024-02-29 10:00", "2024-03-01", "2024-05-05"]
    rows = [{"published": day} for day in dates]
    rows[0]["text"] = rows[4]["text"] = LONG
    split = split_articles(articles(*rows), TIMES)
    assert list(sides(split).values()) == ["train", "dev", "dev", "test", None]
    assert reasons(split)["a5"] == "near-duplicate of a1 on train"
    assert split.splits["group"].to_pylist()[1] == "2024-02-01"


# Former runs


def test_articles_of_a_former_run_keep_their_side_and_new_ones_give_way() -> None:
    earlier = pa.Table.from_pylist(
        [
            {
                "article_id": "old1",
                "side": "train",
                "group": "old1",
                "story": "old1",
                "reason": "hash",
            },
            {
                "article_id": "old2",
                "side": "test",
                "group": "old2",
                "story": "old2",
                "reason": "hash",
            },
            {"article_id": "old3", "side": None, "group": "old3", "story": "old2", "reason": "x"},
        ],
        schema=records.SPLITS,
    )
    rows = [
        {"id": "new1", "text": LONG},
        {"id": "old1", "text": LONG},
        {"id": "new2", "text": "alone"},
        {"id": "old2", "text": "alone"},
        {"id": "old3", "text": LONG},
    ]
    section = HashSplit(by="story", dev=0.0, test=0.5)
    found = sides(split_articles(articles(*rows), section, earlier))
    assert found == {"new1": "train", "old1": "train", "new2": "test", "old2": "test", "old3": None}
    rows[3]["text"] = LONG
    split = split_articles(articles(*rows, *[{}] * 20), section, earlier)
    assert sides(split)["new1"] is None
    assert sides(split)["old2"] == "test"


STORIES: list[SplitSection] = [
    HashSplit(by="story", dev=0.3, test=0.3),
    FoldSplit(by="folds", folds=3, dev=0.3),
    FoldSplit(by="folds", folds=3, dev=0.3, apart="outlet"),
]


def told_rows(count: int) -> list[dict[str, Any]]:
    """Texts that are unlike one another, three of which ingest has put into each story."""
    return [
        {"story": f"a{n // 3 * 3 + 1}", "outlet": f"outlet {n}", "published": "2024-01-05"}
        for n in range(count)
    ]


@pytest.mark.parametrize("section", STORIES, ids=str)
def test_no_story_of_ingest_is_divided(section: SplitSection) -> None:
    rows = told_rows(120)
    rows[118]["text"] = rows[0]["text"] = LONG  # a near-duplicate joins two stories of ingest
    split = split_articles(articles(*rows), section)
    found = split.splits.to_pylist()
    sides_of: dict[str, set[str]] = {}
    for row, told in zip(found, rows, strict=True):
        if row["side"] is not None:
            sides_of.setdefault(told["story"], set()).add(row["side"])
    assert {len(each) for each in sides_of.values()} == {1}
    assert len(set.union(*sides_of.values())) == 3
    stories = {row["article_id"]: row["story"] for row in found}
    assert {stories[each] for each in ("a1", "a2", "a3", "a118", "a119", "a120")} == {"a1"}
    assert len(set(stories.values())) == 39
    assert split.account["stories"] == 39
    json.dumps(split.account)


def test_articles_follow_the_story_of_ingest_and_say_so() -> None:
    split = split_articles(articles(*told_rows(60)), STORIES[0])
    assert {row["side"] for row in split.splits.to_pylist()} == {"train", "dev", "test"}
    assert reasons(split)["a2"] == reasons(split)["a3"] == "story of a1"
    assert sum(sum(each.values()) for each in split.account["counts"].values()) == 60
    assert sum(each.get("story", 0) for each in split.account["counts"].values()) == 40


@pytest.mark.parametrize("section", STORIES, ids=str)
def test_without_stories_of_ingest_the_split_is_as_if_each_article_were_its_own(
    section: SplitSection,
) -> None:
    rows = [{**row, "story": None} for row in told_rows(60)]
    alone = [{**row, "story": f"a{place}"} for place, row in enumerate(rows, start=1)]
    rows[40]["text"] = alone[40]["text"] = rows[7]["text"] = alone[7]["text"] = LONG
    assert split_articles(articles(*rows), section) == split_articles(articles(*alone), section)


@pytest.mark.parametrize(
    "section",
    [HashSplit(by="id", dev=0.3, test=0.3), HashSplit(by="outlet", dev=0.3, test=0.3)],
    ids=str,
)
def test_sides_that_do_not_come_from_stories_pass_over_those_of_ingest(
    section: SplitSection,
) -> None:
    rows = told_rows(60)
    without = [{**row, "story": None} for row in rows]
    assert split_articles(articles(*rows), section) == split_articles(articles(*without), section)


def test_given_sides_stay_as_they_are_whatever_the_stories_of_ingest() -> None:
    rows = [{**row, "story": "a1"} for row in given_rows("train", "dev", "test")]
    split = split_articles(articles(*rows), GivenSplit(by="given"))
    assert sides(split) == {"a1": "train", "a2": "dev", "a3": "test"}


def test_dev_is_drawn_from_whole_stories_of_ingest() -> None:
    rows = [{**row, "given_split": "train"} for row in told_rows(120)]
    split = split_articles(
        articles(*rows, {"given_split": "test"}), GivenSplit(by="given", dev=0.3)
    )
    found = sides(split)
    assert {found[f"a{n}"] for n in range(1, 121)} == {"train", "dev"}
    for first in range(1, 121, 3):
        assert found[f"a{first}"] == found[f"a{first + 1}"] == found[f"a{first + 2}"]


# What holds for every split

SECTIONS: list[SplitSection] = [
    HashSplit(by="id", dev=0.3, test=0.3),
    HashSplit(by="story", dev=0.3, test=0.3),
    HashSplit(by="outlet", dev=0.3, test=0.3),
    TIMES,
    GivenSplit(by="given", dev=0.4),
    GivenSplit(by="given", dev=0.0),
]
# Enough articles of their own that no side is ever empty.
FILLING = [
    {
        "id": f"filling{number}",
        "text": f"filling {number}",
        "outlet": f"outlet {number}",
        "published": f"2024-0{number % 3 + 1}-05",
        "given_split": "train" if number % 3 else "test",
    }
    for number in range(30)
]
# Versions of one text whose similarity at the ends of the chain is below the threshold.
CHAIN = [" ".join(LONG.split()[start:] + ["more"] * 3) for start in range(5)]
DRAWN = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.sampled_from([*CHAIN, "short one", "short two"]),
            "outlet": st.sampled_from(["x", "y", "z"]),
            "published": st.sampled_from(["2024-01-05", "2024-02-05", "2024-03-05"]),
            "given_split": st.sampled_from(["train", "test", "test_b"]),
        }
    ),
    max_size=12,
)


def grams(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    size = min(5, len(words))
    return {tuple(words[i : i + size]) for i in range(len(words) - size + 1)}


def similar(one: str, other: str) -> bool:
    a, b = grams(one), grams(other)
    return len(a & b) / len(a | b) >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: f"{section.by}-{section}"[:12])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(rows=DRAWN, more=DRAWN)
def test_no_near_duplicates_face_each_other_and_additions_move_nothing(
    section: SplitSection, rows: list[dict[str, Any]], more: list[dict[str, Any]]
) -> None:
    table = articles(*FILLING, *rows)
    split = split_articles(table, section)
    assert split == split_articles(table, section)
    placed = [
        (row["side"], text)
        for row, text in zip(split.splits.to_pylist(), table["text"].to_pylist(), strict=True)
        if row["side"] is not None
    ]
    for side, text in placed:
        for other_side, other_text in placed:
            if side != other_side and not (is_test(side) and is_test(other_side)):
                assert not similar(text, other_text)
    if not isinstance(section, GivenSplit):  # a test article that comes in sends others away
        longer = split_articles(articles(*FILLING, *rows, *more), section)
        assert sides(split).items() <= sides(longer).items()

import json
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from pipeline import records
from pipeline.codebook import Codebook
from pipeline.config import LabelSection
from pipeline.errors import DataError
from pipeline.label import Labelled, label_agreement, label_articles

CODEBOOK = Codebook.model_validate(
    {
        "name": "demo",
        "version": "1",
        "tasks": {
            "topic": {"asks": "article", "labels": [{"id": "war", "name": "War"}, {"id": "trade"}]},
            "frame": {
                "asks": "article",
                "choose": "many",
                "labels": [{"id": "human"}, {"id": "money"}, {"id": "law"}],
            },
            "stance": {"asks": "target", "labels": [{"id": "pro"}, {"id": "con"}]},
        },
        "targets": [
            {"id": "pact", "name": "Northern Pact", "aliases": ["the Pact", "NP"]},
            {"id": "union", "name": "Trade Union"},
        ],
    }
)
TOPIC = {"topic": {"label": "label"}}
STANCE = {"stance": {"label": "label", "target": "target"}}
MARKED = {"stance": STANCE["stance"] | {"target_start": "from", "target_end": "to"}}


def articles(*rows: dict[str, Any]) -> pa.Table:
    full = []
    for place, row in enumerate(rows, start=1):
        columns = {key: row[key] for key in row if key in records.ARTICLES.names}
        extra = {key: row[key] for key in row if key not in records.ARTICLES.names}
        full.append(
            {"id": f"a{place}", "text": "x", "source": "news.jsonl", "place": place}
            | columns
            | {"extra": orjson.dumps(extra).decode() if extra else None}
        )
    return pa.Table.from_pylist(full, schema=records.ARTICLES)


def label(table: pa.Table, inline: dict[str, Any] | None = None, **section: Any) -> Labelled:
    return label_articles(
        table, CODEBOOK, LabelSection.model_validate({"inline": inline or {}} | section)
    )


def examples(labelled: Labelled, task: str) -> dict[str, dict[str, Any]]:
    rows = labelled.examples.to_pylist()
    return {row["example_id"]: row for row in rows if row["task"] == task}


def spans(row: dict[str, Any], column: str = "mentions") -> list[tuple[int, int]]:
    return [(span["start"], span["end"]) for span in row[column]]


def write_csv(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["article_id,task,target,coder,label", *lines, ""]))
    return path


# What is an example


def test_every_article_is_an_example_of_article_tasks_and_of_targets_it_names() -> None:
    labelled = label(articles({"text": "The Pact and NP."}, {"text": "np, the TRADE union"}))
    assert labelled.examples.schema == records.EXAMPLES
    assert labelled.examples["example_id"].to_pylist() == [
        "a1|frame|",
        "a1|stance|pact",
        "a1|topic|",
        "a2|frame|",
        "a2|stance|union",
        "a2|topic|",
    ]
    stance = examples(labelled, "stance")
    assert spans(stance["a1|stance|pact"]) == [(0, 8), (13, 15)]
    assert stance["a1|stance|pact"]["gold"] is None
    assert stance["a1|stance|pact"]["coders"] == 0
    assert examples(labelled, "topic")["a1|topic|"]["mentions"] is None


def test_no_articles_give_empty_tables() -> None:
    labelled = label(articles(), TOPIC)
    assert labelled.examples.num_rows == labelled.annotations.num_rows == 0
    assert labelled.examples.schema == records.EXAMPLES
    assert labelled.annotations.schema == records.ANNOTATIONS


def test_two_runs_give_equal_results() -> None:
    table = articles({"text": "the Pact", "label": ["human", "law"]}, {"label": "money"})
    one, other = (label(table, {"frame": {"label": "label"}}) for _ in range(2))
    assert one == other


# Inline gold


def test_inline_label_is_gold_by_id_or_name() -> None:
    labelled = label(articles({"label": "war"}, {"label": "War"}, {"label": None}), TOPIC)
    topic = examples(labelled, "topic")
    assert [row["gold"] for row in topic.values()] == [["war"], ["war"], None]
    assert [row["coders"] for row in topic.values()] == [1, 1, 0]
    assert labelled.annotations.to_pylist()[0] == {
        "article_id": "a1",
        "task": "topic",
        "target": None,
        "coder": "inline",
        "label": "war",
        "time": None,
        "comment": None,
        "codebook": None,
    }


def test_inline_labels_of_a_multi_label_task_are_a_list_or_joined() -> None:
    table = articles({"label": ["money", "human"]}, {"label": "law|human"}, {"label": ""})
    frame = examples(label(table, {"frame": {"label": "label"}}), "frame")
    assert [row["gold"] for row in frame.values()] == [["human", "money"], ["human", "law"], None]


def test_an_empty_list_says_that_none_of_many_labels_holds() -> None:
    table = articles({"label": []}, {"label": ["law"]}, {"label": None})
    labelled = label(table, {"frame": {"label": "label"}})
    frame = examples(labelled, "frame")
    assert [row["gold"] for row in frame.values()] == [[], ["law"], None]
    assert [row["coders"] for row in frame.values()] == [1, 1, 0]
    assert [row["label"] for row in labelled.annotations.to_pylist()] == ["", "law"]
    assert labelled.agreement["ties"] == []


def test_an_empty_list_is_no_answer_where_one_label_is_chosen() -> None:
    topic = examples(label(articles({"label": []}, {"label": ["war"]}), TOPIC), "topic")
    assert [row["gold"] for row in topic.values()] == [None, ["war"]]


def test_inline_label_may_be_a_column_that_ingest_took() -> None:
    table = articles({"outlet": "war"}, {"outlet": "trade"})
    topic = examples(label(table, {"topic": {"label": "outlet"}}), "topic")
    assert [row["gold"] for row in topic.values()] == [["war"], ["trade"]]


def test_values_that_mean_no_answer_are_none() -> None:
    table = articles({"label": "n/a"}, {"label": "war"})
    topic = examples(label(table, TOPIC, no_answer=["", "n/a"]), "topic")
    assert [row["gold"] for row in topic.values()] == [None, ["war"]]


def test_inline_target_is_found_by_alias_and_open_target_by_its_wording() -> None:
    table = articles(
        {"text": "NP or the Pact", "target": "the  pact", "label": "pro"},
        {"text": "Mr Doe, DOE", "target": "Doe", "label": "con"},
        {"text": "nobody", "target": "Doe", "label": None},
    )
    stance = examples(label(table, STANCE), "stance")
    assert list(stance) == ["a1|stance|pact", "a2|stance|Doe", "a3|stance|Doe"]
    assert spans(stance["a1|stance|pact"]) == [(0, 2), (6, 14)]
    assert spans(stance["a2|stance|Doe"]) == [(3, 6), (8, 11)]
    assert spans(stance["a3|stance|Doe"]) == []
    assert [row["gold"] for row in stance.values()] == [["pro"], ["con"], None]


@pytest.mark.parametrize(
    ("text", "target", "mark", "mention"),
    [
        ("He met him, he said", "he", (12, 14), [(12, 14)]),
        ("Doe and Doe", "Doe", (8, 11), [(8, 11)]),
        ("Doe and Doe", "Doe", (10, 13), [(8, 11)]),  # white space was tidied before it
        ("🙂 Doe", "Doe", (2, 5), [(2, 5)]),
        ("Doe said she", "Ms Doe", (9, 12), [(9, 12)]),
        ("Doe", "Roe", (90, 93), []),
        ("Doe", "Doe", (-3, 3), [(0, 3)]),
        ("Northern Pact, NP", "NP", (15, 17), [(15, 17)]),
    ],
)
def test_marked_mention_is_the_only_one(
    text: str, target: str, mark: tuple[int, int], mention: list[tuple[int, int]]
) -> None:
    row = {"text": text, "target": target, "from": mark[0], "to": mark[1], "label": "pro"}
    (example,) = examples(label(articles(row), MARKED), "stance").values()
    assert spans(example) == mention


def test_source_entity_is_found_where_it_is_not_the_target() -> None:
    inline = {"stance": STANCE["stance"] | {"source_entity": "who"}}
    row = {"text": "Doe, Ann Doe, Doe", "target": "Ann Doe", "who": "Doe", "label": "con"}
    (example,) = examples(label(articles(row), inline), "stance").values()
    assert example["source_entity"] == "Doe"
    assert spans(example, "source_mentions") == [(0, 3), (14, 17)]


@pytest.mark.parametrize(
    ("rows", "inline", "message"),
    [
        (
            [{"label": "wra"}],
            TOPIC,
            "news.jsonl:1: unknown label 'wra' (did you mean 'war'?)",
        ),
        (
            [{"label": ["war", "trade"]}],
            TOPIC,
            "news.jsonl:1: 'inline' answers 'topic' of 'a1' with 'trade' and with 'war'; "
            "this task takes one",
        ),
        ([{"label": {"a": 1}}], TOPIC, "news.jsonl:1: 'label' must be text; it is {'a': 1}"),
        (
            [{"label": "pro", "target": ""}],
            STANCE,
            "news.jsonl:1: no target; 'stance' is asked of a target",
        ),
        (
            [{"target": "Doe", "label": "pro", "from": "x", "to": 3}],
            MARKED,
            "news.jsonl:1: 'from' must be a whole number; it is 'x'",
        ),
        (
            [{"lable": "war"}],
            TOPIC,
            "label.inline.topic.label: no article has a field 'label'; the fields are "
            "given_split, lable, language, outlet, published, title, url",
        ),
        (
            [{"label": "war"}],
            {"topics": {"label": "label"}},
            "label.inline.topics: unknown task 'topics' (did you mean 'topic'?)",
        ),
        (
            [{"label": "pro"}],
            {"stance": {"label": "label"}},
            "label.inline.stance: no target field is named; set label.inline.stance.target, "
            "since this task is asked of a target",
        ),
        (
            [{"label": "war", "target": "NP"}],
            {"topic": {"label": "label", "target": "target"}},
            "label.inline.topic.target: 'target' is named, but this task is asked of the "
            "article; leave it out",
        ),
    ],
)
def test_inline_answer_that_does_not_fit_is_refused(
    rows: list[dict[str, Any]], inline: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError) as caught:
        label(articles(*rows), inline)
    assert str(caught.value) == message


def test_only_the_first_five_problems_are_shown() -> None:
    with pytest.raises(DataError) as caught:
        label(articles(*[{"label": "wra"}] * 8), TOPIC)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("news.jsonl:1:")
    assert lines[4].startswith("news.jsonl:5:")
    assert lines[5:] == ["… and 3 more"]


# Annotation files


def test_coders_of_a_csv_file_decide_by_majority(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "a.csv",
        "a1,topic,,ann,war",
        "a1,topic,,bob,War",
        "a1,topic,,cem,trade",
        "a2,topic,,ann,war",
        "a2,topic,,bob,trade",
        "a2,topic,,cem,",
        "a2,stance,northern  PACT,ann,pro",
        "a2,stance,someone,ann,con",
    )
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    labelled = label(articles({}, {"text": "the Pact"}), annotations=[str(path)])
    topic, stance = examples(labelled, "topic"), examples(labelled, "stance")
    assert (topic["a1|topic|"]["gold"], topic["a1|topic|"]["coders"]) == (["war"], 3)
    assert (topic["a2|topic|"]["gold"], topic["a2|topic|"]["coders"]) == (None, 2)
    assert stance["a2|stance|pact"]["gold"] == ["pro"]
    assert stance["a2|stance|someone"]["gold"] == ["con"]
    assert labelled.agreement["ties"] == [
        {"example_id": "a2|topic|", "answers": {"trade": 1, "war": 1}}
    ]
    # By hand: a1 has one equal pair of three, a2 none of one.
    found = labelled.agreement["tasks"]["topic"]
    assert found["coders"] == ["ann", "bob", "cem"]
    assert (found["examples"], found["examples_with_two_coders"]) == (2, 2)
    alpha = pytest.approx(1 - 4 * (2 / 2 * 2 + 2) / (2 * 3 * 2), abs=1e-6)
    assert (found["alpha"], found["agreement"]) == (alpha, 0.25)
    assert (found["gold"], found["ties"]) == ({"trade": 0, "war": 1}, 1)
    for row in found["labels"].values():
        assert (row["alpha"], row["coded_twice"]) == (pytest.approx(-1 / 3, abs=1e-6), 2)
    json.dumps(labelled.agreement)


def test_gold_says_how_it_was_decided_and_what_is_disputed_is_a_worklist(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "a.csv",
        *(f"a1,topic,,{coder},war" for coder in ("ann", "bob")),
        "a1,topic,,cem,trade",
        "a2,topic,,ann,war",
        "a2,topic,,bob,trade",
    )
    labelled = label(articles({}, {}, {}), annotations=[str(path)])
    topic = examples(labelled, "topic")
    assert [row["decided_by"] for row in topic.values()] == ["majority 2 of 3", None, None]
    assert [row["confidence"] for row in topic.values()] == [None, None, None]
    assert labelled.disputed.schema == records.WORKLIST
    assert labelled.disputed["example_id"].to_pylist() == ["a2|topic|"]
    by_ann = label(
        articles({}, {}, {}), annotations=[str(path)], adjudicate={"by": "coder", "coder": "ann"}
    )
    decided = examples(by_ann, "topic")["a2|topic|"]
    assert (decided["gold"], decided["decided_by"]) == (["war"], "coder ann")
    assert by_ann.disputed.num_rows == 0
    modelled = label(articles({}, {}, {}), annotations=[str(path)], adjudicate={"by": "one_coin"})
    decided = examples(modelled, "topic")["a1|topic|"]
    assert decided["decided_by"] == "one_coin" or decided["gold"] is None
    assert 0 < decided["confidence"] < 1


def test_a_story_of_several_articles_is_drawn_as_one(tmp_path: Path) -> None:
    lines = [
        f"a{n},topic,,{coder},{'war' if (n + (coder == 'bob') * (n > 7)) % 2 else 'trade'}"
        for n in range(1, 13)
        for coder in ("ann", "bob")
    ]
    path = write_csv(tmp_path / "a.csv", *lines)
    alone = label(articles(*[{}] * 12), annotations=[str(path)]).agreement
    stories = [{"story": f"a{3 * (n // 3) + 1}"} for n in range(12)]
    together = label(articles(*stories), annotations=[str(path)]).agreement
    assert (alone["drawn"], together["drawn"]) == ("article", "story")
    one, other = (each["tasks"]["topic"] for each in (alone, together))
    assert one["alpha"] == other["alpha"]
    assert one["alpha_low"] != other["alpha_low"]


def test_json_lines_and_inline_answers_are_coders_alike(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    row = {"article_id": "a1", "task": "topic", "coder": 7, "label": "trade"}
    path.write_bytes(orjson.dumps(row) + b"\n\n" + orjson.dumps(row | {"target": None}))
    labelled = label(articles({"label": "war"}), TOPIC, annotations=[str(path)])
    assert labelled.annotations.select(["coder", "label"]).to_pylist() == [
        {"coder": "7", "label": "trade"},
        {"coder": "inline", "label": "war"},
    ]
    assert labelled.agreement["tasks"]["topic"]["ties"] == 1


def test_labels_that_over_half_of_the_coders_chose_are_gold(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "a.csv",
        "a1,frame,,ann,human|law",
        "a1,frame,,ann,human",
        "a1,frame,,bob,law",
        "a1,frame,,cem,money|human",
        "a2,frame,,ann,law",
        "a2,frame,,bob,money",
    )
    labelled = label(articles({}, {}), annotations=[str(path)])
    frame = examples(labelled, "frame")
    assert frame["a1|frame|"]["gold"] == ["human", "law"]
    assert frame["a2|frame|"]["gold"] is None
    assert [tie["example_id"] for tie in labelled.agreement["ties"]] == ["a2|frame|"]
    assert labelled.agreement["tasks"]["frame"]["agreement"] == 0
    assert labelled.annotations.num_rows == 7
    labels = labelled.agreement["tasks"]["frame"]["labels"]
    # By hand: of `human` a1 has yes, no, yes and a2 no, no; ((5 - 1) * 3 - 8) / (5 * 4 - 8).
    assert labels["human"]["alpha"] == pytest.approx(1 / 3, abs=1e-6)
    assert labels["human"]["coded_twice"] == 1
    assert labels["law"]["coded_twice"] == 2


def test_the_agreement_on_labels_can_be_read_off_the_table_of_annotations(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "a.csv",
        "a1,frame,,ann,human|law",
        "a1,frame,,bob,law",
        "a2,frame,,ann,money",
        "a2,topic,,ann,war",
    )
    rows = articles({"frame": []}, {"frame": []})
    labelled = label(rows, {"frame": {"label": "frame"}}, annotations=[str(path)])
    tasks = labelled.agreement["tasks"]
    assert label_agreement(labelled.annotations, CODEBOOK) == {
        name: {
            label: {key: row[key] for key in ("alpha", "coded_twice")}
            for label, row in tasks[name]["labels"].items()
        }
        for name in ("frame", "stance", "topic")
    }
    # An empty list is an answer: a2 was coded twice, once with money.
    assert tasks["frame"]["labels"]["money"]["coded_twice"] == 1
    war = tasks["topic"]["labels"]["war"]
    assert (war["alpha"], war["coded_twice"]) == (None, 0)
    assert war["undefined"] == "ann is the only coder"


def test_annotations_of_articles_that_are_not_there_are_counted(tmp_path: Path) -> None:
    rows = [f"gone{number},topic,,ann,war" for number in range(30)]
    path = write_csv(tmp_path / "a.csv", "a1,topic,,ann,war", *rows, "gone0,topic,,bob,war")
    labelled = label(articles({}), annotations=[str(path)])
    unknown = labelled.agreement["unknown_articles"]
    assert (unknown["annotations"], unknown["articles"]) == (31, 30)
    assert unknown["ids"] == [f"gone{number}" for number in range(20)]
    assert labelled.annotations.num_rows == 1


def test_annotations_of_no_article_at_all_are_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", "x9,topic,,ann,war")
    with pytest.raises(DataError, match=r"none of the 1 .* 'x9', the articles are such as 'a1'"):
        label(articles({}), annotations=[str(path)])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.csv",
            "article_id,task,coder,label\na1,topic,ann,war\na1,topics,ann,war\n",
            "{}:3: unknown task 'topics' (did you mean 'topic'?)",
        ),
        (
            "a.csv",
            'article_id,task,coder,label\n\n"a\n1",topic,ann,war\na1,topic,ann,wra\n',
            "{}:5: unknown label 'wra' (did you mean 'war'?)",
        ),
        (
            "a.csv",
            "article_id,task,coder,label\na1,stance,ann,pro\n",
            "{}:2: no target; 'stance' is asked of a target",
        ),
        (
            "a.csv",
            "article_id,task,target,coder,label\na1,topic,NP,ann,war\n",
            "{}:2: target 'NP'; 'topic' is asked of the article: leave it blank",
        ),
        (
            "a.csv",
            "article_id,task,coder,label\na1,topic,ann,war\na1,topic,ann,trade\n",
            "{}:3: 'ann' answers 'topic' of 'a1' with 'trade' and with 'war'; this task takes one",
        ),
        ("a.csv", "article_id,task,coder,label\na1,topic,,war\n", "{}:2: no coder"),
        (
            "a.csv",
            "article;task\n",
            "{}:1: no column article_id, task, coder, label; the columns are article;task",
        ),
        ("a.csv", "", "{}:1: no column article_id, task, coder, label; the columns are none"),
        (
            "a.csv",
            "article_id,task,coder,label\na1,topic,ann,war,x\n",
            "{}:2: 5 cells under 4 columns; put quotes around a cell that has a comma in it",
        ),
        (
            "a.jsonl",
            '{"a": 1}\n',
            "{}:1: no column article_id, task, coder, label; the columns are a",
        ),
        ("a.jsonl", "[]\n", "{}:1: must be a JSON object, found list"),
        (
            "a.jsonl",
            '{"article_id": "a1", "task": "topic", "coder": "ann", "label": ["war"]}\n',
            "{}:1: label must be text; it is ['war']",
        ),
    ],
)
def test_annotations_that_do_not_fit_are_refused(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        label(articles({}), annotations=[str(path)])
    assert str(caught.value) == message.format(path)


def test_annotation_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    missing, latin, broken = tmp_path / "no.csv", tmp_path / "latin.csv", tmp_path / "x.jsonl"
    latin.write_bytes("article_id,task,coder,label\né".encode("latin-1"))
    broken.write_text('{"article_id": ')
    for path, message in [
        (missing, "there is no such file"),
        (latin, "not UTF-8"),
        (broken, ":1: not valid JSON"),
        (tmp_path, "cannot be read"),
    ]:
        with pytest.raises(DataError, match=message):
            label(articles({}), annotations=[str(path)])


def test_what_an_answer_came_with_stays_with_it(tmp_path: Path) -> None:
    path = tmp_path / "annotations.csv"
    path.write_text(
        "article_id,task,target,coder,label,time,comment,codebook\n"
        "n1,topic,,anna,war,2031-02-01T10:00:00,close call,1\n"
    )
    labelled = label(articles({"id": "n1"}), annotations=[path])
    (row,) = labelled.annotations.to_pylist()
    assert (row["time"], row["comment"], row["codebook"]) == (
        "2031-02-01T10:00:00",
        "close call",
        "1",
    )

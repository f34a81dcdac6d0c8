"""What the audit finds where something was planted, and that it finds nothing where nothing was."""

import json
import random
from collections.abc import Mapping

import pyarrow as pa
import pytest

from pipeline import records
from pipeline.audit import Coded, Finding, Promises, Severity, audit_run, worst
from pipeline.codebook import Codebook
from pipeline.config import Audit

CODEBOOK = Codebook.model_validate(
    {
        "name": "demo",
        "version": "1.0",
        "tasks": {
            "topic": {
                "asks": "article",
                "labels": [{"id": "harvest", "name": "Harvest"}, {"id": "sea_trade"}],
            }
        },
    }
)
WORDS = [f"{a}{b}" for a in ("bar", "cel", "dor", "fen", "gil", "hum") for b in "aeiou"] + [
    f"{a}{b}en" for a in ("lam", "mor", "nif", "pel", "quo", "ras") for b in "aeiou"
]


def text_of(number: int, words: int = 60) -> str:
    draw = random.Random(number)
    return " ".join(draw.choices(WORDS, k=words))


def edited(text: str, share: float, number: int) -> str:
    draw = random.Random(number)
    return " ".join("edit" if draw.random() < share else word for word in text.split())


class Corpus:
    """Sixty articles, forty of them in train and dev; each test may spoil some."""

    def __init__(self) -> None:
        self.rows = [
            {
                "id": f"a{n}", "title": None, "text": text_of(n), "outlet": None,
                "published": None, "url": None, "extra": None, "source": "news.jsonl",
                "place": n + 1, "side": "train" if n < 30 else "dev" if n < 40 else "test",
                "gold": "harvest" if n % 2 else "sea_trade",
            }
            for n in range(60)
        ]  # fmt: skip

    def coded(self) -> Coded:
        articles = [
            {
                key: row[key]
                for key in row
                if key not in ("side", "gold", "story", "ingest_story", "labels")
            }
            | {"story": row.get("ingest_story")}
            for row in self.rows
        ]
        splits = [
            {
                "article_id": row["id"], "side": row["side"], "group": row["id"],
                "story": row.get("story", row["id"]), "reason": "hash",
            }
            for row in self.rows
        ]  # fmt: skip
        examples = [
            {
                "example_id": f"{row['id']}|topic|", "article_id": row["id"], "task": "topic",
                "gold": row.get("labels", [row["gold"]]), "coders": 1,
            }
            for row in self.rows
        ]  # fmt: skip
        return Coded.of(
            pa.Table.from_pylist(articles, schema=records.ARTICLES),
            pa.Table.from_pylist(splits, schema=records.SPLITS),
            pa.Table.from_pylist(examples, schema=records.EXAMPLES),
        )

    def audit(
        self,
        section: Audit | None = None,
        begun: Mapping[str, Coded] | None = None,
        **how: object,
    ) -> list[Finding]:
        return audit_run(
            self.coded(), CODEBOOK, section or Audit(), Promises(**how), begun or {},  # type: ignore[arg-type]
        )  # fmt: skip


@pytest.fixture
def corpus() -> Corpus:
    return Corpus()


def the(findings: list[Finding], check: str) -> Finding:
    found = [each for each in findings if each.check == check]
    assert len(found) == 1, [each.check for each in findings]
    return found[0]


@pytest.fixture
def earlier() -> Corpus:
    """Other articles, on the same sides, that another run learned from."""
    other = Corpus()
    for number, row in enumerate(other.rows):
        row["id"], row["text"] = f"b{number}", text_of(1000 + number)
    return other


def test_what_an_earlier_model_learned_is_found_in_test(corpus: Corpus, earlier: Corpus) -> None:
    earlier.rows[3]["text"] = corpus.rows[50]["text"]  # train there
    earlier.rows[35]["text"] = edited(corpus.rows[51]["text"], 0.02, 1)  # dev there
    earlier.rows[45]["text"] = corpus.rows[52]["text"]  # test there
    earlier.rows[4]["text"] = corpus.rows[5]["text"]  # train here
    findings = corpus.audit(begun={"runs/earlier/model": earlier.coded()})
    found = the(findings, "learned_before")
    assert found.severity is Severity.ERROR
    assert set(found.articles) == {"a50", "a51"}
    assert found.numbers == {"n": 2, "of": 20}
    assert found.rows[0] == {
        "article": "a50", "place": "news.jsonl:51", "model": "runs/earlier/model",
        "twin": "b3", "twin_place": "news.jsonl:4", "similarity": 1.0,
    }  # fmt: skip


def test_of_several_earlier_models_the_nearest_copy_is_told(
    corpus: Corpus, earlier: Corpus
) -> None:
    earlier.rows[3]["text"] = edited(corpus.rows[50]["text"], 0.02, 1)
    nearer = Corpus()
    nearer.rows[7]["text"] = corpus.rows[50]["text"]
    nearer.rows = nearer.rows[:40]
    findings = corpus.audit(begun={"one": earlier.coded(), "two": nearer.coded()})
    (row,) = the(findings, "learned_before").rows
    assert (row["model"], row["twin"], row["similarity"]) == ("two", "a7", 1.0)


def test_an_earlier_model_of_other_articles_is_no_finding(corpus: Corpus, earlier: Corpus) -> None:
    findings = corpus.audit(begun={"runs/earlier/model": earlier.coded()})
    assert the(findings, "learned_before").severity is Severity.INFO


def test_without_an_earlier_model_nothing_is_said_of_one(corpus: Corpus) -> None:
    assert "learned_before" not in [each.check for each in corpus.audit()]


def test_nothing_is_found_where_nothing_was_planted(corpus: Corpus) -> None:
    findings = corpus.audit()
    assert worst(findings) is Severity.INFO
    assert not the(findings, "copies").rows
    assert not the(findings, "edited_copies").rows


def test_copies_and_edited_copies_are_found_with_their_twins(corpus: Corpus) -> None:
    corpus.rows[41]["text"] = corpus.rows[3]["text"].upper()
    corpus.rows[42]["text"] = edited(corpus.rows[35]["text"], 0.08, 1)
    corpus.rows[43]["text"] = " ".join(corpus.rows[4]["text"].split()[:35])
    findings = corpus.audit()
    copies, near = the(findings, "copies"), the(findings, "edited_copies")
    assert copies.severity is Severity.ERROR  # one in twenty
    assert copies.articles == ["a41"]
    assert copies.rows[0] == {
        "article": "a41", "place": "news.jsonl:42", "twin": "a3", "twin_place": "news.jsonl:4",
        "twin_side": "train", "similarity": 1.0,
    }  # fmt: skip
    assert sorted(near.articles) == ["a42", "a43"]
    assert {row["twin"] for row in near.rows} == {"a35", "a4"}
    assert {row["twin_side"] for row in near.rows} == {"train", "dev"}
    assert findings[0] is copies


def test_copies_within_a_side_are_no_leak(corpus: Corpus) -> None:
    corpus.rows[1]["text"] = corpus.rows[2]["text"]
    corpus.rows[51]["text"] = corpus.rows[52]["text"]
    assert not the(corpus.audit(), "copies").rows


def test_one_copy_among_many_is_a_warning(corpus: Corpus) -> None:
    for n in range(60, 200):
        corpus.rows.append({**corpus.rows[59], "id": f"a{n}", "text": text_of(n)})
    corpus.rows[41]["text"] = corpus.rows[3]["text"]
    assert the(corpus.audit(), "copies").severity is Severity.WARNING


def test_the_same_headline_or_address_is_found_and_a_rubric_is_none(corpus: Corpus) -> None:
    corpus.rows[2]["title"] = "Growers cheer the new harbour"
    corpus.rows[44]["title"] = "growers CHEER the new  harbour"
    corpus.rows[3]["title"] = corpus.rows[45]["title"] = "Letters"
    corpus.rows[5]["url"] = corpus.rows[46]["url"] = "https://herald.example/7"
    findings = corpus.audit()
    assert the(findings, "same_headline").articles == ["a44"]
    assert the(findings, "same_address").articles == ["a46"]


def test_a_story_on_two_sides_is_found(corpus: Corpus) -> None:
    corpus.rows[47]["story"] = "a7"
    finding = the(corpus.audit(), "divided_story")
    assert finding.severity is Severity.WARNING
    assert finding.articles == ["a47"]
    assert finding.numbers["ingest_stories"] == 0


def test_stories_of_ingest_on_two_sides_are_counted_with_their_rows(corpus: Corpus) -> None:
    for n, story in {3: "a3", 47: "a3", 48: "a3", 5: "a5", 49: "a5", 50: "a50", 51: "a50"}.items():
        corpus.rows[n]["ingest_story"] = story
    finding = the(corpus.audit(), "divided_story")
    assert finding.severity is Severity.WARNING
    assert finding.articles == ["a47", "a48", "a49"]
    assert [row["story"] for row in finding.rows] == ["a3", "a3", "a5"]
    assert finding.numbers == {"n": 3, "of": 20, "ingest_stories": 2}
    assert finding.summary.endswith("; 2 of ingest's stories are on both sides")


@pytest.mark.parametrize(("apart", "severity"), [(None, Severity.INFO), ("outlet", Severity.ERROR)])
def test_a_known_outlet_is_an_error_only_where_outlets_are_apart(
    corpus: Corpus, apart: str | None, severity: Severity
) -> None:
    for n, row in enumerate(corpus.rows):
        row["outlet"] = f"Paper {n}"
    corpus.rows[0]["outlet"], corpus.rows[48]["outlet"] = "The Herald", "Herald - Opinion"
    finding = the(corpus.audit(apart=apart), "known_outlet")
    assert finding.severity is severity
    assert finding.articles == ["a48"]
    assert finding.numbers == {"n": 1, "of": 20, "groups": 20, "known_groups": 1}


def test_any_field_can_be_looked_up_on_both_sides(corpus: Corpus) -> None:
    for n, row in enumerate(corpus.rows):
        row["extra"] = json.dumps({"author": f"Writer {n % 50}"})
    finding = the(corpus.audit(Audit(groups=["author"])), "known_author")
    assert finding.numbers["n"] == 10


def test_a_field_that_no_row_has_is_told(corpus: Corpus) -> None:
    findings = corpus.audit(Audit(groups=["outlet", "autor"]))
    assert the(findings, "known_autor").severity is Severity.WARNING
    assert the(findings, "known_outlet").summary == "no coded article has its outlet"


@pytest.mark.parametrize(("by_time", "severity"), [(False, "info"), (True, "error")])
def test_a_test_article_older_than_training_is_an_error_by_time(
    corpus: Corpus, by_time: bool, severity: str
) -> None:
    for n, row in enumerate(corpus.rows):
        row["published"] = "2031-05-01" if n < 40 else "2031-06-01T10:00:00Z"
    corpus.rows[50]["published"] = "2031-04-30"
    finding = the(corpus.audit(by_time=by_time), "dates")
    assert finding.severity == severity
    assert [row["article"] for row in finding.rows] == ["a50"]


def test_what_is_no_date_says_nothing_of_the_order(corpus: Corpus) -> None:
    for n, row in enumerate(corpus.rows):
        row["published"] = ("2031-05-01", "2031-2032", "May 2031", None)[n % 4]
    corpus.rows[40]["published"] = "2031-05-02"
    findings = corpus.audit(by_time=True)
    dates = the(findings, "dates")
    assert (dates.numbers["n"], dates.numbers["of"]) == (4, 5)
    assert "field_year" not in {finding.check for finding in findings}


def test_a_field_that_tells_the_label_is_a_warning_and_the_gold_field_is_not_asked(
    corpus: Corpus,
) -> None:
    for n, row in enumerate(corpus.rows):
        told = row["gold"] if n % 10 else "other"
        row["extra"] = json.dumps({"desk": f"desk of {told}", "label": row["gold"], "n": n})
        row["outlet"] = f"Paper {n % 3}"
    findings = corpus.audit(asked_of=["label"])
    desk = the(findings, "field_desk")
    assert desk.severity is Severity.WARNING
    assert desk.numbers["accuracy"] == pytest.approx(1.0)
    assert desk.numbers["majority_accuracy"] == pytest.approx(0.5)
    assert the(findings, "field_outlet").severity is Severity.INFO
    checks = {finding.check for finding in findings}
    assert not checks & {"field_label", "field_n"}


def test_a_value_that_training_never_met_is_answered_with_the_commonest(corpus: Corpus) -> None:
    for n, row in enumerate(corpus.rows):
        row["outlet"] = f"Paper {n % 2}" if n < 40 else "New"
        row["gold"] = "harvest" if n < 25 or n == 59 else "sea_trade"
    numbers = the(corpus.audit(), "field_outlet").numbers
    assert numbers["accuracy"] == numbers["majority_accuracy"] == pytest.approx(1 / 20)


def test_a_label_whose_name_stands_in_its_texts_is_a_warning(corpus: Corpus) -> None:
    for row in corpus.rows:
        if row["gold"] == "sea_trade":
            row["text"] += " Filed under: Sea trade."
        else:
            row["text"] += " harvesters"  # not the word itself
    finding = the(corpus.audit(), "label_words")
    assert finding.severity is Severity.WARNING
    assert finding.rows == [{"label": "sea_trade", "texts": 20, "precision": 1.0, "recall": 1.0}]


TOLD = Codebook.model_validate(
    {
        "name": "demo",
        "version": "1.0",
        "tasks": {
            "stance": {"asks": "target", "labels": [{"id": "good"}, {"id": "bad"}]},
            "topic": {"asks": "article", "labels": [{"id": "good"}, {"id": "bad"}]},
        },
        "targets": [{"id": "dam", "name": "Dam"}, {"id": "mole", "name": "Mole"}],
    }
)


def audit_targets(named: dict[str, list[bool]]) -> Finding:
    """Audit examples of targets, each with whether its text names it."""
    asked = [(target, is_named) for target in named for is_named in named[target]]
    ids = [f"a{n}" for n in range(len(asked))]
    articles = [{"id": name, "text": text_of(n), "source": "n", "place": n}
                for n, name in enumerate(ids)]  # fmt: skip
    splits = [{"article_id": name, "side": "train", "group": name, "story": name, "reason": "hash"}
              for name in ids]  # fmt: skip
    examples = [
        {
            "example_id": f"{name}|stance|{target}", "article_id": name, "task": "stance",
            "target": target, "gold": ["good"], "coders": 1,
            "mentions": [{"start": 0, "end": 3}] if is_named else [],
        }
        for name, (target, is_named) in zip(ids, asked, strict=True)
    ]  # fmt: skip
    coded = Coded.of(
        pa.Table.from_pylist(articles, schema=records.ARTICLES),
        pa.Table.from_pylist(splits, schema=records.SPLITS),
        pa.Table.from_pylist(examples, schema=records.EXAMPLES),
    )
    return the(audit_run(coded, TOLD, Audit(), Promises(), {}), "unnamed_targets")


@pytest.mark.parametrize(
    ("named", "severity", "rows"),
    [
        ({"dam": [True] * 6}, Severity.INFO, []),
        ({"dam": [True] * 6 + [False]}, Severity.INFO, [("dam", 1, 7)]),
        ({"dam": [False, True]}, Severity.WARNING, [("dam", 1, 2)]),
        ({"dam": [True] * 9, "mole": [False] * 4}, Severity.INFO, [("mole", 4, 4)]),
        (
            {"dam": [True] * 9 + [False], "mole": [False] * 5},
            Severity.WARNING,
            [("mole", 5, 5), ("dam", 1, 10)],
        ),
    ],
)
def test_targets_that_no_text_names_are_told(named, severity, rows) -> None:
    finding = audit_targets(named)
    assert finding.task == "stance"
    assert finding.severity is severity
    assert [tuple(row.values()) for row in finding.rows] == rows
    assert finding.numbers["n"] == sum(unnamed for _, unnamed, _ in rows)


def test_new_words_and_other_shares_of_labels_are_told(corpus: Corpus) -> None:
    for n, row in enumerate(corpus.rows[40:]):
        row["text"] = row["text"].replace("bara", f"novel{n}").replace("cele", "novel")
        row["gold"] = "harvest"
    findings = corpus.audit()
    words = the(findings, "vocabulary")
    assert words.severity is Severity.WARNING
    assert words.numbers["new_words_dev"] == 0
    assert words.rows[0]["word"] == "novel"
    assert words.rows[0]["train"] == 0
    shares = the(findings, "label_shares")
    assert shares.severity is Severity.WARNING
    assert shares.numbers["total_variation"] == pytest.approx(0.5)
    assert shares.rows[0]["test"] == 1.0


def test_shares_that_differ_by_chance_are_no_warning(corpus: Corpus) -> None:
    for row in corpus.rows[44:]:
        row["side"] = None
    for row, gold in zip(corpus.rows[40:44], ("harvest", "harvest", "harvest", "sea_trade")):  # noqa: B905
        row["gold"] = gold
    shares = the(corpus.audit(), "label_shares")
    assert shares.numbers["total_variation"] == pytest.approx(0.25)
    assert shares.severity is Severity.INFO


def test_rows_are_all_counted_and_the_first_are_shown(corpus: Corpus) -> None:
    for n, row in enumerate(corpus.rows):
        row["text"] = text_of(n % 30)
        row["side"] = "train" if n < 30 else "test"
    told = the(corpus.audit(), "copies").as_dict()
    assert (len(told["rows"]), told["n_rows"], len(told["articles"])) == (20, 30, 30)
    json.dumps(told)


def test_whole_copies_are_found_whatever_counts_as_edited(corpus: Corpus) -> None:
    corpus.rows[41]["text"] = corpus.rows[3]["text"] + " and more"
    corpus.rows[42]["text"] = edited(corpus.rows[5]["text"], 0.1, 1)
    findings = corpus.audit(Audit(near_duplicate=0.79))
    assert the(findings, "copies").articles == ["a41"]
    assert the(findings, "edited_copies").articles == []


def test_a_field_with_the_name_of_something_of_ours_is_still_the_rows_own(corpus: Corpus) -> None:
    for n, row in enumerate(corpus.rows):
        row["extra"] = json.dumps({"side": "left" if n % 2 else "right", "year": n % 2})
        row["published"] = "2031-01-01"
    findings = corpus.audit(Audit(groups=["side"]))
    assert the(findings, "known_side").numbers["n"] == 20
    assert the(findings, "field_side").numbers["accuracy"] == 1
    assert "field_year" not in {finding.check for finding in findings}  # that of publication


def test_a_list_that_is_empty_is_no_group(corpus: Corpus) -> None:
    for n, row in enumerate(corpus.rows):
        row["extra"] = json.dumps({"authors": [] if n % 3 else [f"Writer {n}"]})
    finding = the(corpus.audit(Audit(groups=["authors"]), apart="authors"), "known_authors")
    assert (finding.severity, finding.numbers["n"]) == (Severity.INFO, 0)


def test_that_no_label_holds_counts_as_an_answer(corpus: Corpus) -> None:
    for row in corpus.rows[40:55]:
        row["labels"] = []
    shares = the(corpus.audit(), "label_shares")
    assert shares.severity is Severity.WARNING
    assert shares.rows[0] == {"label": "none of them", "test": 0.75, "train": 0.0}


def test_a_row_number_is_no_giveaway_and_one_word_is_no_crash(corpus: Corpus) -> None:
    for n, row in enumerate(corpus.rows):
        row["text"] = "same"
        row["extra"] = json.dumps({"row": n, "tags": {"a": [n]}, "share": n % 2})
    findings = corpus.audit()
    checks = {finding.check for finding in findings}
    assert not checks & {"field_row", "field_tags"}
    assert the(findings, "vocabulary").rows == []
    assert the(findings, "field_share").rows[0]["value"] in ("0", "1")


@pytest.mark.parametrize("gone", ["train", "test"])
def test_a_side_that_is_not_there_is_no_crash(corpus: Corpus, gone: str) -> None:
    for row in corpus.rows:
        if (row["side"] == "test") == (gone == "test"):
            row["side"] = None
    assert worst(corpus.audit()) is not Severity.ERROR


def test_each_test_side_has_findings_of_its_own(corpus: Corpus) -> None:
    for row in corpus.rows[50:]:
        row["side"] = "test_late"
    corpus.rows[55]["text"] = corpus.rows[1]["text"]
    found = {each.side: each for each in corpus.audit() if each.check == "copies"}
    assert [len(found[side].rows) for side in ("test", "test_late")] == [0, 1]

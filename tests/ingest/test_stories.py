import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from pipeline import records
from pipeline.artifacts import RunFolder, read_table
from pipeline.config import Ingest, Keep, Stories
from pipeline.errors import DataError
from pipeline.ingest import StoryTeller, Told
from pipeline.stages.data import ingest

TEXT = " ".join(random.Random(1).choices([f"word{number}" for number in range(900)], k=120))
OTHER = "The council of Brack has a new ferry, and nobody knows what it is for."


def told(*rows: dict[str, Any], keep: Keep = Keep.ALL) -> Told:
    full = [
        {"id": f"a{place}", "text": TEXT, "source": "news.jsonl", "place": place} | row
        for place, row in enumerate(rows)
    ]
    with tempfile.TemporaryFile() as scratch:
        teller = StoryTeller(Stories(keep=keep), scratch)
        teller.add(pa.Table.from_pylist(full, schema=records.ARTICLES))
        return teller.tell()


def dated(*dates: str | None) -> list[dict[str, Any]]:
    return [{"published": date} for date in dates]


@pytest.mark.parametrize(
    ("dates", "earliest"),
    [
        (("2031-05-02", "2031-05-01", "2031-05-03"), 1),
        ((None, "spring", "2031-05-03"), 2),
        ((None, "spring", "03/04/2031"), 0),
        (("2031-05-01", "2031-05-01"), 0),
        (("2031-05-01T08:00:00", "2031-05-01"), 1),
        # 09:30 in the one zone is 07:30 in the other.
        (("2031-05-01T08:00:00+00:00", "2031-05-01T09:30:00+02:00"), 1),
        (("0001-01-01", "9999-12-31"), 0),
    ],
)
def test_earliest_is_what_was_published_first(dates: tuple[str | None, ...], earliest: int) -> None:
    found = told(*dated(*dates), keep=Keep.EARLIEST)
    assert found.earliest.tolist() == [earliest] * len(dates)
    assert np.flatnonzero(found.is_kept).tolist() == [earliest]


def test_all_stay_unless_the_config_says_otherwise() -> None:
    found = told(*dated("2031-05-02", "2031-05-01"), {"text": OTHER})
    assert found.earliest.tolist() == [1, 1, 2]
    assert found.is_kept.all()


def test_of_each_outlet_however_spelt_the_earliest_stays() -> None:
    rows = [
        {"outlet": "The Harbour Post", "published": "2031-05-03"},
        {"outlet": "Harbour Post - Opinion", "published": "2031-05-02"},
        {"outlet": "Weekly Ferry", "published": "2031-05-01"},
        {"outlet": None},
        {"outlet": None},
        {"outlet": "Weekly Ferry", "text": OTHER},
    ]
    found = told(*rows, keep=Keep.ONE_PER_OUTLET)
    assert found.stays.tolist() == [1, 1, 2, 3, 3, 5]
    assert found.earliest.tolist() == [2, 2, 2, 2, 2, 5]
    assert found.reason(0) == "an earlier article of the outlet stays"


def ingested(tmp_path: Path, *rows: dict[str, Any], **section: Any) -> tuple[RunFolder, str]:
    source = tmp_path / "news.jsonl"
    source.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    run = RunFolder(tmp_path / "run")
    read = Ingest.model_validate({"root": tmp_path, "sources": [{"path": "news.jsonl"}], **section})
    return run, ingest(read, run)


ROWS = [
    {"id": "one", "text": TEXT, "outlet": "Harbour Post", "published": "2031-05-02"},
    {"id": "two", "text": OTHER},
    {"id": "three", "text": TEXT.upper() + "!", "outlet": "Ferry", "published": "2031-05-01"},
]


def test_every_article_has_the_id_of_the_earliest_of_its_story(tmp_path: Path) -> None:
    run, said = ingested(tmp_path, *ROWS)
    articles = read_table(run.articles)
    assert articles.schema.equals(records.ARTICLES)
    assert articles["id"].to_pylist() == ["one", "two", "three"]
    assert articles["story"].to_pylist() == ["three", "two", "three"]
    assert run.copies.read_bytes() == b""
    assert said == "3 articles, 0 rejects"
    assert sorted(file.name for file in run.path.iterdir()) == [
        "articles.parquet", "copies.jsonl", "rejects.jsonl",
    ]  # fmt: skip


def test_what_does_not_stay_is_listed_and_is_no_reject(tmp_path: Path) -> None:
    run, said = ingested(tmp_path, *ROWS, stories={"keep": "earliest"}, max_rejects=0)
    assert said == "2 articles, 0 rejects, 1 copy left out"
    assert read_table(run.articles)["id"].to_pylist() == ["two", "three"]
    assert orjson.loads(run.copies.read_bytes()) == {
        "id": "one",
        "source": "news.jsonl",
        "place": 1,
        "story": "three",
        "kept": "three",
        "reason": "the earliest article of the story stays",
    }


def test_without_stories_the_column_is_null(tmp_path: Path) -> None:
    run, _ = ingested(tmp_path, *ROWS, stories=None)
    assert read_table(run.articles)["story"].to_pylist() == [None] * 3
    assert run.copies.read_bytes() == b""


def test_stories_run_across_batches_and_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    rows = [{"id": f"a{n}", "text": f"{OTHER} {n} {n + 1} {n + 2}"} for n in range(4500)]
    rows[4400]["text"] = rows[7]["text"]
    run, _ = ingested(tmp_path, *rows)
    articles = read_table(run.articles)
    assert articles["id"].to_pylist() == [row["id"] for row in rows]
    assert articles["story"][4400].as_py() == articles["story"][7].as_py()
    first = run.articles.read_bytes()
    ingested(tmp_path, *rows)
    assert run.articles.read_bytes() == first


def test_after_an_error_nothing_is_left_of_the_draft(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="max_rejects"):
        ingested(tmp_path, *ROWS, {"id": "no text"}, max_rejects=0)
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["rejects.jsonl"]

import csv
import io
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import PipelineError
from pipeline.predict import open_output, output_format
from pipeline.records import PREDICTIONS

ROWS = [
    {
        "article_id": 'a "quoted", id\nof two lines',
        "task": "stance",
        "target": "حلف البحر",
        "label": "threat",
        "probability": 0.75,
        "probabilities": [("opportunity", 0.25), ("threat", 0.75)],
        "label_set": ["threat", "opportunity"],
        "abstained": False,
        "evidence": [{"start": 3, "end": 9, "text": "dé 🙂; x", "score": 0.5}],
        "model_version": "0123456789ab",
        "codebook_version": "coast@1.0",
        "provenance": {
            "source": "2031/a;b.jsonl", "place": 7, "digest": "ab" * 32,
            "extractor": "trafilatura 2.3.1", "licence": 'CC BY, "as is"',
        },
    },
    {
        "article_id": "b",
        "task": "frames",
        "target": None,
        "label": None,
        "probability": None,
        "probabilities": [("money", 0.125)],
        "label_set": None,
        "abstained": False,
        "evidence": [],
        "model_version": "0123456789ab",
        "codebook_version": "coast@1.0",
        "provenance": None,
    },
]  # fmt: skip
TABLE = pa.Table.from_pylist(ROWS, schema=PREDICTIONS)
AS_JSON = [row | {"probabilities": dict(row["probabilities"])} for row in ROWS]


def write(path, *tables, stdout=None):
    with open_output(str(path), stdout) as writer:
        for table in tables:
            writer.write(table)


def read_json_lines(content):
    return [json.loads(line) for line in content.splitlines()]


def read_csv(path):
    """Read each cell as the table has it: nested columns are JSON, an empty cell is null."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row |= {name: json.loads(row[name]) for name in ("probabilities", "evidence")}
        row["abstained"] = {"true": True, "false": False}[row["abstained"]]
        row["probability"] = float(row["probability"]) if row["probability"] else None
        row |= {
            name: json.loads(row[name]) if row[name] else None
            for name in ("label_set", "provenance")
        }
        row |= {name: row[name] or None for name in ("target", "label")}
    return rows


def test_all_formats_carry_the_same_rows_and_columns(tmp_path):
    for ending in ("parquet", "jsonl", "csv"):
        write(tmp_path / f"p.{ending}", TABLE.slice(0, 1), TABLE.slice(1))
    assert pq.read_table(tmp_path / "p.parquet").schema == PREDICTIONS
    assert pq.read_table(tmp_path / "p.parquet").to_pylist() == ROWS
    lines = read_json_lines((tmp_path / "p.jsonl").read_text())
    assert lines == AS_JSON
    assert [list(line) for line in lines] == [PREDICTIONS.names] * 2
    rows = read_csv(tmp_path / "p.csv")
    assert rows == AS_JSON
    assert [list(row) for row in rows] == [PREDICTIONS.names] * 2


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "csv"])
@pytest.mark.parametrize("tables", [[], [PREDICTIONS.empty_table()]])
def test_no_predictions_give_a_file_without_rows(tmp_path, ending, tables):
    path = tmp_path / f"p.{ending}"
    write(path, *tables)
    if ending == "parquet":
        assert pq.read_table(path).equals(PREDICTIONS.empty_table())
    else:
        assert path.read_text() == ("" if ending == "jsonl" else ",".join(PREDICTIONS.names) + "\n")


def test_a_number_is_written_short_where_people_read_it(tmp_path):
    row = ROWS[0] | {"probability": 0.1, "probabilities": [("threat", 0.1)]}
    write(tmp_path / "p.jsonl", pa.Table.from_pylist([row], schema=PREDICTIONS))
    assert '"probability":0.1,"probabilities":{"threat":0.1}' in (tmp_path / "p.jsonl").read_text()


def test_a_dash_is_json_lines_on_stdout_row_by_row(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    reader, stream = os.pipe()
    with os.fdopen(stream, "wb") as stdout, open_output("-", stdout) as writer:
        writer.write(TABLE.slice(0, 1))
        assert read_json_lines(os.read(reader, 10_000)) == AS_JSON[:1]  # before the block ends
        writer.write(TABLE.slice(1))
    assert read_json_lines(os.read(reader, 10_000)) == AS_JSON[1:]
    os.close(reader)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "csv"])
def test_a_block_that_fails_leaves_no_file_or_the_old_one(tmp_path, ending):
    for name, old in (("new", None), ("old", b"old")):
        path = tmp_path / f"{name}.{ending}"
        if old:
            path.write_bytes(old)
        with pytest.raises(RuntimeError), open_output(str(path), io.BytesIO()) as writer:
            writer.write(TABLE)
            raise RuntimeError
        assert (path.read_bytes() if path.exists() else None) == old
    assert [path.name for path in tmp_path.iterdir()] == [f"old.{ending}"]


@pytest.mark.parametrize("path", ["p", "p.txt", "p.parquet.gz", ".csv", ""])
def test_an_ending_that_names_no_format_is_refused(path):
    with pytest.raises(PipelineError) as error:
        output_format(path)
    assert str(error.value) == (
        f"--output {path}: the ending decides the format; use .parquet, .jsonl, .csv, "
        "or - for JSONL on stdout"
    )


def test_the_case_of_the_ending_does_not_matter(tmp_path):
    write(tmp_path / "P.JSONL", TABLE)
    assert len(read_json_lines((tmp_path / "P.JSONL").read_text())) == 2


def test_a_folder_is_not_overwritten(tmp_path):
    folder = tmp_path / "data.parquet"
    folder.mkdir()
    (folder / "part.parquet").touch()
    with pytest.raises(PipelineError) as error:
        write(folder, TABLE)
    assert str(error.value) == f"--output {folder}: this is a folder; name a file"
    assert (folder / "part.parquet").exists()


def test_missing_folders_are_made(tmp_path):
    write(tmp_path / "new" / "deep" / "p.csv", TABLE)
    assert (tmp_path / "new" / "deep" / "p.csv").is_file()

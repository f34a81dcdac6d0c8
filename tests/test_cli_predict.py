"""`slant predict` as a process: what goes in, what comes out, and what is left when it stops."""

import csv
import gzip
import importlib.util
import io
import json
import signal
import subprocess
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.records import PREDICTIONS

HINT = "; if the file is in another character set, set the source's encoding, or --encoding"

pytestmark = pytest.mark.slow

_spec = importlib.util.spec_from_file_location(
    "small_project", Path(__file__).with_name("small_project.py")
)
small = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(small)

NEWS = "The Salt Pact opens the docks. Captains cheer."


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with a finished run that is recorded in MLflow."""
    folder = tmp_path_factory.mktemp("project")
    small.write_project(folder)
    small.slant("run", "config.yaml", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def model(project):
    return project / "runs" / "small" / "model"


def predict(*words, model, cwd, stdin=b"", status=0):
    return small.slant("predict", *words, "--model", model, cwd=cwd, stdin=stdin, status=status)


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read_lines(content):
    return [json.loads(line) for line in content.splitlines()]


def write_sources(folder):
    """Write a source of each kind; return what to name and each article's text by id."""
    write_lines(folder / "a.jsonl", [{"id": "a1", "title": "Docks", "text": NEWS}])
    line = json.dumps({"id": "b1", "text": "The Salt Pact ruins the farms."}).encode()
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(line + b"\n"))
    pq.write_table(
        pa.table({"id": ["c1"], "text": ["No pact here. Vessels."]}), folder / "c.parquet"
    )
    quoted = 'Captains said: "The Salt Pact\nruins us", twice, in May.'
    with (folder / "d.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows([["id", "text"], ["d1", quoted], ["d2", "Barley, barley."]])
    pages = folder / "pages"
    pages.mkdir()
    body = "".join(
        f"<p>The Salt Pact opens dock {n} to captains and vessels.</p>" for n in range(9)
    )
    (pages / "e.html").write_text(f"<html><body><article>{body}</article></body></html>")
    (pages / "f.txt").write_text("Growers fear the Salt Pact.")
    sources = ["a.jsonl", "b.jsonl.gz", "c.parquet", "d.csv", "pages"]
    return sources, {"a1": NEWS, "d1": quoted, "c1": "No pact here. Vessels."}


def test_sources_of_all_kinds_give_the_same_rows_in_every_format(model, tmp_path):
    sources, texts = write_sources(tmp_path)
    for ending in ("parquet", "jsonl", "csv"):
        done = predict(*sources, "--output", f"out.{ending}", model=model, cwd=tmp_path)
        assert done.stdout == b""
        assert done.stderr.startswith(b"7 articles, 12 predictions, 0 rejects in ")
        assert not (tmp_path / f"out.{ending}.rejects.jsonl").exists()

    table = pq.read_table(tmp_path / "out.parquet")
    assert table.schema.equals(PREDICTIONS)
    lines = read_lines((tmp_path / "out.jsonl").read_bytes())
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        cells = list(csv.DictReader(stream))
    rows = table.to_pylist()
    assert len(rows) == len(lines) == len(cells) == 12
    for row, line, cell in zip(rows, lines, cells, strict=True):
        assert list(line) == list(cell) == PREDICTIONS.names
        for name in ("article_id", "task", "target", "label", "model_version", "codebook_version"):
            assert row[name] == line[name] == (cell[name] or None)
        assert line["probability"] == pytest.approx(row["probability"], abs=1e-6)
        assert line["probabilities"] == pytest.approx(dict(row["probabilities"]), abs=1e-6)
        assert json.loads(cell["probabilities"]) == line["probabilities"]
        assert json.loads(cell["evidence"]) == line["evidence"]
        assert line["codebook_version"] == "harbour@1.0"
        assert len(line["model_version"]) == 12
    ids = list(dict.fromkeys(row["article_id"] for row in rows))
    assert ids[:3] == ["a1", "b1", "c1"]
    asked = {(row["article_id"], row["task"]) for row in rows}
    assert ("c1", "stance") not in asked  # it does not name the target
    assert ("d1", "stance") in asked  # although its name runs over a line's end

    cut = [
        (texts[row["article_id"]][sentence["start"] : sentence["end"]], sentence["text"])
        for row in rows
        if row["article_id"] in texts
        for sentence in row["evidence"]
    ]
    assert cut
    assert all(ours == theirs for ours, theirs in cut)


def test_a_stream_goes_from_stdin_to_stdout(model, tmp_path):
    stdin = b'{"id": "s1", "text": "The Salt Pact ruins the farms."}\n'
    done = predict("-", "--output", "-", model=model, cwd=tmp_path, stdin=stdin)
    rows = read_lines(done.stdout)
    assert [(row["task"], row["target"]) for row in rows] == [
        ("stance", "salt-pact"), ("topic", None)
    ]  # fmt: skip
    assert rows[0]["label"] == "threat"
    assert list(tmp_path.iterdir()) == []


def test_json_tells_what_was_done(model, tmp_path):
    write_lines(tmp_path / "a.jsonl", [{"id": "a1", "text": NEWS}])
    done = predict("a.jsonl", "--output", "o.csv", "--json", model=model, cwd=tmp_path)
    told = json.loads(done.stdout)
    assert told.pop("seconds") >= 0
    labels = told.pop("labels")
    assert {name: list(rows) for name, rows in labels.items()} == {
        "stance": ["opportunity", "threat"], "topic": ["farming", "shipping"]
    }  # fmt: skip
    assert labels["stance"]["opportunity"]["predicted"] == 1
    assert labels["stance"]["threat"]["predicted"] == 0
    assert labels["stance"]["threat"]["tier"] == "C"
    assert told == {
        "articles": 1, "rows": 2, "rejects": 0, "output": "o.csv", "unnamed_targets": [],
    }  # fmt: skip


def test_the_labels_that_were_given_stand_there_with_their_tiers(model, tmp_path):
    rows = [{"id": f"a{n}", "text": f"{NEWS} Dock {n}."} for n in range(2500)]  # two batches
    write_lines(tmp_path / "a.jsonl", rows)
    done = predict("a.jsonl", "--output", "o.csv", model=model, cwd=tmp_path)
    head, *lines = done.stderr.decode().splitlines()[1:]
    assert head.split()[:3] == ["task/label", "tier", "predicted"]
    assert [line.split()[:3] for line in lines] == [
        ["stance/opportunity", "C", "2,500"], ["topic/shipping", "C", "2,500"]
    ]  # fmt: skip
    assert all("support 1 < 10" in line for line in lines)


def test_targets_of_the_command_line_are_asked_about_too(model, tmp_path):
    texts = ["A canal opens. Captains cheer the Big Ditch.", NEWS, "The big ditch ruins farms."]
    rows = [{"id": str(number), "text": text} for number, text in enumerate(texts)]
    write_lines(tmp_path / "a.jsonl", rows)
    words = ["a.jsonl", "--output", "-", "--target", "the canal", "--alias"]
    for alias in ("big ditch", "the canal=big ditch"):
        done = predict(*words, alias, model=model, cwd=tmp_path)
        stances = [row for row in read_lines(done.stdout) if row["task"] == "stance"]
        assert [(row["article_id"], row["target"]) for row in stances] == [
            ("0", "the canal"), ("1", "salt-pact"), ("2", "the canal")
        ]  # fmt: skip
    # A target of the codebook may be named as well, by any of its wordings.
    done = predict(*words[:3], "--target", "the salt pact", model=model, cwd=tmp_path)
    stances = [row for row in read_lines(done.stdout) if row["task"] == "stance"]
    assert [row["target"] for row in stances] == ["salt-pact"]
    assert b"--target" not in done.stderr
    done = predict(*words[:3], "--target", "dragons", model=model, cwd=tmp_path)
    assert b"--target: no article names 'dragons'; name it otherwise by --alias" in done.stderr


def test_rows_that_cannot_be_read_are_told_with_place_and_reason(model, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(
        b'{"id": "a1", "text": "Vessels."}\n{"id": "a2"}\n\n{"id"\n{"id": "a5", "text": "x\xff"}\n'
        b'{"id": "a1", "text": "Vessels again."}\n{"id": "a7", "text": " "}\n'
    )
    done = predict("a.jsonl", "--output", "o.jsonl", model=model, cwd=tmp_path, status=3)
    assert done.stderr.decode().splitlines()[-1] == (
        "rejects with their reasons: o.jsonl.rejects.jsonl"
    )
    assert [row["article_id"] for row in read_lines((tmp_path / "o.jsonl").read_bytes())] == ["a1"]
    rejects = read_lines((tmp_path / "o.jsonl.rejects.jsonl").read_bytes())
    assert [(reject["source"], reject["place"], reject["reason"]) for reject in rejects] == [
        ("a.jsonl", 2, "no 'text'; the row has 'id'"),
        ("a.jsonl", 4, "broken JSON at column 6: unexpected end of data"),
        ("a.jsonl", 5, "bytes that are not UTF-8 (from byte 24 on)" + HINT),
        ("a.jsonl", 6, "the id 'a1' occurred before"),
        ("a.jsonl", 7, "'text' is blank"),
    ]
    write_lines(tmp_path / "a.jsonl", [{"id": "a1", "text": "Vessels."}])
    predict("a.jsonl", "--output", "o.jsonl", model=model, cwd=tmp_path)
    assert not (tmp_path / "o.jsonl.rejects.jsonl").exists()


def test_a_model_of_the_registry_gives_the_rows_of_its_folder(project, model):
    words = ["articles.jsonl", "--output", "-"]
    folder = predict(*words, model=model, cwd=project).stdout
    assert len(folder.splitlines()) == 24
    for uri in ("models:/slant-harbour@champion", "models:/slant-harbour/1"):
        assert predict(*words, model=uri, cwd=project).stdout == folder


def test_emoji_right_to_left_text_and_a_megabyte(model, tmp_path):
    texts = {
        "emoji": "👩‍👩‍👧‍👦🏳️‍🌈 The Salt Pact opens the docks 🚢. Captains cheer 😀! 🚢🚢",
        "only": "😀🚢" * 500,
        "rtl": "ברית המלח: the Salt Pact ruins the farms. هذا سيئ للغاية. Growers fear it.",
        "long": "The Salt Pact ruins the farms, growers say. " * 24_000,
        "no-spaces": "The Salt Pact " + "y" * 1_000_000,
    }
    assert len(texts["long"]) > 1_000_000
    write_lines(tmp_path / "a.jsonl", [{"id": name, "text": text} for name, text in texts.items()])
    predict("a.jsonl", "--output", "o.parquet", model=model, cwd=tmp_path)
    rows = pq.read_table(tmp_path / "o.parquet").to_pylist()
    assert [row["article_id"] for row in rows if row["task"] == "topic"] == list(texts)
    assert {row["article_id"] for row in rows if row["task"] == "stance"} == texts.keys() - {"only"}
    with_evidence = set()
    for row in rows:
        text = texts[row["article_id"]].strip()
        for sentence in row["evidence"]:
            assert text[sentence["start"] : sentence["end"]] == sentence["text"]
            with_evidence.add(row["article_id"])
    assert with_evidence >= {"emoji", "rtl", "long"}


def test_without_evidence_the_column_is_empty(model, tmp_path):
    write_lines(tmp_path / "a.jsonl", [{"id": "a1", "text": NEWS}])
    done = predict("a.jsonl", "--output", "-", "--evidence", "0", model=model, cwd=tmp_path)
    assert [row["evidence"] for row in read_lines(done.stdout)] == [[], []]


def test_many_batches_keep_the_order_of_the_articles(model, tmp_path):
    rows = [{"id": f"m{number}", "text": f"{NEWS} {number}"} for number in range(4500)]
    stdin = "".join(json.dumps(row) + "\n" for row in rows).encode()
    done = predict("-", "--output", "o.parquet", model=model, cwd=tmp_path, stdin=stdin)
    assert done.stderr.startswith(b"4,500 articles, 9,000 predictions, 0 rejects")
    table = pq.read_table(tmp_path / "o.parquet", columns=["article_id", "task"])
    assert table["article_id"].to_pylist()[::2] == [row["id"] for row in rows]
    assert set(table["task"].to_pylist()[::2]) == {"stance"}


@pytest.fixture
def interruptible():
    """Children hear an interrupt, even if a shell started the tests with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("ending", ["parquet", "jsonl", "csv"])
def test_what_is_stopped_half_way_leaves_no_half_file(model, tmp_path, number, ending):
    output = tmp_path / f"out.{ending}"
    output.write_bytes(b"of yesterday")
    with subprocess.Popen(
        small.command("predict", "-", "--model", model, "--output", output),
        cwd=tmp_path, env=small.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        for row in range(2100):  # more than a batch, and no end of the stream
            line = {"id": row, "text": f"{NEWS} {row}"}
            process.stdin.write(json.dumps(line).encode() + b"\n")
        process.stdin.flush()
        _wait_for(lambda: any(path.stat().st_size > 50 for path in tmp_path.glob(".out.*/out.*")))
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert stdout == b""
    assert b"Traceback" not in stderr
    assert output.read_bytes() == b"of yesterday"
    assert list(tmp_path.iterdir()) == [output]


def _wait_for(true, seconds=60):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_reader_that_goes_away_is_no_traceback(model, tmp_path):
    rows = [{"id": number, "text": f"{NEWS} {number}"} for number in range(4000)]
    write_lines(tmp_path / "a.jsonl", rows)
    with subprocess.Popen(
        small.command("predict", "a.jsonl", "--model", model, "--output", "-"),
        cwd=tmp_path, env=small.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert isinstance(process.stdout, io.BufferedReader)
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["article_id"] == "0"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_sets_of_labels_stand_beside_the_answers_where_the_config_asks_for_them(project, tmp_path):
    run = tmp_path / "run"
    asked = "predict.sets={coverage: 0.5}"
    small.slant("evaluate", "config.yaml", "--set", asked, "--run", run, cwd=project)
    least = json.loads((run / "model" / "bundle.json").read_bytes())["set_from"]
    assert set(least) == {"stance", "topic"}
    odd = {"id": "odd", "text": "Snow. The Salt Pact."}
    write_lines(tmp_path / "news.jsonl", [{"id": "n", "text": NEWS}, odd])
    done = predict(tmp_path / "news.jsonl", "--output", "-", model=run / "model", cwd=project)
    rows = read_lines(done.stdout)
    assert {row["task"] for row in rows} >= {"stance", "topic"}
    for row in rows:
        likely = {label: p for label, p in row["probabilities"].items()
                  if p >= round(least[row["task"]][label], 6)}  # fmt: skip
        assert row["label_set"] == sorted(likely, key=lambda label: (-likely[label], label))
    scores = json.loads((run / "metrics.json").read_bytes())
    sets = scores["test"]["topic"]["sets"]
    assert 0 <= sets["coverage"] <= 1
    assert set(sets["labels"]) == set(least["topic"])
    assert "sets" not in scores["dev"]["topic"]  # which they are fitted on
    page = (run / "report.html").read_text()
    assert "Sets of labels" in page
    assert "50\N{NO-BREAK SPACE}% of the sets hold the right" in page


def test_unsure_answers_are_withheld_where_the_config_says_so(project, tmp_path):
    run = tmp_path / "run"
    strict = "predict.abstain={risk: 0.01}"
    small.slant("evaluate", "config.yaml", "--set", strict, "--run", run, cwd=project)
    least = json.loads((run / "model" / "bundle.json").read_bytes())["answer_from"]
    assert set(least) == {"stance", "topic"}
    write_lines(tmp_path / "news.jsonl", [{"id": f"n{n}", "text": NEWS} for n in range(2)] + [
        {"id": "odd", "text": "The Salt Pact. Snow fell in the hills."}])  # fmt: skip
    done = predict(tmp_path / "news.jsonl", "--output", "-", model=run / "model", cwd=project)
    rows = read_lines(done.stdout)
    assert any(row["abstained"] for row in rows)
    for row in rows:
        assert row["abstained"] == (row["probability"] < least[row["task"]])
        assert (row["label"] is None) == row["abstained"]
        assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    scores = json.loads((run / "metrics.json").read_bytes())["test"]["topic"]
    assert scores["abstain"]["answer_from"] == pytest.approx(least["topic"])
    assert "Withheld answers" in (run / "report.html").read_text()

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipeline.bundle import LinearHead, NgramModel, load_bundle, save_bundle
from pipeline.codebook import Codebook
from pipeline.config import NgramFeatures, Track
from pipeline.errors import DataError
from pipeline.features import NgramVectorizer, Parties, about_targets, texts_of, whole_texts
from pipeline.records import ARTICLES, PREDICTIONS
from pipeline.tracking import resolve_bundle, track
from pipeline.tracking.serving import (
    OUTPUTS,
    check_targets,
    frame_to_articles,
    predictions_to_frame,
)


def test_rows_become_articles_named_by_their_numbers():
    frame = pd.DataFrame({"text": ["One.", "Zwei ❤ عربي"], "title": ["T", None]}, index=[7, 7])
    articles, asked = frame_to_articles(frame)
    assert articles.schema == ARTICLES
    assert articles["id"].to_pylist() == ["0", "1"]
    assert articles["text"].to_pylist() == ["One.", "Zwei ❤ عربي"]
    assert articles["title"].to_pylist() == ["T", None]
    assert asked == {}


def test_only_rows_with_a_target_ask_about_one():
    frame = pd.DataFrame(
        {"text": ["a", "b", "c", "d"], "target": ["NATO ", None, " ", float("nan")]}
    )
    assert frame_to_articles(frame)[1] == {0: "NATO"}


def test_no_rows():
    articles, asked = frame_to_articles(pd.DataFrame({"text": []}))
    assert articles.num_rows == 0
    assert articles.schema == ARTICLES
    assert asked == {}


def test_a_missing_text_is_named():
    with pytest.raises(DataError, match=r"no column 'text'; the input has \['body'\]"):
        frame_to_articles(pd.DataFrame({"body": ["a"]}))
    with pytest.raises(DataError, match="row 1: no text"):
        frame_to_articles(pd.DataFrame({"text": ["a", None]}))


def test_predictions_become_plain_columns():
    rows = [
        {
            "article_id": "0",
            "task": "stance",
            "target": "nato",
            "label": "gegen",
            "probability": 0.9,
            "probabilities": [("für", 0.1), ("gegen", 0.9)],
            "label_set": ["gegen", "für"],
            "abstained": False,
            "evidence": [{"start": 0, "end": 4, "text": "Ne❤n", "score": 0.3}],
            "model_version": "m",
            "codebook_version": "1",
            "provenance": {"source": "mlflow", "place": 1, "digest": "ab", "extractor": "mlflow"},
        },
        {
            "article_id": "1",
            "task": "topic",
            "abstained": True,
            "model_version": "m",
            "codebook_version": "1",
        },
    ]
    frame = predictions_to_frame(pa.Table.from_pylist(rows, schema=PREDICTIONS))
    assert list(frame.columns) == list(OUTPUTS) == PREDICTIONS.names
    assert frame["probability"][0] == 0.9  # and not 0.8999999761581421
    assert frame["probabilities"][0] == '{"für": 0.1, "gegen": 0.9}'
    (span,) = json.loads(frame["evidence"][0])
    assert span == {"start": 0, "end": 4, "text": "Ne❤n", "score": 0.3}
    assert json.loads(frame["probabilities"][1]) == {}
    assert frame["label_set"][0] == '["gegen", "für"]'
    assert frame["label_set"].isna().tolist() == [False, True]
    assert frame["abstained"].tolist() == [False, True]
    assert json.loads(frame["provenance"][0])["source"] == "mlflow"


def test_no_predictions():
    frame = predictions_to_frame(PREDICTIONS.empty_table())
    assert list(frame.columns) == list(OUTPUTS)
    assert len(frame) == 0


TEXTS = ["The treaty helps trade.", "The derby was lost late.", "The alliance is a threat."]


@pytest.fixture(scope="module")
def codebook():
    labels = {"topic": ["economy", "sport"], "stance": ["against", "supportive"]}
    asks = {"topic": "article", "stance": "target"}
    return Codebook.model_validate(
        {
            "name": "demo",
            "version": "1.0",
            "tasks": {
                task: {"asks": asks[task], "labels": [{"id": label} for label in names]}
                for task, names in labels.items()
            },
            "targets": [{"id": "alliance", "name": "the alliance"}],
        }
    )


@pytest.fixture(scope="module")
def project(new_project, record_in, codebook):
    """A folder in which a real bundle, with weights by chance, was recorded."""
    folder = new_project()
    bundle = folder / "real"
    save_bundle(bundle, codebook, {name: _model(codebook, name) for name in codebook.tasks}, {})
    track(record_in(folder, bundle=bundle), Track(), folder)
    return folder


def _model(codebook, name):
    texts = texts_of(pa.chunked_array([pa.nulls(3, pa.large_string())]), pa.chunked_array([TEXTS]))
    sees_target = name == "stance"
    asked = (
        about_targets(texts, [0, 2], [[(0, 10)], [(0, 12)]], [()] * 2, [Parties("")] * 2)
        if sees_target
        else whole_texts(np.arange(3))
    )
    section = NgramFeatures(min_count=1, buckets_log2=12)
    vectorizer = NgramVectorizer(section, sees_target=sees_target).fit(texts, asked)
    labels = codebook.tasks[name].label_ids
    weights = np.random.default_rng(0).normal(size=(len(vectorizer.kept_), len(labels)))
    head = LinearHead(labels, weights.astype(np.float32), np.zeros(2, np.float32), 1.0, None)
    return NgramModel(vectorizer, head)


@pytest.mark.slow
def test_the_address_of_a_model_gives_its_bundle(project, codebook):
    bundle = load_bundle(resolve_bundle("models:/slant-news/1", folder=project))
    assert bundle.codebook == codebook


@pytest.mark.slow
def test_mlflow_loads_the_model_where_slant_is_not_installed(project, tmp_path):
    """In another process, from a copy, with the code that the model brings and no pickle."""
    (model,) = (project / "mlartifacts/slant/models").glob("*/artifacts")
    shutil.copytree(model, tmp_path / "model")
    script = textwrap.dedent(
        """
        import sys, warnings
        sys.path = [entry for entry in sys.path if not entry.startswith(sys.argv[1])
                    or "site-packages" in entry]
        warnings.simplefilter("ignore")
        import mlflow.pyfunc, pandas
        model = mlflow.pyfunc.load_model("model")
        import pipeline
        assert pipeline.__file__.startswith(sys.argv[2]), pipeline.__file__
        frame = pandas.DataFrame({
            "title": [None, "Alliance", None],
            "text": ["The alliance is a threat.", "The alliance meets the senate.", "A derby."],
            "target": [None, "the senate", None],
        })
        model.predict(frame).to_json("out.jsonl", orient="records", lines=True)
        assert len(model.predict(frame[["text"]])) == 5
        assert len(model.predict(frame[:0])) == 0
        print(*model.metadata.get_input_schema().input_names())
        """
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", script, root, str(tmp_path)],
        cwd=tmp_path,
        env=os.environ
        | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["text", "title", "target"]
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(row["article_id"], row["task"], row["target"]) for row in rows] == [
        ("0", "stance", "alliance"),
        ("0", "topic", None),
        ("1", "stance", "the senate"),
        ("1", "topic", None),
        ("2", "topic", None),
    ]
    assert sum(json.loads(rows[0]["probabilities"]).values()) == pytest.approx(1)
    assert {row["codebook_version"] for row in rows} == {"demo@1.0"}
    (evidence,) = json.loads(rows[0]["evidence"])
    assert evidence["text"] == "The alliance is a threat."


def test_a_target_without_a_task_for_it_is_refused(codebook):
    topic_only = codebook.model_copy(update={"tasks": {"topic": codebook.tasks["topic"]}})
    with pytest.raises(DataError, match=r"row 3: target 'NATO', but codebook demo@1\.0 has"):
        check_targets(topic_only, {3: "NATO"})
    check_targets(topic_only, {})
    check_targets(codebook, {3: "NATO"})

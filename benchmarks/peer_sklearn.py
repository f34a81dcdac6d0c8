"""What a user would write without Slant: TfidfVectorizer and LogisticRegression, JSONL to Parquet.

python -m benchmarks.peer_sklearn train MODEL TRAIN.jsonl [DEV.jsonl …]
python -m benchmarks.peer_sklearn predict MODEL ARTICLES.jsonl OUT.parquet
"""

import json
import sys
from pathlib import Path

import joblib
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

BATCH = 2000


def text_of(row):
    return f"{row.get('title') or ''}\n\n{row['text']}"


def train(model_file, *files):
    rows = []
    for file in files:
        with Path(file).open(encoding="utf-8") as lines:
            rows.extend(map(json.loads, lines))
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        LogisticRegression(C=10, class_weight="balanced", max_iter=1000),
    )
    model.fit([text_of(row) for row in rows], [row["label"] for row in rows])
    joblib.dump(model, model_file)


def predict(model_file, source, output):
    model = joblib.load(model_file)
    labels = [str(label) for label in model.classes_]
    schema = pa.schema(
        [("article_id", pa.string()), ("label", pa.string())]
        + [(label, pa.float32()) for label in labels]
    )
    with Path(source).open(encoding="utf-8") as lines, pq.ParquetWriter(output, schema) as writer:
        while rows := [json.loads(line) for _, line in zip(range(BATCH), lines, strict=False)]:
            probabilities = model.predict_proba([text_of(row) for row in rows])
            best = probabilities.argmax(axis=1)
            columns = [[str(row["id"]) for row in rows], [labels[index] for index in best]]
            columns += list(probabilities.T.astype("float32"))
            writer.write_table(pa.table(columns, schema=schema))


if __name__ == "__main__":
    {"train": train, "predict": predict}[sys.argv[1]](*sys.argv[2:])

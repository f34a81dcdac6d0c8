"""How often the label is right whose description an untrained encoder finds nearest to a text.

python -m benchmarks.nearness --root FOLDER --set gvfc --texts 900

A sample of the set's train side, two windows of 128 tokens a text; `plain` compares the
similarities as they are, the others in standard deviations from each label's mean.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline import codebook as codebooks
from pipeline.config import ZeroShot
from pipeline.records import ARTICLES, EXAMPLES
from pipeline.votes.questions import questions_of
from pipeline.votes.zero_shot import nearest, similarities

CODEBOOKS = Path(__file__).parent.parent / "configs" / "codebooks"
MARGIN = 1.0


def sample(name, root, texts):
    """Return the questions about so many articles of the train side, and their labels' places."""
    codebook = codebooks.load(CODEBOOKS / f"{name}.yaml")
    lines = (root / name / "train.jsonl").read_text().splitlines()
    drawn = np.sort(np.random.default_rng(0).choice(len(lines), texts, replace=False))
    rows = [json.loads(lines[row]) for row in drawn]
    ((task, asked),) = codebook.tasks.items()
    articles = [
        {"id": row["id"], "title": row.get("title"), "text": row["text"], "source": name,
         "place": place} for place, row in enumerate(rows)
    ]  # fmt: skip
    examples = [
        {"example_id": row["id"], "article_id": row["id"], "task": task, "coders": 0}
        for row in rows
    ]
    (questions,) = questions_of(
        pa.Table.from_pylist(articles, schema=ARTICLES),
        pa.Table.from_pylist(examples, schema=EXAMPLES),
        codebook,
    )
    return questions, np.array([asked.label_ids.index(row["label"]) for row in rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--root", type=Path, required=True, help="folder of the sets' folders")
    parser.add_argument("--set", dest="sets", action="append", required=True)
    parser.add_argument("--texts", type=int, default=900)
    words = parser.parse_args()
    for name in words.sets:
        questions, right = sample(name, words.root, words.texts)
        near = similarities(questions, ZeroShot(windows=2, cache=None))
        found = nearest(near, False, np.ones(len(near), bool))
        clear = found.margins >= MARGIN
        row = {
            "set": name,
            "texts": len(near),
            "plain": round(float((near.argmax(axis=1) == right).mean()), 3),
            "in_deviations": round(float((found.labels == right).mean()), 3),
            "at_margin": round(float((found.labels == right)[clear].mean()), 3),
            "of_texts": round(float(clear.mean()), 3),
        }
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()

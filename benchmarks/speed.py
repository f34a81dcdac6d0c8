"""Speed and memory of `slant predict`, JSONL to Parquet, beside scikit-learn in the same run.

    python -m benchmarks.speed                          on articles made from the embedded corpus
    python -m benchmarks.speed --root FOLDER            on FOLDER/{train,dev,test}.jsonl
    python -m benchmarks.speed --articles 200000 --repeat 1 --no-peer

Both sides are commands of their own that start, load their model, read JSONL and write Parquet;
they take turns. Each line of the result goes to runs/speed/results.jsonl as it comes.
"""

import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path("runs/speed")
CODEBOOK = HERE / "codebook.yaml"


def made_articles(count, seed):
    """Make articles of 40 sentences from those of one topic in the embedded corpus."""
    with Path("data/annotations.csv").open(encoding="utf-8", newline="") as lines:
        topics = {
            row["article_id"]: row["label"]
            for row in csv.DictReader(lines)
            if row["task"] == "topic" and row["coder"] == "c1"
        }
    sentences = {}
    for row in read_rows("data/articles.jsonl"):
        own = row["text"].replace("\n\n", " ").split(". ")
        sentences.setdefault(topics[row["id"]], []).extend(own)
    everything = [sentence for group in sentences.values() for sentence in group]
    dice = random.Random(seed)
    for number in range(count):
        label = dice.choice(sorted(sentences))
        own = dice.choices(sentences[label], k=8) + dice.choices(everything, k=32)
        dice.shuffle(own)
        yield {"id": f"{seed}-{number}", "title": own[0], "text": ". ".join(own), "label": label}


def write_rows(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_rows(path):
    with Path(path).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def repeated(path, count):
    """Repeat the rows of a file, with new ids, until there are `count`."""
    written = 0
    round_number = 0
    while written < count:
        for row in read_rows(path):
            if written == count:
                return
            yield {**row, "id": f"{row['id']}#{round_number}"}
            written += 1
        round_number += 1


def prepare(root, articles):
    """Return the folder with train, dev and test, and the file to predict."""
    if root is None:
        root = HERE / "made"
        for side, count, seed in (("train", 2000, 1), ("dev", 400, 2), ("test", 400, 3)):
            write_rows(root / f"{side}.jsonl", made_articles(count, seed))
    target = HERE / f"articles-{articles}.jsonl"
    write_rows(target, repeated(root / "test.jsonl", articles))
    labels = sorted({row["label"] for row in read_rows(root / "train.jsonl")})
    CODEBOOK.write_text(
        json.dumps({
            "name": "speed", "version": "1",
            "tasks": {"topic": {"asks": "article", "labels": [{"id": label} for label in labels]}},
        }),
        encoding="utf-8",
    )  # fmt: skip
    return root, target


def train_slant(root):
    config = HERE / "config.yaml"
    config.write_text(
        json.dumps({
            "name": "speed", "codebook": str(CODEBOOK),
            "ingest": {"root": str(root), "sources": [
                {"path": f"{side}.jsonl", "split": side} for side in ("train", "dev", "test")]},
            "label": {"inline": {"topic": {"label": "label"}}},
            "split": {"by": "given"},
            "train": {"loss": "squared_hinge", "C": [0.1, 0.3, 1.0]},
            "track": {"enabled": False},
        }),
        encoding="utf-8",
    )  # fmt: skip
    command("-m", "pipeline.cli", "train", str(config), "--run", str(HERE / "run"))
    return HERE / "run" / "model"


def command(*words):
    """Run Python on `words`; return its wall seconds, CPU seconds, and peak memory in MB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    noise = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(words)} failed:\n{noise.decode()}")
    megabytes = usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, megabytes


def macro_f1(predictions, gold_rows):
    """Return the macro-F1 of a Parquet file of predictions, and how many articles it has."""
    import pyarrow.parquet as pq
    from sklearn.metrics import f1_score

    table = pq.read_table(predictions, columns=["article_id", "label"]).to_pydict()
    said = dict(zip(table["article_id"], table["label"], strict=True))
    gold = {str(row["id"]): row["label"] for row in gold_rows}
    assert said.keys() == gold.keys(), "an article is missing in the output"
    return f1_score(list(gold.values()), [said[key] for key in gold], average="macro")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path)
    parser.add_argument("--articles", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    HERE.mkdir(parents=True, exist_ok=True)
    root, articles = prepare(options.root, options.articles)
    model = train_slant(root)
    runs = {"slant": ["-m", "pipeline.cli", "predict", str(articles), "--model", str(model),
                      "--output", str(HERE / "slant.parquet")]}  # fmt: skip
    if not options.no_peer:
        peer = str(HERE / "peer.joblib")
        train_and_dev = [str(root / "train.jsonl"), str(root / "dev.jsonl")]
        command("-m", "benchmarks.peer_sklearn", "train", peer, *train_and_dev)
        runs["scikit-learn"] = ["-m", "benchmarks.peer_sklearn", "predict", peer, str(articles),
                                str(HERE / "scikit-learn.parquet")]  # fmt: skip
    for words in runs.values():  # a first time that does not count: compiled code, warm files
        command(*[str(root / "test.jsonl") if word == str(articles) else word for word in words])
    megabytes = articles.stat().st_size / 1e6
    print(f"{options.articles:,} articles, {megabytes:,.0f} MB, {os.cpu_count()} cores")
    walls = {name: [] for name in runs}
    for turn in range(options.repeat):
        for name, words in runs.items():
            wall, cpu, memory = command(*words)
            walls[name].append(wall)
            row = {"who": name, "turn": turn, "articles": options.articles, "root": str(root),
                   "seconds": round(wall, 2), "cpu_seconds": round(cpu, 2),
                   "articles_per_second": round(options.articles / wall),
                   "megabytes_per_second": round(megabytes / wall, 1),
                   "peak_megabytes": round(memory)}  # fmt: skip
            with (HERE / "results.jsonl").open("a") as results:
                results.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)
    for name in runs:
        score = macro_f1(HERE / f"{name}.parquet", read_rows(articles))
        print(f"{name}: median {statistics.median(walls[name]):.1f} s, macro-F1 {score:.4f}")
    if "scikit-learn" in runs:
        ratio = statistics.median(
            peer / own for own, peer in zip(walls["slant"], walls["scikit-learn"], strict=True)
        )
        print(f"slant is {ratio:.1f} times as fast (median of {options.repeat} turns)")


if __name__ == "__main__":
    main()

"""What ingest sets apart, and what setting apart, masking and language detection cost.

    python -m benchmarks.preparation lines --root FOLDER --sets bbc_news allsides_topic
    python -m benchmarks.preparation speed --articles 20000 --rounds 5
    python -m benchmarks.preparation provenance --model runs/default/model

`lines` counts the pieces by rule in the bodies of FOLDER/<set>/*.jsonl and writes a sample of them
to runs/preparation/sample.tsv, for a reader to judge. `speed` ingests articles made from the
embedded corpus, in paragraphs of three sentences, and gives CPU time: settings take turns, and the
least of the rounds counts. `provenance` predicts such articles with digests and the column
`provenance`, and with neither.
"""

import argparse
import csv
import io
import random
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa

from benchmarks.speed import made_articles, read_rows, write_rows
from pipeline import config, ingest
from pipeline.bundle import load_bundle
from pipeline.ingest import rows
from pipeline.predict import examples
from pipeline.records import PROVENANCE
from pipeline.stages.predictions import predict_sources

HERE = Path("runs/preparation")

SETTINGS = {
    "as it is": {},
    "boilerplate: all": {"boilerplate": {"texts": "all"}},
    "mask: all four": {"mask": ["email", "phone", "url", "handle"]},
    "detect_language": {"detect_language": True},
}


def section(path, settings):
    return config.Ingest.model_validate({"sources": [{"path": str(path)}], **settings})


def lines(arguments):
    pieces = []
    for name in arguments.sets:
        counts, articles, total = Counter(), 0, 0
        for path in sorted((arguments.root / name).glob("*.jsonl")):
            asked = section(path, SETTINGS["boilerplate: all"])
            for batch in ingest.read_sources(asked, keep_extra=False):
                articles += len(batch.articles)
                for row in batch.articles.select(["id", "text", "set_apart"]).to_pylist():
                    found = [(each["rule"], each["text"].strip()) for each in row["set_apart"]]
                    counts.update(rule for rule, _ in found)
                    total += sum(map(bool, row["text"].split("\n"))) + len(found)
                    pieces += [(name, row["id"], *each) for each in found]
        told = ", ".join(f"{rule} {count:,}" for rule, count in counts.most_common())
        print(
            f"{name}: {articles:,} articles, {total:,} lines, {counts.total():,} set apart: {told}"
        )
    random.Random(arguments.seed).shuffle(pieces)
    # Of equal lines one, and no rule more often than it must be: a sample of what differs.
    seen, by_rule, sample = set(), Counter(), []
    for piece in pieces:
        if piece[2:] not in seen and by_rule[piece[2]] < arguments.sample / 8:
            seen.add(piece[2:])
            by_rule[piece[2]] += 1
            sample.append(piece)
    HERE.mkdir(parents=True, exist_ok=True)
    with (HERE / "sample.tsv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t")
        writer.writerow(["set", "article", "rule", "text"])
        writer.writerows(sample[: arguments.sample])


def in_paragraphs(articles):
    for row in articles:
        sentences = row["text"].split(". ")
        parts = [". ".join(sentences[at : at + 3]) for at in range(0, len(sentences), 3)]
        yield row | {"text": ".\n\n".join(parts)}


def speed(arguments):
    path = HERE / f"articles-{arguments.articles}.jsonl"
    write_rows(path, in_paragraphs(made_articles(arguments.articles, 7)))
    first = HERE / "first.jsonl"
    write_rows(first, [row for row, _ in zip(read_rows(path), range(50), strict=False)])
    best = dict.fromkeys(SETTINGS, float("inf"))
    for settings in SETTINGS.values():  # compiles, and loads the model
        list(ingest.read_sources(section(first, settings)))
    for _ in range(arguments.rounds):
        for name, settings in SETTINGS.items():
            started = time.process_time()
            for _ in ingest.read_sources(section(path, settings)):
                pass
            best[name] = min(best[name], time.process_time() - started)
    for name, seconds in best.items():
        each = seconds / arguments.articles
        print(f"{name}: {each * 1e6:,.0f} µs an article, {seconds / best['as it is']:.2f} times")


def provenance(arguments):
    bundle = load_bundle(arguments.model)
    path = HERE / f"articles-{arguments.articles}.jsonl"
    write_rows(path, in_paragraphs(made_articles(arguments.articles, 7)))
    kept = rows.content_digest, examples.provenance_of
    left_out = (lambda *_: "", lambda articles: pa.nulls(len(articles), PROVENANCE))
    best, size = {}, {}
    for round_number in range(arguments.rounds + 1):  # the first one compiles
        for name, functions in (("with", kept), ("without", left_out)):
            rows.content_digest, examples.provenance_of = functions
            for ending in ("jsonl", "parquet"):
                output = HERE / f"{name}.{ending}"
                started = time.process_time()
                predict_sources(
                    bundle, [config.FileSource(path=str(path))], str(output), [], 2,
                    stdin=io.BytesIO(), stdout=io.BytesIO(), progress=lambda _: None,
                )  # fmt: skip
                seconds = time.process_time() - started
                if round_number:
                    best[ending, name] = min(best.get((ending, name), seconds), seconds)
                size[ending, name] = output.stat().st_size / arguments.articles
    for (ending, name), seconds in sorted(best.items()):
        speed_of = arguments.articles / seconds
        print(
            f"{ending} {name} provenance: {speed_of:,.0f} articles a CPU-second, "
            f"{size[ending, name]:,.0f} bytes an article"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("lines")
    one.add_argument("--root", type=Path, required=True)
    one.add_argument("--sets", nargs="+", required=True)
    one.add_argument("--sample", type=int, default=100)
    one.add_argument("--seed", type=int, default=0)
    one.set_defaults(run=lines)
    two = commands.add_parser("speed")
    two.add_argument("--articles", type=int, default=20_000)
    two.add_argument("--rounds", type=int, default=5)
    two.set_defaults(run=speed)
    three = commands.add_parser("provenance")
    three.add_argument("--model", type=Path, required=True)
    three.add_argument("--articles", type=int, default=20_000)
    three.add_argument("--rounds", type=int, default=5)
    three.set_defaults(run=provenance)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()

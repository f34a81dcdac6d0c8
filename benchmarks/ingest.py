"""Speed and memory of `slant ingest`, beside what reads the same files otherwise.

    python -m benchmarks.ingest                                  JSONL and HTML, 10,000 articles
    python -m benchmarks.ingest --articles 100000 --formats jsonl
    python -m benchmarks.ingest --articles 1000000 --formats jsonl --no-peers

Articles of some 200 words are made by `made_news.Fragments`; every fifth is a copy of one before
it, edited in three cases of four. HTML pages have navigation, captions, scripts and a footer around
the text. Every line is a command of its own that starts, reads and writes Parquet (the peers:
pandas and `datasets` for JSONL; trafilatura alone for HTML, which writes nothing). They take turns,
after each has run on ten articles, first to compile and then as often as is asked for: the median
of what that took is its start, and is left out of the rates. Seconds of the processor are those of
all processes together, memory is that of the largest one. Results go to
runs/ingest-speed/results.jsonl as they come.
"""

import argparse
import html
import json
import os
import shutil
import statistics
import sys
from pathlib import Path

from benchmarks.made_news import Fragments
from benchmarks.speed import command

HERE = Path("runs/ingest-speed")
RECENT = 1000  # a copy is of one of so many articles before it
PEERS = {
    "pandas": """
import sys, pandas, pyarrow, pyarrow.parquet
writer = None
for part in pandas.read_json(sys.argv[1], lines=True, chunksize=2000, dtype=False):
    table = pyarrow.Table.from_pandas(part, preserve_index=False)
    writer = writer or pyarrow.parquet.ParquetWriter(sys.argv[2], table.schema, compression="zstd")
    writer.write_table(table.cast(writer.schema))
writer.close()
""",
    "datasets": """
import sys, tempfile, datasets
with tempfile.TemporaryDirectory() as cache:
    rows = datasets.load_dataset("json", data_files=sys.argv[1], split="train", cache_dir=cache)
    rows.to_parquet(sys.argv[2])
""",
    "trafilatura": """
import sys, pathlib, trafilatura
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.html")):
    trafilatura.bare_extraction(path.read_bytes(), include_comments=False, with_metadata=True)
""",
}
PEERS_OF = {"jsonl": ("pandas", "datasets"), "html": ("trafilatura",)}
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} | Post</title>
<meta property="og:site_name" content="The {outlet} Post">
<meta property="og:title" content="{title}">
<meta property="article:published_time" content="{published}"><style>{style}</style>
<script>{script}</script></head>
<body><header><a href="/">The {outlet} Post</a><nav><ul>{links}</ul></nav></header>
<main><article><h1>{title}</h1><p class="byline">By our desk</p>
<figure><img src="/a.jpg" alt=""><figcaption>{caption}</figcaption></figure>{text}
<div class="share"><a href="#">Share</a><a href="#">Print</a></div></article>
<aside><h2>Most read</h2><ul>{links}</ul></aside></main><footer><p>All rights reserved.</p>
<ul>{links}</ul></footer><script>{script}</script></body></html>
"""


def articles(count, seed=1):
    """Make articles; every fifth is a copy."""
    made = Fragments(seed)
    recent = []
    for number in range(count):
        if number % 5 == 4:
            text = made.edited(made.draw.choice(recent))
        else:
            text = made.text()
            recent.append(text)
            del recent[:-RECENT]
        day = f"20{30 + number % 9}-{1 + number % 12:02}-{1 + number % 28:02}"
        yield {"id": f"m{number}", "title": text[:60], "text": text, "published": day,
               "outlet": made.pieces[number % 200].split()[0].capitalize()}  # fmt: skip


def page(row):
    """Put an article into a page, six sentences to a paragraph."""
    sentences = html.escape(row["text"]).split(". ")
    paragraphs = "".join(
        f"<p>{'. '.join(sentences[at : at + 6])}.</p>" for at in range(0, len(sentences), 6)
    )
    links = "".join(f'<li><a href="/s/{n}">Section {n} of the day</a></li>' for n in range(30))
    script = (
        "window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)};" * 20
    )
    return PAGE.format(
        title=html.escape(row["title"]), outlet=row["outlet"], published=row["published"],
        text=paragraphs, links=links, script=script, style=".a{color:#111;margin:0}" * 60,
        caption="The place in a picture of the archive. Photo: Post",
    )  # fmt: skip


def written(form, count):
    """Write the articles, where they are not there yet; return the file or folder."""
    path = HERE / (f"{count}.jsonl" if form == "jsonl" else f"{count}-pages")
    if path.exists():
        return path
    HERE.mkdir(parents=True, exist_ok=True)
    if form == "jsonl":
        with path.open("w", encoding="utf-8") as stream:
            for row in articles(count):
                stream.write(json.dumps(row) + "\n")
        return path
    for number, row in enumerate(articles(count)):
        file = path / f"{number // 1000:04}" / f"{number:07}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page(row), encoding="utf-8")
    return path


def config_for(path):
    (HERE / "codebook.yaml").write_text(json.dumps({
        "name": "speed", "version": "1",
        "tasks": {"topic": {"asks": "article", "labels": [{"id": "a"}, {"id": "b"}]}},
    }), encoding="utf-8")  # fmt: skip
    config = HERE / "config.yaml"
    config.write_text(json.dumps({
        "name": "speed", "codebook": str(HERE / "codebook.yaml"),
        "ingest": {"root": str(HERE), "sources": [{"path": path.name}]},
    }), encoding="utf-8")  # fmt: skip
    return config


def commands(form, path, options):
    """Return the commands to measure, by name."""
    config = config_for(path)
    found = {}
    for setting in options.set:
        words = ["-m", "pipeline.cli", "ingest", str(config),
                 "--run", str(HERE / "run")]  # fmt: skip
        for each in setting.split(","):
            words += ["--set", f"ingest.{each}"] * bool(each)
        found[f"slant {setting}".strip()] = words
    if not options.no_peers:
        for name in PEERS_OF[form]:
            found[name] = ["-c", PEERS[name], str(path), str(HERE / f"{name}.parquet")]
    return found


def run(words):
    shutil.rmtree(HERE / "run", ignore_errors=True)
    return command(*words)


def measure(form, count, options):
    few, path = written(form, 10), written(form, count)
    starts = {}
    for name, words in commands(form, few, options).items():
        run(words)  # compiles, where nothing was kept compiled
        taken = [run(words)[:2] for _ in range(options.repeat)]
        starts[name] = [statistics.median(column) for column in zip(*taken, strict=True)]
    found = commands(form, path, options)
    rows = {name: [] for name in found}
    for turn in range(options.repeat):
        for name, words in found.items():
            wall, processor, memory = run(words)
            row = {"who": name, "format": form, "articles": count, "turn": turn,
                   "seconds": round(wall, 2), "cpu_seconds": round(processor, 2),
                   "start_seconds": round(starts[name][0], 2),
                   "start_cpu_seconds": round(starts[name][1], 2),
                   "peak_megabytes": round(memory),
                   "load": round(os.getloadavg()[0], 1)}  # fmt: skip
            with (HERE / "results.jsonl").open("a") as results:
                results.write(json.dumps(row) + "\n")
            print(json.dumps(row), file=sys.stderr, flush=True)
            net = (
                each - start for each, start in zip((wall, processor), starts[name], strict=True)
            )
            rows[name].append((*(max(each, 0.001) for each in net), memory))
    first = next(iter(rows))
    for name, runs in rows.items():
        wall, processor, memory = (statistics.median(column) for column in zip(*runs, strict=True))
        ratio = statistics.median(
            other[1] / own[1] for own, other in zip(rows[first], runs, strict=True)
        )
        print(f"| {form} | {count:,} | {name} | {starts[name][1]:.1f} | {count / wall:,.0f} | "
              f"{count / processor:,.0f} | {memory:,.0f} | {ratio:.2f} |", flush=True)  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--articles", type=int, nargs="+", default=[10_000])
    parser.add_argument("--formats", nargs="+", choices=PEERS_OF, default=list(PEERS_OF))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--set", action="append", metavar="KEY=VALUE,…",
                        help="keys below ingest for one more line (default: as the config has it, "
                        "and stories=null)")  # fmt: skip
    options = parser.parse_args()
    options.set = options.set or ["", "stories=null"]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    print("| format | articles | what | start, s of processor | articles/s | articles/s of "
          "processor | peak MB | processor time to the first's |\n"
          "|---|---|---|---|---|---|---|---|")  # fmt: skip
    for form in options.formats:
        for count in options.articles:
            measure(form, count, options)


if __name__ == "__main__":
    main()

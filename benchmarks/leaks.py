"""How many planted copies the audit finds, and how many it finds that nobody planted.

slant audit CONFIG --run FOLDER
python -m benchmarks.leaks FOLDER

Test articles are replaced by copies of training articles, each edited in one of five ways; 1, 5 and
20 % of the test side. What the audit had found before anything was planted is left out, so that all
else it finds is false.
"""

import argparse
import random
import re
from collections import Counter
from pathlib import Path

import pyarrow as pa

from pipeline.artifacts import RunFolder, read_table
from pipeline.audit.coded import Coded
from pipeline.audit.copies import copies
from pipeline.config import Audit

SHARES = (0.01, 0.05, 0.2)
FOOTER = (
    " This text appeared first with our partners. Sign up for the morning letter of the desk, and"
    " write to the editors with what you know. All rights reserved."
)


def replaced(share):
    def edit(text, draw):
        words = text.split()
        for at in draw.sample(range(len(words)), round(share * len(words))):
            words[at] = "".join(draw.choices("abcdefghij", k=6))
        return " ".join(words)

    return edit


def shortened(text, _):
    words = text.split()
    return " ".join(words[: max(5, len(words) * 6 // 10)])


def turned(text, draw):
    sentences = re.split(r"(?<=[.!?])\s+", text)
    draw.shuffle(sentences)
    return " ".join(sentences)


EDITS = {
    "5 % of the words replaced": replaced(0.05),
    "10 % of the words replaced": replaced(0.1),
    "cut to 60 %": shortened,
    "sentences in another order": turned,
    "another outlet's footer": lambda text, _: text + FOOTER,
}


def found(articles, splits, examples, threshold):
    coded = Coded.of(articles, splits, examples)
    return {article for finding in copies(coded, threshold) for article in finding.articles}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--threshold", type=float, default=Audit().near_duplicate)
    arguments = parser.parse_args()
    run = RunFolder(arguments.run)
    articles, splits = read_table(run.articles), read_table(run.splits)
    examples = read_table(run.examples)
    known = found(articles, splits, examples, arguments.threshold)
    coded = Coded.of(articles, splits, examples)
    sides = dict(zip(coded.ids, coded.sides, strict=True))
    ids, texts = articles["id"].to_pylist(), articles["text"].to_pylist()
    tested = [at for at, each in enumerate(ids) if sides.get(each) == "test" and each not in known]
    learnt = [at for at, each in enumerate(ids) if sides.get(each) == "train"]
    print("| planted | edit | n | found | false |")
    print("|---|---|---|---|---|")
    for share in SHARES:
        draw = random.Random(round(1000 * share))
        planted = draw.sample(tested, round(share * len(tested)))
        edit_of = {at: list(EDITS)[n % len(EDITS)] for n, at in enumerate(planted)}
        spoilt = list(texts)
        for at, edit in edit_of.items():
            spoilt[at] = EDITS[edit](texts[draw.choice(learnt)], draw)
        place = articles.schema.get_field_index("text")
        changed = articles.set_column(place, "text", pa.array(spoilt, pa.large_string()))
        caught = found(changed, splits, examples, arguments.threshold)
        false = caught - known - {ids[at] for at in planted}
        counts = Counter(edit_of.values())
        for edit in EDITS:
            hits = sum(ids[at] in caught for at, each in edit_of.items() if each == edit)
            print(f"| {100 * share:g} % | {edit} | {counts[edit]} | {hits} | |")
        hits = sum(ids[at] in caught for at in planted)
        print(f"| {100 * share:g} % | all | {len(planted)} | {hits} | {len(false)} |", flush=True)


if __name__ == "__main__":
    main()

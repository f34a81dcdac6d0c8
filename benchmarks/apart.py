"""Copy a set without the training articles in which another set is tested, to learn from it there.

python -m benchmarks.apart seesaw --from newsmtsc --root FOLDER --to FOLDER

An article is all rows with the same title, of all files of the set. It is left out of the files
that train where it and a text of the other set's dev or test sides have half of their sequences of
eight words in common, of the one that has fewer: a sentence of an article, or an article of which
there is a sentence. The other files are copied as they are.
"""

import argparse
import json
import re
import shutil
from collections import defaultdict
from pathlib import Path

from pipeline.artifacts import replacing

WORDS = 8
SHARE = 0.5


def sequences(text):
    """Return the sequences of eight words of a text, in lower case and without punctuation."""
    words = re.findall(r"\w+", text.casefold())
    return {" ".join(words[at : at + WORDS]) for at in range(max(1, len(words) - WORDS + 1))}


def rows_of(file):
    with file.open() as lines:
        return [json.loads(line) for line in lines]


def trains(file):
    return file.name.endswith("train.jsonl")


def article_of(row):
    return row.get("title") or row["id"]


def holding(files, tested):
    """Return the articles of `files` that hold one of the texts, or are held by it."""
    articles = defaultdict(set)
    for row in (row for file in files for row in rows_of(file)):
        articles[article_of(row)] |= sequences(row["text"])
    wanted = [sequences(text) for text in tested]
    return {
        name
        for name, inside in articles.items()
        if any(len(each & inside) >= SHARE * min(len(each), len(inside)) for each in wanted)
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", help="folder of the set to copy, below the root")
    parser.add_argument("--from", dest="other", required=True, help="folder of the other set")
    parser.add_argument("--root", type=Path, required=True, help="folder of both sets")
    parser.add_argument("--to", type=Path, required=True, help="folder to write to")
    arguments = parser.parse_args()
    files = sorted((arguments.root / arguments.set).glob("*.jsonl"))
    others = sorted((arguments.root / arguments.other).glob("*.jsonl"))
    tested = {row["text"] for file in others if not trains(file) for row in rows_of(file)}
    left_out = holding(files, tested)
    arguments.to.mkdir(parents=True, exist_ok=True)
    for file in files:
        if not trains(file):
            shutil.copyfile(file, arguments.to / file.name)
            continue
        rows = rows_of(file)
        kept = [row for row in rows if article_of(row) not in left_out]
        with replacing(arguments.to / file.name) as part:
            part.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept))
        print(
            f"{file.name}: {len(rows) - len(kept):,} of {len(rows):,} rows are of "
            f"articles that hold texts of dev or test of {arguments.other}"
        )


if __name__ == "__main__":
    main()

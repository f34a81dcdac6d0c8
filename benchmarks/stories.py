"""How many copies ingest puts into one story, by kind of edit, and how many others with them.

    python -m benchmarks.stories                       on made texts
    python -m benchmarks.stories --texts FOLDER        on the `text`s of FOLDER's .jsonl files
    python -m benchmarks.stories --near 0.7 --contained 0.8

Every original has one edited copy. Beside them stand texts that are no copies: the same event told
in other words, follow-ups that repeat a part of the older text, forms with other facts (weather,
stock market, results, prices), and round-ups that hold the beginnings of five originals. Settings
are compared on one half of the originals; the other half is scored with the one that is named, or
with the config's defaults.
"""

import argparse
import itertools
import json
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.made_news import EDITS, FORMS, Newsroom, cut, paragraphs_of
from pipeline.config import Stories
from pipeline.duplicates.stories import StoryFinder
from pipeline.statistics.rates import rate_of

NEAR = (0.5, 0.6, 0.7, 0.8, 0.9)
CONTAINED = (None, 0.7, 0.8, 0.9, 0.95)
ORIGINALS = 1400
ROUND_UP = 60  # words of each of five originals


class Corpus:
    """Texts, which story each truly is, and the pairs that are asked about."""

    def __init__(self):
        self.texts, self.truth = [], []
        self.copies, self.others = defaultdict(list), defaultdict(list)

    def add(self, text, story):
        self.texts.append(text)
        self.truth.append(story)
        return len(self.texts) - 1


def made(seed, count):
    """Return a corpus of made events with copies and with what only looks like copies."""
    room, corpus, kinds = Newsroom(seed), Corpus(), list(EDITS)
    leads = []
    for number in range(count):
        event = room.event()
        paragraphs = room.told(event, 0)
        original = corpus.add("\n\n".join(paragraphs), f"event {number}")
        kind = kinds[number % len(kinds)]
        copy = corpus.add("\n\n".join(EDITS[kind](paragraphs, room)), f"event {number}")
        corpus.copies[kind].append((original, copy))
        if number % 4 == 0:
            other = corpus.add("\n\n".join(room.told(event, 1)), f"other words {number}")
            corpus.others["same event in other words"].append((original, other))
        if number % 4 == 1:
            news = room.told(room.event(), 0)
            follow = corpus.add("\n\n".join(news[:5] + paragraphs[-3:]), f"follow-up {number}")
            corpus.others["follow-up with 3 of 8 paragraphs"].append((original, follow))
        leads.append((original, " ".join("\n".join(paragraphs).split()[:ROUND_UP])))
        if len(leads) == 5:
            round_up = corpus.add("\n\n".join(lead for _, lead in leads), f"round-up {number}")
            kind = f"round-up of {ROUND_UP} words each"
            corpus.others[kind] += [(one, round_up) for one, _ in leads]
            leads = []
    for kind in FORMS:
        places = [corpus.add(room.form(kind), f"{kind} {each}") for each in range(count // 8)]
        name = f"{kind}: the form with other facts"
        corpus.others[name] += itertools.pairwise(places)
    return corpus


def edited(texts, seed):
    """Return a corpus of given texts with a copy of each, and round-ups."""
    room, corpus, kinds = Newsroom(seed), Corpus(), list(EDITS)
    leads = []
    for number, text in enumerate(texts):
        paragraphs = paragraphs_of(text)
        kind = kinds[number % len(kinds)]
        original = corpus.add(text, f"text {number}")
        copy = corpus.add("\n\n".join(EDITS[kind](paragraphs, room)), f"text {number}")
        corpus.copies[kind].append((original, copy))
        leads.append((original, cut(0.15)(paragraphs, room)))
        if len(leads) == 5:
            held = "\n\n".join("\n".join(lead) for _, lead in leads)
            round_up = corpus.add(held, f"round-up {number}")
            corpus.others["round-up of 15 % of each"] += [(one, round_up) for one, _ in leads]
            leads = []
    return corpus


def unlike(texts):
    """Leave out texts that are copies of another, or nearly: nobody knows their truth."""
    stories = found(texts, 0.3, 0.3, 20)
    sizes = np.bincount(stories, minlength=len(stories))
    return [text for text, story in zip(texts, stories, strict=True) if sizes[story] == 1]


def found(texts, near, contained, shortest):
    with tempfile.TemporaryFile() as scratch:
        finder = StoryFinder(near, contained, shortest, scratch)
        for start in range(0, len(texts), 1000):
            finder.add(texts[start : start + 1000])
        return finder.stories()


def pairs_of(groups):
    sizes = np.unique(groups, return_counts=True)[1].astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())


def scores(corpus, stories):
    """Return recall and precision over all pairs of articles."""
    truth = np.unique(corpus.truth, return_inverse=True)[1]
    both = pairs_of(truth.astype(np.int64) * len(truth) + stories)
    return both / pairs_of(truth), both / max(1, pairs_of(stories))


def percent(cases, clusters=None):
    rate = rate_of(cases, clusters or [str(at) for at in range(len(cases))], 0.95)
    return f"{100 * rate.rate:.1f} % ({100 * rate.low:.1f} – {100 * rate.high:.1f})"


def compare(corpus, shortest):
    print("| near_duplicate | contained | recall | precision | F1 |")
    print("|---|---|---|---|---|")
    for near in NEAR:
        for contained in CONTAINED:
            recall, precision = scores(corpus, found(corpus.texts, near, contained, shortest))
            f1 = 2 * recall * precision / (recall + precision)
            print(f"| {near} | {contained or 'null'} | {recall:.3f} | {precision:.3f} | {f1:.3f} |",
                  flush=True)  # fmt: skip


def report(corpus, stories):
    print("| copies | n | in one story |\n|---|---|---|")
    hits = {kind: [bool(stories[a] == stories[b]) for a, b in pairs]
            for kind, pairs in corpus.copies.items()}  # fmt: skip
    for kind, cases in hits.items():
        print(f"| {kind} | {len(cases)} | {percent(cases)} |")
    every = [case for cases in hits.values() for case in cases]
    print(f"| all | {len(every)} | {percent(every)} |\n")
    print("| no copies | n | in one story |\n|---|---|---|")
    for kind, pairs in corpus.others.items():
        print(
            f"| {kind} | {len(pairs)} | {percent([stories[a] == stories[b] for a, b in pairs])} |"
        )
    truths = defaultdict(set)
    sizes = np.bincount(stories, minlength=len(stories))
    for story, truth in zip(stories.tolist(), corpus.truth, strict=True):
        truths[story].add(truth)
    pure = [len(truths[story]) == 1 for story in np.flatnonzero(sizes > 1)]
    print(f"\nStories of several articles that hold copies only: {percent(pure)} of {len(pure)}.")
    recall, precision = scores(corpus, stories)
    print(f"Pairs of articles: recall {recall:.3f}, precision {precision:.3f}.")


def halves(folder):
    """Return a corpus to choose settings on, and one to report on."""
    if folder is None:
        return made(1, ORIGINALS), made(2, ORIGINALS)
    texts = [json.loads(line)["text"] for file in sorted(folder.glob("*.jsonl"))
             for line in file.read_text(encoding="utf-8").splitlines()]  # fmt: skip
    texts = unlike(list(dict.fromkeys(texts)))
    print(f"{len(texts):,} texts that are like no other\n")
    return edited(texts[::2], 1), edited(texts[1::2], 2)


def main():
    default = Stories()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path, help="a folder of .jsonl files with a field text")
    parser.add_argument("--near", type=float, default=default.near_duplicate)
    parser.add_argument("--contained", type=float, default=default.contained or 0, help="0: none")
    parser.add_argument("--shortest", type=int, default=default.shortest)
    parser.add_argument("--no-comparison", action="store_true")
    options = parser.parse_args()
    one, other = halves(options.texts)
    if not options.no_comparison:
        print(f"One half, {len(one.texts):,} articles:\n")
        compare(one, options.shortest)
    contained = options.contained or None
    print(f"\nThe other half, {len(other.texts):,} articles, near_duplicate {options.near}, "
          f"contained {contained or 'null'}, shortest {options.shortest}:\n")  # fmt: skip
    report(other, found(other.texts, options.near, contained, options.shortest))


if __name__ == "__main__":
    main()

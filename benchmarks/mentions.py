"""Say of how many coded examples of a set the text names the target and who acts, and how.

python -m benchmarks.mentions seesaw --root FOLDER/seesaw
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from benchmarks.accuracy import SETS, config_of, run_to, written
from benchmarks.table import markdown
from pipeline.artifacts import RunFolder, read_table
from pipeline.codebook import load
from pipeline.features import TARGET, with_partial_mentions
from pipeline.stages.examples import coded_examples, shown, views


def shares(asked):
    """Return the share of examples with a mention of the target, and of the source entity."""
    owner = np.repeat(np.arange(len(asked)), np.diff(asked.bounds))
    is_target = asked.roles == TARGET
    return [len(np.unique(owner[kind])) / max(1, len(asked)) for kind in (is_target, ~is_target)]


def rows(run, codebook):
    """Yield a row for each task, side but test, and way to find mentions."""
    yield ["task", "side", "n", "mentions", "target", "source entity"]
    coded = coded_examples(run, codebook)
    articles = read_table(run.articles, ["id", "title", "text"])
    for view in views(codebook, twins=False):
        for side in ("train", "dev"):
            mine = pc.and_(pc.equal(coded["task"], view.task), pc.equal(coded["side"], side))
            examples = coded.filter(mine)
            texts, asked = shown(articles, examples, view, codebook)
            found = {"whole names": asked, "parts too": with_partial_mentions(texts, asked)}
            for how, seen in found.items():
                target, source = shares(seen)
                yield [
                    view.task, side, f"{len(examples):,}", how,
                    f"{100 * target:.0f} %", f"{100 * source:.0f} %",
                ]  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=sorted(path.stem for path in SETS.glob("*.yaml")))
    parser.add_argument("--root", type=Path, required=True, help="folder of the set's rows")
    parser.add_argument("--run", type=Path, help="run folder [runs/benchmarks/SET-mentions]")
    arguments = parser.parse_args()
    run = arguments.run or Path("runs/benchmarks") / f"{arguments.set}-mentions"
    config = config_of(arguments.set, "ngrams", arguments.root)
    run_to("split", written(config, run), run)
    print(markdown(rows(RunFolder(run), load(Path(config["codebook"])))))


if __name__ == "__main__":
    main()

"""Train one rung on one public set, score it, and append a row to a file of results.

python -m benchmarks.accuracy newsmtsc finetune --root FOLDER/newsmtsc
python -m benchmarks.accuracy newsmtsc finetune --root … --dev     (dev only; test is not read)
python -m benchmarks.accuracy seesaw finetune --root … --start     (for another set to start from)
python -m benchmarks.accuracy newsmtsc ngrams --root … --cost      (how long it takes; no scores)
"""

import argparse
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from pipeline.artifacts import RunFolder, read_table
from pipeline.bundle import load_bundle
from pipeline.records import is_test
from pipeline.stages.examples import coded_examples, shown, views
from pipeline.stages.speed import megabytes

HERE = Path(__file__).parent
SETS = HERE.parent / "configs" / "benchmarks"
RUNGS = HERE / "rungs.yaml"
RESULTS = HERE / "results.jsonl"
SENTENCES = 2  # of evidence, with each answer
SHOWN = ("macro_f1", "macro_f1_low", "macro_f1_high", "micro_f1", "accuracy", "ece")


def config_of(name, rung, root):
    """Return the complete config of a rung on a set."""
    config = yaml.safe_load((SETS / f"{name}.yaml").read_text())
    config["name"] = f"{config['name']}-{rung}"
    config["ingest"]["root"] = str(root)
    config["behaviour"] = {"suites": []}  # minutes with an encoder, and no accuracy
    rungs = yaml.safe_load(RUNGS.read_text())
    sections = sections_of(rungs, rung, name, config)
    if rung == "ensemble":
        members = {each: sections_of(rungs, each, name, config) for each in sections["members"]}
        tuned = [each for each in members if members[each]["train"].get("kind") == "finetune"]
        for each, seed in itertools.product(tuned, range(2, sections["trainings"] + 1)):
            members[f"{each}-{seed}"] = {**members[each], "seed": seed}
        config.pop("features", None)
        config["train"] = {"kind": "ensemble", "members": members, **sections.get("train", {})}
    else:
        config |= sections
    return config


def lines_given_as(wanted, config):
    """Return the lines of the files that hold one of the sides `wanted` of a set."""
    lines = []
    for source in config["ingest"]["sources"]:
        if "split" not in source:
            raise SystemExit(f"{config['name']}: which rows are train or dev is not given by files")
        if source["split"] in wanted:
            with (Path(config["ingest"]["root"]) / source["path"]).open() as file:
                lines += file
    return lines


def drop_caches(sections):
    """Set every cache in a config to null."""
    for rung in [sections, *sections["train"].get("members", {}).values()]:
        if rung.get("features", {}).get("kind") in ("static", "encoder"):
            rung["features"]["cache"] = None
        if rung["train"].get("kind") == "finetune":
            rung["train"]["cache"] = None


def sections_of(rungs, rung, name, config):
    if rung == "ngrams":
        return {key: config[key] for key in ("features", "train") if key in config}
    sections = dict(rungs[rung])
    for key, value in sections.pop("sets", {}).get(name, {}).items():
        both = isinstance(value, dict)
        sections[key] = {**sections.get(key, {}), **value} if both else value
    return sections


def rows_of(run, name, rung):
    metrics = json.loads((run / "metrics.json").read_text())
    weight = weight_of(run)
    for side, tasks in metrics.items():
        for task, values in tasks.items():
            yield {
                "set": name,
                "rung": rung,
                "side": side,
                "task": task,
                "n": values["n"],
                **{key: round(values[key], 4) for key in SHOWN if values.get(key) is not None},
                "blind": values.get("target_blind", {}).get("macro_f1"),
                "swapped": values.get("target_swap_flip_rate"),
                **weight,
                "commit": commit(),
            }


def cost_row(run, name, rung, stages, cpu_seconds):
    """Return how long the training of a run took that took over nothing from another or a cache.

    The seconds of CPU are those of the whole command, in which Python starts and finds the data as
    they are: some ten of them are not of training.
    """
    learning = [each for each in stages if each["stage"] in ("featurize", "train")]
    assert not any(each["skipped"] for each in learning)
    return {
        "set": name,
        "rung": rung,
        "trained": pc.sum(pc.invert(pc.starts_with(sides(run), "test"))).as_py(),
        "train_seconds": round(sum(each["seconds"] for each in learning)),
        "train_cpu_seconds": round(cpu_seconds),
        **weight_of(run),
        "commit": commit(),
    }


def repeated_rows(run, name, rung):
    """Return the means over repeats; the intervals are those of the mean."""
    summary = json.loads((run / "repeats.json").read_text())
    for side, tasks in summary["scores"].items():
        for task, scores in tasks.items():
            yield {
                "set": name,
                "rung": rung,
                "side": side,
                "task": task,
                "n": None,
                "repeats": len(summary["repeats"]),
                **{
                    f"{key}_{end}": round(scores[key][end], 4)
                    for key in ("macro_f1", "micro_f1")
                    for end in ("low", "high")
                },
                **{key: round(values["mean"], 4) for key, values in scores.items()},
                "commit": commit(),
            }


def sides(run):
    """Return the side of each coded example."""
    folder = RunFolder(run)
    return coded_examples(folder, load_bundle(folder.model).codebook)["side"]


def weight_of(run, most=512):
    """Return how many test examples the model answers a second, with evidence, and its size."""
    folder = RunFolder(run)
    bundle = load_bundle(folder.model)
    coded = coded_examples(folder, bundle.codebook)
    articles = read_table(folder.articles, ["id", "title", "text"])
    done = seconds = 0.0
    for view in views(bundle.codebook, twins=False):
        tested = [
            task == view.task and is_test(side)
            for task, side in zip(coded["task"].to_pylist(), coded["side"].to_pylist(), strict=True)
        ]
        rows = coded.filter(pa.array(tested)).slice(0, most)
        asked = shown(articles, rows, view, bundle.codebook)
        bundle.tasks[view.task].answer(
            *shown(articles, rows.slice(0, 4), view, bundle.codebook), SENTENCES
        )
        started = time.perf_counter()
        bundle.tasks[view.task].answer(*asked, SENTENCES)
        seconds += time.perf_counter() - started
        done += len(rows)
    return {
        "examples_per_second": round(done / seconds, 1),
        "megabytes": round(megabytes(folder), 1),
    }


def run_to(stage, config, run, settings=()):
    """Run the stages up to `stage`; return what became of them and the seconds of CPU they took."""
    command = [sys.executable, "-m", "pipeline.cli", stage, str(config), "--run", str(run)]
    command += [argument for setting in settings for argument in ("--set", setting)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([*command, "--json"], check=False, stdout=subprocess.PIPE)
    if done.returncode:
        raise SystemExit(done.returncode)  # it has said why
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout).get("stages"), seconds


def commit():
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip()


def arguments_of(parser):
    parser.add_argument("set", choices=sorted(path.stem for path in SETS.glob("*.yaml")))
    parser.add_argument("rung", choices=["ngrams", *yaml.safe_load(RUNGS.read_text())])
    parser.add_argument("--root", type=Path, required=True, help="folder of the set's rows")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--dev", action="store_true", help="train and score dev; test is not read")
    instead.add_argument(
        "--start",
        action="store_true",
        help="leave a model in runs/benchmarks/SET-start that never learned from dev",
    )
    instead.add_argument(
        "--cost",
        action="store_true",
        help="append how long training takes without caches and twin, and score nothing",
    )
    parser.add_argument(
        "--no-twin", action="store_true", help="train no blind twin, which takes half of the time"
    )
    parser.add_argument("--run", type=Path, help="run folder [runs/benchmarks/SET-RUNG]")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments = arguments_of(parser)
    name, rung = arguments.set, arguments.rung
    complete = config_of(name, rung, arguments.root)
    if arguments.start and complete["train"].get("kind") != "finetune":
        parser.error(f"--start: leaves an encoder that was fine-tuned; {rung} has none")
    repeats = complete.get("repeat") is not None
    if repeats and arguments.dev:
        parser.error(f"{name} is repeated, and each of its folds has its own dev")
    if arguments.start:
        complete["train"]["refit"] = False
    if arguments.start or arguments.cost or arguments.no_twin:
        complete.setdefault("evaluate", {})["blind_twin"] = False
    named = "start" if arguments.start else rung
    if arguments.cost:
        drop_caches(complete)
        complete.pop("repeat", None)  # the first fold tells what each takes
        with tempfile.TemporaryDirectory(prefix="slant-cost-") as folder:
            config = written(complete, Path(folder))
            run_to("audit", config, config.parent)  # so that the next counts training alone
            spent = run_to("train", config, config.parent)
            append(arguments.results, [cost_row(config.parent, name, rung, *spent)])
        return
    run = arguments.run or Path("runs/benchmarks") / f"{name}-{named}"
    config = written(complete, run)
    if arguments.dev or arguments.start:
        run_to("train", config, run)
        for view, tried in json.loads((run / "selection.json").read_text()).items():
            for row in tried:
                print(view, json.dumps(row))
    else:
        run_to("evaluate", config, run)
        append(arguments.results, (repeated_rows if repeats else rows_of)(run, name, rung))


def written(complete, run):
    """Write a config into the folder of its run; return the file."""
    run.mkdir(parents=True, exist_ok=True)
    config = run / "benchmark.yaml"
    config.write_text(yaml.safe_dump(complete, sort_keys=False))
    return config


def append(results, rows):
    """Add rows to a file of results, and print them."""
    with results.open("a") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")
            print(json.dumps(row))


if __name__ == "__main__":
    main()

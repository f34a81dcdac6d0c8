"""Compare settings as if train and dev had come to us year by year; the set's test is never read.

python -m benchmarks.backtest allsides_topic --root … --from 2014 2015 2016 \
    --with train.calibration=bias --with train.class_weight=sqrt

Each year in turn dev is its first nine months, train what is older, and test the rest of the year
and the next.
What is asked for `--with` is compared with the set's own config, each by itself.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import yaml

from benchmarks.accuracy import SETS, config_of, lines_given_as, run_to
from benchmarks.table import markdown, number

MONTHS = 9
YEARS = 2
SCORES = ("macro_f1", "accuracy", "log_loss")


def older_than(until, config, folder):
    """Copy the rows of the sides `train` and `dev` that are older than a year to `folder`."""
    dated = config["ingest"].get("fields", {}).get("published", "published")
    lines = lines_given_as(("train", "dev"), config)
    rows = [line for line in lines if (json.loads(line)[dated] or "9") < until]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.jsonl").write_text("".join(rows))


def scored(config, year, settings, folder):
    """Run the config with train, dev and test as they were in that year; return test's scores."""
    older_than(str(year + YEARS), config, folder)
    config["ingest"] |= {"root": str(folder), "sources": [{"path": "rows.jsonl"}]}
    config["split"] = {
        "by": "time",
        "dev_from": f"{year}-01-01",
        "test_from": f"{year}-{MONTHS + 1:02}-01",
    }
    config["evaluate"] = {"blind_twin": False}
    file = folder / "backtest.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    run_to("evaluate", file, folder, settings)
    (values,) = json.loads((folder / "metrics.json").read_text())["test"].values()
    return [values[name] for name in SCORES]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=sorted(path.stem for path in SETS.glob("*.yaml")))
    parser.add_argument("--root", type=Path, required=True, help="folder of the set's rows")
    parser.add_argument("--rung", default="ngrams")
    parser.add_argument("--from", dest="years", nargs="+", type=int, required=True)
    parser.add_argument("--with", dest="settings", action="append", default=[])
    parser.add_argument("--run", type=Path, default=Path("runs/benchmarks/backtest"))
    arguments = parser.parse_args()
    rows = [["setting", "from", *(name.replace("_", " ") for name in SCORES)]]
    for settings in [[], *([setting] for setting in arguments.settings)]:
        shown = ", ".join(settings) or "as configured"
        found = []
        for year in arguments.years:
            config = config_of(arguments.set, arguments.rung, arguments.root)
            folder = arguments.run / f"{arguments.set}-{arguments.rung}-{year}"
            found.append(scored(config, year, settings, folder))
            rows.append([shown, str(year), *map(number, found[-1])])
        rows.append([shown, "mean", *map(number, np.mean(found, axis=0))])
    print(markdown(rows))


if __name__ == "__main__":
    main()

"""The command line: each command parses, makes one call, and prints.

Results go to stdout, progress and errors to stderr. Exit status: 0 done; 1 the user can put
something right; 2 a wrong command; 3 done, but some rows were rejected; 4 not promoted.
"""

import errno
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pipeline import __version__
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.artifacts import RunFolder
    from pipeline.config import Config
    from pipeline.evaluate import Comparison
    from pipeline.stages import Outcome

EXIT_ERROR: Final = 1
EXIT_REJECTS: Final = 3
EXIT_REFUSED: Final = 4
# No room, no quota, no permission, a read-only disk: no bug, and nothing to trace.
DISK_TROUBLE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)

app = typer.Typer(
    name="slant",
    help="Topic and stance of news articles, from a codebook to tracked predictions.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="The experiment's YAML file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override one key; may be repeated."),
]
RunOption = Annotated[
    Path | None,
    typer.Option("--run", metavar="DIR", help="The run's folder; runs/<name> by default."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def main() -> None:
    """Run the command line; what the user can put right becomes one line and status 1."""
    signal.signal(signal.SIGTERM, _end)
    try:
        app(prog_name="slant")
    except PipelineError as error:
        typer.echo(f"slant: {error}", err=True)
        sys.exit(EXIT_ERROR)
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        _end_output()
        sys.exit(EXIT_ERROR)
    except OSError as error:
        if error.errno not in DISK_TROUBLE:
            raise
        where = f"{error.filename}: " if error.filename else "the output: "
        _end_output()
        typer.echo(f"slant: {where}cannot be written ({error.strerror})", err=True)
        sys.exit(EXIT_ERROR)


def _end_output() -> None:
    """Let nothing more be written to stdout, where the interpreter would try once again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end(number: int, _frame: object) -> None:
    """End in order, so that no half-written file is left behind."""
    sys.exit(128 + number)


@app.callback(invoke_without_command=True)
def _about(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"slant {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def run(
    config: ConfigFile,
    overrides: Overrides = None,
    folder: RunOption = None,
    as_json: AsJson = False,
) -> None:
    """Run all stages of an experiment: ingest to MLflow. What is unchanged is skipped.

    \b
      slant run configs/default.yaml
      slant run configs/default.yaml --set features.words=1 --run runs/unigrams
      slant run configs/default.yaml --set track.enabled=false --json
    """
    _run_to("track", config, overrides, folder, as_json)


@app.command()
def tune(
    config: ConfigFile,
    overrides: Overrides = None,
    folder: RunOption = None,
    as_json: AsJson = False,
) -> None:
    """Look for better settings in the space that the config's section tune declares.

    Settings are judged on dev; test is never read. A search that was stopped goes on.

    \b
      slant tune configs/tune.yaml
      slant tune configs/tune.yaml --set tune.trials=50 --set tune.minutes=60
      slant run runs/tune-search/best.yaml
    """
    from pipeline import config as configs
    from pipeline.artifacts import RunFolder
    from pipeline.stages import search

    given = overrides or []
    chosen = configs.load(config, given)
    run = RunFolder(folder if folder is not None else Path("runs") / f"{chosen.name}-search")
    found = search(lambda more: configs.load(config, [*given, *more]), chosen, run, _tell_of)
    if as_json:
        _print_json({"trials": found.trials, "best": found.best, "config": str(found.config)})
        return
    typer.echo(_trials_table(found.trials))
    if found.best is None:
        typer.echo("\nno trial was completed", err=True)
        return
    typer.echo(f"\nbest       trial {found.best['number']}: {_changes(found.best['changes'])}")
    typer.echo(f"run it     slant run {found.config}")


def _tell_of(which: str, outcome: "Outcome") -> None:
    if outcome.stage in ("train", "evaluate", "track"):
        typer.echo(f"{which:<10} ", nl=False, err=True)
        _tell(outcome)


def _trials_table(trials: list[dict[str, Any]]) -> str:
    rows = [["trial", "settings", "dev macro-F1", "interval", "seconds", "state"]]
    for trial in sorted(trials, key=lambda row: -(row["macro_f1"] or -1)):
        tasks = list(trial["scores"].values())
        task = tasks[0] if len(tasks) == 1 else {}
        rows.append(
            [
                str(trial["number"]),
                _changes(trial["changes"]),
                _number(trial["macro_f1"]),
                _interval(task.get("macro_f1_low"), task.get("macro_f1_high")),
                f"{trial['seconds']:.0f}",
                trial["state"],
            ]
        )
    return _aligned(rows)


def _changes(changes: dict[str, Any]) -> str:
    return ", ".join(
        f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}"
        for key, value in changes.items()
    )


def _add_stage_command(stage: str, does: str) -> None:
    def command(
        config: ConfigFile,
        overrides: Overrides = None,
        folder: RunOption = None,
        as_json: AsJson = False,
    ) -> None:
        _run_to(stage, config, overrides, folder, as_json)

    command.__doc__ = f"""{does}

    Runs the stages before it too, unless they are up to date.

    \b
      slant {stage} configs/default.yaml
      slant {stage} configs/default.yaml --run runs/trial
    """
    app.command(stage)(command)


for _stage, _does in {
    "ingest": "Read the sources into articles.parquet, and what cannot be read into rejects.jsonl.",
    "label": "Make examples with gold labels, and report the coders' agreement.",
    "split": "Put each article on the train, dev or test side.",
    "audit": "Look for leaks between the sides, and for what gives the labels away.",
    "featurize": "Fit the features on the train side.",
    "train": "Train the model of each task.",
    "evaluate": "Score the test side: metrics.json, predictions.parquet, report.html.",
}.items():
    _add_stage_command(_stage, _does)


@app.command()
def behave(
    config: Annotated[
        Path | None, typer.Argument(metavar="[CONFIG]", help="The experiment's YAML file.")
    ] = None,
    overrides: Overrides = None,
    folder: RunOption = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="BUNDLE_OR_URI", help="Test this model, without a config."),
    ] = None,
    suites: Annotated[
        list[str] | None,
        typer.Option(
            "--suite", metavar="FILE", help="With --model: a suite, or general; may be repeated."
        ),
    ] = None,
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--articles",
            metavar="SOURCE",
            help="With --model: articles to test on; may be repeated.",
        ),
    ] = None,
    shown: Annotated[
        int, typer.Option("--examples", min=0, max=20, help="Failing cases to print of each test.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Test what the model does: answers beyond doubt, and what a change of the text does to them.

    With a config it runs the stages before it too, unless they are up to date.

    \b
      slant behave configs/default.yaml --examples 3
      slant behave --model runs/default/model --suite general --articles new.jsonl
      slant behave --model models:/slant-alliances@champion --suite configs/behaviour/alliances.yaml
    """
    if (config is None) == (model is None):
        raise PipelineError(
            "behave needs a config or a model: slant behave CONFIG, or slant behave --model MODEL"
        )
    if config is not None:
        if suites or sources:
            raise PipelineError(
                "--suite and --articles go with --model; a config names its suites in "
                "behaviour.suites, and has its own articles"
            )
        found = _behaviour_of_run(config, overrides or [], folder)
    else:
        if overrides or folder:
            raise PipelineError("--set and --run go with a config, not with --model")
        found = _behaviour_of_model(str(model), suites or ["general"], sources or [])
    if as_json:
        _print_json(found)
        return
    typer.echo(_behaviour_table(found))
    for test in found["tests"]:
        _tell_failures(test, shown)


def _behaviour_of_run(config_file: Path, overrides: list[str], folder: Path | None) -> Any:
    from pipeline import config as configs
    from pipeline.artifacts import RunFolder, read_json
    from pipeline.stages import run_stages

    config = configs.load(config_file, overrides)
    run = RunFolder(folder if folder is not None else Path("runs") / config.name)
    run_stages(config, run, "behave", _tell)
    return read_json(run.behaviour)


def _behaviour_of_model(model: str, suites: list[str], sources: list[str]) -> Any:
    from pipeline.behaviour import load_suites
    from pipeline.config import Behaviour, Evaluate
    from pipeline.stages.behaving import articles_of, behaviour_of
    from pipeline.stages.predictions import open_bundle

    if "" in (model, *suites, *sources):
        raise PipelineError("--model, --suite or --articles is empty; is a shell variable unset?")
    bundle = open_bundle(model, Path())
    loaded = load_suites(suites, bundle.codebook)
    if not sources and all(test.on_articles for suite in loaded for test in suite.tests.values()):
        raise PipelineError(
            f"--suite {suites[0]}: all of its tests are on articles; name some with --articles"
        )
    articles, rejects = articles_of(sources, bundle.codebook)
    if rejects:
        first, rows = rejects[0], "row" if len(rejects) == 1 else "rows"
        typer.echo(
            f"{len(rejects):,} {rows} could not be read; the first is "
            f"{first.source}:{first.place}: {first.reason}",
            err=True,
        )
    return behaviour_of(bundle, loaded, articles, Behaviour(), Evaluate().confidence)


def _behaviour_table(found: dict[str, Any]) -> str:
    head = f"{100 * found['confidence']:g} % interval"
    rows = [["test", "kind", "task", "n", "left out", "clusters", "failures", "rate", head]]
    rows[0] += ["allowed", "passed"]
    rows += [
        [
            test["name"],
            test["kind"],
            test["task"],
            str(test["n"]),
            str(sum(test["left_out"].values())),
            str(test["clusters"]),
            str(test["failures"]),
            _number(test["failure_rate"]),
            _interval(test["failure_rate_low"], test["failure_rate_high"]),
            _number(test["allow"]),
            {True: "yes", False: "NO", None: "–"}[test["passed"]],
        ]
        for test in found["tests"]
    ]
    return _aligned(rows)


def _tell_failures(test: dict[str, Any], most: int) -> None:
    for example in test["examples"][:most]:
        about = f", {example['target']}" if example["target"] else ""
        typer.echo(f"\n{test['name']}: {example['id']}{about}; expected {test['expected']}")
        for when in ("before", "after"):
            if example[when] is not None:
                likely = ", ".join(
                    f"{label} {_number(value)}"
                    for label, value in example[f"probabilities_{when}"].items()
                )
                answer = example[f"answer_{when}"] or "none"
                typer.echo(f"  {when:<6} {answer} ({likely}): {example[when]}")


def _run_to(
    last: str, config_file: Path, overrides: list[str] | None, folder: Path | None, as_json: bool
) -> None:
    from pipeline import config as configs
    from pipeline.artifacts import RunFolder, read_json
    from pipeline.stages import run_stages

    config = configs.load(config_file, overrides or [])
    run_folder = RunFolder(folder if folder is not None else Path("runs") / config.name)
    if config.repeat is not None and last in ("evaluate", "track"):
        _run_repeats(config_file, overrides or [], config, run_folder, last, as_json)
        return
    outcomes = run_stages(config, run_folder, last, _tell)
    metrics = read_json(run_folder.metrics) if last in ("evaluate", "track") else {}
    if as_json:
        _print_json(
            {
                "run": str(run_folder.path),
                "stages": [vars(outcome) for outcome in outcomes],
                "metrics": metrics,
            }
        )
        return
    if metrics:
        typer.echo(_scores_table(metrics, config.evaluate.confidence))
    if last == "audit":
        typer.echo(_findings_table(read_json(run_folder.audit)["findings"]))
    _where(run_folder, last, config)


def _run_repeats(
    config_file: Path,
    overrides: list[str],
    config: "Config",
    run: "RunFolder",
    last: str,
    as_json: bool,
) -> None:
    from pipeline import config as configs
    from pipeline.stages import run_repeats

    summary = run_repeats(
        lambda more: configs.load(config_file, [*overrides, *more]), config, run, last, _tell_of
    )
    if as_json:
        _print_json({"run": str(run.path), **summary})
        return
    rows = [["side/task", "repeats", "macro-F1", "deviation", "interval of the mean", "accuracy"]]
    for side, tasks in summary["scores"].items():
        for task, scores in tasks.items():
            f1 = scores["macro_f1"]
            rows.append(
                [
                    f"{side}/{task}",
                    str(len(f1["values"])),
                    _number(f1["mean"]),
                    _number(f1["deviation"]),
                    _interval(f1["low"], f1["high"]),
                    _number(scores["accuracy"]["mean"]),
                ]
            )
    typer.echo(_aligned(rows))
    typer.echo(f"\nruns       {run.path / 'repeats'}")
    typer.echo(f"scores     {run.repeats}")


def _tell(outcome: "Outcome") -> None:
    took = "unchanged, skipped" if outcome.skipped else f"{outcome.seconds:.1f} s"
    typer.echo(f"{outcome.stage:<10} {outcome.summary}  [{took}]", err=True)


def _scores_table(metrics: dict[str, Any], confidence: float) -> str:
    interval = f"{100 * confidence:g} % interval"
    rows = [["side/task", "n", "macro-F1", interval, "accuracy", "ECE", "majority", "blind"]]
    coded = any("coders" in values for tasks in metrics.values() for values in tasks.values())
    rows[0] += ["kappa (coders)"] if coded else []
    for side, tasks in metrics.items():
        for task, values in tasks.items():
            majority = ((values.get("baselines") or {}).get("majority") or {}).get("macro_f1")
            rows.append(
                [
                    f"{side}/{task}",
                    str(values["n"]),
                    _number(values["macro_f1"]),
                    _interval(values.get("macro_f1_low"), values.get("macro_f1_high")),
                    _number(values["accuracy"]),
                    _number(values["ece"]),
                    _number(majority),
                    _number((values.get("target_blind") or {}).get("macro_f1")),
                    *([_kappas(values.get("coders"))] if coded else []),
                ]
            )
    return _aligned(rows)


def _kappas(coders: dict[str, Any] | None) -> str:
    """Return how well the model agrees with single coders, and they with one another."""
    if coders is None or coders["coder_kappa"] is None:
        return "–"
    return f"{_number(coders['model_kappa'])} ({_number(coders['coder_kappa'])})"


def _findings_table(findings: list[dict[str, Any]]) -> str:
    rows = [
        [each["severity"], each["check"], "/".join(filter(None, (each["side"], each["task"])))]
        for each in findings
    ]
    lines = _aligned([["", "check", "side/task"], *rows]).splitlines()
    told = ["finding", *(each["summary"] for each in findings)]
    return "\n".join(f"{line}  {what}" for line, what in zip(lines, told, strict=True))


def _aligned(rows: list[list[str]]) -> str:
    """Return rows as lines, the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _interval(low: float | None, high: float | None, *, signed: bool = False) -> str:
    if low is None or high is None:
        return "–"
    return f"{low:+.3f} – {high:+.3f}" if signed else f"{_number(low)} – {_number(high)}"


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("0.", ".", 1)


def _where(run: "RunFolder", last: str, config: "Config") -> None:
    typer.echo(f"\nrun        {run.path}")
    if last in ("evaluate", "track"):
        typer.echo(f"report     {run.report}")
        typer.echo(f"scores     {run.metrics}")
        typer.echo(f"model      {run.model}")
        typer.echo(f"predict    slant predict FILE… --model {run.model} --output out.parquet")
    if last == "track" and config.track.enabled:
        typer.echo("compare    slant ui   (or: make ui)")


@app.command()
def predict(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE…", help="Files, folders, patterns, or - for JSONL on stdin."
        ),
    ],
    model: Annotated[
        str,
        typer.Option("--model", metavar="BUNDLE_OR_URI", help="A model folder or models:/ URI."),
    ],
    output: Annotated[
        str,
        typer.Option("--output", metavar="FILE", help=".parquet, .jsonl or .csv; - for stdout."),
    ],
    targets: Annotated[
        list[str] | None,
        typer.Option("--target", help="Ask about this target too; may be repeated."),
    ] = None,
    aliases: Annotated[
        list[str] | None,
        typer.Option("--alias", help="Another wording: TARGET=ALIAS, or ALIAS of the only target."),
    ] = None,
    evidence: Annotated[
        int | None, typer.Option("--evidence", min=0, max=20, help="Sentences of evidence a row.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Predict topic and stance of articles in files, folders or a stream.

    \b
      slant predict a.jsonl b.parquet articles/ --model runs/default/model --output out.parquet
      slant predict new.jsonl --model models:/slant-alliances@champion --output out.csv
      slant predict new.jsonl --model runs/default/model --output out.jsonl \\
          --target "the two states' alliance" --alias "their pact"
      cat new.jsonl | slant predict - --model runs/default/model --output -

    Rows that cannot be read go to FILE.rejects.jsonl with their place and reason; the rest is
    done, and the exit status is 3. At the end stand the labels that were given, and how far each
    can be relied on: tier A, B or C, and what keeps it from a better one (docs/reliability.md).
    """
    from pipeline.predict import output_format
    from pipeline.stages.predictions import open_bundle, predict_sources

    if "" in (*sources, model, output):
        raise PipelineError("a source, --model or --output is empty; is a shell variable unset?")
    asked = _asked_targets(targets or [], aliases or [])
    if output != "-":
        output_format(output)  # a wrong ending is said before any work is done
    bundle = open_bundle(model, Path())
    started = time.perf_counter()
    with _Progress() as progress:
        done = predict_sources(
            bundle,
            sources,
            output,
            asked,
            bundle.predict.evidence if evidence is None else evidence,
            stdin=sys.stdin.buffer,
            stdout=sys.stdout.buffer,
            progress=progress.add,
        )
    seconds = time.perf_counter() - started
    if as_json and output != "-":
        _print_json({
            "articles": done.articles, "rows": done.rows, "rejects": done.rejects,
            "output": output, "seconds": round(seconds, 3),
            "labels": _with_tiers(done.labels, bundle.tiers),
        })  # fmt: skip
    typer.echo(
        f"{done.articles:,} articles, {done.rows:,} predictions, {done.rejects:,} rejects in "
        f"{seconds:.1f} s ({done.articles / seconds:,.0f} articles/s)",
        err=True,
    )
    if bundle.tiers and done.rows:
        typer.echo(_tiers_table(_with_tiers(done.labels, bundle.tiers)), err=True)
    if done.rejects_file is not None:
        typer.echo(f"rejects with their reasons: {done.rejects_file}", err=True)
        raise typer.Exit(EXIT_REJECTS)


def _with_tiers(
    counts: dict[str, dict[str, int]], tiers: Mapping[str, Mapping[str, Mapping[str, str]]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Put the tier of each label, if it has one, beside how often it was predicted."""
    return {
        task: {
            label: {"predicted": count, **tiers.get(task, {}).get(label, {})}
            for label, count in labels.items()
        }
        for task, labels in counts.items()
    }


def _tiers_table(labels: dict[str, dict[str, dict[str, Any]]]) -> str:
    """Return the labels that were predicted, each with what keeps it from a better tier."""
    given = {
        f"{task}/{label}": row
        for task, of_task in labels.items()
        for label, row in of_task.items()
        if row["predicted"]
    }
    rows = [[name, row.get("tier", "–"), f"{row['predicted']:,}"] for name, row in given.items()]
    lines = _aligned([["task/label", "tier", "predicted"], *rows]).splitlines()
    why = ["why not better, on dev", *(row.get("why", "") for row in given.values())]
    return "\n".join(f"{line}  {each}".rstrip() for line, each in zip(lines, why, strict=True))


def _asked_targets(targets: list[str], aliases: list[str]) -> list[Any]:
    from pipeline.predict import AskedTarget

    for option, texts in (("--target", targets), ("--alias", aliases)):
        for text in texts:
            _check_wording(option, text)
    wordings: dict[str, list[str]] = {target: [] for target in targets}
    for alias in aliases:
        owner, equals, wording = alias.partition("=")
        if equals and owner in wordings:
            _check_wording("--alias", wording)
            wordings[owner].append(wording)
        elif len(targets) == 1 and not equals:
            wordings[targets[0]].append(alias)
        else:
            raise PipelineError(
                f"--alias {alias!r}: say whose alias it is, as TARGET=ALIAS; the targets are "
                f"{targets or 'none: name one with --target'}"
            )
    return [AskedTarget(name, names) for name, names in wordings.items()]


def _check_wording(option: str, text: str) -> None:
    """Refuse what can name nothing in a text: no letter or digit, or bytes that are not UTF-8."""
    if not text.isprintable() and any("\ud800" <= one <= "\udfff" for one in text):
        raise PipelineError(f"{option} {text!r}: not UTF-8 text; set the terminal to UTF-8")
    if not any(one.isalnum() for one in text):
        raise PipelineError(f"{option} {text!r}: a wording needs at least one letter or digit")


class _Progress:
    """Articles so far and per second on stderr, a line that is written over; in a terminal only."""

    def __enter__(self) -> "_Progress":
        from tqdm import tqdm

        self._bar = tqdm(
            unit=" articles", file=sys.stderr, mininterval=1.0, leave=False, disable=None
        )
        return self

    def add(self, count: int) -> None:
        self._bar.update(count)

    def __exit__(self, *_: object) -> None:
        self._bar.close()


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN…", help="Folders of runs.")],
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="Write it as a page too, with slices and flips."
        ),
    ] = None,
    speed: Annotated[
        bool, typer.Option("--speed", help="Measure how fast the models are, side by side.")
    ] = False,
    tracked: Annotated[
        bool, typer.Option("--track", help="Add it to the runs in MLflow, but the first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare runs on the same test articles, with paired differences to the first.

    \b
      slant compare runs/default runs/unigrams
      slant compare runs/default runs/unigrams --html comparison.html --speed
      slant compare runs/default runs/unigrams --track
      slant compare runs/default runs/unigrams --json
    """
    from pipeline.artifacts import RunFolder, replacing
    from pipeline.evaluate import comparison_page
    from pipeline.stages import compare_runs, record_comparison

    folders = [RunFolder(path) for path in runs]
    comparison, section = compare_runs(folders, speed=speed)
    if html is not None:
        if html.is_dir():
            raise PipelineError(f"--html {html}: this is a folder; name a file")
        with replacing(html) as file:
            file.write_text(comparison_page(comparison, section), encoding="utf-8")
    if tracked:
        record_comparison(comparison, section, folders, Path())
    if as_json:
        _print_json(comparison.as_dict())
        return
    typer.echo(_comparison_table(comparison, section.confidence))
    if speed:
        typer.echo(f"\n{_costs_table(comparison)}")


def _comparison_table(comparison: "Comparison", confidence: float) -> str:
    head = f"{100 * confidence:g} % interval"
    is_adjusted = len({row.run for row in comparison.rows}) > 2
    rows = [["side/task", "run", "n", "macro-F1", head, "difference", "interval", "p"]]
    rows[0] += ["p (Holm)"] if is_adjusted else []
    rows[0] += ["gained/lost", "p (McNemar)"]
    rows += [
        [
            f"{row.side}/{row.task}",
            row.run,
            str(row.n),
            _number(row.macro_f1),
            _interval(row.macro_f1_low, row.macro_f1_high),
            "" if row.difference is None else f"{row.difference:+.3f}",
            ""
            if row.difference is None
            else _interval(row.difference_low, row.difference_high, signed=True),
            *(_p(value) for value in (row.p_value, row.p_adjusted)[: 1 + is_adjusted]),
            "" if row.gained is None else f"{row.gained}/{row.lost}",
            _p(row.mcnemar_p),
        ]
        for row in comparison.rows
    ]
    return _aligned(rows)


def _costs_table(comparison: "Comparison") -> str:
    rows = [["run", "examples/s", "MB"]]
    for run, cost in comparison.costs.items():
        assert cost.examples_per_second is not None
        rows.append([run, f"{cost.examples_per_second:,.0f}", f"{cost.megabytes:.1f}"])
    return _aligned(rows)


@app.command()
def promote(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a recorded run.")],
    force: Annotated[
        bool, typer.Option("--force", help="Make it the champion without any test.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a run's model @champion if it passes the gate; exit status 4 if it does not.

    It has to pass the audit and the behaviour tests, and be better than the champion by the paired
    test on the same test articles, or as good and faster. The verdict and its numbers are tags of
    the version in MLflow. track.gate has the margins.

    \b
      slant promote runs/bigrams
      slant promote runs/bigrams --force
      slant promote runs/bigrams --json
    """
    from pipeline.artifacts import RunFolder, read_json
    from pipeline.config import Config
    from pipeline.stages import promote as promote_run

    folder = RunFolder(run)
    config = Config.model_validate(read_json(folder.config))
    verdict = promote_run(folder, config, Path(), force=force)
    if as_json:
        _print_json(
            {"champion": verdict.champion, "verdict": verdict.sentence, "numbers": verdict.tags}
        )
    else:
        typer.echo(f"{'promoted' if verdict.champion else 'not promoted'}: {verdict.sentence}")
        for name, value in verdict.tags.items():
            typer.echo(f"{name}  {value}")
    if not verdict.champion:
        raise typer.Exit(EXIT_REFUSED)


@app.command()
def ui(
    host: Annotated[str, typer.Option("--host", help="Address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to serve on.")] = 5000,
) -> None:
    """Open MLflow on the recorded runs.

    \b
      slant ui
      slant ui --port 8080
    """
    from pipeline.tracking import ui_command, ui_environment

    command = ui_command(host=host, port=port)
    typer.echo(f"http://{host}:{port}/#/experiments   (Ctrl-C stops it)", err=True)
    os.execve(command[0], command, {**os.environ, **ui_environment()})  # noqa: S606  our own


def _print_json(value: Any) -> None:
    from pipeline.artifacts import to_json

    sys.stdout.buffer.write(to_json(value))


if __name__ == "__main__":
    main()

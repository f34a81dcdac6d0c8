"""The command that shows how far the coders agree."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pipeline.cli.app import AsJson, ConfigOrRun, Overrides, RunOption, print_json
from pipeline.cli.labelling import label_app
from pipeline.cli.running import tell
from pipeline.cli.tables import aligned, interval, number

if TYPE_CHECKING:
    from pipeline.artifacts import RunFolder

# Name of a measure in agreement.json, and as it is printed.
MEASURES: Final = {
    "agreement": "equal answers",
    "alpha": "Krippendorff's alpha",
    "alpha_masi": "alpha, MASI distance",
    "kappa": "Cohen's kappa, mean of pairs",
    "fleiss_kappa": "Fleiss' kappa",
    "ac1": "Gwet's AC1",
}
# Characters of a label or a list of coders; longer ones are cut in the middle.
WIDTH: Final = 30
NARROW: Final = 16


@label_app.command()
def agreement(
    source: ConfigOrRun,
    tasks: Annotated[
        list[str] | None, typer.Option("--task", metavar="TASK", help="One task; may be repeated.")
    ] = None,
    most: Annotated[
        int, typer.Option("--most", metavar="N", min=1, help="Most rows of each table.")
    ] = 10,
    overrides: Overrides = None,
    folder: RunOption = None,
    as_json: AsJson = False,
) -> None:
    """Show how far the coders agree, by task, label and pair, and on what they do not.

    Of a config the stages up to label are run first, unless they are up to date. Intervals are
    those of agreement.json; docs/labelling.md says what each measure is.

    \b
      slant label agreement configs/default.yaml
      slant label agreement runs/default --task stance --most 20
      slant label agreement runs/default --json
    """
    from pipeline.stages import agreement_of, open_run

    run = open_run(source, overrides or [], folder, "label", tell)
    found = agreement_of(run, tasks or [])
    if as_json:
        print_json(found)
        return
    confidence = _confidence(run)
    for name, task in found["tasks"].items():
        typer.echo(_task(name, task, confidence, most))
        for side, of_side in found["model"].items():
            if name in of_side:
                typer.echo(f"{_model(side, of_side[name], most)}\n")
    typer.echo(
        f"Intervals of {confidence} are by resampling whole "
        f"{'stories' if found['drawn'] == 'story' else 'articles'}; – is not defined."
    )


def _confidence(run: "RunFolder") -> str:
    from pipeline.artifacts import read_json

    return f"{100 * read_json(run.config)['label']['agreement']['confidence']:g} %"


def _task(name: str, task: dict[str, Any], confidence: str, most: int) -> str:
    parts = [_head(name, task)]
    if task["examples"]:
        parts.append(_measures(task, confidence))
        parts.append(_labels(task))
        parts += [_pairs(task, confidence, most)] if task["pairs"] else []
        parts += [_coders(task, most)] if len(task["coders"]) > 1 else []
        parts += [_confused(task, most)] if task["confused"] else []
    return "\n\n".join([*parts, ""])


def _head(name: str, task: dict[str, Any]) -> str:
    coders = len(task["coders"])
    lines = [
        f"{name}: {_count(coders, 'coder')}, {_count(task['examples'], 'example')} answered, "
        f"{task['examples_with_two_coders']:,} by two coders or more",
        _gold(task),
    ]
    if task["undefined"]:
        lines.append(f"not all can be told: {task['undefined']}")
    return "\n".join(lines)


def _gold(task: dict[str, Any]) -> str:
    facts = task["adjudication"]
    told = f"gold by {facts['by']}"
    if facts["by"] == "coder":
        told += f" {facts['coder']}, otherwise {facts['otherwise']['by']}"
    rest = facts.get("otherwise", facts)
    if "rounds" in rest:
        settled = "settled" if rest["settled"] else "not settled"
        told += f" ({settled} after {_count(rest['rounds'], 'round')})"
    told += f": {task['examples'] - task['ties']:,} decided, {task['ties']:,} disputed"
    return "\n".join([told, *filter(None, [rest.get("note")])])


def _measures(task: dict[str, Any], confidence: str) -> str:
    rows = [["measure", "value", confidence]]
    rows += [
        [words, number(task[name]), _interval(task, name)]
        for name, words in MEASURES.items()
        if name in task
    ]
    return aligned(rows)


def _labels(task: dict[str, Any]) -> str:
    rows = [["label", "twice", "equal", "alpha", "interval", "kappa", "Fleiss", "AC1"]]
    for label, row in task["labels"].items():
        values = [number(row[name]) for name in ("kappa", "fleiss_kappa", "ac1")]
        rows.append(
            [
                _short(label),
                str(row["coded_twice"]),
                number(row["agreement"]),
                number(row["alpha"]),
                _interval(row, "alpha"),
                *values,
            ]
        )
    return aligned(rows)


def _pairs(task: dict[str, Any], confidence: str, most: int) -> str:
    rows = [["pair of coders", "both", "equal", "kappa", confidence]]
    rows += [
        [
            _short(", ".join(pair["coders"])),
            str(pair["n"]),
            number(pair["agreement"]),
            number(pair["kappa"]),
            _interval(pair, "kappa"),
        ]
        for pair in task["pairs"][:most]
    ]
    left = len(task["pairs"]) - most
    told = [f"… and {left} more; --most shows them"] if left > 0 else []
    if task["pairs_left_out"]:
        told.append(f"{_count(task['pairs_left_out'], 'pair')} with fewer examples not compared")
    if task["pairs_without_shared"]:
        told.append(f"{_count(task['pairs_without_shared'], 'pair')} without a common example")
    return "\n".join([aligned(rows), *told])


def _coders(task: dict[str, Any], most: int) -> str:
    """Show what each coder did; where a model of the coders decides, also how they err."""
    estimated = any("accuracy" in row for row in task["by_coder"].values())
    rows = [["coder", "answers", "compared", "equal"]]
    rows[0] += ["accuracy", "commonest error"] if estimated else []
    by_answers = sorted(task["by_coder"].items(), key=lambda item: (-item[1]["answers"], item[0]))
    for coder, row in by_answers[:most]:
        cells = [_short(coder), f"{row['answers']:,}", f"{row['compared']:,}"]
        cells.append(number(row["agreement"]))
        rows.append(cells + ([number(row["accuracy"]), _error(row)] if estimated else []))
    left = len(by_answers) - most
    return "\n".join([aligned(rows), *([f"… and {left} more"] if left > 0 else [])])


def _error(coder: dict[str, Any]) -> str:
    """Say what a coder's estimated errors are most often."""
    if coder.get("errors"):
        share, right, said = max(
            (share, right, said)
            for right, answers in coder["errors"].items()
            for said, share in answers.items()
            if said != right
        )
        return f"{_short(said, NARROW)} for {_short(right, NARROW)} {number(share)}"
    if coder.get("labels"):
        label, row = min(coder["labels"].items(), key=lambda item: item[1]["sensitivity"])
        return f"finds {_short(label, NARROW)} {number(row['sensitivity'])}"
    return "–"


def _confused(task: dict[str, Any], most: int) -> str:
    """Say which labels are taken for one another, then who does it."""
    what = _rows(["n", "one says / another says", "such as"], task["confused"], most)
    who = _rows(["n", "who", "say", "such as"], task["disagreements"], most)
    left = len(task["disagreements"]) + task["disagreements_left_out"] - most
    return "\n\n".join([what, who]) + (f"\n… and {left} more" if left > 0 else "")


def _rows(head: list[str], rows: list[dict[str, Any]], most: int) -> str:
    cells = [
        [
            str(row["n"]),
            *([_short(" / ".join(row["coders"]))] if "coders" in row else []),
            " / ".join(_short(label or "not so") for label in row["labels"]),
            row["examples"][0],
        ]
        for row in rows[:most]
    ]
    return aligned([head, *cells], count_first=True)


def _model(side: str, coders: dict[str, Any], most: int) -> str:
    """Show the model beside the coders, from metrics.json."""
    rows = [[f"on {side}: coders", "both", "kappa", "model, first", "model, second"]]
    for pair in coders["pairs"][:most]:
        first, second = (number(each["kappa"]) for each in pair["model"])
        names = _short(", ".join(pair["coders"]))
        rows.append([names, str(pair["n"]), number(pair["kappa"]), first, second])
    rows.append(
        ["mean", "", number(coders["coder_kappa"]), f"{number(coders['model_kappa'])} (both)", ""]
    )
    told = [aligned(rows)]
    if coders["disagreements"]:
        told.append(_rows(["n", "who", "say", "such as"], coders["disagreements"], most))
    return "\n\n".join(told)


def _interval(row: dict[str, Any], name: str) -> str:
    return interval(row[f"{name}_low"], row[f"{name}_high"])


def _short(text: str, width: int = WIDTH) -> str:
    if len(text) <= width:
        return text
    return f"{text[: width // 2]}…{text[len(text) - (width - 1) // 2 :]}"


def _count(number_of: int, noun: str) -> str:
    return f"{number_of:,} {noun}{'' if number_of == 1 else 's'}"

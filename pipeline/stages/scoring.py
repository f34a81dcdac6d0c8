"""The stages that judge and record: evaluate and track, with their files."""

import hashlib
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import __version__
from pipeline.artifacts import (
    RunFolder,
    read_json,
    read_table,
    replacing,
    verify_bundle_folder,
    write_json,
    write_table,
)
from pipeline.bundle import Bundle, load_bundle
from pipeline.codebook import Codebook
from pipeline.config import Config, EnsembleTrain, LinearTrain, NgramFeatures, SplitSection
from pipeline.evaluate import (
    TIES,
    Coded,
    ReportFacts,
    evaluate,
    model_card,
    plots,
    report,
    tiers_of,
    with_tiers,
)
from pipeline.groups import iso_day
from pipeline.ingest import RejectKind
from pipeline.predict import Examples, label_columns, predict_examples
from pipeline.provenance import COLUMNS as PROVENANCE_COLUMNS
from pipeline.provenance import provenance_of
from pipeline.records import SCORED, Side, is_test, join_labels
from pipeline.split import grouped_by
from pipeline.stages.answers import Probabilities, Swaps, with_gold
from pipeline.stages.examples import View, coded_examples, shown, tied_examples, views
from pipeline.stages.learning import chosen_setting, data_digest, rung_packages
from pipeline.stages.promotion import promote
from pipeline.stages.runner import Stage
from pipeline.stages.slices import outlet_names, with_slices
from pipeline.stages.swaps import swapped

if TYPE_CHECKING:
    from pipeline.tracking import RunRecord

# Examples scored at once: what bounds the memory beside the table itself.
BATCH: Final = 4096
WORST_ERRORS: Final = 200
NAMED: Final = 5  # outlets and languages that the page names


def scoring_stages(config: Config, codebook: Codebook, run: RunFolder) -> list[Stage]:
    """Return the stages from a model to its report."""
    return [
        Stage(
            "evaluate",
            inputs=[
                run.articles, run.rejects, run.examples, run.annotations, run.splits, run.audit,
                run.agreement, run.model, run.blind_model, run.heldout, run.selection,
                run.behaviour,
            ],
            outputs=[run.metrics, run.predictions, run.report, run.card, run.plots],
            settings={
                "evaluate": config.evaluate.model_dump(mode="json"),
                "predict": config.predict.model_dump(mode="json"),
                "seed": config.seed,
                "name": config.name,
                "split": _split_words(config.split),
                "description": config.description,
            },
            code=["records.py", "artifacts.py", "codebook", "evaluate", "predict", "bundle",
                  "features", "preparation", "mentions.py",
                  "encoders", "stages/answers.py", "stages/examples.py", "stages/swaps.py",
                  "stages/slices.py", "stages/scoring.py", "stages/learning.py", "statistics",
                  "groups.py", "quotations.py", "provenance.py"],
            packages=["matplotlib", "numba", "numpy", "scikit-learn", "scipy",
                      *rung_packages(config)],
            work=lambda: score(config, codebook, run),
        ),
    ]  # fmt: skip


def tracking_stage(config: Config, codebook: Codebook, run: RunFolder, folder: Path) -> Stage:
    """Return the stage that records the run in MLflow; `folder` holds the local database."""
    from pipeline.tracking import is_store_gone, store_uri

    uri = store_uri(config.track.uri, folder)
    if is_store_gone(uri):
        run.tracking.unlink(missing_ok=True)  # what was recorded is gone with the database
    return Stage(
        "track",
        inputs=[
            run.metrics,
            run.predictions,
            run.report,
            run.card,
            run.plots,
            run.model,
            run.splits,
            run.behaviour,
        ],
        outputs=[run.tracking],
        settings={"config": config.model_dump(mode="json"), "store": uri},
        code=["tracking", "stages/scoring.py", "stages/promotion.py"],
        packages=["mlflow"],
        work=lambda: record(config, codebook, run, folder),
    )


def score(config: Config, codebook: Codebook, run: RunFolder) -> str:
    """Predict every test side with the saved model, and write scores, plots and page."""
    coded = coded_examples(run, codebook)
    bundles = {False: load_bundle(run.model), True: load_bundle(run.blind_model)}
    scored = pa.concat_tables(
        [read_table(run.heldout), *_score_tests(bundles, config, codebook, run, coded)]
    )
    scored = with_slices(
        scored, read_table(run.articles), read_table(run.examples), config.evaluate.slices
    )
    train_gold = {
        task: coded.filter(
            pc.and_(pc.equal(coded["task"], task), pc.equal(coded["side"], Side.TRAIN))
        )["gold"].to_pylist()
        for task in codebook.tasks
    }
    findings = read_json(run.audit)["findings"]
    scored = _with_provenance(scored, run)
    metrics = evaluate(
        scored, codebook, config.evaluate, config.seed, train_gold, _touched(findings),
        bundles[False].answer_from, _coded(bundles[False], codebook, run),
    )  # fmt: skip
    metrics = _with_tiers(metrics, bundles[False], run)
    pictures = plots(scored, metrics, codebook, config.evaluate)
    facts = _facts(config, codebook, run, coded, findings)
    page = report(metrics, scored, pictures, codebook, facts)
    write_json(run.metrics, metrics)
    write_table(run.predictions, scored)
    with replacing(run.plots) as folder:
        folder.mkdir()
        for name, picture in pictures.items():
            (folder / name).write_bytes(picture)
    for path, text in ((run.report, page), (run.card, model_card(metrics, codebook, facts))):
        with replacing(path) as file:
            file.write_text(text, encoding="utf-8")
    scores = [
        f"{side}/{task} macro-F1 {values['macro_f1']:.3f}"
        for side, tasks in metrics.items()
        if is_test(side)
        for task, values in tasks.items()
        if values["macro_f1"] is not None
    ]
    return ", ".join(scores) or "no coded example on a test side: nothing says how good it is"


def _with_provenance(scored: pa.Table, run: RunFolder) -> pa.Table:
    """Return records.SCORED with the provenance of its articles."""
    articles = read_table(run.articles, ["id", *PROVENANCE_COLUMNS])
    at = pc.index_in(scored["article_id"], value_set=articles["id"].combine_chunks())
    place = scored.schema.get_field_index("provenance")
    origins = provenance_of(articles).take(at.combine_chunks())
    return scored.set_column(place, SCORED.field(place), origins)


def _touched(findings: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """Return the test articles that the audit found, by side and check."""
    touched: dict[str, dict[str, list[str]]] = {}
    for finding in findings:
        if finding["articles"]:
            touched.setdefault(finding["side"], {})[finding["check"]] = finding["articles"]
    return touched


def _score_tests(
    bundles: Mapping[bool, Bundle],
    config: Config,
    codebook: Codebook,
    run: RunFolder,
    coded: pa.Table,
) -> list[pa.Table]:
    articles = read_table(run.articles, ["id", "title", "text"])
    sides = sorted(side for side in pc.unique(coded["side"]).to_pylist() if is_test(side))
    examples = read_table(run.examples)
    tables = []
    for side in sides:
        for view in views(codebook, twins=False):
            everything = examples.filter(pc.equal(examples["task"], view.task))
            rows = coded.filter(
                pc.and_(pc.equal(coded["side"], side), pc.equal(coded["task"], view.task))
            )
            for start in range(0, len(rows), BATCH):
                part = rows.slice(start, BATCH)
                tables.append(_score_part(bundles, view, articles, part, everything, config))
    if not tables:
        return [SCORED.empty_table()]
    return tables


def _score_part(
    bundles: Mapping[bool, Bundle],
    view: View,
    articles: pa.Table,
    examples: pa.Table,
    everything: pa.Table,
    config: Config,
) -> pa.Table:
    bundle = bundles[False]
    codebook = bundle.codebook
    predictions = _predicted(bundle, view, articles, examples, config.predict.evidence)
    used = _used(articles, examples)
    labels = bundle.tasks[view.task].labels
    blind = None
    if view.task in bundles[True].tasks:
        twin = bundles[True].tasks[view.task]
        answers = twin.answer(*shown(used, examples, view.twin, codebook), 0)
        blind = Probabilities(answers.probabilities, twin.thresholds)
    swaps = None
    if view.sees_target:
        swaps = _swap(bundle, view, used, examples, everything, config.seed)
    return with_gold(predictions, examples, labels, blind, swaps)


def _predicted(
    bundle: Bundle, view: View, articles: pa.Table, examples: pa.Table, evidence: int
) -> pa.Table:
    used = _used(articles, examples)
    texts, asked = shown(used, examples, view, bundle.codebook)
    targets = examples["target"].to_pylist() if view.sees_target else None
    return predict_examples(bundle, used, texts, Examples(view.task, asked, targets), evidence)


def _used(articles: pa.Table, examples: pa.Table) -> pa.Table:
    return articles.filter(pc.is_in(articles["id"], examples["article_id"].combine_chunks()))


def _coded(bundle: Bundle, codebook: Codebook, run: RunFolder) -> Coded:
    """Return what the coders say, and what the model says of test examples that are ties."""
    articles = read_table(run.articles, ["id", "title", "text"])
    ties = tied_examples(run, codebook)
    ties = ties.filter(pa.array([is_test(side) for side in ties["side"].to_pylist()], pa.bool_()))
    tables = [TIES.empty_table()]
    for view in views(codebook, twins=False):
        rows = ties.filter(pc.equal(ties["task"], view.task))
        for start in range(0, len(rows), BATCH):
            part = rows.slice(start, BATCH)
            predictions = _predicted(bundle, view, articles, part, evidence=0)
            columns = {
                name: predictions[name] for name in ("article_id", "task", "target", "label")
            }
            columns |= {name: part[name] for name in ("side", "story", "outlet")}
            tables.append(pa.table(columns).select(TIES.names).cast(TIES))
    return Coded(read_table(run.annotations), pa.concat_tables(tables))


def _with_tiers(metrics: Mapping[str, Any], bundle: Bundle, run: RunFolder) -> dict[str, Any]:
    """Add the tiers of the labels; on dev they are those that the model carries."""
    agreement = read_json(run.agreement)["tasks"]
    result = {}
    for side, tasks in metrics.items():
        of_side = bundle.tiers if not is_test(side) else {
            name: tiers_of(scores["labels"], agreement[name]["labels"])
            for name, scores in tasks.items()
        }  # fmt: skip
        result[side] = with_tiers(tasks, of_side)
    return result


def _swap(
    bundle: Bundle,
    view: View,
    articles: pa.Table,
    examples: pa.Table,
    everything: pa.Table,
    seed: int,
) -> Swaps:
    others, kept = swapped(examples, everything, bundle.codebook, seed)
    model = bundle.tasks[view.task]
    answers = model.answer(*shown(articles, others, view, bundle.codebook), 0)
    labels, _ = label_columns(model.labels, model.thresholds, answers.probabilities)
    at = np.full(len(examples), -1)
    at[kept] = np.arange(len(kept))
    places = pa.array(at, mask=at < 0)
    return Swaps(others["target"].combine_chunks().take(places), labels.take(places))


def _facts(
    config: Config,
    codebook: Codebook,
    run: RunFolder,
    coded: pa.Table,
    findings: Sequence[Mapping[str, Any]],
) -> ReportFacts:
    splits = read_table(run.splits, ["side"])
    chosen = read_json(run.selection)
    counts: dict[str, dict[str, int]] = {}
    for row in coded.group_by(["task", "side"]).aggregate([("example_id", "count")]).to_pylist():
        counts.setdefault(row["task"], {})[row["side"]] = row["example_id_count"]
    with run.rejects.open("rb") as lines:
        rejects = sum(orjson.loads(line)["kind"] == RejectKind.UNREADABLE for line in lines)
    settings: list[tuple[str, object]] = [
        ("Split", _split_words(config.split)),
        *_rung_settings(config),
        *(
            (f"Chosen for {view.task}", chosen_setting(chosen[view.folder]))
            for view in views(codebook, twins=False)
        ),
        ("Seed", config.seed),
    ]
    return ReportFacts(
        run=config.name,
        description=config.description,
        model_version=verify_bundle_folder(run.model),
        codebook=codebook.identity,
        package_version=__version__,
        articles=len(splits),
        articles_are=_articles_are(read_table(run.articles)),
        rejects=rejects,
        set_aside=splits["side"].null_count,
        examples=counts,
        agreement=read_json(run.agreement)["tasks"],
        settings=settings,
        findings=findings,
        behaviour=read_json(run.behaviour)["tests"],
        evaluation=config.evaluate,
        sets=config.predict.sets,
        abstain=config.predict.abstain,
    )


def _articles_are(articles: pa.Table) -> list[tuple[str, str]]:
    """Return how many outlets the articles are from, in which languages and of which time."""
    outlets = Counter(filter(None, outlet_names(articles)))
    languages = Counter(filter(None, articles["language"].to_pylist()))
    days = sorted(filter(None, (iso_day(text or "") for text in articles["published"].to_pylist())))
    told = [("Outlets", _most(outlets)), ("Languages", _most(languages))]
    told.append(("Published", f"{days[0]} to {days[-1]}" if days else "unknown"))
    return told


def _most(counts: Counter[str]) -> str:
    """Name the commonest few, and how many there are in all."""
    if not counts:
        return "unknown"
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    named = ", ".join(f"{name} ({counts[name]:,})" for name in ranked[:NAMED])
    return named if len(ranked) <= NAMED else f"{len(ranked):,}: {named} and others"


def _split_words(section: SplitSection) -> str:
    field = grouped_by(section)
    if field is None or field == section.by:
        return section.by
    return f"{section.by}: {field}" if section.by == "field" else f"{section.by}, {field} apart"


def _rung_settings(config: Config) -> list[tuple[str, object]]:
    """Return what the report says of the kind of model."""
    if isinstance(config.train, EnsembleTrain):
        return [
            (f"Member {name}", f"{rung.features.kind}, {rung.train.kind}")
            for name, rung in config.train.members.items()
        ]
    assert config.features is not None
    features: list[tuple[str, object]] = [("Features", config.features.kind)]
    if isinstance(config.features, NgramFeatures):
        features = [("Features", f"ngrams, words 1–{config.features.words}")]
    else:
        features.append(("Encoder", config.features.model))
    how = config.train.loss if isinstance(config.train, LinearTrain) else "all tasks share it"
    return [
        *features,
        ("Classifier", f"{config.train.kind}, {how}"),
        ("Class weight", config.train.class_weight),
    ]


def record(config: Config, codebook: Codebook, run: RunFolder, folder: Path) -> str:
    """Record the run in MLflow and register its model."""
    from pipeline.tracking import track

    tracked = track(_record_of(config, codebook, run, folder), config.track, folder)
    write_json(run.tracking, tracked.as_dict())
    told = f"run {tracked.run_id[:8]}, {tracked.registered_model} v{tracked.version}"
    if config.track.promote == "never":
        return told
    force = config.track.promote == "always"
    return f"{told}: {promote(run, config, folder, force=force).sentence}"


def _record_of(config: Config, codebook: Codebook, run: RunFolder, folder: Path) -> "RunRecord":
    """Return what MLflow is to keep of the run, from its files."""
    from pipeline.tracking import Dataset, RunRecord, flatten

    coded = coded_examples(run, codebook)
    files = {
        path.name: path
        for path in (
            run.config, run.metrics, run.predictions, run.report, run.card, run.account, run.audit,
            run.behaviour,
        )
    }  # fmt: skip
    files |= {path.name: path for path in sorted(run.plots.glob("*.png"))}
    return RunRecord(
        name=run.label(),
        description=config.description,
        params=flatten(config.model_dump(mode="json", exclude={"track"})),
        metrics=read_json(run.metrics),
        behaviour=read_json(run.behaviour)["tests"],
        codebook=codebook.identity,
        model_version=verify_bundle_folder(run.model),
        model_name=f"slant-{codebook.name}",
        bundle=run.model,
        tasks={name: codebook.tasks[name].label_ids for name in sorted(codebook.tasks)},
        datasets=[
            Dataset(side, side_digest(coded, side), _on_side(coded, side), str(run.examples))
            for side in sorted(pc.unique(coded["side"]).to_pylist())
        ],
        tags={
            "data_digest": data_digest(run),
            "slant_version": __version__,
            **_git_tags(folder),
        },
        artifacts=files,
        errors=_errors(read_table(run.predictions)),
        card=run.card.read_text(encoding="utf-8"),
        training_run=read_json(run.training)["run_id"] if run.training.exists() else None,
    )


def _on_side(coded: pa.Table, side: str) -> int:
    return int(pc.sum(pc.equal(coded["side"], side)).as_py() or 0)


def side_digest(coded: pa.Table, side: str) -> str:
    """Return the digest of the examples on a side and their gold, 32 digits."""
    rows = coded.filter(pc.equal(coded["side"], side)).select(["example_id", "gold"])
    digest = hashlib.sha256()
    for row in rows.to_pylist():
        digest.update(f"{row['example_id']}\0{row['gold']}\0".encode())
    return digest.hexdigest()[:32]


def _errors(scored: pa.Table) -> list[dict[str, Any]]:
    """Return the wrong answers of the test sides, the surest first."""
    rows = [
        {
            "example": f"{row['article_id']}|{row['task']}|{row['target'] or ''}",
            "gold": join_labels(row["gold"]),
            "predicted": row["label"],
            "probability": row["probability"],
            "side": row["side"],
            "evidence": " … ".join(sentence["text"] for sentence in row["evidence"]),
        }
        for row in scored.to_pylist()
        if is_test(row["side"]) and (row["label"] or "") != join_labels(row["gold"])
    ]
    rows.sort(key=lambda row: (-(row["probability"] or 0), row["example"]))
    return rows[:WORST_ERRORS]


def _git_tags(folder: Path) -> dict[str, str]:
    """Return the commit of the code in `folder`; nothing outside of a git checkout."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        dirty = bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"mlflow.source.git.commit": commit, "git_dirty": str(dirty).lower()}


def _git(folder: Path, *words: str) -> str:
    result = subprocess.run(  # noqa: S603  fixed words
        ["git", "-C", str(folder), *words],  # noqa: S607  the user's own git
        check=True, capture_output=True, text=True, timeout=10,
    )  # fmt: skip
    return result.stdout.strip()

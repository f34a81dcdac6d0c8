"""The stages that learn: featurize and train, with their files."""

import hashlib
import importlib.metadata
import importlib.util
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel

from pipeline import __version__
from pipeline.artifacts import (
    RunFolder,
    digest_of,
    read_json,
    read_table,
    replacing,
    to_json,
    write_json,
    write_table,
)
from pipeline.bundle import TaskModel, save_bundle
from pipeline.codebook import Codebook
from pipeline.config import (
    Config,
    EncoderFeatures,
    EnsembleTrain,
    Evaluate,
    NgramFeatures,
    StaticFeatures,
)
from pipeline.encoders import INSTALL, find_encoder, open_encoder
from pipeline.encoders.static import open_to_distil
from pipeline.errors import DataError, MissingExtraError
from pipeline.evaluate import evaluate, tiers_of
from pipeline.label import label_agreement
from pipeline.preparation import Preparation
from pipeline.records import SCORED, Side
from pipeline.stages.answers import Probabilities, scored_table
from pipeline.stages.examples import Material, View, training_examples, views
from pipeline.stages.rungs import Curves, Learned, rung_of
from pipeline.stages.runner import Stage
from pipeline.train import answer_from, set_from

if TYPE_CHECKING:
    from pipeline.tracking import LiveCurves

_CODE: Final = ("records.py", "artifacts.py", "codebook", "features", "encoders", "bundle",
                "preparation", "stages/examples.py", "stages/rungs",
                "stages/learning.py")  # fmt: skip
_TIERS_SETTINGS: Final = {"confidence", "interval", "resample_by"}
_TIERS_CODE: Final = ("evaluate/scores.py", "evaluate/metrics.py", "evaluate/answers.py",
                      "evaluate/tiers.py", "statistics", "groups.py",
                      "label/agreement", "label/answered.py", "label/answers.py")  # fmt: skip
_ROWS: Final = "rows.parquet"
_ENCODER_PACKAGES: Final = ("tokenizers", "transformers", "torch", "accelerate")


def learning_stages(
    config: Config, codebook: Codebook, run: RunFolder, curves: Curves | None
) -> list[Stage]:
    """Return the stages from split examples to the model; `curves` hears of fine-tuning."""
    packages = rung_packages(config)
    encoders = _encoder_digests(config)
    return [
        Stage(
            "featurize",
            inputs=[run.articles, run.examples, run.splits, *_voted(config, run)],
            outputs=[run.features],
            settings={
                "features": {
                    # The kind of training decides what is left for it.
                    name: [settings_of(rung.features), rung.train.kind]
                    for name, rung in config.rungs.items()
                },
                "encoders": encoders,
                "blind_twin": config.evaluate.blind_twin,
                "codebook": codebook.model_dump(mode="json"),
                **({"weight": config.label.votes.weight} if _voted(config, run) else {}),
            },
            code=_CODE,
            packages=["numba", "numpy", *packages],
            work=lambda: featurize(config, codebook, run),
        ),
        Stage(
            "train",
            # The data are there for their digests, which the model carries.
            inputs=[
                run.features,
                *(run.articles, run.rejects),
                *(run.examples, run.annotations, run.agreement),
                *(run.splits, run.account),
            ],
            outputs=[run.model, run.blind_model, run.selection, run.heldout],
            settings={
                **_trained_by(config),
                "blind_twin": config.evaluate.blind_twin,
                "tiers": config.evaluate.model_dump(include=_TIERS_SETTINGS),
                "predict": config.predict.model_dump(mode="json"),
                "preparation": Preparation.of(config.ingest).as_dict(),
                "codebook": codebook.model_dump(mode="json"),
                "seed": config.seed,
            },
            code=[*_CODE, "train", "stages/answers.py", *_TIERS_CODE],
            packages=["scikit-learn", "scipy", "numpy", *packages],
            work=lambda: train(config, codebook, run, curves),
        ),
    ]


def _voted(config: Config, run: RunFolder) -> list[Path]:
    """Return the file of what is learned from beside gold, if anything is."""
    return [run.soft_labels] if config.label.votes.use == "train" else []


def settings_of(section: BaseModel) -> dict[str, Any]:
    """Return a section without what is a place: caches, and the folder of an encoder.

    What the encoder holds is known by its digest.
    """
    return _without_places(section.model_dump(mode="json"))


def _trained_by(config: Config) -> dict[str, Any]:
    """Return the settings of every rung, of what binds several together, and their encoders."""
    together = settings_of(config.train) if isinstance(config.train, EnsembleTrain) else {}
    together.pop("members", None)
    return {
        "rungs": {name: settings_of(rung) for name, rung in config.rungs.items()},
        **({"together": together} if together else {}),
        "encoders": _encoder_digests(config),
    }


def _without_places(values: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in values.items() if key != "cache"}
    if "model" in kept and Path(kept["model"]).expanduser().is_dir():
        kept["model"] = "a folder"
    return {
        key: _without_places(value) if isinstance(value, dict) else value
        for key, value in kept.items()
    }


def _encoder_digests(config: Config) -> dict[str, str]:
    """Return the digest of each rung's encoder: other weights under a name are another model."""
    return {
        name: find_encoder(rung.features.model, rung.features.revision).digest
        for name, rung in config.rungs.items()
        if not isinstance(rung.features, NgramFeatures)
    }


def check_encoders(config: Config) -> None:
    """Raise ConfigError where an encoder cannot do what is asked, before any data are read."""
    if not rung_packages(config):
        return
    for rung in config.rungs.values():
        if isinstance(rung.features, EncoderFeatures):
            open_encoder(rung.features)
        elif isinstance(rung.features, StaticFeatures):
            open_to_distil(rung.features)


def rung_packages(config: Config) -> list[str]:
    """Return the packages of the extra whose version matters to this rung."""
    kinds = {rung.features.kind for rung in config.rungs.values()} - {"ngrams"}
    if not kinds:
        return []
    return encoder_packages(f"features.kind: {min(kinds)}")


def encoder_packages(asked_by: str) -> list[str]:
    """Return the packages that read an encoder; MissingExtraError where one is not there."""
    for package in _ENCODER_PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(
                f"{asked_by} needs the package {package}; install it with: {INSTALL}"
            )
    return list(_ENCODER_PACKAGES)


def featurize(config: Config, codebook: Codebook, run: RunFolder) -> str:
    """Write what training needs of each view: its coded examples, and their features."""
    rung = rung_of(config, config.seed)
    examples = training_examples(run, codebook, config.label.votes)
    articles = read_table(run.articles, ["id", "title", "text"])
    done = []
    with replacing(run.features) as folder:
        folder.mkdir()
        for view in views(codebook, twins=config.evaluate.blind_twin):
            rows = examples.filter(pc.equal(examples["task"], view.task))
            rows = rows.filter(pc.is_in(rows["side"], pa.array([Side.TRAIN, Side.DEV])))
            material = Material(view, codebook, rows, articles, folder / view.folder)
            if material.is_dev.all():
                raise DataError(
                    f"task '{view.task}': no coded example on the train side; add answers, or "
                    "leave the task out of the codebook"
                )
            material.folder.mkdir()
            write_table(material.folder / _ROWS, rows)
            what = rung.featurize(material)
            if not view.is_blind_twin:
                done.append(f"{view.task} {what}")
    return f"features: {', '.join(done)}"


def train(config: Config, codebook: Codebook, run: RunFolder, curves: Curves | None = None) -> str:
    """Train every view; save the model, its blind twin, and dev as scored without dev.

    The curves go to `curves`, or to MLflow where there is none.
    """
    articles = read_table(run.articles, ["id", "title", "text"])
    materials = [
        Material(view, codebook, read_table(folder / _ROWS), articles, folder)
        for view in views(codebook, twins=config.evaluate.blind_twin)
        for folder in [run.features / view.folder]
    ]
    run.training.unlink(missing_ok=True)
    with _live_curves(config, run) as live:
        rung = rung_of(config, config.seed)
        learned = rung.train(
            materials, run.checkpoints, curves or (live.curve if live else _no_curve)
        )
    if live and live.run_id is not None:
        write_json(run.training, {"run_id": live.run_id})
    models: dict[bool, dict[str, TaskModel]] = {False: {}, True: {}}
    for view, result in learned.items():
        models[view.is_blind_twin][view.task] = result.model
    provenance = _provenance(config, run)
    answered = _answer_from(config, learned, materials)
    sets = _set_from(config, learned, materials)
    heldout = _heldout(learned, materials)
    tiers = _tiers(heldout, config, codebook, run)
    save_bundle(
        run.model, codebook, models[False], provenance, config.predict,
        answer_from=answered, set_from=sets, tiers=tiers,
        preparation=Preparation.of(config.ingest),
    )  # fmt: skip
    save_bundle(run.blind_model, codebook, models[True], provenance, config.predict)
    write_json(run.selection, {view.folder: result.tried for view, result in learned.items()})
    write_table(run.heldout, heldout)
    shutil.rmtree(run.checkpoints, ignore_errors=True)
    chosen = ", ".join(
        f"{view.task} {chosen_setting(result.tried)}"
        for view, result in learned.items()
        if not view.is_blind_twin
    )
    return f"{chosen} ({live.trouble})" if live and live.trouble else chosen


def _answer_from(
    config: Config, learned: Mapping[View, Learned], materials: Sequence[Material]
) -> dict[str, float]:
    """Return from which probability on each task with one label answers."""
    if config.predict.abstain is None:
        return {}
    return {
        material.view.task: answer_from(
            learned[material.view].dev_probabilities,
            material.gold[material.is_dev],
            config.predict.abstain.risk,
        )
        for material in materials
        if not material.many and not material.view.is_blind_twin
    }


def _tiers(
    heldout: pa.Table, config: Config, codebook: Codebook, run: RunFolder
) -> dict[str, dict[str, dict[str, str]]]:
    """Return each label's tier on dev, by task: the model knows nothing of test."""
    # Without the other settings, so that to score in another way is not to train again.
    section = Evaluate(**config.evaluate.model_dump(include=_TIERS_SETTINGS))
    scores = evaluate(heldout, codebook, section, config.seed, {}).get(Side.DEV, {})
    return {
        task: tiers_of(scores[task]["labels"] if task in scores else {}, labels)
        for task, labels in _agreement_before_test(run, codebook).items()
    }


def _agreement_before_test(run: RunFolder, codebook: Codebook) -> dict[str, Any]:
    """Return how far the coders agree on each label of train and dev, by task."""
    splits = read_table(run.splits, ["article_id", "side"])
    learnt = splits.filter(pc.is_in(splits["side"], pa.array([Side.TRAIN, Side.DEV])))
    annotations = read_table(run.annotations)
    ours = pc.is_in(annotations["article_id"], learnt["article_id"].combine_chunks())
    return label_agreement(annotations.filter(ours), codebook)


def _set_from(
    config: Config, learned: Mapping[View, Learned], materials: Sequence[Material]
) -> dict[str, dict[str, float]]:
    """Return from which probability on each label of a task with one label is in the set."""
    asked = config.predict.sets
    if asked is None:
        return {}
    found = {}
    for material in materials:
        if material.many or material.view.is_blind_twin:
            continue
        result = learned[material.view]
        gold = material.gold[material.is_dev]
        least = set_from(result.dev_probabilities, gold, asked.coverage, by_label=asked.by_label)
        found[material.view.task] = dict(zip(result.model.labels, least.tolist(), strict=True))
    return found


def _live_curves(config: Config, run: RunFolder) -> "AbstractContextManager[LiveCurves | None]":
    if not config.track.enabled:
        return nullcontext()
    from pipeline.tracking import LiveCurves

    packages = {name: importlib.metadata.version(name) for name in rung_packages(config)}
    parts = {**_trained_by(config), "seed": config.seed, "packages": packages}
    # The features hold which examples are seen, their sides, answers and views.
    seen = _output_digests(run, "featurize")
    key = hashlib.sha256(to_json([parts, seen])).hexdigest()
    return LiveCurves(run.path.name, config.track, Path(), run.checkpoints / "curves", key)


def _no_curve(training: str) -> Callable[[Mapping[str, float], int], None]:  # noqa: ARG001
    return lambda numbers, step: None  # noqa: ARG005


def chosen_setting(tried: list[dict[str, Any]]) -> str:
    """Return the setting that training chose, of a list in `selection.json`: `C=0.3`."""
    best = next(row for row in tried if row["chosen"])
    return f"{best['setting']}={best['value']:g}"


def _provenance(config: Config, run: RunFolder) -> dict[str, Any]:
    """Return what led to the model. Nothing of when or where: equal input gives equal bytes."""
    stages = ["ingest", "label", "split", *(["vote"] if _voted(config, run) else [])]
    data = {name: record for name in stages
            if (record := _output_digests(run, name))}  # fmt: skip
    return {
        "slant": __version__,
        **_trained_by(config),
        "seed": config.seed,
        "data": data,
    }


def _output_digests(run: RunFolder, stage: str) -> dict[str, str]:
    record = run.stages / f"{stage}.json"
    if not record.exists():
        return {}
    outputs: dict[str, str] = read_json(record)["outputs"]
    return outputs


def _heldout(learned: dict[View, Learned], materials: list[Material]) -> pa.Table:
    """Return records.SCORED of the dev side, without evidence: the model is not kept."""
    tables = []
    for material in materials:
        view = material.view
        dev = material.rows.filter(pa.array(material.is_dev))
        if view.is_blind_twin or not len(dev):
            continue
        tables.append(
            scored_table(
                view.task,
                learned[view].model.labels,
                _dev_answers(learned[view]),
                _dev_answers(learned[view.twin]) if view.twin in learned else None,
                dev,
                material.codebook.identity,
            )
        )
    return pa.concat_tables(tables) if tables else SCORED.empty_table()


def _dev_answers(result: Learned) -> Probabilities:
    return Probabilities(result.dev_probabilities, result.model.thresholds)


def data_digest(run: RunFolder) -> str:
    """Return one digest of the articles and examples that the run learned from, 16 digits."""
    return digest_of(run.articles)[:8] + digest_of(run.examples)[:8]

"""The stages that learn: featurize and train, with their files."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import __version__
from pipeline.artifacts import (
    RunFolder,
    digest_of,
    read_json,
    read_table,
    replacing,
    write_json,
    write_table,
)
from pipeline.bundle import NgramModel, TaskModel, save_bundle
from pipeline.codebook import Asks, Choose, Codebook
from pipeline.config import Config
from pipeline.errors import DataError
from pipeline.features import NgramVectorizer, fit_features
from pipeline.records import SCORED, Side
from pipeline.stages.answers import Probabilities, scored_table
from pipeline.stages.runner import Stage
from pipeline.train import TaskData, TrainedTask, train_task

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_CODE: Final = ("records.py", "artifacts.py", "features", "bundle")
_ARRAYS: Final = "features.safetensors"
_ROWS: Final = "rows.parquet"


@dataclass(frozen=True)
class View:
    """A task as a model sees it: with its target, or blind to it for comparison."""

    task: str
    sees_target: bool
    is_blind_twin: bool

    @property
    def folder(self) -> str:
        """Name of its folder below `features/`."""
        return f"{self.task}.blind" if self.is_blind_twin else self.task


def views(codebook: Codebook) -> Iterator[View]:
    """Yield what is trained: each task, and for the tasks with targets its blind twin."""
    for name in sorted(codebook.tasks):
        sees_target = codebook.tasks[name].asks is Asks.TARGET
        yield View(name, sees_target, is_blind_twin=False)
        if sees_target:
            yield View(name, sees_target=False, is_blind_twin=True)


def learning_stages(config: Config, codebook: Codebook, run: RunFolder) -> list[Stage]:
    """Return the stages from split examples to the model."""
    return [
        Stage(
            "featurize",
            inputs=[run.articles, run.examples, run.splits],
            outputs=[run.features],
            settings={
                "features": config.features.model_dump(mode="json"),
                "codebook": codebook.model_dump(mode="json"),
            },
            code=[*_CODE, "stages/learning.py"],
            packages=["numba", "numpy"],
            work=lambda: featurize(config, codebook, run),
        ),
        Stage(
            "train",
            # The data are there for their digests, which the model carries.
            inputs=[
                run.features,
                *(run.articles, run.rejects),
                *(run.examples, run.annotations, run.agreement),
                *(run.splits, run.audit),
            ],
            outputs=[run.model, run.blind_model, run.selection, run.heldout],
            settings={
                "train": config.train.model_dump(mode="json"),
                "features": config.features.model_dump(mode="json"),
                "codebook": codebook.model_dump(mode="json"),
                "seed": config.seed,
            },
            code=[*_CODE, "train", "stages/answers.py", "stages/learning.py"],
            packages=["scikit-learn", "scipy", "numpy"],
            work=lambda: train(config, codebook, run),
        ),
    ]


def featurize(config: Config, codebook: Codebook, run: RunFolder) -> str:
    """Fit the features of each task on the train side, and count them on train and dev."""
    coded = coded_examples(run, codebook)
    articles = read_table(run.articles, ["id", "title", "text"])
    columns = []
    with replacing(run.features) as folder:
        folder.mkdir()
        for view in views(codebook):
            rows = coded.filter(pc.equal(coded["task"], view.task))
            rows = rows.filter(pc.is_in(rows["side"], pa.array([Side.TRAIN, Side.DEV])))
            is_train = pc.equal(rows["side"], Side.TRAIN).combine_chunks()
            if not is_train.true_count:
                raise DataError(
                    f"task '{view.task}': no coded example on the train side; add answers, or "
                    "leave the task out of the codebook"
                )
            fitted = fit_features(
                articles, rows, is_train, config.features, sees_target=view.sees_target
            )
            if not len(fitted.vectorizer.kept_):
                raise DataError(
                    f"task '{view.task}': no feature occurs in {config.features.min_count} "
                    "training examples or more; lower features.min_count, or add answers"
                )
            _save_features(folder / view.folder, fitted.vectorizer, fitted.matrix, rows)
            if not view.is_blind_twin:
                columns.append(f"{view.task} {len(fitted.vectorizer.kept_):,}")
    return f"features: {', '.join(columns)}"


def coded_examples(run: RunFolder, codebook: Codebook) -> pa.Table:
    """Return the examples with gold and their `side`, `story` and `outlet`, in order.

    Those whose article was set aside are left out.
    """
    examples = read_table(run.examples)
    examples = examples.filter(pc.is_valid(examples["gold"]))
    examples = examples.filter(pc.is_in(examples["task"], pa.array(sorted(codebook.tasks))))
    splits = read_table(run.splits, ["article_id", "side", "story"])
    outlets = read_table(run.articles, ["id", "outlet"])
    at = pc.index_in(examples["article_id"], splits["article_id"].combine_chunks())
    article = pc.index_in(examples["article_id"], outlets["id"].combine_chunks())
    for name, column in (
        ("side", splits["side"].take(at)),
        ("story", splits["story"].take(at)),
        ("outlet", outlets["outlet"].take(article)),
    ):
        examples = examples.append_column(name, column)
    return examples.filter(pc.is_valid(examples["side"]))


def _save_features(
    folder: Path, vectorizer: NgramVectorizer, matrix: "csr_array", rows: pa.Table
) -> None:
    from safetensors.numpy import save_file

    folder.mkdir()
    arrays = {
        "kept": vectorizer.kept_,
        "idf": vectorizer.idf_,
        "indptr": matrix.indptr,
        "indices": matrix.indices,
        "data": matrix.data,
    }
    save_file(arrays, folder / _ARRAYS)
    write_table(folder / _ROWS, rows)


def train(config: Config, codebook: Codebook, run: RunFolder) -> str:
    """Train every view; save the model, its blind twin, and dev as scored without dev."""
    models: dict[bool, dict[str, TaskModel]] = {False: {}, True: {}}
    selection: dict[str, Any] = {}
    trained: dict[View, TrainedTask] = {}
    dev: dict[View, pa.Table] = {}
    for view in views(codebook):
        vectorizer, data, rows = _load_features(run.features / view.folder, view, config, codebook)
        trained[view] = train_task(data, config.train, config.seed)
        dev[view] = rows.filter(pa.array(data.is_dev))
        models[view.is_blind_twin][view.task] = NgramModel(vectorizer, trained[view].head)
        selection[view.folder] = trained[view].tried
    provenance = _provenance(config, run)
    save_bundle(run.model, codebook, models[False], provenance)
    save_bundle(run.blind_model, codebook, models[True], provenance)
    write_json(run.selection, selection)
    write_table(run.heldout, _heldout(trained, dev, codebook))
    return ", ".join(
        f"{view.task} C={next(row['C'] for row in trained[view].tried if row['chosen']):g}"
        for view in trained
        if not view.is_blind_twin
    )


def _load_features(
    folder: Path, view: View, config: Config, codebook: Codebook
) -> tuple[NgramVectorizer, TaskData, pa.Table]:
    from safetensors.numpy import load_file
    from scipy.sparse import csr_array

    arrays = load_file(folder / _ARRAYS)
    rows = read_table(folder / _ROWS)
    vectorizer = NgramVectorizer(config.features, sees_target=view.sees_target)
    vectorizer.restore(arrays["kept"], arrays["idf"])
    task = codebook.tasks[view.task]
    labels = task.label_ids
    gold = rows["gold"].to_pylist()
    data = TaskData(
        view.task,
        labels,
        task.choose is Choose.MANY,
        csr_array(
            (arrays["data"], arrays["indices"], arrays["indptr"]),
            shape=(len(rows), len(arrays["idf"])),
        ),
        np.array([[label in answer for label in labels] for answer in gold], np.bool_),
        pc.equal(rows["side"], Side.DEV).to_numpy(),
        rows["story"].to_pylist(),
    )
    return vectorizer, data, rows


def _provenance(config: Config, run: RunFolder) -> dict[str, Any]:
    """Return what led to the model. Nothing of when or where: equal input gives equal bytes."""
    data = {name: record for name in ("ingest", "label", "split")
            if (record := _output_digests(run, name))}  # fmt: skip
    return {
        "slant": __version__,
        "features": config.features.model_dump(mode="json"),
        "train": config.train.model_dump(mode="json"),
        "seed": config.seed,
        "data": data,
    }


def _output_digests(run: RunFolder, stage: str) -> dict[str, str]:
    record = run.stages / f"{stage}.json"
    if not record.exists():
        return {}
    outputs: dict[str, str] = read_json(record)["outputs"]
    return outputs


def _heldout(
    trained: dict[View, TrainedTask], dev: dict[View, pa.Table], codebook: Codebook
) -> pa.Table:
    """Return records.SCORED of the dev side, without evidence: the model is not kept."""
    tables = []
    for view, result in trained.items():
        if view.is_blind_twin or not len(dev[view]):
            continue
        twin = View(view.task, sees_target=False, is_blind_twin=True)
        blind = _dev_answers(trained[twin]) if twin in trained else None
        tables.append(
            scored_table(
                view.task, result.head.labels, _dev_answers(result), blind, dev[view],
                codebook.identity,
            )
        )  # fmt: skip
    return pa.concat_tables(tables) if tables else SCORED.empty_table()


def _dev_answers(result: TrainedTask) -> Probabilities:
    return Probabilities(result.dev_probabilities, result.head.thresholds)


def data_digest(run: RunFolder) -> str:
    """Return one digest of the articles and examples that the run learned from, 16 digits."""
    return digest_of(run.articles)[:8] + digest_of(run.examples)[:8]

"""Lists of examples that people should look at, from the files of a run."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline import codebook as codebooks
from pipeline.artifacts import RunFolder, read_table
from pipeline.bundle import Bundle, TaskModel
from pipeline.codebook import Codebook
from pipeline.config import Config
from pipeline.errors import DataError
from pipeline.groups import outlet_key
from pipeline.records import WORKLIST, Side, is_test
from pipeline.review import (
    Facts,
    Opinions,
    Waiting,
    error_worklist,
    first_list,
    first_of_stories,
    group_texts,
    label_quality,
    opinions_of,
    queue_worklist,
    reasons,
    spread,
    usefulness,
)
from pipeline.stages.examples import View, coded_examples, shown, uncoded_examples, views
from pipeline.stages.judging import Bench, judging_rung
from pipeline.stages.opening import config_of, open_run
from pipeline.stages.runner import Outcome

ARTICLES_AT_ONCE: Final = 2000
RANDOM_WHY: Final = "drawn at random"


@dataclass(frozen=True)
class Project:
    """A run whose articles are placed on their sides, with what it was made by."""

    config: Config
    codebook: Codebook
    run: RunFolder


def open_project(
    where: Path,
    overrides: Sequence[str],
    folder: Path | None,
    told: Callable[[Outcome], None],
) -> Project:
    """Open a run by its folder, or run a config as far as `split`; see `open_run`."""
    run = open_run(where, overrides, folder, "split", told)
    config = config_of(run)
    return Project(config, codebooks.load(config.codebook), run)


def tasks_asked(codebook: Codebook, names: Sequence[str]) -> list[View]:
    """Return the views of these tasks, of all without names; DataError where one is unknown."""
    unknown = sorted(set(names) - set(codebook.tasks))
    if unknown:
        raise DataError(
            f"--task {unknown[0]}: {codebook.identity} has no such task; its tasks are "
            f"{', '.join(sorted(codebook.tasks))}"
        )
    return [view for view in views(codebook, twins=False) if not names or view.task in names]


@dataclass(frozen=True)
class Doubts:
    """The likely wrong answers to one task."""

    worklist: pa.Table
    """records.WORKLIST"""
    judged: int
    """Coded examples that were judged."""
    strangers: int
    """Those that were not: their label occurs nowhere else."""


def likely_errors(project: Project, view: View, *, test: bool) -> Doubts:
    """List the answers of train and dev that held-out models doubt most, or those of test.

    Where nothing is coded there, nothing is judged.
    """
    bench = Bench.of(project.config, project.codebook, project.run, view)
    if not (bench.tested if test else ~bench.tested).any():
        return Doubts(WORKLIST.empty_table(), 0, 0)
    judgement = bench.on_test() if test else bench.by_folds()
    section = project.config.review.errors
    count = len(judgement.judged.rows)
    quality = label_quality(judgement.judged, section.ranking)
    worklist = error_worklist(judgement.judged, quality, round(section.share * count))
    return Doubts(worklist, count, judgement.strangers)


def stand_in(project: Project) -> str:
    """Say in words what judges in the place of the run's own rung; nothing where it does."""
    return judging_rung(project.config)[1]


def shares(size: int, tasks: int) -> list[int]:
    """Divide a list among tasks, as evenly as whole numbers allow."""
    return [size // tasks + (at < size % tasks) for at in range(tasks)]


def in_turns(worklists: Sequence[pa.Table]) -> pa.Table:
    """Return the rows of several worklists: the first of each, the second of each, and so on."""
    ranks = np.concatenate([np.arange(len(each)) for each in worklists] or [np.zeros(0, np.int64)])
    joined = pa.concat_tables([WORKLIST.empty_table(), *worklists])
    return joined.take(pa.array(np.argsort(ranks, kind="stable"), pa.int64()))


@dataclass(frozen=True)
class Queued:
    """What is to be coded next in one task."""

    worklist: pa.Table
    """records.WORKLIST"""
    waiting: int
    """Examples that it was chosen from."""
    by: str
    """How, in words."""


def next_to_code(project: Project, view: View, bundles: Sequence[Bundle], size: int) -> Queued:
    """Pick what teaches a model most of the train side's examples that nobody has coded.

    Without a model the list is spread over all there is. No example is of a story that has been
    coded. Memory: the articles by batches, and the examples without their texts.
    """
    models = _models_of(view, bundles)
    coded, waiting = _coded_and_waiting(project, view)
    count = len(waiting)
    if not count:
        return Queued(WORKLIST.empty_table(), 0, "nothing is left")
    if not models:
        return Queued(_first_worklist(project, waiting, size), count, "no model: spread over all")
    section = project.config.review.queue
    opinions = _opinions(project, view, waiting, models)
    counts = Counter(label for labels in coded["gold"].to_pylist() for label in labels)
    useful = usefulness(opinions, counts, section)
    best = first_of_stories(useful, waiting.stories, size * section.breadth)
    groups = np.arange(len(best))
    if section.breadth > 1 and len(best) > size:
        texts = _texts(project.run, waiting.take(best))
        groups = group_texts(texts, size, project.config.seed).of
    taken = best[spread(groups, [waiting.outlets[at] for at in best], size, section)]
    told = reasons(opinions.take(taken), counts, len(models))
    by = "one model" if len(models) == 1 else f"{len(models)} models"
    return Queued(queue_worklist(waiting.take(taken), told), count, by)


def drawn_at_random(project: Project, view: View, side: str | None, size: int) -> Queued:
    """Draw examples that nobody has coded, each with the same chance; of all sides without one."""
    rows = _uncoded(project, view, side)
    draw = np.random.default_rng(project.config.seed)
    taken = draw.permutation(len(rows))[:size]
    told = f"{RANDOM_WHY} from {len(rows):,} examples that nobody has coded"
    told += f" on the side {side}" if side else ""
    waiting = _as_waiting(rows).take(taken)
    return Queued(queue_worklist(waiting, [told] * len(taken)), len(rows), "at random")


def _models_of(view: View, bundles: Sequence[Bundle]) -> list[TaskModel]:
    """Return the models of the task; DataError where they differ in their labels."""
    models = [bundle.tasks[view.task] for bundle in bundles if view.task in bundle.tasks]
    for model in models[1:]:
        if model.labels != models[0].labels:
            raise DataError(
                f"--model: the models' labels of task '{view.task}' differ: {models[0].labels} and "
                f"{model.labels}; name models of one version of the codebook"
            )
    return models


def _uncoded(project: Project, view: View, side: str | None) -> pa.Table:
    rows = uncoded_examples(project.run, project.codebook)
    rows = _with_stories(project, rows.filter(pc.equal(rows["task"], view.task)))
    if side is None:
        return rows
    sides = sorted(set(read_table(project.run.splits, ["side"])["side"].to_pylist()) - {None})
    if side not in sides:
        raise DataError(f"--side {side}: no such side; there are {', '.join(sides)}")
    return rows.filter(pc.equal(rows["side"], side))


def _coded_and_waiting(project: Project, view: View) -> tuple[pa.Table, Waiting]:
    """Return what is coded on train and dev, and what waits on train in other stories."""
    coded = coded_examples(project.run, project.codebook)
    coded = _with_stories(project, coded.filter(pc.equal(coded["task"], view.task)))
    rows = _uncoded(project, view, None)
    rows = rows.filter(pc.equal(rows["side"], Side.TRAIN))
    done = set(zip(coded["story"].to_pylist(), coded["target"].to_pylist(), strict=True))
    new = [
        pair not in done
        for pair in zip(rows["story"].to_pylist(), rows["target"].to_pylist(), strict=True)
    ]
    tested = pa.array([is_test(side) for side in coded["side"].to_pylist()], pa.bool_())
    return coded.filter(pc.invert(tested)), _as_waiting(rows.filter(pa.array(new, pa.bool_())))


def _with_stories(project: Project, rows: pa.Table) -> pa.Table:
    """Take the stories that ingest found, which are wider than those of the split, if it did."""
    articles = read_table(project.run.articles, ["id", "story"])
    at = pc.index_in(rows["article_id"], articles["id"].combine_chunks())
    wider = pc.coalesce(articles["story"].take(at), rows["story"])
    return rows.set_column(rows.schema.get_field_index("story"), "story", wider)


def _as_waiting(rows: pa.Table) -> Waiting:
    outlets = [outlet_key(name) if name else None for name in rows["outlet"].to_pylist()]
    return Waiting(rows, rows["story"].to_pylist(), outlets)


def _first_worklist(project: Project, waiting: Waiting, size: int) -> pa.Table:
    """Return the list that is spread over a draw of what there is, one of a story."""
    seed, section = project.config.seed, project.config.review.queue
    chance = np.random.default_rng(seed).random(len(waiting)).astype(np.float32)
    drawn = waiting.take(
        np.sort(first_of_stories(chance, waiting.stories, max(size, section.considered)))
    )
    articles = read_table(project.run.articles, ["id", "published"])
    at = pc.index_in(drawn.rows["article_id"], articles["id"].combine_chunks())
    published = articles["published"].take(at).to_pylist()
    facts = Facts(drawn.rows["outlet"].to_pylist(), published, _texts(project.run, drawn))
    taken, told = first_list(facts, size, seed)
    return queue_worklist(drawn.take(np.array(taken, np.int64)), told)


def _opinions(
    project: Project, view: View, waiting: Waiting, models: Sequence[TaskModel]
) -> Opinions:
    """Let the models answer all that waits, a batch of articles at a time."""
    labels, many = models[0].labels, models[0].thresholds is not None
    parts: list[Opinions] = []
    places: list[NDArray[np.int64]] = []
    for articles in _article_batches(project.run):
        here = pc.is_in(waiting.rows["article_id"], articles["id"].combine_chunks())
        at = np.flatnonzero(here.to_numpy())
        if not len(at):
            continue
        asked = shown(articles, waiting.rows.take(pa.array(at)), view, project.codebook)
        answers = [model.answer(*asked, 0).probabilities for model in models]
        parts.append(opinions_of(labels, many, answers))
        places.append(at)
    return Opinions.joined(parts, np.concatenate(places))


def _article_batches(run: RunFolder) -> Iterator[pa.Table]:
    with pq.ParquetFile(run.articles) as file:
        for batch in file.iter_batches(ARTICLES_AT_ONCE, columns=["id", "title", "text"]):
            yield pa.Table.from_batches([batch])


def _texts(run: RunFolder, waiting: Waiting) -> list[str]:
    """Return headline and body of each example's article."""
    wanted = pc.unique(waiting.rows["article_id"])
    found: dict[str, str] = {}
    for articles in _article_batches(run):
        for row in articles.filter(pc.is_in(articles["id"], wanted)).to_pylist():
            found[row["id"]] = f"{row['title'] or ''}\n{row['text']}"
    return [found[article] for article in waiting.rows["article_id"].to_pylist()]

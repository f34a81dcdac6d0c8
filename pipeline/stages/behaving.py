"""The stage that tests the model's behaviour, and the same tests on any bundle."""

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.artifacts import RunFolder, read_table, write_json
from pipeline.behaviour import (
    Articles,
    Suite,
    by_hash,
    hash_of,
    load_suites,
    of_articles,
    prepare,
    run_tests,
    suite_path,
)
from pipeline.bundle import Bundle, load_bundle
from pipeline.codebook import Codebook
from pipeline.config import Behaviour, Config, FileSource, Ingest
from pipeline.errors import DataError
from pipeline.ingest import Reject, read_sources
from pipeline.records import ARTICLES, is_test
from pipeline.stages.examples import coded_examples
from pipeline.stages.learning import rung_packages
from pipeline.stages.runner import Stage

# Articles of given sources that are held at once: some change few articles, and pass many over.
POOL: Final = 20_000
# Failing tests that the summary names.
NAMED: Final = 3


def behaving_stage(config: Config, codebook: Codebook, run: RunFolder) -> Stage:
    """Return the stage; SuiteError where a suite is wrong, before anything is trained."""
    section = config.behaviour
    suites = load_suites(section.suites, codebook)
    return Stage(
        "behave",
        inputs=[run.articles, run.examples, run.splits, run.model]
        + [suite_path(name) for name in section.suites],
        outputs=[run.behaviour],
        settings={
            "behaviour": section.model_dump(mode="json"),
            "confidence": config.evaluate.confidence,
        },
        code=["records.py", "artifacts.py", "codebook", "behaviour", "bundle", "features",
              "encoders", "preparation",
              "mentions.py", "groups.py", "statistics", "stages/examples.py", "stages/behaving.py"],
        packages=["numba", "numpy", "scipy", *rung_packages(config)],
        work=lambda: behave(config, suites, codebook, run),
    )  # fmt: skip


def behave(config: Config, suites: Sequence[Suite], codebook: Codebook, run: RunFolder) -> str:
    """Test the run's model, on the articles of its test sides where a test asks for articles."""
    coded = coded_examples(run, codebook)
    sides = [side for side in pc.unique(coded["side"]).to_pylist() if is_test(side)]
    examples = coded.filter(pc.is_in(coded["side"], pa.array(sides, pa.string())))
    articles = read_table(run.articles, ["id", "title", "text"])
    articles = articles.filter(pc.is_in(articles["id"], examples["article_id"].combine_chunks()))
    found = behaviour_of(
        load_bundle(run.model),
        suites,
        by_hash(examples, articles),
        config.behaviour,
        config.evaluate.confidence,
    )
    write_json(run.behaviour, found)
    return summary_of(found["tests"])


def behaviour_of(
    bundle: Bundle,
    suites: Sequence[Suite],
    articles: Articles,
    section: Behaviour,
    confidence: float,
) -> dict[str, Any]:
    """Return what `behaviour.json` holds: the suites, and each test with what it found."""
    prepared = prepare(suites, bundle.codebook, articles, section.most)
    return {
        "suites": [{"name": suite.name, "version": suite.version} for suite in suites],
        "model_version": bundle.version,
        "most": section.most,
        "confidence": confidence,
        "tests": run_tests(bundle, prepared, confidence),
    }


def failing_tests(tests: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names of the tests that fail; one without an allowance cannot."""
    return [test["name"] for test in tests if test["passed"] is False]


def summary_of(tests: Sequence[dict[str, Any]]) -> str:
    """Return how many tests fail, and which, in words."""
    if not tests:
        return "no suite is asked for"
    failing = failing_tests(tests)
    empty = sum(test["n"] == 0 for test in tests)
    told = f"{len(failing)} of {len(tests)} tests fail"
    if failing:
        told += f": {', '.join(failing[:NAMED])}" + (", …" if len(failing) > NAMED else "")
    return f"{told}; {empty} had no case" if empty else told


def articles_of(sources: Sequence[str], bundle: Bundle) -> tuple[Articles, list[Reject]]:
    """Read the articles of files or folders, and what cannot be read; of many, a fixed draw.

    They are prepared as those that the bundle learned from.
    """
    if not sources:
        return {}, []
    section = Ingest(sources=[FileSource(path=source) for source in sources], max_rejects=2**62)
    held, rejects = ARTICLES.empty_table(), []
    for batch in read_sources(section, keep_extra=False, preparation=bundle.preparation):
        held = _drawn(pa.concat_tables([held, batch.articles]))
        rejects += batch.rejects
    if not len(held):
        raise DataError(f"--articles {sources[0]}: no article in it can be read")
    return of_articles(held, bundle.codebook), rejects


def _drawn(articles: pa.Table) -> pa.Table:
    if len(articles) <= POOL:
        return articles
    ids = articles["id"].to_pylist()
    kept = sorted(range(len(ids)), key=lambda row: hash_of(ids[row]))[:POOL]
    return articles.take(pa.array(sorted(kept)))

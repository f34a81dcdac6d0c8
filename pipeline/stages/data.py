"""The stages before learning: ingest, label, split and audit, with their files."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.artifacts import (
    RunFolder,
    read_table,
    replacing,
    write_json,
    write_table,
)
from pipeline.audit import Coded, Promises, Severity, audit_run, worst
from pipeline.codebook import Codebook
from pipeline.config import Config, Ingest, LabelSection, SplitSection
from pipeline.errors import DataError
from pipeline.ingest import Reject, read_sources, source_paths
from pipeline.label import label_articles
from pipeline.preparation import rule_files
from pipeline.records import ARTICLES
from pipeline.split import grouped_by, split_articles
from pipeline.stages.articles import article_writer
from pipeline.stages.begun import earlier_runs
from pipeline.stages.codebooks import recoding_worklist
from pipeline.stages.runner import Stage
from pipeline.stages.tally import Tally, counted
from pipeline.worklists import write_worklist

# Parts of the section `label` that the stage `vote` reads.
VOTING: Final = {"functions", "zero_shot", "endpoint", "votes"}
# Modules that every stage's result depends on.
SHARED_CODE: Final = ("records.py", "artifacts.py")
# Packages that decide which text a page or a feed has.
PAGE_PACKAGES: Final = ("trafilatura", "lxml", "feedparser", "ftfy", "charset-normalizer")


def data_stages(config: Config, codebook: Codebook, run: RunFolder) -> list[Stage]:
    """Return the stages from sources to split and audited examples."""
    return [
        _ingest_stage(config, run),
        _label_stage(config, codebook, run),
        _split_stage(config, run),
        _audit_stage(config, codebook, run),
    ]


def _ingest_stage(config: Config, run: RunFolder) -> Stage:
    return Stage(
        "ingest",
        inputs=[*source_paths(config.ingest), *rule_files(config.ingest.boilerplate)],
        outputs=[run.articles, run.rejects, run.copies],
        settings=config.ingest.model_dump(mode="json"),
        code=[
            "ingest",
            "preparation",
            "provenance.py",
            "groups.py",
            "duplicates",
            *SHARED_CODE,
        ],
        packages=[*PAGE_PACKAGES, "fastwarc", "openpyxl", "rensa", "py3langid"],
        work=lambda: ingest(config.ingest, run),
    )


def _label_stage(config: Config, codebook: Codebook, run: RunFolder) -> Stage:
    return Stage(
        "label",
        inputs=[run.articles, *config.label.annotations, *config.label.earlier],
        outputs=[run.examples, run.annotations, run.agreement, run.disputed, run.outdated],
        settings={
            "label": config.label.model_dump(mode="json", exclude=VOTING),
            "seed": config.seed,
            "codebook": codebook.model_dump(mode="json"),
        },
        code=[
            "label",
            "preparation",
            "mentions.py",
            "codebook",
            "statistics",
            "worklists.py",
            *SHARED_CODE,
        ],
        packages=["numpy", "scipy"],
        work=lambda: label(config, codebook, run),
    )


def _split_stage(config: Config, run: RunFolder) -> Stage:
    return Stage(
        "split",
        inputs=[run.articles],
        outputs=[run.splits, run.account],
        settings=config.split.model_dump(mode="json"),
        code=["split", "groups.py", "duplicates", *SHARED_CODE],
        packages=["rensa"],
        work=lambda: split(config.split, run),
    )


def _audit_stage(config: Config, codebook: Codebook, run: RunFolder) -> Stage:
    begun = earlier_runs(config)
    return Stage(
        "audit",
        inputs=[
            run.articles,
            run.examples,
            run.splits,
            *(file for earlier in begun.values() for file in earlier.files),
        ],
        outputs=[run.audit],
        settings={
            "audit": config.audit.model_dump(mode="json"),
            "by": config.split.by,
            "apart": grouped_by(config.split),
            "asked": asked_fields(config.label),
            "codebook": codebook.model_dump(mode="json"),
            "begun": sorted(begun),
        },
        code=["audit", "groups.py", "duplicates", *SHARED_CODE],
        packages=["rensa"],
        work=lambda: audit(config, codebook, run),
    )


def ingest(section: Ingest, run: RunFolder) -> str:
    """Stream the sources into articles.parquet, rejects.jsonl and copies.jsonl.

    The rejects are there for the reader also when there are too many of them to go on.
    """
    tally = Tally()
    stopped: DataError | None = None
    with (
        replacing(run.articles) as articles_file,
        replacing(run.copies) as copies_file,
        article_writer(section.stories, articles_file, copies_file) as writer,
    ):
        with replacing(run.rejects) as rejects_file, rejects_file.open("wb") as rejects:
            try:
                for batch in read_sources(section):
                    writer.add(batch.articles)
                    tally.add(batch)
                    for reject in batch.rejects:
                        rejects.write(
                            orjson.dumps(reject.as_dict(), option=orjson.OPT_APPEND_NEWLINE)
                        )
            except DataError as error:
                stopped = error
        # Raised in here, so that half of the articles do not take the place of all.
        if stopped is not None:
            raise DataError(f"{stopped} (all rejects: {run.rejects})") from stopped
        if not tally.articles:
            raise DataError(no_article(tally.rejects, tally.first, run.rejects))
        left_out = writer.finish()
    return tally.words(left_out)


def no_article(rejected: int, first: Reject | None, rejects_file: Path) -> str:
    """Say that the sources gave no article, and why; `first` is the first reject, if any."""
    if first is None:
        return "the sources hold no article; are the files empty?"
    return (
        f"the sources hold no article that can be read: {counted(rejected, 'reject')}, the first "
        f"is {first.source}:{first.place}: {first.reason} (all rejects: {rejects_file})"
    )


def label(config: Config, codebook: Codebook, run: RunFolder) -> str:
    """Make examples with gold from the articles and annotations."""
    labelled = label_articles(read_table(run.articles), codebook, config.label, config.seed)
    write_table(run.examples, labelled.examples)
    write_table(run.annotations, labelled.annotations)
    write_json(run.agreement, labelled.agreement)
    write_worklist(run.disputed, labelled.disputed)
    write_worklist(run.outdated, recoding_worklist(labelled.outdated))
    coded = len(labelled.examples) - labelled.examples["gold"].null_count
    told = [counted(len(labelled.examples), "example"), f"{coded:,} coded"]
    if len(labelled.disputed):
        told.append(f"{len(labelled.disputed):,} disputed")
    if unknown := labelled.agreement["unknown_articles"]["annotations"]:
        told.append(f"{counted(unknown, 'answer')} about articles that are not there")
    if labelled.outdated:
        told.append(counted(len(labelled.outdated), "outdated answer"))
    return ", ".join([*told, *_unsettled(labelled.agreement["tasks"])])


def _unsettled(tasks: Mapping[str, Any]) -> list[str]:
    """Say of which tasks the model of the coders was still moving when its rounds were over."""
    found = []
    for task, values in tasks.items():
        facts = values["adjudication"].get("otherwise", values["adjudication"])
        if not facts.get("settled", True):
            found.append(f"{facts['by']} of {task} not settled after {facts['rounds']} rounds")
    return found


def split(section: SplitSection, run: RunFolder) -> str:
    """Put each article on a side."""
    columns = ["id", "text", "outlet", "published", "given_split", "source", "place", "story"]
    field = grouped_by(section)
    if field is not None and field not in columns:
        columns.append(field if field in ARTICLES.names else "extra")
    divided = split_articles(read_table(run.articles, columns), section)
    write_table(run.splits, divided.splits)
    write_json(run.account, divided.account)
    return side_counts(divided.splits)


def asked_fields(section: LabelSection) -> list[str]:
    """Return the fields of the rows that hold answers, or what is asked about."""
    return sorted(
        {
            field
            for inline in section.inline.values()
            for field in inline.model_dump().values()
            if field is not None
        }
    )


def audit(config: Config, codebook: Codebook, run: RunFolder) -> str:
    """Write what may give the answers away; DataError where it is as bad as `fail_on` says."""
    examples = read_table(run.examples)
    if examples["gold"].null_count == len(examples):  # coders get their first tasks without it
        raise DataError(_no_gold(examples, run))
    findings = audit_run(
        Coded.of(read_table(run.articles), read_table(run.splits), examples),
        codebook,
        config.audit,
        Promises(grouped_by(config.split), config.split.by == "time", asked_fields(config.label)),
        {model: earlier.coded() for model, earlier in earlier_runs(config).items()},
    )
    write_json(run.audit, {"findings": [finding.as_dict() for finding in findings]})
    counts = Counter(finding.severity for finding in findings)
    told = [
        counted(counts[each], each.value)
        for each in (Severity.ERROR, Severity.WARNING)
        if counts[each]
    ]
    summary = ", ".join(told) or "nothing to warn of"
    stops = config.audit.fail_on
    if stops is not None and (level := worst(findings)) and level.rank >= Severity(stops).rank:
        first = findings[0]
        raise DataError(
            f"audit: {summary}; the first is {first.check} on {first.side or 'the training side'}: "
            f"{first.summary} (all findings: {run.audit}; audit.fail_on: null goes on)"
        )
    return summary


def _no_gold(examples: pa.Table, run: RunFolder) -> str:
    """Say why no example has gold, and what to do."""
    answered = pc.sum(pc.greater(examples["coders"], 0)).as_py()
    if answered:
        return (
            f"no answered example has gold, of {answered:,}; they are in {run.disputed}: "
            "let somebody decide them, or see label.adjudicate"
        )
    return (
        "no example has an answer: name the fields of the answers in label.inline, "
        "or the coders' files in label.annotations"
    )


def side_counts(splits: pa.Table) -> str:
    """Return how many articles are on each side, in words."""
    counts = {row["values"]: row["counts"] for row in pc.value_counts(splits["side"]).to_pylist()}
    set_aside = counts.pop(None, 0)
    order = sorted(counts, key=lambda side: (side != "train", side != "dev", side))
    parts = [f"{counts[side]:,} {side}" for side in order]
    return ", ".join([*parts, f"{set_aside:,} set aside"] if set_aside else parts)

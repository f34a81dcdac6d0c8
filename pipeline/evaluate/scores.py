"""The scores of every side and task, as plain numbers."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.artifacts import rounded
from pipeline.codebook import Codebook
from pipeline.config import Evaluate
from pipeline.errors import DataError
from pipeline.evaluate import abstention, calibration, label_sets, metrics
from pipeline.evaluate.answers import (
    Answers,
    Flags,
    Floats,
    Question,
    check_scored,
    clusters_of,
    flags_of,
    read_answers,
    rows_of,
    sides_and_tasks,
)
from pipeline.evaluate.baselines import baseline_scores
from pipeline.evaluate.coders import Beside, Coded, Pair, beside_coders
from pipeline.evaluate.slices import slice_scores
from pipeline.records import is_test
from pipeline.statistics import paired
from pipeline.statistics.bootstrap import interval, resampled_sums
from pipeline.statistics.rates import interval_of_all_alike


def evaluate(
    scored: pa.Table,
    codebook: Codebook,
    section: Evaluate,
    seed: int,
    train_gold: Mapping[str, Sequence[Sequence[str]]],
    touched: Mapping[str, Mapping[str, Collection[str]]] | None = None,
    answer_from: Mapping[str, float] | None = None,
    coded: Coded | None = None,
) -> dict[str, Any]:
    """Score records.SCORED: {side: {task: scores}}, sorted, ready for JSON.

    `train_gold` holds the training side's answers by task, for the baselines. `touched` holds, by
    side and by check of the audit, the articles that it found: `without` is the score that remains
    without them. `answer_from` holds, by task, the probability from which on the model answers.
    What cannot be computed is None: the precision of a label that was never predicted, an interval
    of one story.
    """
    check_scored(scored)
    result: dict[str, Any] = {}
    for side, name in sides_and_tasks(scored):
        if name not in codebook.tasks:
            raise DataError(
                f"scored predictions: task {name!r} is not in the codebook {codebook.identity}"
            )
        question = Question.of(name, codebook.tasks[name])
        rows = rows_of(scored, side, name)
        answers = read_answers(rows, question, section.resample_by)
        # Each side and task has draws of its own, whatever else is in the table.
        rng = np.random.default_rng([seed, *f"{side}/{name}".encode()])
        training = flags_of(train_gold.get(name, []), question)
        scores = _score(answers, section, rng, training)
        if not question.many:
            scores |= _abstention(answers, (answer_from or {}).get(name), section, rng)
        if answers.sets is not None:
            scores["sets"] = _label_sets(answers.sets, answers, section, rng)
        scores["slices"] = slice_scores(rows, answers, section)
        if checks := (touched or {}).get(side, {}):
            scores["without"] = _without(rows, answers, checks, section, rng)
        if coded is not None and is_test(side):
            beside = beside_coders(rows, coded, question, section, rng)
            scores |= {} if beside is None else {"coders": _coders(beside, section)}
        result.setdefault(side, {})[name] = rounded(scores)
    return result


def mean_macro_f1(
    scored: pa.Table, codebook: Codebook, section: Evaluate, seed: int
) -> dict[str, float | None]:
    """Return the mean of the tasks' macro-F1 on one side of records.SCORED, with its interval.

    The tasks are asked of the same articles: a story that is drawn brings its examples of each.
    """
    from scipy.sparse import block_diag

    tallies = []
    tasks = sorted(set(scored["task"].to_pylist()))
    parts = [scored.filter(pc.equal(scored["task"], task)) for task in tasks]
    for task, rows in zip(tasks, parts, strict=True):
        question = Question.of(task, codebook.tasks[task])
        answers = read_answers(rows, question, section.resample_by)
        tallies.append(paired.tally(answers.gold, answers.predicted))
    clusters = clusters_of(pa.concat_tables(parts), section.resample_by)
    together = block_diag(tallies, format="csr")
    sums = resampled_sums({"all": together}, clusters, section, np.random.default_rng(seed))["all"]
    ends = np.cumsum([tally.shape[1] for tally in tallies])[:-1]
    of_tasks = [metrics.macro_f1(paired.counts_of(part)) for part in np.split(sums, ends, axis=1)]
    mean: dict[str, float | None] = rounded(
        _with_interval("macro_f1", np.mean(of_tasks, axis=0), section)
    )
    return mean


def _abstention(
    answers: Answers, least: float | None, section: Evaluate, rng: np.random.Generator
) -> dict[str, Any]:
    """Score how well sureness tells right from wrong, and what withholding from `least` gives."""
    tallies = {"risk": abstention.risk_tally(answers)}
    if least is not None:
        tallies["answered"] = abstention.answered_tally(answers, least)
    sums = resampled_sums(tallies, answers.clusters, section, rng)
    scores: dict[str, Any] = _with_interval("aurc", abstention.aurc(sums["risk"]), section)
    if least is not None:
        given, wrong = sums["answered"].T
        asked = sums["risk"][:, : abstention.STEPS].sum(axis=1)
        scores["abstain"] = {
            "answer_from": least,
            "n": int(given[0]),
            **_with_interval("coverage", given / asked, section),
            **_with_interval("error", paired.ratio(wrong, given), section),
        }
    return scores


def _label_sets(
    sets: Flags, answers: Answers, section: Evaluate, rng: np.random.Generator
) -> dict[str, Any]:
    """Score the sets of labels: how often they hold the right one, and their size."""
    tallies = {"sets": label_sets.tally(sets, answers.gold)}
    sums = resampled_sums(tallies, answers.clusters, section, rng)["sets"]
    size, single, empty = (paired.ratio(sums[:, k], sums[:, 0]) for k in (1, 2, 3))
    gold, covered = np.split(sums[:, 4:], 2, axis=1)
    by_label = paired.ratio(covered, gold)
    return {
        **_with_interval("coverage", covered.sum(axis=1) / sums[:, 0], section),
        **_with_interval("size", size, section),
        **_with_interval("single", single, section),
        **_with_interval("empty", empty, section),
        "labels": {
            label: {
                **_with_interval("coverage", by_label[:, k], section),
                "support": int(gold[0, k]),
            }
            for k, label in enumerate(answers.question.labels)
        },
    }


def _without(
    rows: pa.Table,
    answers: Answers,
    checks: Mapping[str, Collection[str]],
    section: Evaluate,
    rng: np.random.Generator,
) -> dict[str, dict[str, Any]]:
    """Score what is left of the side when the articles that a check found are left out."""
    result = {}
    for check in sorted(checks):
        found = pc.is_in(rows["article_id"], value_set=pa.array(sorted(checks[check]), pa.string()))
        kept = ~found.to_numpy()
        scores: dict[str, Any] = {"n": int(kept.sum())}
        if kept.any():
            _, clusters = np.unique(answers.clusters[kept], return_inverse=True)
            tally = paired.tally(answers.gold[kept], answers.predicted[kept])
            sums = resampled_sums({"left": tally}, clusters, section, rng)["left"]
            left = paired.counts_of(sums)
            scores |= _with_interval("macro_f1", metrics.macro_f1(left), section)
            scores |= _with_interval("accuracy", paired.accuracy(left), section)
        result[check] = scores
    return result


def _coders(beside: Beside, section: Evaluate) -> dict[str, Any]:
    """Score how well the coders agree with one another, and the model with them."""
    coders, model = beside.kappas
    return {
        "n": beside.n,
        "ties": beside.ties,
        **_with_interval("coder_kappa", coders, section),
        **_with_interval("model_kappa", model, section),
        **_with_interval("kappa_difference", model - coders, section),
        "pairs": [_pair(pair, section) for pair in beside.pairs],
        "pairs_left_out": beside.pairs_left_out,
    }


def _pair(pair: Pair, section: Evaluate) -> dict[str, Any]:
    first, second = (
        _with_interval("agreement", each.share, section)
        | _with_interval("kappa", each.kappa, section)
        for each in pair.model
    )
    return {
        "coders": list(pair.names),
        "n": pair.n,
        **_with_interval("agreement", pair.coders.share, section),
        **_with_interval("kappa", pair.coders.kappa, section),
        "model": [first, second],
    }


def _score(
    answers: Answers, section: Evaluate, rng: np.random.Generator, training: Flags
) -> dict[str, Any]:
    from scipy.sparse import csr_array

    gold, probabilities, many = answers.gold, answers.probabilities, answers.question.many
    tallies = {
        "model": paired.tally(gold, answers.predicted),
        "gaps": calibration.gap_tally(calibration.claims_of(answers), section.bins),
        "losses": csr_array(
            np.column_stack(
                [
                    metrics.log_losses(gold, probabilities, many),
                    metrics.brier_losses(gold, probabilities, many),
                ]
            )
        ),
    }
    if answers.blind is not None:
        tallies["blind"] = paired.tally(gold, answers.blind)
    if answers.flips is not None and answers.swapped is not None:
        flips = np.column_stack([answers.flips, answers.swapped])
        tallies["swap"] = csr_array(flips.astype(np.float64))
    sums = resampled_sums(tallies, answers.clusters, section, rng)
    counts = paired.counts_of(sums["model"])
    return {
        "n": len(gold),
        "n_stories": int(answers.stories.max()) + 1,
        **_headline(counts, sums["gaps"], section, answers),
        **_with_interval("log_loss", sums["losses"][:, 0] / counts.n, section),
        **_with_interval("brier", sums["losses"][:, 1] / counts.n, section),
        **(_blind(counts, paired.counts_of(sums["blind"]), section) if "blind" in sums else {}),
        **(_swap(sums["swap"], section) if "swap" in sums else {}),
        "labels": _labels(counts, answers, section),
        **({} if many else {"confusion": _confusion(answers)}),
        "baselines": baseline_scores(gold, training, many, rng),
    }


def _headline(
    counts: paired.Counts, gaps: Floats, section: Evaluate, answers: Answers
) -> dict[str, float | None]:
    errors = calibration.recentred(calibration.ece(gaps, counts.n, section.bins), section)
    scores = {"macro_f1": metrics.macro_f1(counts)}
    if answers.question.many:
        scores["micro_f1"] = metrics.micro_f1(counts)
    scores |= {"accuracy": paired.accuracy(counts), "ece": errors}
    result: dict[str, float | None] = {}
    for name, values in scores.items():
        shares = None if name == "ece" else answers.n_clusters
        result |= _with_interval(name, values, section, shares)
    return result


def _with_interval(
    name: str, values: Floats, section: Evaluate, clusters: int | None = None
) -> dict[str, float | None]:
    """Name a score and its interval.

    With `clusters` it is a share of right answers, and one of 0 or 1, which no resample moves, has
    the interval of a share that is alike in as many clusters.
    """
    low, high = interval(values, section)
    value = float(values[0])
    if low is None and clusters and clusters > 1 and value in (0, 1):
        low, high = interval_of_all_alike(value, clusters, section.confidence)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _blind(counts: paired.Counts, blind: paired.Counts, section: Evaluate) -> dict[str, Any]:
    delta = metrics.macro_f1(counts) - metrics.macro_f1(blind)
    return {
        "target_blind": {
            "macro_f1": float(metrics.macro_f1(blind)[0]),
            "accuracy": float(paired.accuracy(blind)[0]),
        },
        **_with_interval("target_blind_delta", delta, section),
    }


def _swap(sums: Floats, section: Evaluate) -> dict[str, Any]:
    """Score how often asking about another target changes the answer."""
    rate = paired.ratio(sums[:, 0], sums[:, 1])
    return {
        **_with_interval("target_swap_flip_rate", rate, section),
        "target_swap_n": int(sums[0, 1]),
    }


def _labels(
    counts: paired.Counts, answers: Answers, section: Evaluate
) -> dict[str, dict[str, float | None]]:
    precision = paired.ratio(counts.hits[0], counts.predicted[0])
    recall = paired.ratio(counts.hits[0], counts.gold[0])
    f1 = metrics.label_f1(counts)
    named = answers.gold | answers.predicted
    involved = [len(np.unique(answers.clusters[rows])) for rows in named.T]
    return {
        label: {
            "precision": float(precision[k]),
            "recall": float(recall[k]),
            **_with_interval("f1", f1[:, k], section, int(involved[k])),
            "support": int(counts.gold[0, k]),
            "predicted": int(counts.predicted[0, k]),
        }
        for k, label in enumerate(answers.question.labels)
    }


def _confusion(answers: Answers) -> dict[str, Any]:
    labels = answers.question.labels
    cells = answers.gold.argmax(axis=1) * len(labels) + answers.predicted.argmax(axis=1)
    rows = np.bincount(cells, minlength=len(labels) ** 2).reshape(len(labels), -1)
    return {"labels": labels, "rows": rows.tolist()}

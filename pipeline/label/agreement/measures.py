"""How far the coders of a task agree: measures with intervals, pairs, and what they differ on."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from pipeline.artifacts import rounded
from pipeline.codebook import Task
from pipeline.config import Agreement
from pipeline.label.agreement import kappas, krippendorff
from pipeline.label.agreement.disagreements import ROWS, Disagreements
from pipeline.label.agreement.pairs import Pairs, pair_tally, pairs_of
from pipeline.label.agreement.tallies import Sums, sums_of, tally
from pipeline.label.answered import Answered, Answers
from pipeline.label.answers import Example
from pipeline.statistics import paired
from pipeline.statistics.bootstrap import Codes, Floats, interval, resampled_sums
from pipeline.statistics.rates import interval_of_all_alike

# Kappa of fewer common examples says next to nothing, and is in no mean.
SHARED: Final = 10
# Distances between sets of labels take the square of this in memory, and in time for each resample.
KINDS: Final = 1000


def agreement_on(
    answered: Answered, clusters: Codes, section: Agreement, rng: np.random.Generator
) -> dict[str, Any]:
    """Return how far the coders of a task agree, JSON-ready; see docs/labelling.md for the keys.

    `clusters` says what is drawn as a whole: the story or article of each example, (n,). What is
    not defined is null, and `undefined` says why.
    """
    pairs = pairs_of(answered)
    distances = _distances(answered)
    tallies = {"all": tally(answered)}
    if distances is not None:
        tallies["sets"] = krippendorff.distance_tally(answered, distances)
    tallies |= {f"{at}": pair_tally(answered, pair) for at, pair in enumerate(pairs.taken)}
    drawn = _drawn(tallies, clusters, section, rng)
    sums = sums_of(drawn["all"])
    counts = [paired.counts_of(drawn[f"{at}"]) for at in range(len(pairs.taken))]
    tell = _Teller(section, int(clusters.max(initial=-1)) + 1)
    enough = [each for each in counts if each.n[0] >= SHARED]
    values = _of_task(answered, sums, enough)
    if distances is not None:
        values["alpha_masi"] = krippendorff.distance_alpha(drawn["sets"], distances)
    elif answered.many:
        values["alpha_masi"] = np.full(1, np.nan)
    disagreements = Disagreements.of(answered)
    found: dict[str, Any] = rounded(
        {
            "coders": answered.coders,
            "examples": len(answered.examples),
            "examples_with_two_coders": int(sums.comparable[0]),
            **tell.measures(values),
            "kappa_pairs": len(enough),
            "undefined": _why_undefined(answered, sums),
            "labels": _labels(answered, sums, enough, tell),
            "pairs": _pairs(answered, pairs, counts, tell),
            "pairs_left_out": pairs.left_out,
            "pairs_without_shared": pairs.apart,
            "by_coder": _by_coder(answered, disagreements),
            "confused": disagreements.by_labels[:ROWS],
            "disagreements": disagreements.by_coders[:ROWS],
            "disagreements_left_out": max(0, len(disagreements.by_coders) - ROWS),
        }
    )
    return found


def _drawn(
    tallies: Mapping[str, Any], clusters: Codes, section: Agreement, rng: np.random.Generator
) -> dict[str, Floats]:
    """Sum the tallies over the sample and its resamples; zeros where nothing was answered."""
    if len(clusters):
        return resampled_sums(tallies, clusters, section, rng)
    return {name: np.zeros((1, table.shape[1])) for name, table in tallies.items()}


def label_alphas(task: Task, answers: Mapping[Example, Answers]) -> dict[str, dict[str, Any]]:
    """Return alpha of each label of a task, and how many examples coded twice have it."""
    answered = Answered.of(task, answers)
    sums = sums_of(np.asarray(tally(answered).sum(axis=0))[None, :])
    alphas, twice = krippendorff.label_alphas(sums)[0], _coded_twice(answered)
    return {
        label: rounded({"alpha": float(alphas[k]), "coded_twice": int(twice[k])})
        for k, label in enumerate(answered.labels)
    }


class _Teller:
    """Gives measures their intervals."""

    def __init__(self, section: Agreement, clusters: int) -> None:
        self.section = section
        self.clusters = clusters

    def measures(self, values: Mapping[str, Floats]) -> dict[str, float | None]:
        """Name each value of the sample, and its interval."""
        told: dict[str, float | None] = {}
        for name, samples in values.items():
            low, high = interval(samples, self.section)
            value = float(samples[0])
            # No resample moves a share of 0 or 1; how many clusters there are says enough of it.
            if name == "agreement" and low is None and self.clusters > 1 and value in (0, 1):
                low, high = interval_of_all_alike(value, self.clusters, self.section.confidence)
            told |= {name: value, f"{name}_low": low, f"{name}_high": high}
        return told


def _of_task(answered: Answered, sums: Sums, counts: list[paired.Counts]) -> dict[str, Floats]:
    """Return the measures of whole answers; of many labels those beyond chance are means."""
    kappa = _mean([paired.kappa(each, answered.many) for each in counts], sums)
    values = {"agreement": paired.ratio(sums.equal, sums.pairs)}
    if answered.many:
        mean = paired.mean_of_known
        return values | {
            "alpha": mean(krippendorff.label_alphas(sums)),
            "kappa": kappa,
            "fleiss_kappa": mean(kappas.label_fleiss_kappas(sums)),
            "ac1": mean(kappas.label_ac1s(sums)),
        }
    return values | {
        "alpha": krippendorff.nominal_alpha(sums),
        "kappa": kappa,
        "fleiss_kappa": kappas.fleiss_kappa(sums),
        "ac1": kappas.ac1(sums),
    }


def _labels(
    answered: Answered, sums: Sums, counts: list[paired.Counts], tell: _Teller
) -> dict[str, dict[str, Any]]:
    of_pairs = [paired.label_kappas(each) for each in counts]
    tables = {
        "agreement": 1 - paired.ratio(sums.unequal, sums.pairs[:, None]),
        "alpha": krippendorff.label_alphas(sums),
        "fleiss_kappa": kappas.label_fleiss_kappas(sums),
        "ac1": kappas.label_ac1s(sums),
    }
    twice = _coded_twice(answered)
    found = {}
    for k, label in enumerate(answered.labels):
        values = {name: table[:, k] for name, table in tables.items()}
        values["kappa"] = _mean([each[:, k] for each in of_pairs], sums)
        found[label] = {
            **tell.measures(values),
            "undefined": _why_label_undefined(answered, sums, k),
            "coded_twice": int(twice[k]),
        }
    return found


def _pairs(
    answered: Answered, pairs: Pairs, counts: list[paired.Counts], tell: _Teller
) -> list[dict[str, Any]]:
    rows = []
    for (one, two), each in zip(pairs.taken, counts, strict=True):
        kappa = paired.kappa(each, answered.many)
        by_label = paired.label_kappas(each)
        rows.append(
            {
                "coders": [answered.coders[one], answered.coders[two]],
                "n": int(each.n[0]),
                **tell.measures({"agreement": paired.accuracy(each), "kappa": kappa}),
                "undefined": "both gave one and the same answer" if np.isnan(kappa[0]) else None,
                "labels": {
                    label: tell.measures({"kappa": by_label[:, k]})
                    for k, label in enumerate(answered.labels)
                },
            }
        )
    return rows


def _by_coder(answered: Answered, disagreements: Disagreements) -> dict[str, dict[str, Any]]:
    """Return how much each coder did, and how often the others say the same."""
    given = np.bincount(answered.coder, minlength=len(answered.coders))
    pairs, equal = disagreements.compared
    return {
        coder: {
            "answers": int(given[at]),
            "compared": int(pairs[at]),
            "agreement": float(equal[at] / pairs[at]) if pairs[at] else None,
        }
        for at, coder in enumerate(answered.coders)
    }


def _mean(kappas_of_pairs: list[Floats], sums: Sums) -> Floats:
    """Mean over pairs, without those whose kappa is not defined: (samples,).

    Light (1971), Measures of Response Agreement for Qualitative Data,
    https://doi.org/10.1037/h0031643.
    """
    if not kappas_of_pairs:
        return np.full(len(sums.pairs), np.nan)
    return paired.mean_of_known(np.column_stack(kappas_of_pairs))


def _coded_twice(answered: Answered) -> Codes:
    """Count for each label the examples with two answers or more that somebody gave it to."""
    twice = answered.answers_to[answered.example] > 1
    rows, labels = np.nonzero(answered.chosen & twice[:, None])
    pairs = np.unique(answered.example[rows] * len(answered.labels) + labels)
    return np.bincount(pairs % len(answered.labels), minlength=len(answered.labels))


def _distances(answered: Answered) -> Floats | None:
    if not answered.many or len(answered.kinds) > KINDS:
        return None
    return krippendorff.masi_distances(answered.kinds)


def _why_undefined(answered: Answered, sums: Sums) -> str | None:
    """Say why there is no measure, or none beyond chance; null where all are defined."""
    if not answered.coders:
        return "nobody answered"
    if len(answered.coders) == 1:
        return f"{answered.coders[0]} is the only coder"
    if not sums.comparable[0]:
        return "no example has answers of two coders"
    given = answered.answer[answered.answers_to[answered.example] > 1]
    return "all answers to compare are the same" if len(np.unique(given)) == 1 else None


def _why_label_undefined(answered: Answered, sums: Sums, k: int) -> str | None:
    if len(answered.coders) < 2 or not sums.comparable[0]:
        return _why_undefined(answered, sums)
    if not sums.totals[0, k]:
        return "nobody chose it where two coders answered"
    return "all chose it" if sums.totals[0, k] == sums.values[0] else None

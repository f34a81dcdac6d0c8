"""Whether probabilities mean what they say: calibration error and reliability curve."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.config import Evaluate
from pipeline.evaluate.answers import Answers, Codes, Flags, Floats
from pipeline.statistics.bootstrap import resamples_of


@dataclass(frozen=True)
class Claims:
    """Probabilities that were given to answers, and whether those were right: (n, series).

    One series for a task with one label, the predicted label's; one per label for many.
    """

    probability: Floats
    right: Flags


@dataclass(frozen=True)
class Curve:
    """A reliability curve; one number per bin that holds anything."""

    probability: Floats  # mean probability of the bin
    right: Floats  # share that is right
    n: Codes


def claims_of(answers: Answers) -> Claims:
    """Take out of the answers what calibration is measured on."""
    if answers.question.many:
        return Claims(answers.probabilities, answers.gold)
    predicted = answers.predicted.argmax(axis=1)[:, None]
    probability = np.take_along_axis(answers.probabilities, predicted, axis=1)
    return Claims(probability, answers.right[:, None])


def equal_mass_bins(probability: Floats, bins: int) -> Codes:
    """Number the bin of each probability: (n,). Equal probabilities are in one bin.

    So no bin depends on the order of the rows; with many ties some bins stay empty.
    """
    edges = np.quantile(probability, np.linspace(0, 1, bins + 1)[1:-1])
    return np.searchsorted(edges, probability, side="right")


def gap_tally(claims: Claims, bins: int) -> Any:
    """Lay out the gap of claim and truth by series and bin: a sparse (n, series × bins).

    The bins are those of the whole sample, in every resample too.
    """
    from scipy.sparse import csr_array

    n, series = claims.probability.shape
    binned = [equal_mass_bins(claims.probability[:, k], bins) + k * bins for k in range(series)]
    gaps = claims.probability - claims.right
    rows = np.repeat(np.arange(n), series)
    columns = np.stack(binned, axis=1).ravel()
    return csr_array((gaps.ravel(), (rows, columns)), shape=(n, series * bins))


def ece(gaps: Floats, n: Floats, bins: int) -> Floats:
    """Expected calibration error from summed gaps (samples, series × bins): (samples,).

    The mean over the bins, by their mass, of the distance between mean probability and share
    right (https://arxiv.org/abs/1706.04599); the mean over the series where there are several.
    """
    series = gaps.shape[1] // bins
    return np.asarray(np.abs(gaps).sum(axis=1) / (n * series))


def recentred(values: Floats, section: Evaluate) -> Floats:
    """Shift the resampled errors so that their mean is the sample's error.

    A sum of distances only grows by noise, and a resample has the sample's noise and its own:
    left as they are, all resamples of a well calibrated model lie above the error it is given.
    """
    if len(values) == 1:
        return values
    shifted = values.copy()
    resamples = resamples_of(shifted, section)
    resamples -= resamples.mean() - values[0]
    return np.maximum(shifted, 0)


def reliability_curve(claims: Claims, bins: int) -> Curve:
    """Mean probability and share right in bins of equal mass; all series taken together."""
    probability, right = claims.probability.ravel(), claims.right.ravel()
    codes = equal_mass_bins(probability, bins)
    n = np.bincount(codes, minlength=bins)
    kept = n > 0
    means = np.bincount(codes, probability, minlength=bins)[kept] / n[kept]
    shares = np.bincount(codes, right, minlength=bins)[kept] / n[kept]
    return Curve(means, shares, n[kept])

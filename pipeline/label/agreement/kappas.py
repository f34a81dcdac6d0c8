"""Fleiss' kappa and Gwet's AC1, with any number of coders and missing answers.

Both are (p - e) / (1 - e): p is the mean share of equal pairs of answers, over the examples with
two answers or more; e is what chance would give, from how often each label is chosen, over all
examples with an answer. They differ in e. For data without gaps Fleiss' is that of Fleiss (1971),
Measuring Nominal Scale Agreement among Many Raters, https://doi.org/10.1037/h0031619; for data with
gaps both are as in Gwet (2014), Handbook of Inter-Rater Reliability, 4th edition, chapter 2. AC1 is
Gwet's (2008), https://doi.org/10.1348/000711006X126600. NaN where not defined.
"""

import numpy as np

from pipeline.label.agreement.tallies import Sums
from pipeline.statistics.bootstrap import Floats
from pipeline.statistics.paired import ratio


def fleiss_kappa(sums: Sums) -> Floats:
    """Fleiss' kappa: (samples,)."""
    p = ratio(sums.prevalence, sums.answered[:, None])
    return _beyond(ratio(sums.shared, sums.comparable), (p**2).sum(axis=1))


def label_fleiss_kappas(sums: Sums) -> Floats:
    """Fleiss' kappa of each label against the rest: (samples, labels)."""
    p = ratio(sums.prevalence, sums.answered[:, None])
    return _beyond(_label_shared(sums), p**2 + (1 - p) ** 2)


def ac1(sums: Sums) -> Floats:
    """Gwet's AC1: (samples,)."""
    p = ratio(sums.prevalence, sums.answered[:, None])
    by_chance = (p * (1 - p)).sum(axis=1) / (p.shape[1] - 1)
    return _beyond(ratio(sums.shared, sums.comparable), by_chance)


def label_ac1s(sums: Sums) -> Floats:
    """Gwet's AC1 of each label against the rest: (samples, labels)."""
    p = ratio(sums.prevalence, sums.answered[:, None])
    return _beyond(_label_shared(sums), 2 * p * (1 - p))


def _label_shared(sums: Sums) -> Floats:
    return 1 - ratio(sums.unlike, sums.comparable[:, None])


def _beyond(equal: Floats, by_chance: Floats) -> Floats:
    """Return what is left beyond chance; NaN where chance alone would give full agreement."""
    left = 1 - by_chance
    # Prevalences are sums of thirds and sixths: what should be 1 may be a bit less.
    return ratio(equal - by_chance, np.where(left > 1e-12, left, 0))

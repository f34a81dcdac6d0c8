"""Decide each example of a task: by the majority, by one coder, or by a model of all coders."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np

from pipeline.config import Adjudicate, DawidSkene, Majority, NamedCoder, Nobody, OneCoin
from pipeline.documents import suggest
from pipeline.errors import DataError
from pipeline.label.adjudication.coder_models import CoderAnswers, Estimate, estimate
from pipeline.label.adjudication.decisions import Decided, Decision
from pipeline.label.adjudication.majority import majority
from pipeline.label.answered import Answered
from pipeline.statistics.bootstrap import Codes, Floats

Model: TypeAlias = DawidSkene | OneCoin
# Probabilities that differ by less are equal: a tie.
EQUAL: Final = 1e-6
# Cells of all coders' tables of errors beyond which they are not told.
CELLS: Final = 20_000


def decide(answered: Answered, section: Adjudicate | Nobody) -> Decided:
    """Decide each example of a task, in their order."""
    match section:
        case Nobody():
            nobody = [Decision(None, None) for _ in answered.examples]
            return Decided(nobody, facts={"by": section.by})
        case Majority():
            decisions = [majority(each, many=answered.many) for each in _given(answered)]
            return Decided(decisions, facts={"by": section.by})
        case NamedCoder():
            return _by_coder(answered, section)
        case DawidSkene() | OneCoin():
            return _by_model(answered, section, known=None)


def check_coder(section: Adjudicate, coders: Sequence[str]) -> None:
    """Raise DataError where a coder is named who answered nothing."""
    if isinstance(section, NamedCoder) and coders and section.coder not in coders:
        raise DataError(
            f"label.adjudicate.coder: {section.coder!r} answered nothing"
            f"{suggest(section.coder, coders, 'coder')}"
        )


def _given(answered: Answered) -> list[dict[str, list[str]]]:
    """Return the answers to each example, by coder."""
    given: list[dict[str, list[str]]] = [{} for _ in answered.examples]
    rows, labels = np.nonzero(answered.chosen)
    for example, coder in zip(answered.example.tolist(), answered.coder.tolist(), strict=True):
        given[example][answered.coders[coder]] = []
    for at, label in zip(rows.tolist(), labels.tolist(), strict=True):
        coder = answered.coders[answered.coder[at]]
        given[answered.example[at]][coder].append(answered.labels[label])
    return given


def _by_coder(answered: Answered, section: NamedCoder) -> Decided:
    """Take the coder's answers, and for the other examples what the fallback decides."""
    expert = {
        int(example): at
        for at, example in enumerate(answered.example)
        if answered.coders[answered.coder[at]] == section.coder
    }
    if isinstance(section.otherwise, DawidSkene | OneCoin):
        rest = _by_model(answered, section.otherwise, known=expert)
    else:
        rest = decide(answered, section.otherwise)
    decisions = [
        Decision(_labels(answered, answered.chosen[expert[n]]), f"coder {section.coder}")
        if n in expert
        else decision
        for n, decision in enumerate(rest.decisions)
    ]
    facts = {"by": section.by, "coder": section.coder, "otherwise": rest.facts}
    return Decided(decisions, rest.coders, facts)


def _labels(answered: Answered, chosen: Any) -> list[str]:
    return [answered.labels[k] for k in np.flatnonzero(chosen)]


def _by_model(answered: Answered, section: Model, known: Mapping[int, int] | None) -> Decided:
    """Decide by a model of the coders; `known` is which answer of each example is right, if any."""
    facts: dict[str, Any] = {"by": section.by, "min_confidence": section.min_confidence}
    if not answered.coders:
        return Decided([], facts=facts | {"rounds": 0, "settled": True, "note": None})
    estimates = [estimate(each, section) for each in _questions(answered, known or {})]
    facts |= {
        "rounds": max(each.rounds for each in estimates),
        "settled": all(each.settled for each in estimates),
        "note": _note(answered),
    }
    decisions = (_choose_many if answered.many else _choose_one)(answered, estimates, section)
    return Decided(decisions, _coders(answered, estimates), facts)


def _questions(answered: Answered, known: Mapping[int, int]) -> list[CoderAnswers]:
    """Return the task as one question, or with many labels as one of yes or no for each."""
    n, c, k = len(answered.examples), len(answered.coders), len(answered.labels)
    columns = answered.chosen.T.astype(np.int64) if answered.many else [answered.answer]
    found = []
    for column in columns:
        right: Codes = np.full(n, -1)
        for example, at in known.items():
            right[example] = column[at]
        shape = (n, c, 2 if answered.many else k)
        found.append(CoderAnswers(answered.example, answered.coder, column, shape, right))
    return found


def _choose_one(
    answered: Answered, estimates: Sequence[Estimate], section: Model
) -> list[Decision]:
    posterior = estimates[0].posterior
    best = posterior.max(axis=1)
    likeliest = [
        [answered.labels[k] for k in np.flatnonzero(row > top - EQUAL)]
        for row, top in zip(posterior, best, strict=True)
    ]
    return [
        _decision(labels, float(top), len(labels) > 1, section)
        for labels, top in zip(likeliest, best, strict=True)
    ]


def _choose_many(
    answered: Answered, estimates: Sequence[Estimate], section: Model
) -> list[Decision]:
    """Take each label that is likelier than not; an answer is as sure as its least sure label."""
    yes: Floats = np.column_stack([each.posterior[:, 1] for each in estimates])
    sureness = np.maximum(yes, 1 - yes).min(axis=1)
    return [
        _decision(_labels(answered, row > 0.5), float(sure), sure < 0.5 + EQUAL, section)
        for row, sure in zip(yes, sureness, strict=True)
    ]


def _decision(labels: list[str], confidence: float, tied: bool, section: Model) -> Decision:
    gold = None if tied or confidence < section.min_confidence else labels
    return Decision(
        gold, None if gold is None else section.by, confidence, None if tied else labels
    )


def _coders(answered: Answered, estimates: Sequence[Estimate]) -> dict[str, dict[str, Any]]:
    """Return what was estimated of each coder."""
    if answered.many:
        return {
            name: {
                "accuracy": float(np.mean([each.accuracy[c] for each in estimates])),
                "labels": {
                    label: {
                        "sensitivity": float(each.errors[c, 1, 1]),
                        "specificity": float(each.errors[c, 0, 0]),
                    }
                    for label, each in zip(answered.labels, estimates, strict=True)
                },
            }
            for c, name in enumerate(answered.coders)
        }
    errors, accuracy = estimates[0].errors, estimates[0].accuracy
    told = errors.size <= CELLS
    return {
        name: {
            "accuracy": float(accuracy[c]),
            "errors": {
                label: dict(zip(answered.labels, errors[c, k].tolist(), strict=True))
                for k, label in enumerate(answered.labels)
            }
            if told
            else None,
        }
        for c, name in enumerate(answered.coders)
    }


def _note(answered: Answered) -> str | None:
    """Say where the answers cannot show who errs."""
    most = int(answered.answers_to.max(initial=0))
    if most < 2:
        return "no example has answers of two coders: nothing shows who errs"
    if most == 2:
        return "no example has answers of three coders: which of two errs is hardly seen"
    return None

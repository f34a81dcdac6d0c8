"""The stage `vote`: what labelling functions say of the examples, and what that comes to."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.artifacts import RunFolder, read_json, read_table, write_json, write_table
from pipeline.codebook import Codebook
from pipeline.config import Config, LabelSection
from pipeline.documents import suggest
from pipeline.errors import ConfigError, DataError
from pipeline.records import SOFT_LABELS, VOTES, Side
from pipeline.stages.learning import encoder_packages
from pipeline.stages.runner import Stage
from pipeline.votes import (
    Ballot,
    Function,
    Questions,
    account_of,
    cast_by_endpoint,
    cast_by_functions,
    cast_by_rules,
    cast_by_zero_shot,
    encoder_digest,
    load_functions,
    matrix_of,
    questions_of,
    soft_labels,
)

# What an answer does not depend on, and what is no part of the experiment.
_NO_SETTINGS: Final = {"cache", "batch", "key_env", "concurrency", "timeout", "backoff"}
_CODE: Final = ("votes", "codebook", "mentions.py", "statistics", "features",
                "encoders", "records.py", "artifacts.py", "stages/voting.py")  # fmt: skip
_ARTICLE_COLUMNS: Final = ["id", "title", "text", "outlet", "published"]


def anything_votes(config: Config, codebook: Codebook) -> bool:
    """Tell whether there is a rule, a file of functions, an encoder or an endpoint that votes."""
    section = config.label
    return bool(
        section.functions
        or section.zero_shot
        or section.endpoint
        or (section.votes.rules and _rules_of(codebook))
    )


def voting_stage(config: Config, codebook: Codebook, run: RunFolder) -> Stage:
    """Return the stage that follows split; it asks the endpoint again for what it missed."""
    section = config.label
    packages = encoder_packages("label.zero_shot") if section.zero_shot else []
    return Stage(
        "vote",
        inputs=[
            *(run.articles, run.examples, run.splits),
            *([section.functions] if section.functions else []),
        ],
        outputs=[run.votes, run.vote_account, run.soft_labels],
        settings={
            "votes": section.votes.model_dump(mode="json", exclude={"use", "weight"}),
            "zero_shot": section.zero_shot
            and section.zero_shot.model_dump(mode="json", exclude=_NO_SETTINGS),
            "encoder": section.zero_shot and encoder_digest(section.zero_shot),
            "endpoint": section.endpoint
            and section.endpoint.model_dump(mode="json", exclude=_NO_SETTINGS),
            "codebook": codebook.model_dump(mode="json"),
            "rules": _rules_of(codebook),
            "confidence": config.evaluate.confidence,
        },
        code=_CODE,
        packages=["numpy", "pyarrow", *packages],
        work=lambda: vote(config, codebook, run),
        unfinished=lambda: _left_unanswered(run) > 0,
    )


def _rules_of(codebook: Codebook) -> dict[str, list[Any]]:
    """Return the rules of all labels, JSON-ready; a dump of the codebook leaves them out."""
    return {
        f"{name}.{label.id}": [rule.model_dump(mode="json") for rule in label.rules]
        for name, task in codebook.tasks.items()
        for label in task.labels
        if label.rules
    }


def _left_unanswered(run: RunFolder) -> int:
    """Return how many questions the endpoint may answer yet: those that failed on the way."""
    try:
        endpoint = read_json(run.vote_account).get("endpoint") or {}
    except DataError:
        return 0
    return (
        0
        if endpoint.get("stopped") in ("max_requests", "max_cost")
        else int(endpoint.get("unanswered", 0))
    )


def vote(config: Config, codebook: Codebook, run: RunFolder) -> str:
    """Write the votes, the account of who cast them, and what they come to on the train side."""
    section = config.label
    # What is wrong with a file or a name is told before anything is asked or paid for.
    functions = load_functions(section.functions, codebook) if section.functions else {}
    for key, tasks in (
        ("zero_shot", section.zero_shot and section.zero_shot.tasks),
        ("endpoint", section.endpoint and section.endpoint.tasks),
    ):
        _check_tasks(f"label.{key}.tasks", tasks or [], codebook)
    examples = _with_places(read_table(run.examples), read_table(run.splits))
    asked = questions_of(read_table(run.articles, _ARTICLE_COLUMNS), examples, codebook)
    cast, account = _cast_all(asked, section, functions)
    told, soft = {}, []
    for questions in map(_train_side, asked):
        ballot = _ballot(questions, cast)
        told[questions.name] = account_of(ballot, config.evaluate.confidence)
        soft.append(soft_labels(ballot, questions.ids, _uncoded(questions), section.votes))
        told[questions.name]["soft_labels"] = len(soft[-1])
    write_table(run.votes, pa.concat_tables([VOTES.empty_table(), *map(cast.on, asked)]))
    write_json(run.vote_account, {"tasks": told, **account})
    write_table(run.soft_labels, pa.concat_tables([SOFT_LABELS.empty_table(), *soft]))
    return _summary(told, account)


class _Cast:
    """The votes on each task, by who cast them."""

    def __init__(self) -> None:
        self._votes: dict[str, list[tuple[str, pa.Table]]] = {}

    def add(self, questions: Questions, votes: Sequence[tuple[str, pa.Table]]) -> None:
        self._votes.setdefault(questions.name, []).extend(votes)

    def names(self, questions: Questions) -> list[str]:
        """Return who voted, or might have, in the order of adding."""
        return [name for name, _ in self._votes.get(questions.name, [])]

    def on(self, questions: Questions) -> pa.Table:
        """Return records.VOTES of all who voted."""
        tables = [table for _, table in self._votes.get(questions.name, [])]
        return pa.concat_tables([VOTES.empty_table(), *tables])


def _cast_all(
    asked: Sequence[Questions],
    section: LabelSection,
    functions: Mapping[str, Sequence[Function]],
) -> tuple[_Cast, dict[str, Any]]:
    """Let everybody vote, those that cost most last; also say how, JSON-ready."""
    cast = _Cast()
    account: dict[str, Any] = {}
    for questions in asked:
        if section.votes.rules:
            cast.add(questions, cast_by_rules(questions))
        if section.functions and (ours := functions.get(questions.name)):
            cast.add(questions, cast_by_functions(questions, ours, section.functions))
    if section.zero_shot:
        account["zero_shot"] = {}
        for questions in _of_tasks(asked, section.zero_shot.tasks):
            votes, account["zero_shot"][questions.name] = cast_by_zero_shot(
                questions, section.zero_shot, *_gold(questions), _on_train(questions)
            )
            cast.add(questions, [votes])
    if section.endpoint:
        on_train = [_train_side(each) for each in _of_tasks(asked, section.endpoint.tasks)]
        by_task, account["endpoint"] = cast_by_endpoint(on_train, section.endpoint)
        for questions in on_train:
            cast.add(questions, [by_task[questions.name]])
    return cast, account


def _check_tasks(key: str, tasks: Sequence[str], codebook: Codebook) -> None:
    for name in tasks:
        if name not in codebook.tasks:
            raise ConfigError(
                f"{key}: unknown task {name!r}{suggest(name, sorted(codebook.tasks), 'task')}"
            )


def _with_places(examples: pa.Table, splits: pa.Table) -> pa.Table:
    """Return the examples with the side and story of their articles."""
    at = pc.index_in(examples["article_id"], splits["article_id"].combine_chunks())
    for name in ("side", "story"):
        examples = examples.append_column(name, splits[name].take(at))
    return examples


def _of_tasks(asked: Sequence[Questions], tasks: Sequence[str] | None) -> list[Questions]:
    return [each for each in asked if tasks is None or each.name in tasks]


def _on_train(questions: Questions) -> NDArray[np.bool_]:
    on_train = pc.fill_null(pc.equal(questions.examples["side"], Side.TRAIN), False)
    return np.asarray(on_train.to_numpy())


def _train_side(questions: Questions) -> Questions:
    return questions.take(np.flatnonzero(_on_train(questions)))


def _gold(questions: Questions) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which labels are right, [n, L], and which examples have gold, [n]."""
    labels = questions.task.label_ids
    answers = questions.examples["gold"].to_pylist()
    gold = [[label in (answer or ()) for label in labels] for answer in answers]
    known = [answer is not None for answer in answers]
    return np.array(gold, np.bool_).reshape(len(answers), len(labels)), np.array(known, np.bool_)


def _uncoded(questions: Questions) -> NDArray[np.bool_]:
    """Tell which examples nobody coded; where coders are split, votes do not decide."""
    return np.asarray(pc.equal(questions.examples["coders"], 0).to_numpy())


def _ballot(questions: Questions, cast: _Cast) -> Ballot:
    labels = questions.task.label_ids
    gold, known = _gold(questions)
    return Ballot(
        labels,
        questions.many,
        matrix_of(cast.on(questions), cast.names(questions), questions.ids, labels),
        gold,
        known,
        questions.examples["story"].to_pylist(),
    )


def _summary(told: Mapping[str, Any], account: Mapping[str, Any]) -> str:
    parts = [
        f"{name} {len(each['functions'])} functions on {each['covered']:.0%}"
        for name, each in told.items()
    ]
    if endpoint := account.get("endpoint"):
        failures = sum(endpoint["failures"].values())
        cost = "" if endpoint["cost"] is None else f", cost {endpoint['cost']:.4f}"
        left = f", {endpoint['not_asked']} not asked" if endpoint["not_asked"] else ""
        parts.append(f"endpoint {endpoint['requests']} requests, {failures} failures{left}{cost}")
    return "; ".join(parts)

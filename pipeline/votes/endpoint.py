"""Votes of a language model: ask about each example once, count the costs, and never fall over."""

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson
import pyarrow as pa

from pipeline.config import Endpoint
from pipeline.errors import DataError
from pipeline.records import VOTES
from pipeline.votes.answer_cache import AnswerCache, key_of
from pipeline.votes.asking import Client, Failure, Reply
from pipeline.votes.prompts import Messages, answer_in, messages_about
from pipeline.votes.questions import Questions, answer_rows

NAME: Final = "endpoint"
_CANNOT_TELL: Final = "the model cannot tell"
_MILLION: Final = 1e6


class _Open(NamedTuple):
    """A question that the cache does not answer."""

    questions: Questions
    row: int
    messages: Messages
    key: bytes


@dataclass
class Tally:
    """What was asked, answered and paid."""

    questions: int = 0
    from_cache: int = 0
    replies: int = 0
    answered: int = 0
    abstained: int = 0
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    failures: Counter[str] = field(default_factory=Counter)
    detail: str = ""
    stopped: str | None = None
    not_asked: int = 0  # what a limit, or the end of hope, left unasked
    unanswered: int = 0  # what may be answered when it is asked again, also what was not asked

    def as_dict(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        return {**vars(self), "failures": dict(sorted(self.failures.items()))}


class _Budget:
    """What may still be sent. Costs are reserved before a request, at the most that it can take."""

    def __init__(self, section: Endpoint) -> None:
        self._section = section
        self._lock = threading.Lock()
        self._reserved = 0.0
        self.spent = 0.0
        self.requests = 0
        self.stopped: str | None = None

    def most(self, messages: Messages) -> float:
        """Return what a request can cost at most: a token is a byte or more."""
        return self.price(len(orjson.dumps(messages)), self._section.answer_tokens)

    def price(self, input_tokens: int, output_tokens: int) -> float:
        prices = self._section.input_price or 0.0, self._section.output_price or 0.0
        return (input_tokens * prices[0] + output_tokens * prices[1]) / _MILLION

    def take(self, most: float) -> str | None:
        """Reserve a request; say why not where it may not be sent."""
        limit, dearest = self._section.max_requests, self._section.max_cost
        with self._lock:
            if limit is not None and self.requests >= limit:
                self.stopped = "max_requests"
            elif dearest is not None and self.spent + self._reserved + most > dearest:
                self.stopped = "max_cost"
            if self.stopped is not None:
                return f"not asked: {self.stopped}"
            self.requests += 1
            self._reserved += most
            return None

    def settle(self, most: float, sent: int, spent: float) -> None:
        """Replace what `sent` requests reserved by what they cost."""
        with self._lock:
            self._reserved -= most * sent
            self.spent += spent


def endpoint_votes(
    asked: Sequence[Questions], section: Endpoint
) -> tuple[pa.Table, dict[str, Any]]:
    """Return records.VOTES of the endpoint, and the tally, JSON-ready.

    A question without a valid answer is an abstention with its reason. DataError only where nothing
    was answered at all and nothing will be, such as with a wrong key.
    """
    client = Client(section)
    budget, tally = _Budget(section), Tally()
    rows: list[dict[str, Any]] = []
    with AnswerCache.opened(section.cache) as cache:

        def unknown() -> Iterator[_Open]:
            for each in _in_fair_order(asked, client, section):
                tally.questions += 1
                known = cache.get(each.key)
                if known is None:
                    yield each
                else:
                    tally.from_cache += 1
                    rows.extend(_read(each, known, tally))

        for each, outcome in _ask_all(unknown(), client, section, budget, tally):
            if isinstance(outcome, Reply):
                cache.add(each.key, outcome)
                tally.replies += 1
                rows += _read(each, outcome, tally)
            else:
                tally.unanswered += 1
                rows.append(_left(each, outcome, tally))
    tally.requests = budget.requests
    if section.input_price is not None and section.output_price is not None:
        tally.cost = budget.spent
    tally.stopped = tally.stopped or budget.stopped
    if tally.stopped and not tally.replies and not tally.from_cache:
        _raise_nothing(section, tally)
    rows.sort(key=lambda row: (row["task"], row["example_id"], row["label"] or ""))
    return pa.Table.from_pylist(rows, schema=VOTES), tally.as_dict()


def _raise_nothing(section: Endpoint, tally: Tally) -> None:
    counted = tally.failures + Counter({f"not asked: {tally.stopped}": tally.not_asked})
    reasons = ", ".join(f"{reason} ({count})" for reason, count in counted.most_common(3))
    said = f"; the server says: {tally.detail}" if tally.detail else ""
    raise DataError(
        f"label.endpoint: {section.url} answered none of {tally.questions} questions: "
        f"{reasons}{said}"
    )


def _in_fair_order(
    asked: Sequence[Questions], client: Client, section: Endpoint
) -> Iterator[_Open]:
    """Yield what is asked, ordered by a hash: what a limit lets through is a fair sample."""
    places = [(questions, row) for questions in asked for row in range(len(questions))]
    places.sort(key=lambda place: hashlib.sha256(place[0].ids[place[1]].encode()).digest())
    for questions, row in places:
        messages = messages_about(questions, row, section.characters)
        yield _Open(questions, row, messages, key_of(section.url, client.body(messages)))


def _ask_all(
    waiting: Iterator[_Open], client: Client, section: Endpoint, budget: _Budget, tally: Tally
) -> Iterator[tuple[_Open, Reply | Failure]]:
    """Yield each question with its outcome as it comes in; the rest unasked once there is no hope.

    Whoever takes an outcome has kept it before the next one is waited for.
    """
    running: dict[Future[Reply | Failure], _Open] = {}
    in_a_row = 0
    with ThreadPoolExecutor(section.concurrency) as pool:
        try:
            while True:
                while tally.stopped is None and len(running) < section.concurrency:
                    each = next(waiting, None)
                    if each is None:
                        break
                    running[pool.submit(_ask, each, client, budget)] = each
                if not running:
                    break
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    each, outcome = running.pop(future), future.result()
                    in_a_row = 0 if isinstance(outcome, Reply) else in_a_row + 1
                    if isinstance(outcome, Failure) and outcome.hopeless:
                        tally.stopped = outcome.reason
                    elif in_a_row >= section.give_up and budget.stopped is None:
                        tally.stopped = f"{in_a_row} failures in a row"
                    yield each, outcome
        finally:  # also when the reader is stopped: nobody waits for retries
            client.stop()
    yield from ((each, Failure(f"not asked: {tally.stopped}", unasked=True)) for each in waiting)


def _ask(each: _Open, client: Client, budget: _Budget) -> Reply | Failure:
    most = budget.most(each.messages)
    outcome, sent, lost = client.ask(each.messages, lambda: budget.take(most))
    spent = most * lost
    if isinstance(outcome, Reply):
        if outcome.input_tokens is None or outcome.output_tokens is None:
            spent += most
        else:
            spent += budget.price(outcome.input_tokens, outcome.output_tokens)
    budget.settle(most, sent, spent)
    return outcome


def _read(each: _Open, reply: Reply, tally: Tally) -> list[dict[str, Any]]:
    """Return the rows of an answer, and count it."""
    tally.input_tokens += reply.input_tokens or 0
    tally.output_tokens += reply.output_tokens or 0
    try:
        labels = answer_in(reply.content, each.questions)
    except ValueError as error:
        tally.failures[str(error)] += 1
        return [_silent(each, str(error))]
    if labels is None:
        tally.abstained += 1
        return [_silent(each, _CANNOT_TELL)]
    tally.answered += 1
    return list(answer_rows(each.questions, each.row, NAME, labels, whole=True))


def _left(each: _Open, failure: Failure, tally: Tally) -> dict[str, Any]:
    """Return the row of a question without a reply, and count it."""
    if failure.unasked:
        tally.not_asked += 1
    else:
        tally.failures[failure.reason] += 1
    tally.detail = tally.detail or failure.detail
    return _silent(each, failure.reason)


def _silent(each: _Open, reason: str) -> dict[str, Any]:
    return {
        "example_id": each.questions.ids[each.row],
        "task": each.questions.name,
        "function": NAME,
        "label": None,
        "reason": reason,
    }

"""The one home of requests: ask an OpenAI-compatible endpoint, and bear whatever comes back.

A request goes to the address that the config names and to no other: redirects are not followed.
The key stands in the request's header alone.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import orjson

from pipeline.config import Endpoint
from pipeline.config.votes import LOOPBACK
from pipeline.errors import ConfigError
from pipeline.votes.prompts import Messages

if TYPE_CHECKING:
    import requests

_LONGEST_ANSWER: Final = 1_000_000  # bytes
_BLOCK: Final = 65536  # bytes
_CONNECT_SECONDS: Final = 10.0
_LONGEST_WAIT: Final = 60.0
_TOLD: Final = 200
_REFUSED: Final = (401, 403, 404)
_LATER: Final = (408, 425, 429)


@dataclass(frozen=True)
class Reply:
    """What the model said, and what it took; tokens are null where the server does not say."""

    content: str
    input_tokens: int | None
    output_tokens: int | None


@dataclass(frozen=True)
class Failure:
    """Why there is no reply."""

    reason: str  # two or three words, to be counted
    detail: str = ""  # what the server says
    again: bool = False  # whether the same request may succeed later
    wait: float = 0.0  # seconds that the server asks for
    hopeless: bool = False  # whether every other request will fail as well
    maybe_paid: bool = False  # whether the server may have done the work
    unasked: bool = False  # whether nothing was sent


class Outcome(NamedTuple):
    """What came of a question."""

    reply: Reply | Failure
    sent: int  # requests
    lost: int  # of them, those that gave nothing and may have to be paid for


class Client:
    """Sends requests to one endpoint; may be used by several threads."""

    def __init__(self, section: Endpoint) -> None:
        """Take the key from the environment; ConfigError where it is not there."""
        self._section = section
        self._key = _key_of(section)
        self._local = threading.local()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let no request be sent again, and nobody wait any longer."""
        self._stopped.set()

    def ask(self, messages: Messages, may_send: Callable[[], str | None]) -> "Outcome":
        """Return the reply, or the last failure after all retries.

        `may_send` is called before each request, and says why not if it may not be sent.
        """
        sent = lost = 0
        outcome: Reply | Failure = Failure("stopped", unasked=True)
        while not self._stopped.is_set():
            if (refused := may_send()) is not None:
                outcome = outcome if sent else Failure(refused, unasked=True)
                break
            outcome = self._send(messages)
            sent += 1
            lost += isinstance(outcome, Failure) and outcome.maybe_paid
            if isinstance(outcome, Reply) or not outcome.again or sent > self._section.retries:
                break
            pause = max(self._section.backoff * 2 ** (sent - 1), min(outcome.wait, _LONGEST_WAIT))
            self._stopped.wait(pause)
        return Outcome(outcome, sent, lost)

    def body(self, messages: Messages) -> dict[str, Any]:
        """Return what is sent."""
        body: dict[str, Any] = {
            "model": self._section.model,
            "messages": messages,
            "temperature": 0,
            "max_tokens": self._section.answer_tokens,
        }
        if self._section.json_mode:
            body["response_format"] = {"type": "json_object"}
        return body

    def _send(self, messages: Messages) -> Reply | Failure:
        import requests
        import urllib3

        deadline = time.monotonic() + self._section.timeout
        try:
            with self._session().post(
                f"{self._section.url}/chat/completions",
                data=orjson.dumps(self.body(messages)),
                headers={"Content-Type": "application/json"},
                timeout=(min(_CONNECT_SECONDS, self._section.timeout), self._section.timeout),
                allow_redirects=False,
                stream=True,
            ) as response:
                content = _read(response, deadline)
        except requests.exceptions.ConnectTimeout:
            return Failure("no connection", "the server does not answer", again=True)
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError):
            return Failure("timeout", again=True, maybe_paid=True)
        except requests.exceptions.SSLError as error:
            return Failure("no connection", self._told(str(error)), hopeless=True)
        except requests.exceptions.ConnectionError as error:
            # Its message repeats the address, and ends with the cause.
            cause = str(error).rpartition(": ")[2].rstrip("'\")")
            return Failure("no connection", self._told(cause), again=True, maybe_paid=True)
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            ValueError,
        ) as error:
            return Failure("broken response", self._told(str(error)), again=True, maybe_paid=True)
        if content is None:
            return Failure("response too long", maybe_paid=True)
        if response.status_code != 200:
            return self._refusal(response, content)
        return _reply(content)

    def _session(self) -> "requests.Session":
        import requests

        if not hasattr(self._local, "session"):
            session = requests.Session()
            # Set for requests without a key too, or one from ~/.netrc would be sent.
            session.auth = self._authorise
            # What runs on this machine is not asked through a proxy.
            session.trust_env = urlsplit(self._section.url).hostname not in LOOPBACK
            self._local.session = session
        ours: requests.Session = self._local.session
        return ours

    def _authorise(self, request: Any) -> Any:
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request

    def _refusal(self, response: Any, content: bytes) -> Failure:
        status = response.status_code
        later = status in _LATER or status >= 500
        return Failure(
            "redirect refused" if 300 <= status < 400 else f"status {status}",
            self._told(_message_in(content)),
            again=later,
            wait=_seconds(response.headers.get("Retry-After")),
            hopeless=status in _REFUSED or 300 <= status < 400,
        )

    def _told(self, text: str) -> str:
        """Return the beginning of what somebody else says, without the key."""
        if self._key:
            text = text.replace(self._key, "***")
        return " ".join(text.split())[:_TOLD]


def _key_of(section: Endpoint) -> str | None:
    if section.key_env is None:
        return None
    key = os.environ.get(section.key_env, "").strip()
    if not key:
        raise ConfigError(
            f"label.endpoint.key_env: the environment variable {section.key_env} is not set; "
            "export it, or set key_env to null for a server that asks for no key"
        )
    if not key.isascii() or not key.isprintable():
        raise ConfigError(
            f"label.endpoint.key_env: {section.key_env} holds characters that no key has"
        )
    return key


def _read(response: Any, deadline: float) -> bytes | None:
    """Return the response's content; null where it is too long, TimeoutError where too slow.

    It is taken as it comes: a whole block would be waited for, however slowly it drips.
    """
    content = bytearray()
    while part := response.raw.read1(_BLOCK, decode_content=True):
        content += part
        if len(content) > _LONGEST_ANSWER:
            return None
        if time.monotonic() > deadline:
            raise TimeoutError
    return bytes(content)


def _reply(content: bytes) -> Reply | Failure:
    try:
        body = orjson.loads(content)
        said = body["choices"][0]["message"]["content"]
        usage = body.get("usage") or {}
        tokens = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        return Failure("broken response", again=True, maybe_paid=True)
    if not isinstance(said, str):  # the answer was filtered away, or is a call of a tool
        return Failure("no answer in the response", maybe_paid=True)
    counted = [each if type(each) is int and each >= 0 else None for each in tokens]
    return Reply(said, *counted)


def _message_in(content: bytes) -> str:
    try:
        error = orjson.loads(content)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return ""


def _seconds(text: str | None) -> float:
    try:
        seconds = float(text or 0)
    except ValueError:  # a date
        return 0.0
    return seconds if 0 <= seconds < 1e6 else 0.0

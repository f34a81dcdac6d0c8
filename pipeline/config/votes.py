"""The parts of the section `label` about votes: who votes, and what the votes are used for."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from pipeline.codebook import Slug
from pipeline.config.values import EncoderName, FilePath
from pipeline.documents import Section

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Votes(Section):
    """What becomes of the votes of rules, functions, the zero-shot encoder and the endpoint."""

    use: Literal["none", "train"] = "none"
    """`train`: what nobody has coded on the train side is learned from by the probabilities that
    its votes give it. `none`: votes are told, and nothing learns from them."""
    combine: Literal["majority", "label_model"] = "label_model"
    """How the votes about an example become probabilities: by counting them, or by a model that
    weighs each function by how it votes, and by the gold of the train side."""
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Examples whose likeliest label is less likely than this are not learned from."""
    weight: Annotated[float, Field(gt=0)] = 0.5
    """What an example with votes counts in training, against 1 of an example with gold."""
    rules: bool = True
    """Whether the rules of the codebook vote."""


class ZeroShot(Section):
    """Votes by how near a text is to the labels' descriptions, by an encoder nobody trained."""

    model: EncoderName = "embedded:minilm"
    """As `features.model` of the encoder; needs the extra `encoder`."""
    revision: str | None = None
    """Commit or tag on the hub."""
    tasks: list[Slug] | None = None
    """The tasks that it votes on; null for all."""
    window: Annotated[int, Field(ge=16, le=8192)] = 128
    """Tokens that are read at once."""
    windows: Annotated[int, Field(ge=1)] = 4
    """Most windows of a text that are read."""
    words: Annotated[int, Field(ge=1)] = 30
    """For tasks that are asked of a target: words to each side of a mention that are read."""
    accuracy: Annotated[float, Field(gt=0, lt=1)] = 0.8
    """It votes from the margin on at which this share of its votes is right on gold of the train
    side."""
    enough: Annotated[int, Field(ge=1)] = 30
    """Examples with gold on the train side that it takes to choose the margin."""
    margin: Annotated[float, Field(ge=0)] = 1.0
    """The margin where there is less gold: how far the nearest label is ahead of the next one, in
    standard deviations of that label's nearness."""
    batch: Annotated[int, Field(ge=1)] = 32
    """Windows that are read at once."""
    cache: FilePath | None = Path(".cache/embeddings")
    """Folder of the vectors, by encoder and input; null keeps none."""


class Endpoint(Section):
    """Votes by a language model behind an OpenAI-compatible address. Texts are sent there."""

    url: str
    """The address before `/chat/completions`, such as `http://127.0.0.1:8000/v1`."""
    model: Annotated[str, Field(min_length=1)]
    """The model's name there."""
    key_env: str | None = None
    """Name of the environment variable that holds the key; null where none is asked for. The key
    itself is written nowhere."""
    tasks: list[Slug] | None = None
    """The tasks that it votes on; null for all."""
    characters: Annotated[int, Field(ge=100)] = 6000
    """Most characters of a text that are sent: from its beginning, and for targets around the
    first mention too."""
    answer_tokens: Annotated[int, Field(ge=1)] = 100
    """Most tokens of an answer."""
    json_mode: bool = True
    """Asks the server for JSON (`response_format`); false for servers that do not know it."""
    timeout: Annotated[float, Field(gt=0)] = 60.0
    """Seconds that a request may take."""
    retries: Annotated[int, Field(ge=0, le=10)] = 4
    """How often a request is sent again after status 429 or 5xx, a timeout or a lost connection."""
    backoff: Annotated[float, Field(ge=0)] = 1.0
    """Seconds before the first retry, doubled for each further one; the server's Retry-After
    counts where it is longer, up to a minute."""
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    """Requests at once."""
    give_up: Annotated[int, Field(ge=1)] = 10
    """Stops asking after so many requests in a row that failed for good."""
    max_requests: Annotated[int, Field(ge=1)] | None = 1000
    """Most requests of a run, retries included; answers in the cache are none. Null: no limit."""
    max_cost: Annotated[float, Field(gt=0)] | None = None
    """Stops asking before a run costs more, in the currency of the prices; null for no limit."""
    input_price: Annotated[float, Field(ge=0)] | None = None
    """Price of a million tokens of input."""
    output_price: Annotated[float, Field(ge=0)] | None = None
    """Price of a million tokens of output."""
    cache: FilePath = Path(".cache/answers")
    """Folder of the answers, by address, model and prompt: what was paid for once is kept."""

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            host = parts.hostname
        except ValueError:
            parts, host = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not host:
            shown = f"; it is {url!r}" if "@" not in url else ""
            raise ValueError(f"must begin with http:// or https:// and name a host{shown}")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(
                "must hold no user, password, query or fragment; name the variable with the key in "
                "key_env"
            )
        return url.rstrip("/")

    @field_validator("key_env")
    @classmethod
    def _check_key_env(cls, name: str | None) -> str | None:
        # The value is not shown: it may be the key itself.
        if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", name):
            raise ValueError(
                "must be the name of an environment variable such as MODEL_KEY, not the key"
            )
        return name

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        parts = urlsplit(self.url)
        if self.key_env is not None and parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("a key is sent over https only; url begins with http://")
        if self.max_cost is not None and None in (self.input_price, self.output_price):
            raise ValueError("max_cost needs input_price and output_price")
        return self

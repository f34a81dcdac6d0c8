"""The codebook: the versioned file that defines tasks, labels and targets."""

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self, TypeAlias

from pydantic import Field, StringConstraints, field_validator, model_validator

from pipeline import documents
from pipeline.codebook.rules import LabelRule, Where
from pipeline.documents import SLUG, Section, suggest
from pipeline.errors import CodebookError
from pipeline.records import LABEL_SEPARATOR, NONE_HOLDS

# Names of tasks and ids of targets go into columns, metric names and file names.
Slug: TypeAlias = Annotated[str, StringConstraints(pattern=SLUG, max_length=60)]
Text: TypeAlias = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class Asks(StrEnum):
    """What a task is asked of."""

    ARTICLE = "article"
    TARGET = "target"


class Choose(StrEnum):
    """How many labels an answer has."""

    ONE = "one"
    MANY = "many"


class Label(Section):
    """One possible answer of a task."""

    id: Text
    """What stands in data, metrics and predictions. Never changes within a codebook's life."""
    name: Text | None = None
    """What people read; the id where it is not given. Annotations may use either."""
    definition: str = ""
    """When to choose it, in one or two sentences."""
    include: list[Text] = []
    """Cases that belong here although one may doubt it."""
    exclude: list[Text] = []
    """Cases that do not belong here, and where they go."""
    examples: list[Text] = []
    """Short texts that show the label."""
    parent: Text | None = None
    """The id of the broader label, in a hierarchy."""
    external_id: Text | None = None
    """The same category in a public scheme, such as `medtop:15000000`."""
    replaces: list[Text] | None = None
    """Ids of an earlier version whose cases belong here now; an empty list says that the label
    takes from none of them. Null where the label is as old as the codebook, or nobody can say."""
    since: Text | None = None
    """The version since which the label has meant the same, however its definition was reworded."""
    rules: list[LabelRule] = Field(default=[], exclude=True)
    """Labelling rules that vote for it. They are no part of what the label means: no model, no
    prediction and no comparison of versions knows them."""

    @field_validator("id")
    @classmethod
    def _check_id(cls, label_id: str) -> str:
        if LABEL_SEPARATOR in label_id:
            raise ValueError(f"a label's id must not contain '{LABEL_SEPARATOR}': {label_id!r}")
        return label_id

    @field_validator("id", "name")
    @classmethod
    def _check_not_none(cls, text: str | None) -> str | None:
        if text == NONE_HOLDS:
            raise ValueError(f"{NONE_HOLDS!r} says that no label holds; it cannot be one")
        return text


class Task(Section):
    """One question of the codebook."""

    asks: Asks = Field(strict=False)
    """`article`: asked of the article. `target`: asked of the article and each target in it."""
    choose: Choose = Field(default=Choose.ONE, strict=False)
    """`one` or `many` labels as the answer."""
    question: str = ""
    """The question as a coder reads it."""
    replaces: Slug | None = None
    """The name that the task had in an earlier version."""
    since: Text | None = None
    """The version since which the question has meant the same, however it was reworded."""
    labels: Annotated[list[Label], Field(min_length=2)]
    """The possible answers, two or more."""

    @field_validator("labels")
    @classmethod
    def _check_labels(cls, labels: list[Label]) -> list[Label]:
        known: set[str] = set()
        for label in labels:
            for name in {label.id, label.name or label.id}:
                if name in known:
                    raise ValueError(f"the label {name!r} is there twice; keep one")
                known.add(name)
        parents = {label.id: label.parent for label in labels}
        for label_id in parents:
            _walk_up(label_id, parents)
        return labels

    @model_validator(mode="after")
    def _check_rules(self) -> Self:
        for label in self.labels:
            names: set[str] = set()
            for number, rule in enumerate(label.rules, start=1):
                if rule.where is Where.WINDOW and self.asks is Asks.ARTICLE:
                    raise ValueError(
                        f"label {label.id!r}: a rule looks at the window around a target, and this "
                        "task is asked of the article; say title, text, lead or anywhere"
                    )
                # One without a name is called by its number.
                name = rule.name or str(number)
                if name in names:
                    raise ValueError(
                        f"label {label.id!r}: two rules are called {name!r}; rename one"
                    )
                names.add(name)
        return self

    def where_of(self, rule: LabelRule) -> Where:
        """Return the part of an article that a rule of this task looks at."""
        if rule.where is not None:
            return rule.where
        return Where.WINDOW if self.asks is Asks.TARGET else Where.ANYWHERE

    @property
    def label_ids(self) -> list[str]:
        """The ids of all labels, sorted: the order of probabilities everywhere."""
        return sorted(label.id for label in self.labels)

    def label_id(self, text: str) -> str:
        """Return the id of the label whose id or name is `text`; ValueError where there is none."""
        for label in self.labels:
            if text in (label.id, label.name):
                return label.id
        raise ValueError(f"unknown label {text!r}{suggest(text, self.label_ids, 'label')}")


def _walk_up(label_id: str, parents: dict[str, str | None]) -> None:
    seen = [label_id]
    while (parent := parents[seen[-1]]) is not None:
        if parent not in parents:
            raise ValueError(
                f"label {seen[-1]!r}: parent {parent!r} is not a label of this task"
                f"{suggest(parent, sorted(parents), 'label')}"
            )
        if parent in seen:
            raise ValueError(f"the parents run in a circle: {' → '.join([*seen, parent])}")
        seen.append(parent)


class Target(Section):
    """What a stance is about: an actor, an alliance, a policy, an issue."""

    id: Slug
    """What stands in data and predictions."""
    name: Text
    """What people read; it is an alias too."""
    aliases: list[Text] = []
    """Other wordings that name it, found literally and at word boundaries. One without any
    lower-case letter ("U.S.", "NATO") is found in exactly that case, the others in any."""
    replaces: list[Text] = []
    """Ids that the target, or what is part of it now, had in an earlier version."""

    @property
    def wordings(self) -> list[str]:
        """The name and the aliases, each once."""
        return list(dict.fromkeys([self.name, *self.aliases]))


class Codebook(Section):
    """A version of the questions that articles are asked, and of their possible answers."""

    name: Slug
    """The codebook's own name."""
    version: Text
    """Changes whenever a definition does. In quotes, or 1.10 would be 1.1."""
    language: str = "en"
    """The language of the definitions."""
    tasks: Annotated[dict[Slug, Task], Field(min_length=1)]
    """The questions, by name."""
    targets: list[Target] = []
    """What stances are about. Rows may bring targets of their own beside these."""

    @field_validator("targets")
    @classmethod
    def _check_targets(cls, targets: list[Target]) -> list[Target]:
        owners: dict[str, str] = {}
        for target in targets:
            if target.id in owners.values():
                raise ValueError(f"the target {target.id!r} is there twice; keep one")
            for wording in target.wordings:
                owner = owners.setdefault(_as_found(wording), target.id)
                if owner != target.id:
                    raise ValueError(
                        f"the alias {wording!r} belongs to both {owner!r} "
                        f"and {target.id!r}; keep it at one"
                    )
        return targets

    @property
    def identity(self) -> str:
        """Name and version as one word, as it stands on each prediction: `demo@1.0`."""
        return f"{self.name}@{self.version}"

    def target_tasks(self) -> Iterator[tuple[str, Task]]:
        """Yield the tasks that are asked of a target."""
        return ((name, task) for name, task in self.tasks.items() if task.asks is Asks.TARGET)

    @property
    def target_names(self) -> dict[str, str]:
        """What people read for each target id."""
        return {target.id: target.name for target in self.targets}

    def target_id(self, text: str) -> str:
        """Return the id of the target that `text` names by id or wording, else `text` itself."""
        folded = _fold(text)
        for target in self.targets:
            if text == target.id or folded in {_fold(wording) for wording in target.wordings}:
                return target.id
        return text


def _as_found(wording: str) -> str:
    """Return `wording` so that two that are found in the same places are equal."""
    in_any_case = any(character.islower() for character in wording)
    return _fold(wording) if in_any_case else re.sub(r"\s+", " ", wording).strip()


def _fold(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().casefold()


def load(path: Path) -> Codebook:
    """Read and check the codebook at `path`; CodebookError names file, line and key."""
    return documents.validate(documents.read(path), Codebook, CodebookError)

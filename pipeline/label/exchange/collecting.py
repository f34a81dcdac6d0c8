"""From what came back to annotations: the codebook judges each answer, and nothing gets lost."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.codebook import Codebook
from pipeline.label.answer_file import Answer, Key
from pipeline.label.answers import AnswerBook
from pipeline.label.exchange.returned import Item, Kind, Left, Returned


@dataclass
class Collected:
    """The answers that can be taken, and everything that is none."""

    new: dict[Key, Answer] = field(default_factory=dict)
    changed: dict[Key, Answer] = field(default_factory=dict)
    """Answers that take the place of what the coder said before."""
    known: int = 0
    """Answers that were there already, just so."""
    left: list[Left] = field(default_factory=list)

    @property
    def answers(self) -> list[Answer]:
        """What is to be written, in the order in which it came."""
        return [*self.new.values(), *self.changed.values()]

    def counts(self) -> dict[str, int]:
        """Return how much there is of each kind of what was left."""
        found = Counter(each.kind for each in self.left)
        return {kind.value: found[kind] for kind in Kind}

    def reasons(self) -> dict[Kind, dict[str, int]]:
        """Return how often each reason was, the most frequent first."""
        return {
            kind: dict(Counter(each.why for each in self.left if each.kind is kind).most_common())
            for kind in Kind
        }


def collect(
    items: Iterable[Item],
    codebook: Codebook,
    earlier: Sequence[Codebook],
    before: Mapping[Key, Answer],
    names: Mapping[str, str],
    replace: bool,
) -> Collected:
    """Take the answers of `items` that fit the codebook, or the earlier version they were under.

    Coders are renamed by `names`. Where a coder answered the same before, it counts once; where
    otherwise, the new answer is a reject, or with `replace` takes the other's place.
    """
    book = AnswerBook(codebook, [""], earlier)
    found = Collected()
    places: dict[Key, str] = {}
    for item in items:
        if isinstance(item, Left):
            found.left.append(item)
            continue
        try:
            answer = _judged(item, book, names)
            _put(answer, found, before, places, replace)
        except ValueError as error:
            found.left.append(Left(Kind.REJECT, item.place, str(error), _told(item)))
        else:
            places.setdefault(answer.key, item.place)
    return found


def _judged(item: Returned, book: AnswerBook, names: Mapping[str, str]) -> Answer:
    """Return the answer in the ids of the codebook; ValueError where it does not fit."""
    if not item.article_id:
        raise ValueError("no article_id: is the task one that slant label export wrote?")
    coder = names.get(item.coder, item.coder)
    if not coder:
        raise ValueError("no coder: the file does not say who answered; name one with --coder")
    if "\0" in coder:
        raise ValueError(f"the coder {coder!r} has a NUL character")
    version = book.of_version(item.note.codebook)
    example = version.example(item.article_id, item.task, item.target)
    labels = version.chosen(example.task, item.labels)
    note = item.note._replace(codebook=version.codebook.version)
    return Answer(example, coder, tuple(labels), note)


def _put(
    answer: Answer,
    found: Collected,
    before: Mapping[Key, Answer],
    places: Mapping[Key, str],
    replace: bool,
) -> None:
    """Add the answer to what was found; ValueError where the coder said something else before."""
    key = answer.key
    other = found.changed.get(key) or found.new.get(key) or before.get(key)
    if other is None:
        found.new[key] = answer
    elif _same(other, answer):
        found.known += 1
    elif replace:
        (found.new if key in found.new else found.changed)[key] = answer
    else:
        where = f"at {places[key]}" if key in places else "before"
        said = ", ".join(other.labels) or "none"
        raise ValueError(
            f"{answer.coder!r} answered {where} with {said}"
            f"{', and another comment or time' if other.labels == answer.labels else ''}; "
            "--replace takes the later answer"
        )


def _same(one: Answer, other: Answer) -> bool:
    """True where the other one adds nothing."""
    return one.labels == other.labels and all(
        new is None or new == old for old, new in zip(one.note, other.note, strict=True)
    )


def _told(item: Returned) -> dict[str, object]:
    return {
        "article_id": item.article_id,
        "task": item.task,
        "target": item.target or None,
        "coder": item.coder or None,
        "labels": list(item.labels),
        **item.note._asdict(),
    }

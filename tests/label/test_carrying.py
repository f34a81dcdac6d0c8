from pipeline.codebook import Codebook
from pipeline.label.answers import AnswerBook
from pipeline.label.carrying import carry_over


def version(number, **definitions):
    labels = [{"id": name, "definition": text} for name, text in definitions.items()]
    tasks = {"tone": {"asks": "article", "labels": labels}}
    return Codebook.model_validate({"name": "tones", "version": number, "tasks": tasks})


FIRST = version("1", calm="No alarm.", alarmed="Some alarm.")
SECOND = version("2", calm="No alarm.", alarmed="Some alarm.")
THIRD = version("3", calm="No alarm.", alarmed="Alarm in the headline.")


def answered(book, **labels):
    for coder, label in labels.items():
        book.add(book.example("a1", "tone", ""), coder, [label])


def test_an_older_answer_does_not_come_back_where_the_later_one_is_outdated():
    book = AnswerBook(THIRD, [""], [FIRST, SECOND])
    answered(book.earlier["1"], ada="calm", ben="calm")
    answered(book.earlier["2"], ada="alarmed")
    outdated = carry_over(book)
    example = book.example("a1", "tone", "")
    assert book.labels == {example: {"ben": ["calm"]}}
    assert [(each.coder, each.version, each.again) for each in outdated] == [
        ("ada", "2", [example])
    ]

import pyarrow as pa
import pytest

from pipeline import records
from pipeline.codebook import Codebook
from pipeline.mentions import for_targets
from pipeline.votes import questions_of


def ask(codebook, articles, gold=()):
    """Return the questions about `articles`: (title, text), asked as `slant label` asks them."""
    rows = [
        {
            "id": f"n{number}",
            "title": title,
            "text": text,
            "outlet": "Harbour Post",
            "published": "2031-05-01",
        }
        for number, (title, text) in enumerate(articles)
    ]
    fields = [records.ARTICLES.field(name) for name in rows[0]] if rows else []
    table = pa.Table.from_pylist(rows, schema=pa.schema(fields))
    finder = for_targets(codebook.targets)
    examples = []
    for name, task in codebook.tasks.items():
        for row in rows:
            found = finder.find(row["text"]) if task.asks.value == "target" else {None: None}
            for target, spans in found.items():
                examples.append(
                    {
                        "example_id": records.example_id(row["id"], name, target),
                        "article_id": row["id"],
                        "task": name,
                        "target": target,
                        "mentions": spans
                        and [{"start": start, "end": end} for start, end in spans],
                        "coders": 0,
                    }
                )
    return questions_of(table, pa.Table.from_pylist(examples, schema=records.EXAMPLES), codebook)


def codebook_of(rules, *, asks="article", choose="one", labels=("farming", "shipping")):
    """Return a codebook of one task with rules beside its labels."""
    return Codebook.model_validate(
        {
            "name": "harbour",
            "version": "1",
            "tasks": {
                "topic": {
                    "asks": asks,
                    "choose": choose,
                    "question": "What is it about?",
                    "labels": [{"id": each, "rules": rules.get(each, [])} for each in labels],
                }
            },
            "targets": [{"id": "salt-pact", "name": "Salt Pact", "aliases": ["the pact"]}],
        }
    )


@pytest.fixture
def asked():
    """Return the function that asks a codebook's questions about articles."""
    return ask


@pytest.fixture
def book():
    """Return the function that makes a codebook."""
    return codebook_of

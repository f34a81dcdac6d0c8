from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import DataError
from pipeline.records import WORKLIST
from pipeline.worklists import read_worklist, write_worklist

ROWS = [
    {
        "example_id": "n1|stance|salt-road",
        "article_id": "n1",
        "task": "stance",
        "target": "salt-road",
        "why": "two coders say threat, two say opportunity",
        "suggestion": None,
    },
    {
        "example_id": "n2|topic|",
        "article_id": "n2",
        "task": "topic",
        "target": None,
        "why": "no coder has seen it",
        "suggestion": "economy",
    },
]


def test_a_worklist_comes_back_in_its_order(tmp_path: Path) -> None:
    worklist = pa.Table.from_pylist(ROWS, schema=WORKLIST)
    write_worklist(tmp_path / "list.jsonl", worklist)
    assert read_worklist(tmp_path / "list.jsonl").equals(worklist)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", ":1: not valid JSON"),
        ("[]", ":1: must be a JSON object, found list"),
        ('{"example_id": 3}', ":1: example_id must be text; it is 3"),
        ('{"example_id": null}', ":1: example_id must be text; it is null"),
        ('{"example_id": "n|t|", "why": ""}', ":1: no 'article_id'; the line has example_id, why"),
        ("{}", ":1: no 'example_id'; the line has nothing"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(line)
    with pytest.raises(DataError) as caught:
        read_worklist(path)
    assert message in str(caught.value)

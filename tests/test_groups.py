"""Outlets however they are spelt, and other fields of the rows."""

import pyarrow as pa
import pytest

from pipeline import records
from pipeline.groups import field_values, group_keys, outlet_key


@pytest.mark.parametrize(
    "names",
    [
        ["The New York Times", "New York Times - News", "New York Times (Opinion)",
         "new  york times", "New York Times Editorial Board", "New York Times | World"],
        ["CNN", "CNN.com", "www.cnn.com", "https://www.cnn.com/politics", "CNN (Web News)",
         "CNN – Editorial"],
        ["Fox News", "Fox Online News", "FoxNews.com", "Fox News Opinion"],
        ["BBC", "bbc.co.uk", "BBC Online"],
        ["Le Monde", "Le\u00a0Monde", "LE MONDE [Blogs]"],
        ["The Guardian", "theguardian.com", "https://www.theguardian.com/uk?edition=uk"],
        ["CNN", "CNN.com - Politics", "edition.cnn.com", "http://cnn.com:80/"],
        ["The Hill: Congress", "the hill"],
    ],
)  # fmt: skip
def test_spellings_of_an_outlet_are_one(names: list[str]) -> None:
    assert len({outlet_key(name) for name in names}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("New York Times", "New York Post"),
        ("Fox News", "Fox Business"),
        ("The Times", "The Sunday Times"),
        ("Washington Post", "Washington Times"),
        ("NBC News", "CBS News"),
        ("路透社", "新华社"),
        ("abc.net.au", "abc.com"),
        ("independent.ie", "independent.co.uk"),
        ("The Times (of London)", "Times (New York)"),
        ("Digital Journal", "Journal"),
    ],
)
def test_other_outlets_stay_apart(one: str, other: str) -> None:
    assert outlet_key(one) != outlet_key(other)


@pytest.mark.parametrize("name", ["Opinion", "The", "(The Herald)", "...", "- News", "Online"])
def test_a_name_that_is_all_section_is_still_a_name(name: str) -> None:
    assert outlet_key(name)


def test_a_field_is_a_column_or_stands_in_the_rest_of_the_row() -> None:
    rows = [
        {"id": "a", "text": "t", "source": "s", "place": 1, "outlet": "The Post", "extra": None},
        {
            "id": "b",
            "text": "t",
            "source": "s",
            "place": 2,
            "outlet": "",
            "extra": '{"desk": 7, "writers": []}',
        },
    ]
    table = pa.Table.from_pylist(rows, schema=records.ARTICLES)
    assert field_values(table, "outlet") == ["The Post", None]
    assert field_values(table, "desk") == [None, "7"]
    assert field_values(table, "writers") == [None, None]  # an empty list is nothing
    assert group_keys(table, "outlet") == ["post", None]
    assert group_keys(table, "desk") == [None, "7"]

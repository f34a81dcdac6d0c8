import pytest

from pipeline.errors import DataError
from pipeline.votes import cast_by_functions, load_functions

ARTICLES = [("Barley", "The Salt Pact is a Salt Pact."), (None, "A ship."), (None, "")]


@pytest.fixture
def cast(asked, book, tmp_path):
    """Run the functions of a file; return (function, article, label, holds) of each vote."""

    def run(code, **kind):
        codebook = book({}, **kind)
        file = tmp_path / "functions.py"
        file.write_text(code)
        functions = load_functions(file, codebook)
        return [
            (row["function"], row["example_id"], row["label"], row["holds"])
            for questions in asked(codebook, ARTICLES)
            for _, table in cast_by_functions(questions, functions["topic"], file)
            for row in table.to_pylist()
        ]

    return run


def test_a_function_votes_or_abstains(cast):
    code = """
def grain(article):
    if article.title == "Barley":
        return "farming"

def boats(article):
    return "shipping" if "ship" in article.text else None

FUNCTIONS = {"topic": [grain, boats]}
"""
    assert cast(code) == [
        ("function:grain", "n0|topic|", "farming", True),
        ("function:boats", "n1|topic|", "shipping", True),
    ]


def test_a_function_sees_the_target_and_its_mentions(cast):
    code = """
def where(article):
    assert (article.outlet, article.published, article.id) == ("Harbour Post", "2031-05-01", "n0")
    words = [article.text[start:end] for start, end in article.mentions]
    return "farming" if (article.target, words) == ("Salt Pact", ["Salt Pact"] * 2) else "shipping"

FUNCTIONS = {"topic": [where]}
"""
    votes = cast(code, asks="target")
    assert votes == [("function:where", "n0|topic|salt-pact", "farming", True)]


def test_where_many_labels_may_hold_a_list_says_that_the_others_do_not(cast):
    code = """
def whole(article):
    return ["farming"] if article.title else ([] if article.text else None)

def one(article):
    return "shipping" if article.text else None

FUNCTIONS = {"topic": [whole, one]}
"""
    assert cast(code, choose="many") == [
        ("function:whole", "n0|topic|", "farming", True),
        ("function:whole", "n0|topic|", "shipping", False),
        ("function:whole", "n1|topic|", "farming", False),
        ("function:whole", "n1|topic|", "shipping", False),
        ("function:one", "n0|topic|", "shipping", True),
        ("function:one", "n1|topic|", "shipping", True),
    ]


BAD = [
    ("x = 1", "functions.py: has no FUNCTIONS; list the functions by task"),
    ("def f(:", "functions.py:1: not valid Python"),
    ("import nothing_of_the_kind", "functions.py:1: ModuleNotFoundError"),
    ("import sys\nsys.exit(3)", "functions.py:2: SystemExit: 3"),
    (
        "def f(article):\n    raise SystemExit\nFUNCTIONS = {'topic': [f]}",
        "functions.py:2: f on article 'n0': SystemExit",
    ),
    ("FUNCTIONS = {'topics': []}", "unknown task 'topics' (did you mean 'topic'?)"),
    ("FUNCTIONS = {'topic': 3}", "FUNCTIONS['topic'] must be a list of functions; it is 3"),
    ("f = lambda a: 1\nFUNCTIONS = {'topic': [f, f]}", "two functions called '<lambda>'"),
    (
        "\ndef f(article):\n    return article.text[99]\nFUNCTIONS = {'topic': [f]}",
        "functions.py:3: f on article 'n0': IndexError: string index out of range",
    ),
    (
        "def f(article):\n    return 'shiping'\nFUNCTIONS = {'topic': [f]}",
        "f on article 'n0' returned 'shiping': unknown label 'shiping' (did you mean 'shipping'?)",
    ),
    (
        "def f(article):\n    return 7\nFUNCTIONS = {'topic': [f]}",
        "f on article 'n0' returned 7:",
    ),
    (
        "def f(article):\n    return ['farming']\nFUNCTIONS = {'topic': [f]}",
        "f on article 'n0' returned ['farming']; this task takes one label",
    ),
]


@pytest.mark.parametrize(("code", "message"), BAD)
def test_what_is_wrong_names_function_article_and_value(code, message, cast):
    with pytest.raises(DataError) as caught:
        cast(code)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_told(book, tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        load_functions(tmp_path / "gone.py", book({}))

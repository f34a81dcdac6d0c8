import math
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from pipeline import documents
from pipeline.documents import Section
from pipeline.errors import ConfigError, PipelineError


class Small(Section):
    size: int = 1


class Circle(Section):
    shape: Literal["circle"]
    radius: float


class Square(Section):
    shape: Literal["square"]
    side: float


class Drawing(Section):
    title: str
    small: Small = Small()
    figure: Annotated[Circle | Square, Field(discriminator="shape")] | None = None
    parts: list[Small] = []
    named: dict[str, Small] = {}


def value_of(text):
    return documents.parse(f"a: {text}", "f").value["a"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1E+5", 1e5),
        (".5", 0.5),
        ("-1.", -1.0),
        ("1.10", 1.1),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("true", True),
        ("FALSE", False),
        ("0123", 123),
        ("+7", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("12:30:00", "12:30:00"),
        ("2024-01-01", "2024-01-01"),
        ("1.2.3", "1.2.3"),
        ("1e", "1e"),
        ("null", None),
        ("Null", None),
        ("~", None),
        ("", None),
        ("-.INF", -math.inf),
        ("'1e-4'", "1e-4"),
        ('"null"', "null"),
        ("!!str 12", "12"),
        ("<<", "<<"),
        ("שלום 🙂", "שלום 🙂"),
    ],
)
def test_scalars_are_read_as_the_core_schema_of_yaml_1_2_says(text, value):
    found = value_of(text)
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_written_with_a_dot():
    assert math.isnan(value_of(".NaN"))
    assert value_of("nan") == "nan"


def test_an_alias_repeats_a_part_and_merge_keys_are_ordinary_keys():
    assert documents.parse("a: &x {b: 1}\nc: *x", "f").value == {"a": {"b": 1}, "c": {"b": 1}}
    assert documents.parse("<<: {b: 1}", "f").value == {"<<": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "f:3:1: a: written twice (first on line 1); keep one"),
        ("a: 1\n'a': 3", "f:2:1: a: written twice (first on line 1); keep one"),
        (
            "x:\n  - b: 1\n    b: 2",
            "f:3:5: x.0.b: written twice (first on line 2); keep one",
        ),
        ("[1, 2]: 3", "f:1:1: a key must be one word, not a list or a mapping"),
        ("a: [1,\n", "f:2:1: not valid YAML: expected the node content, but found '<stream end>'"),
        ("a: 1\n---\nb: 2", "f:2:1: not valid YAML: but found another document"),
        ("a: b: c", "f:1:5: not valid YAML: mapping values are not allowed here"),
        ("a: 1\nb: \x00", "f:2: not valid YAML: the character U+0000 is not allowed"),
        ("a: &a [*a]", "f: nested too deeply, or an anchor that holds itself"),
        ("a: " + "[" * 2000, "f: nested too deeply, or an anchor that holds itself"),
        (
            "b:\n  a: !!int x",
            "f:2:6: b.a: 'x' cannot be read as tag:yaml.org,2002:int; leave the tag out",
        ),
        ("a: !run rm", "f:1:4: a: 'rm' cannot be read as !run; leave the tag out"),
        (
            "a: !!python/name:os.system x",
            "f:1:4: a: 'x' cannot be read as tag:yaml.org,2002:python/name:os.system; "
            "leave the tag out",
        ),
    ],
)
def test_what_is_not_one_plain_document_is_refused_with_its_place(text, message):
    with pytest.raises(PipelineError) as error:
        documents.parse(text, "f")
    assert str(error.value) == message


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"a: caf\xe9")
    for path, message in (
        (tmp_path / "none.yaml", "there is no such file"),
        (tmp_path, "this is a folder; name a YAML file"),
        (latin, "not UTF-8 text (byte 6)"),
    ):
        with pytest.raises(PipelineError) as error:
            documents.read(path)
        assert str(error.value) == f"{path}: {message}"


def test_a_byte_order_mark_is_not_part_of_the_first_key(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("\ufeffa: 1", encoding="utf-8")
    assert documents.read(path).value == {"a": 1}


def test_each_part_knows_where_it_stands():
    document = documents.parse("a:\n  - x: 1\n    y: 2\n  - 5\nb: {c: 3}\n", "f")
    assert document.where(("a",)) == "f:1:1"
    assert document.where(("a", 0)) == "f:2:5"
    assert document.where(("a", 0, "y")) == "f:3:5"
    assert document.where(("a", 1)) == "f:4:5"
    assert document.where(("b", "c")) == "f:5:5"
    assert document.where(("b", "missing", "below")) == "f:5:1"
    assert documents.parse("", "f").where(("a",)) == "f"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("small: {}", "f:1:1: title: missing; this key is required"),
        ("title: x\nsmall:\n  size: big", "f:3:3: small.size: input should be a valid integer; "
         "it is 'big'"),
        ("title: x\nsmall:\n  size: 1.5", "f:3:3: small.size: input should be a valid integer; "
         "it is 1.5"),
        ("title: x\nsmal: {}", "f:2:1: smal: unknown key (did you mean 'small'?)"),
        ("title: x\nsmall: {width: 1}", "f:2:9: small.width: unknown key; the keys are size"),
        ("title: x\nsmall: 3", "f:2:1: small: must hold keys and values; it is 3"),
        ("title: 1.10", "f:1:1: title: must be text; put it in quotes (without them it is read "
         "as 1.1)"),
        ("title: x\nparts:\n  - size: 1\n  - sise: 2", "f:4:5: parts.1.sise: unknown key "
         "(did you mean 'size'?)"),
        ("title: x\nparts: {size: 1}", "f:2:1: parts: input should be a valid list"),
        ("title: x\nnamed:\n  left: {size: []}", "f:3:10: named.left.size: input should be a "
         "valid integer"),
        ("title: x\nfigure: {radius: 1.0}", "f:2:1: figure.shape: missing; this key is required"),
        ("title: x\nfigure:\n  shape: star", "f:3:3: figure.shape: must be one of 'circle', "
         "'square'; it is 'star'"),
        ("title: x\nfigure:\n  shape: circle", "f:2:1: figure.radius: missing; this key is "
         "required"),
        ("title: x\nfigure:\n  shape: circle\n  radius: .inf", "f:4:3: figure.radius: input "
         "should be a finite number; it is inf"),
        ("title: x\nfigure:\n  shape: circle\n  radius: 1.0\n  side: 2.0", "f:5:3: figure.side: "
         "unknown key; the keys are radius, shape"),
        ("- a", "f: must hold keys and values, found nothing of the kind"),
        ("", "f: must hold keys and values, found nothing of the kind"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_schema_is_named_with_place_key_and_value(text, message):
    with pytest.raises(ConfigError) as error:
        documents.validate(documents.parse(text, "f"), Drawing, ConfigError)
    assert str(error.value) == message


def test_all_problems_of_a_file_are_told_at_once():
    document = documents.parse("titel: x\nsmall: {size: 0.5}", "f")
    with pytest.raises(ConfigError) as error:
        documents.validate(document, Drawing, ConfigError)
    assert [line.split(":")[1] for line in str(error.value).splitlines()] == ["1", "2", "1"]


def set_in(text, *overrides):
    document = documents.parse(text, "f")
    for dotted, value in overrides:
        document.set(dotted, value)
    return document


@pytest.mark.parametrize(
    ("text", "dotted", "value", "result"),
    [
        ("a: 1", "a", "2e-1", {"a": 0.2}),
        ("a: {b: 1, c: 2}", "a.b", "[x, no]", {"a": {"b": ["x", "no"], "c": 2}}),
        ("a: 1", "b.c.d", "x", {"a": 1, "b": {"c": {"d": "x"}}}),
        ("a:", "a.b", "", {"a": {"b": None}}),
        ("a: [1, 2]", "a.1", "3", {"a": [1, 3]}),
        ("a: [{b: 1}, {b: 2}]", "a.1.b", "3", {"a": [{"b": 1}, {"b": 3}]}),
    ],
)
def test_set_replaces_or_adds_one_value(text, dotted, value, result):
    assert set_in(text, (dotted, value)).value == result


@pytest.mark.parametrize(
    ("dotted", "value", "message"),
    [
        ("a.x", "1", "--set a.x: a is 1, which has no keys to set"),
        ("a.x.y", "1", "--set a.x.y: a is 1, which has no keys to set"),
        ("b.2.c", "1", "--set b.2.c: b has no item '2'; it has 2 items"),
        ("b.-1", "1", "--set b.-1: b has no item '-1'; it has 2 items"),
        ("b.²", "1", "--set b.²: b has no item '²'; it has 2 items"),
        ("b..c", "1", "--set b..c: b has no item ''; it has 2 items"),
        ("", "1", "--set : a key must not be empty; write section.key=value"),
        ("c.", "1", "--set c.: a key must not be empty; write section.key=value"),
        ("a", "[1", "--set a:1:3: not valid YAML: expected ',' or ']', but got '<stream end>'"),
    ],
)
def test_set_refuses_nonsense(dotted, value, message):
    with pytest.raises(PipelineError) as error:
        set_in("a: 1\nb: [{c: 1}, 2]", (dotted, value))
    assert str(error.value) == message


def test_an_error_in_what_was_set_points_at_the_command_line_and_not_at_the_file():
    text = "title: x\nparts:\n  - size: 1\n"
    for overrides, where in (
        ([("parts.0.size", "big")], "--set parts.0.size: parts.0.size"),
        ([("parts", "[{size: big}]")], "--set parts: parts.0.size"),
        ([("small.size", "1"), ("small", "{size: big}")], "--set small: small.size"),
        ([("smal.size", "1")], "--set smal.size: smal"),
    ):
        with pytest.raises(ConfigError) as error:
            documents.validate(set_in(text, *overrides), Drawing, ConfigError)
        assert str(error.value).startswith(f"{where}: ")


def test_suggestions_name_a_close_word_else_all_words():
    assert documents.suggest("fodl", ["folds", "loss"], "key") == " (did you mean 'folds'?)"
    assert documents.suggest("x", ["folds", "loss"], "key") == "; the keys are folds, loss"
    assert documents.suggest("x", [], "key") == ""


def test_a_part_from_the_users_path_is_shown_as_they_wrote_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("a: [")
    with pytest.raises(PipelineError, match=r"^a\.yaml:1:5: "):
        documents.read(Path("a.yaml"))

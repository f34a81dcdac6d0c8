import pytest

from pipeline import codebook
from pipeline.codebook import Asks, Choose, Codebook, Label, Target, Task
from pipeline.errors import CodebookError

HEAD = """\
name: demo
version: "1.10"
tasks:
  topic:
    asks: article
    labels:
"""
WHOLE = HEAD + """\
      - {id: sport}
      - {id: economy, name: Economy and trade}
  stance:
    asks: target
    labels: [{id: threat}, {id: no}]
targets:
  - {id: salt-pact, name: the Salt Pact, aliases: ["S.P.", pact of the two coasts]}
  - {id: us, name: United States, aliases: [US]}
"""  # fmt: skip


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "b.yaml"

    def load(text):
        path.write_text(text)
        return codebook.load(path.relative_to(tmp_path))

    return load


def test_a_codebook_is_read_whole(load):
    book = load(WHOLE)
    assert book.identity == "demo@1.10"
    assert [name for name, _ in book.target_tasks()] == ["stance"]
    assert book.tasks["topic"].choose is Choose.ONE
    assert book.tasks["stance"].asks is Asks.TARGET
    assert Codebook.model_validate_json(book.model_dump_json()) == book


def test_labels_are_sorted_whatever_their_order_in_the_file(load):
    book = load(WHOLE)
    assert book.tasks["topic"].label_ids == ["economy", "sport"]
    assert book.tasks["stance"].label_ids == ["no", "threat"]


def test_annotations_may_use_the_id_or_the_name_of_a_label(load):
    topic = load(WHOLE).tasks["topic"]
    assert topic.label_id("economy") == "economy"
    assert topic.label_id("Economy and trade") == "economy"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("econmy", "unknown label 'econmy' (did you mean 'economy'?)"),
        ("Economy", "unknown label 'Economy' (did you mean 'economy'?)"),
        ("🙂", "unknown label '🙂'; the labels are economy, sport"),
        ("", "unknown label ''; the labels are economy, sport"),
    ],
)
def test_an_unknown_label_is_told_with_what_may_be_meant(load, text, message):
    with pytest.raises(ValueError) as error:
        load(WHOLE).tasks["topic"].label_id(text)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("salt-pact", "salt-pact"),
        ("the Salt Pact", "salt-pact"),
        ("THE  salt\npact ", "salt-pact"),
        ("s.p.", "salt-pact"),
        ("Salt Pact", "Salt Pact"),
        ("Merrow Accord", "Merrow Accord"),
        ("us", "us"),
        ("حلف البحر", "حلف البحر"),
    ],
)
def test_a_target_is_known_by_id_or_wording_else_it_is_its_own(load, text, target):
    assert load(WHOLE).target_id(text) == target


def test_the_name_of_a_target_is_a_wording_once():
    assert Target(id="x", name="Pact", aliases=["P.", "Pact", "P."]).wordings == ["Pact", "P."]


def test_parents_make_a_hierarchy():
    labels = [Label(id="a"), Label(id="b", parent="a"), Label(id="c", parent="b")]
    assert Task(asks="article", labels=labels).labels[2].parent == "b"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("      - {id: a}", "6:5: tasks.topic.labels: list should have at least 2 items after "
         "validation, not 1"),
        ("      - {id: a}\n      - {id: a}", "6:5: tasks.topic.labels: the label 'a' is there "
         "twice; keep one"),
        ("      - {id: a, name: B}\n      - {id: B}", "6:5: tasks.topic.labels: the label 'B' is "
         "there twice; keep one"),
        ("      - {id: a}\n      - {id: a|b}", "8:10: tasks.topic.labels.1.id: a label's id must "
         "not contain '|': 'a|b'"),
        ("      - {id: ' '}\n      - {id: b}", "7:10: tasks.topic.labels.0.id: string should have "
         "at least 1 character; it is ' '"),
        ("      - {id: a}\n      - {id: 12}", "8:10: tasks.topic.labels.1.id: must be text; put it "
         "in quotes (without them it is read as 12)"),
        ("      - {id: a, nmae: A}\n      - {id: b}", "7:17: tasks.topic.labels.0.nmae: unknown "
         "key (did you mean 'name'?)"),
        ("      - {id: a, parent: c}\n      - {id: b}", "6:5: tasks.topic.labels: label 'a': "
         "parent 'c' is not a label of this task; the labels are a, b"),
        ("      - {id: a, parent: b}\n      - {id: b, parent: c}\n      - {id: c, parent: b}",
         "6:5: tasks.topic.labels: the parents run in a circle: a → b → c → b"),
        ("      - {id: a, parent: a}\n      - {id: b}", "6:5: tasks.topic.labels: the parents run "
         "in a circle: a → a"),
    ],
)  # fmt: skip
def test_labels_that_contradict_themselves_are_refused(load, lines, message):
    with pytest.raises(CodebookError) as error:
        load(HEAD + lines)
    assert str(error.value) == f"b.yaml:{message}"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("  - {id: us, name: Union of States}", "12:1: targets: the target 'us' is there twice; "
         "keep one"),
        ("  - {id: x, name: Other, aliases: [US]}", "12:1: targets: the alias 'US' belongs to both "
         "'us' and 'x'; keep it at one"),
        # Case and white space make no difference to where a wording is found.
        ("  - {id: x, name: the  salt PACT}", "12:1: targets: the alias 'the  salt PACT' belongs "
         "to both 'salt-pact' and 'x'; keep it at one"),
        ("  - {id: x}", "15:5: targets.2.name: missing; this key is required"),
        ("  - {id: X y, name: Z}", "15:6: targets.2.id: must be small letters, digits, "
         "_ and -, and begin with a letter; it is 'X y'"),
        ("  - {id: x, name: Z, alias: [z]}", "15:22: targets.2.alias: unknown key (did you mean "
         "'aliases'?)"),
    ],
)  # fmt: skip
def test_targets_that_contradict_themselves_are_refused(load, lines, message):
    with pytest.raises(CodebookError) as error:
        load(WHOLE + lines)
    assert str(error.value) == f"b.yaml:{message}"


def test_a_wording_that_is_found_in_its_exact_case_may_resemble_another(load):
    book = load(WHOLE + "  - {id: x, name: Ourselves, aliases: [us all, Us]}")
    assert book.targets[2].wordings == ["Ourselves", "us all", "Us"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('version: "1.10"', "version: 1.10", "2:1: version: must be text; put it in quotes "
         "(without them it is read as 1.1)"),
        ("  topic:", "  Topic:", "4:3: tasks.Topic: must be small letters, digits, "
         "_ and -, and begin with a letter; it is 'Topic'"),
        ("asks: article", "asks: articles", "5:5: tasks.topic.asks: input should be 'article' or "
         "'target'; it is 'articles'"),
        ("asks: article", "asks: article\n    choose: two", "6:5: tasks.topic.choose: input should "
         "be 'one' or 'many'; it is 'two'"),
        ("asks: article", "ask: article", "4:3: tasks.topic.asks: missing; this key is required"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_key(load, old, new, message):
    with pytest.raises(CodebookError) as error:
        load(WHOLE.replace(old, new))
    assert str(error.value).splitlines()[0] == f"b.yaml:{message}"


def test_a_codebook_without_tasks_is_refused(load):
    for text in ("name: a\nversion: a\ntasks: {}", "name: a\nversion: a\n"):
        with pytest.raises(CodebookError, match=r"^b\.yaml:\d:1: tasks: "):
            load(text)

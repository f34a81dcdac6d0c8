"""The documents are true to the code: keys, commands, layers, modules, links, digests."""

import csv
import hashlib
import json
import re
import runpy
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import __version__
from pipeline.behaviour import Suite, load_suites
from pipeline.behaviour.suite import Change
from pipeline.codebook import Codebook, load
from pipeline.config import Config
from pipeline.errors import PipelineError

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "data").glob("*.md")]
)


def read(name):
    return (ROOT / name).read_text()


def fenced(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def keys_of(model) -> Iterator[str]:
    """Yield every key of a schema with dots, by the JSON schema that pydantic makes of it."""
    schema = model.model_json_schema()
    yield from _keys(schema, schema["$defs"], "")


def _keys(node, definitions, prefix):
    if "$ref" in node:
        yield from _keys(definitions[node["$ref"].rpartition("/")[2]], definitions, prefix)
    for part in [*node.get("anyOf", []), *node.get("oneOf", []), *node.get("allOf", [])]:
        yield from _keys(part, definitions, prefix)
    if isinstance(node.get("items"), dict):
        yield from _keys(node["items"], definitions, f"{prefix}[]")
    for entries in (node.get("additionalProperties"), *node.get("patternProperties", {}).values()):
        if isinstance(entries, dict):
            entry = {"members": "member", "space": "key"}.get(prefix.rpartition(".")[2], "task")
            yield from _keys(entries, definitions, f"{prefix}.<{entry}>")
    for name, below in node.get("properties", {}).items():
        dotted = f"{prefix}.{name}".lstrip(".")
        yield dotted
        yield from _keys(below, definitions, dotted)


def generator():
    return runpy.run_path(str(ROOT / "docs" / "make_cli_reference.py"))


@pytest.mark.slow
def test_the_reference_is_as_the_code_has_it():
    made = generator()["page"]()
    assert read("docs/cli.md") == made, "run: .venv/bin/python docs/make_cli_reference.py"


def test_every_command_is_in_the_reference():
    commands = generator()["command_names"]()
    assert {"run", "predict", "compare", "ui", "label", "label run"} <= set(commands)
    assert re.findall(r"^### slant ([\w ]+)$", read("docs/cli.md"), re.M) == commands


def test_every_config_key_is_in_the_reference():
    keys = set(keys_of(Config))
    assert {"seed", "ingest.sources[].hub", "label.inline.<task>.label", "split.salt"} <= keys
    listed = set(re.findall(r"^\| `([^`]+)` \|", read("docs/cli.md"), re.M))
    sections = {key for key in keys if any(other.startswith(f"{key}.") for other in keys)}
    assert keys - sections - listed == set()
    assert listed - keys == set()


def test_every_codebook_key_is_in_the_guide():
    names = {key.rpartition(".")[2].rstrip("[]") for key in keys_of(Codebook)}
    assert {"aliases", "external_id", "parent", "choose", "version"} <= names
    listed = set(re.findall(r"^\| `(\w+)` \|", read("docs/codebook.md"), re.M))
    assert listed == names


def test_every_suite_key_and_change_is_in_its_guide(tmp_path):
    page = read("docs/behaviour.md")
    names = {key.rpartition(".")[2].rstrip("[]") for key in keys_of(Suite)}
    assert {"moves", "slots", "share", "pairs", "to"} <= names
    assert {name for name in names if f"`{name}`" not in page} == set()
    for change in Change.__origin__.__args__:
        (kind,) = change.model_fields["kind"].annotation.__args__
        assert re.search(rf"^\| `{kind}` \|", page, re.M), kind


def test_the_suite_in_the_guide_fits_the_codebook_in_the_other_one(guide_codebook, tmp_path):
    file = tmp_path / "suite.yaml"
    file.write_text(fenced(read("docs/behaviour.md"), "yaml")[0])
    (suite,) = load_suites([str(file)], load(guide_codebook))
    assert len(suite.tests) == 4


def guide_mistakes():
    rows = re.findall(r"^\| `(.+?)` → `(.+?)` \| `(.+)` \|$", read("docs/codebook.md"), re.M)
    assert len(rows) >= 5
    return rows


@pytest.fixture
def guide_codebook(tmp_path):
    file = tmp_path / "codebook.yaml"
    file.write_text(fenced(read("docs/codebook.md"), "yaml")[0])
    return file


def test_the_codebook_in_the_guide_is_one(guide_codebook):
    assert load(guide_codebook).identity == "islands@1.0"


@pytest.mark.parametrize(("before", "after", "message"), guide_mistakes())
def test_a_mistake_in_the_guide_gets_the_message_shown(guide_codebook, before, after, message):
    text = guide_codebook.read_text()
    assert before in text
    guide_codebook.write_text(text.replace(before, after, 1))
    with pytest.raises(PipelineError) as caught:
        load(guide_codebook)
    assert message in str(caught.value)
    assert re.match(rf"{re.escape(str(guide_codebook))}:\d+:", str(caught.value))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(document):
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target.read_text()), link


def _anchors(text):
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_of_the_project_that_are_named_are_there(document):
    text = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.M | re.S)
    roots = "configs|data|docs|pipeline|tests|requirements|benchmarks"
    for name in re.findall(rf"`((?:{roots})/[\w./-]*)`", text):
        assert (ROOT / name).exists(), name


def test_the_design_lists_the_layers_that_are_enforced():
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["type"] == "layers")
    listed = fenced(read("docs/design.md"), "text")[-1].splitlines()
    assert listed == [layer.replace("pipeline.", "") for layer in layers]


def test_the_design_names_every_room_and_module():
    rows = re.findall(r"^\| `([\w./]+)` \|[^|]*\|([^|]*)\|$", read("docs/design.md"), re.M)
    listed = {
        f"{name}{module}.py" if name.endswith("/") else name
        for name, modules in rows
        for module in (re.findall(r"`(\w+)`", modules) or [""])
    }
    pipeline = ROOT / "pipeline"
    found = {
        path.relative_to(pipeline).as_posix()
        for path in pipeline.rglob("*.py")
        if path.name != "__init__.py"
    }
    assert listed == found


def test_the_design_names_the_files_of_a_run():
    from pipeline.artifacts import RunFolder

    flow = read("docs/design.md")
    run = RunFolder(Path("run"))
    names = [
        getattr(run, name).name
        for name, value in vars(RunFolder).items()
        if isinstance(value, property)
    ]
    assert len(names) > 10
    assert [name for name in names if name not in flow] == []


def test_the_data_readme_gives_the_digests_and_counts_of_the_files():
    page = read("data/README.md")
    for name in ("articles.jsonl", "annotations.csv"):
        content = (ROOT / "data" / name).read_bytes()
        row = re.search(rf"^\| `{name}` \| (\d+) \w+ \| `(\w+)` \|$", page, re.M)
        lines = content.count(b"\n") - name.endswith(".csv")
        assert (int(row[1]), row[2]) == (lines, hashlib.sha256(content).hexdigest())


def test_the_data_readme_counts_gold_as_it_is():
    page = read("data/README.md")
    answers = {}
    with (ROOT / "data" / "annotations.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            key = row["article_id"], row["task"], row["target"]
            answers.setdefault(key, set()).add(row["label"])
    gold = {key: labels.pop() if len(labels) == 1 else "tie" for key, labels in answers.items()}
    topics = Counter(label for (_, task, _), label in gold.items() if task == "topic")
    assert dict(re.findall(r"^\| ([\w-]+) \| (\d+) \|$", page, re.M)) == {
        topic: str(count) for topic, count in topics.items()
    }
    stances = Counter(
        (target, label) for (_, task, target), label in gold.items() if task == "stance"
    )
    columns = ("opportunity", "threat", "neither", "tie")
    for target in sorted({target for target, _ in stances}):
        counts = " | ".join(str(stances[target, label]) for label in columns)
        assert f"\n| {target} | {counts} |\n" in page


def test_the_data_readme_names_the_articles_and_words_there_are():
    page = read("data/README.md")
    rows = [json.loads(line) for line in read("data/articles.jsonl").splitlines()]
    lengths = [len(row["text"].split()) for row in rows]
    assert f"of {min(lengths)} to {max(lengths)} words" in page
    assert len({row["outlet"] for row in rows}) == 10
    assert {row["published"][:4] for row in rows} == {"2031", "2032"}


def test_the_changelog_has_this_version():
    assert re.search(rf"^## {re.escape(__version__)}\b", read("CHANGELOG.md"), re.M)


def test_the_readme_and_contributing_are_short():
    assert len(read("README.md").splitlines()) <= 230
    assert len(read("CONTRIBUTING.md").splitlines()) <= 100


def test_the_measurements_are_those_of_the_results_file():
    table = runpy.run_path(str(ROOT / "benchmarks" / "table.py"))
    rows = [json.loads(line) for line in read("benchmarks/results.jsonl").splitlines()]
    page = read("docs/benchmarks.md")
    assert table["markdown"](table["quality"](table["latest"](rows))) in page
    assert table["markdown"](table["cost"](table["costs"](rows))) in page


def test_the_table_of_hostile_inputs_has_a_row_for_each_that_the_benchmark_makes():
    made = re.findall(r'^@hostile\("(.*)"\)$', read("benchmarks/hostile.py"), re.M)
    table = read("docs/ingest.md").partition("| input | what it got |")[2].partition("\n\n")[0]

    assert len(made) > 40
    assert [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()[2:]] == made

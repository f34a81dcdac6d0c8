"""What the pages show of votes is what the code takes."""

import re
from pathlib import Path

import pytest

from pipeline.codebook import Label, load
from pipeline.config import LabelSection
from pipeline.documents import parse
from pipeline.votes import cast_by_functions, load_functions

ROOT = Path(__file__).parent.parent.parent


def blocks(page, first, last, language):
    text = (ROOT / "docs" / page).read_text()
    section = text[text.index(f"\n{first}\n") : text.index(f"\n{last}\n")]
    found = re.findall(rf"^```{language}\n(.*?)^```$", section, re.M | re.S)
    assert found
    return found


def test_the_functions_of_the_page_vote(asked, tmp_path):
    (code,) = blocks("labelling.md", "## Labelling functions", "## Zero-shot votes", "python")
    file = tmp_path / "functions.py"
    file.write_text(code)
    codebook = load(ROOT / "configs" / "codebooks" / "alliances.yaml")
    functions = load_functions(file, codebook)["topic"]
    (questions,) = (
        each
        for each in asked(codebook, [("Court hears ferryman", "He lied.")])
        if each.name == "topic"
    )
    votes = cast_by_functions(questions, functions, file)
    assert [table["label"].to_pylist() for _, table in votes] == [["crime-law-justice"], []]


SECTIONS = [
    *blocks("labelling.md", "## Labelling functions", "## Zero-shot votes", "yaml"),
    *blocks("labelling.md", "## Zero-shot votes", "## Label errors", "yaml"),
]


@pytest.mark.parametrize("text", SECTIONS, ids=range(len(SECTIONS)))
def test_the_settings_of_the_page_are_settings(text):
    section = LabelSection.model_validate(parse(text, "page").value["label"])
    assert section != LabelSection()


def test_the_rules_of_the_guide_are_rules():
    (text,) = blocks("codebook.md", "## Rules", "## A target", "yaml")
    (label,) = map(Label.model_validate, parse(text, "page").value)
    assert [rule.where for rule in label.rules] == [None, "title"]

"""Lists of likely label errors and of what to code next, on a run of forty small articles."""

import json

import pyarrow as pa
import pytest

from pipeline.bundle import load_bundle
from pipeline.codebook import load as load_codebook
from pipeline.config import load
from pipeline.errors import DataError, PipelineError
from pipeline.records import WORKLIST
from pipeline.stages import run_stages
from pipeline.stages.judging import judging_rung
from pipeline.stages.reviewing import (
    drawn_at_random,
    in_turns,
    likely_errors,
    next_to_code,
    open_project,
    tasks_asked,
)

CODEBOOK = """\
name: port
version: "1.0"
tasks:
  topic:
    asks: article
    labels: [{id: harbour}, {id: sport}]
  stance:
    asks: target
    labels: [{id: for}, {id: against}]
targets: [{id: salt-pact, name: Salt Pact}]
"""
CONFIG = """\
name: port
seed: 4
codebook: codebook.yaml
ingest: {sources: [{path: articles.jsonl}]}
label: {annotations: [answers.csv]}
split: {by: given, dev: 0}
features: {words: 1, min_count: 1, buckets_log2: 12}
train: {C: [1.0], folds: 3}
track: {enabled: false}
review: {errors: {folds: 3, share: 0.2}}
"""
ABOUT = {
    "harbour": "Ships and cargo wait at the quay number {n}; the tide turns {word} today.",
    "sport": "The keeper and the team won match number {n}; the crowd sang {word} today.",
}
WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "iris", "jetty"]
WRONG = "n4"  # harbour in words, coded sport


def write_project(folder, coded):
    """Forty articles, half of each topic, the first `coded` of them coded; ten are on test."""
    (folder / "codebook.yaml").write_text(CODEBOOK)
    (folder / "config.yaml").write_text(CONFIG)
    answers = ["article_id,task,target,coder,label"]
    rows = []
    for n in range(40):
        topic = ("harbour", "sport")[n % 2]
        text = ABOUT[topic].format(n=n, word=WORDS[n % 10] + WORDS[n // 10])
        rows.append({"id": f"n{n}", "text": text, "outlet": f"Outlet {n % 3}",
                     "split": "test" if n >= 30 else "train"})  # fmt: skip
        if n < coded:
            answers.append(f"n{n},topic,,ann,{'sport' if f'n{n}' == WRONG else topic}")
    # An article once more, under another name: of one story with n20.
    rows.append({**rows[20], "id": "copy"})
    (folder / "articles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "answers.csv").write_text("\n".join(answers) + "\n")


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Return a function from how many articles are coded to the project and the view of topic."""
    monkeypatch.chdir(tmp_path)

    def open_coded(coded):
        write_project(tmp_path, coded)
        project = open_project(tmp_path / "config.yaml", [], None, lambda _: None)
        return project, *tasks_asked(project.codebook, ["topic"])

    return open_coded


@pytest.mark.slow
def test_a_wrong_answer_leads_the_list_and_nothing_is_changed(opened):
    project, view = opened(coded=24)
    before = project.run.examples.read_bytes()
    found = likely_errors(project, view, test=False)
    assert found.judged == 24
    first = found.worklist.to_pylist()[0]
    assert (first["article_id"], first["suggestion"]) == (WRONG, "harbour")
    assert project.run.examples.read_bytes() == before
    again = likely_errors(project, view, test=False)
    assert again.worklist.equals(found.worklist)


@pytest.mark.slow
def test_the_answers_of_the_test_side_are_judged_apart(opened, tmp_path):
    project, view = opened(coded=40)
    lines = (
        (tmp_path / "answers.csv")
        .read_text()
        .replace("n34,topic,,ann,harbour", "n34,topic,,ann,sport")
    )
    (tmp_path / "answers.csv").write_text(lines)
    project = open_project(tmp_path / "config.yaml", [], None, lambda _: None)
    found = likely_errors(project, view, test=True)
    assert found.judged == 10
    assert found.worklist["article_id"].to_pylist()[0] == "n34"
    assert found.worklist["suggestion"].null_count == len(found.worklist)


@pytest.mark.slow
def test_a_label_that_only_one_example_has_is_not_judged(opened, tmp_path):
    project, view = opened(coded=7)
    (tmp_path / "answers.csv").write_text(
        "article_id,task,target,coder,label\n"
        + "".join(f"n{n},topic,,ann,{'sport' if n == 1 else 'harbour'}\n" for n in range(7))
    )
    project = open_project(tmp_path / "config.yaml", [], None, lambda _: None)
    with pytest.raises(DataError, match="topic"):  # two labels are needed to learn
        likely_errors(project, view, test=False)


@pytest.mark.slow
def test_the_queue_leaves_out_the_test_side_what_is_coded_and_its_copies(opened, tmp_path):
    project, view = opened(coded=21)  # n20 is coded, and so is its copy's story
    one_task = CODEBOOK[: CODEBOOK.index("  stance:")]
    (tmp_path / "codebook.yaml").write_text(one_task)
    run_stages(project.config, project.run, "train", [].append)
    bundle = load_bundle(project.run.model)
    queued = next_to_code(project, view, [bundle], 100)
    picked = queued.worklist["article_id"].to_pylist()
    assert sorted(picked) == sorted(f"n{n}" for n in range(21, 30))
    assert queued.waiting == 9
    assert all("the model is" in why for why in queued.worklist["why"].to_pylist())
    two = next_to_code(project, view, [bundle, bundle], 3)
    assert (len(two.worklist), two.by) == (3, "2 models")


@pytest.mark.slow
def test_without_any_answer_the_first_list_is_spread_and_has_one_of_a_story(opened):
    project, view = opened(coded=0)
    queued = next_to_code(project, view, [], 100)
    picked = queued.worklist["article_id"].to_pylist()
    assert len(picked) == len(set(picked)) == 30
    assert len({"copy", "n20"} & set(picked)) == 1
    few = next_to_code(project, view, [], 2).worklist["article_id"].to_pylist()
    assert {int(name[1:]) % 2 for name in few} == {0, 1}  # one of each topic


@pytest.mark.slow
def test_a_task_about_targets_that_no_article_names_has_nothing_to_code(opened):
    project, _ = opened(coded=10)
    (stance,) = tasks_asked(project.codebook, ["stance"])
    assert len(next_to_code(project, stance, [], 5).worklist) == 0
    assert len(drawn_at_random(project, stance, "test", 5).worklist) == 0


@pytest.mark.slow
def test_a_random_draw_is_uniform_over_the_side_that_was_asked_for(opened):
    project, view = opened(coded=10)
    drawn = drawn_at_random(project, view, "test", 100)
    assert sorted(drawn.worklist["article_id"].to_pylist()) == [f"n{n}" for n in range(30, 40)]
    assert drawn.worklist["suggestion"].null_count == 10
    everywhere = drawn_at_random(project, view, None, 100)
    assert everywhere.waiting == len(everywhere.worklist) == 31
    with pytest.raises(DataError, match="--side tets: no such side; there are test, train"):
        drawn_at_random(project, view, "tets", 5)


@pytest.mark.slow
def test_a_run_is_opened_by_its_folder_and_taken_as_it_is(opened):
    project, _ = opened(coded=10)
    again = open_project(project.run.path, [], None, lambda _: pytest.fail("a stage ran"))
    assert again.config == project.config
    with pytest.raises(PipelineError, match="--set and --run go with a config"):
        open_project(project.run.path, ["seed=1"], None, lambda _: None)
    project.run.splits.unlink()
    with pytest.raises(DataError, match="no run that got as far as split"):
        open_project(project.run.path, [], None, lambda _: None)


def test_a_task_that_the_codebook_has_not_is_named(tmp_path):
    (tmp_path / "codebook.yaml").write_text(CODEBOOK)
    with pytest.raises(DataError, match=r"--task tone: port@1.0 has no such task.*stance, topic"):
        tasks_asked(load_codebook(tmp_path / "codebook.yaml"), ["tone"])


def test_several_lists_take_turns():
    project_rows = [
        {"example_id": name, "article_id": name, "task": "t", "why": "w"} for name in "abc"
    ]

    lists = [
        pa.Table.from_pylist(rows, schema=WORKLIST) for rows in (project_rows[:2], project_rows[2:])
    ]
    assert in_turns(lists)["article_id"].to_pylist() == ["a", "c", "b"]
    assert len(in_turns([])) == 0


FINETUNE = "{features: {kind: encoder}, train: {kind: finetune}}"


@pytest.mark.parametrize(
    ("sections", "kinds", "told"),
    [
        (["features={kind: static}"], ("static", "linear"), ""),
        (["features={kind: encoder}", "train={kind: finetune}"], ("encoder", "linear"), "frozen"),
        ([f"train={{kind: ensemble, members: {{a: {FINETUNE}, b: {{}}}}}}", "features=null"],
         ("ngrams", "linear"), "first linear member"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_for_each_fold_has_a_stand_in(tmp_path, sections, kinds, told):
    write_project(tmp_path, 1)
    rung, words = judging_rung(load(tmp_path / "config.yaml", ["train={}", *sections]))
    assert (rung.features.kind, rung.train.kind) == kinds
    assert max(rung.train.C) == (10.0 if kinds[0] == "ngrams" else 0.1)  # as suits the features
    assert told in words
    assert bool(told) == bool(words)

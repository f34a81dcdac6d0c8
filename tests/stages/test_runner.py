import json
import os
import shutil
from dataclasses import replace

import pytest

from pipeline.artifacts import RunFolder, digest_of, read_json, write_json
from pipeline.config import load
from pipeline.errors import DataError
from pipeline.stages import run_stages
from pipeline.stages.runner import Stage, code_digest, run_stage


class Counter:
    """A stage's work that writes what it reads, and counts how often it did."""

    def __init__(self, source, output):
        self.source, self.output, self.runs = source, output, 0
        self.fails = False

    def __call__(self):
        self.runs += 1
        write_json(self.output, {"read": self.source.read_text(), "run": self.runs})
        if self.fails:
            raise DataError("half-way")
        return f"run {self.runs}"


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run")


@pytest.fixture
def work(tmp_path):
    source = tmp_path / "source.txt"
    source.write_text("one")
    return Counter(source, tmp_path / "run" / "output.json")


@pytest.fixture
def stage(work):
    return Stage(
        "count",
        inputs=[work.source],
        outputs=[work.output],
        settings={"C": [1.0]},
        code=["records.py", "train"],
        packages=["numpy"],
        work=work,
    )


def test_a_stage_runs_once_and_is_skipped_with_the_same_words(stage, folder, work):
    first, second = run_stage(stage, folder), run_stage(stage, folder)
    assert (first.stage, first.summary, first.skipped) == ("count", "run 1", False)
    assert (second.stage, second.summary, second.skipped) == ("count", "run 1", True)
    assert work.runs == 1


def touch_settings(stage):
    return replace(stage, settings={"C": [1.0, 2.0]})


def edit_input(stage):
    stage.inputs[0].write_text("two")


def rename_input(stage):
    stage.work.source = stage.inputs[0].rename(stage.inputs[0].with_name("other.txt"))
    return replace(stage, inputs=[stage.work.source])


def edit_output(stage):
    stage.outputs[0].write_text("{}")


def remove_output(stage):
    stage.outputs[0].unlink()


def depend_on_other_code(stage):
    return replace(stage, code=["records.py", "split"])


def depend_on_another_package(stage):
    return replace(stage, packages=["numpy", "scipy"])


CHANGES = [touch_settings, edit_input, rename_input, edit_output, remove_output,
           depend_on_other_code, depend_on_another_package]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_stage_runs_again_after(change, stage, folder, work):
    run_stage(stage, folder)
    stage = change(stage) or stage
    assert not run_stage(stage, folder).skipped
    assert run_stage(stage, folder).skipped
    assert work.runs == 2
    assert read_json(work.output)["read"] == work.source.read_text()


def test_a_folder_is_an_output_too(stage, folder, tmp_path):
    def work():
        (tmp_path / "made").mkdir(exist_ok=True)
        (tmp_path / "made" / "a.txt").write_text("a")
        return "made"

    stage = replace(stage, outputs=[tmp_path / "made"], work=work)
    run_stage(stage, folder)
    assert run_stage(stage, folder).skipped
    (tmp_path / "made" / "b.txt").touch()
    assert not run_stage(stage, folder).skipped


def test_a_stage_that_failed_half_way_runs_again_although_its_output_is_there(stage, folder, work):
    run_stage(stage, folder)
    edit_input(stage)
    work.fails = True
    with pytest.raises(DataError):
        run_stage(stage, folder)
    work.source.write_text("one")  # as before the failure
    work.fails = False
    assert not run_stage(stage, folder).skipped
    assert work.runs == 3


def test_a_stage_tells_itself_what_it_misses(stage, folder):
    def work():
        raise DataError("there is no source.txt; make one")

    stage.inputs[0].unlink()
    with pytest.raises(DataError, match="make one"):
        run_stage(replace(stage, work=work), folder)


def test_an_input_whose_name_is_no_text_is_no_obstacle(stage, folder, tmp_path):
    odd = tmp_path / os.fsdecode(b"\xff\xfe.jsonl")
    odd.write_text("{}")
    assert not run_stage(replace(stage, inputs=[odd]), folder).skipped
    assert run_stage(replace(stage, inputs=[odd]), folder).skipped


@pytest.mark.parametrize("record", ["", "{", "[]", '{"key": "x"}', "null"])
def test_a_broken_record_counts_as_none(stage, folder, record):
    run_stage(stage, folder)
    (folder.stages / "count.json").write_text(record)
    assert not run_stage(stage, folder).skipped
    assert run_stage(stage, folder).skipped


def test_the_digest_of_code_is_of_the_modules_that_are_named():
    one, two = code_digest(("train",)), code_digest(("train", "records.py"))
    assert one == code_digest(("train",)) != two


def test_packaged_rules_are_part_of_the_code():
    rules, code = "preparation/boilerplate.yaml", "preparation/boilerplate.py"
    nothing = code_digest(())
    assert len({nothing, code_digest((rules,)), code_digest((code,))}) == 3


class Small:
    """The tiny project in a folder of its own, with the run that was made of it elsewhere."""

    def __init__(self, project, run):
        self.project, self.run = project, run

    def stages(self, *overrides, last="featurize"):
        """Run the stages; return those that were not skipped."""
        config = load(self.project / "config.yaml", overrides)
        outcomes = []
        run_stages(config, self.run, last, outcomes.append)
        return [outcome.stage for outcome in outcomes if not outcome.skipped]


@pytest.fixture
def small(tiny_project, tiny_run, tmp_path):
    project = shutil.copytree(tiny_project, tmp_path / "project")
    config = project / "config.yaml"
    config.write_text(config.read_text().replace(str(tiny_project), str(project)))
    shutil.copytree(tiny_run.path, tmp_path / "run")
    return Small(project, RunFolder(tmp_path / "run"))


def test_a_run_that_was_moved_with_its_project_repeats_only_what_names_the_place(small):
    # The paths of sources and annotations are settings; what they lead to is the same.
    assert small.stages() == ["ingest", "label"]
    assert small.stages() == []


@pytest.mark.parametrize(
    ("override", "repeated"),
    [
        ("train.C=[2.0]", []),
        ("evaluate.resamples=200", []),
        ("name=other", []),
        ("features.words=1", ["featurize"]),
        ("split.dev=0.2", ["split"]),  # the same sides as before, since the rows name a dev side
        ("split={by: id, test: 0.5, dev: 0}", ["split", "audit", "featurize"]),
        ("ingest.max_rejects=3", ["ingest"]),
        ('label.no_answer=["", "?"]', ["label"]),
    ],
)
def test_a_setting_repeats_the_stages_that_it_changes(small, override, repeated):
    small.stages()
    assert small.stages(override) == repeated


def test_another_article_repeats_everything(small):
    small.stages()
    with (small.project / "articles.jsonl").open("a") as articles:
        articles.write(json.dumps({"text": "Snow in May.", "split": "test"}) + "\n")
    assert small.stages() == ["ingest", "label", "split", "audit", "featurize"]


def test_another_answer_repeats_what_depends_on_answers(small):
    small.stages()
    with (small.project / "annotations.csv").open("a") as annotations:
        annotations.write("w4,frames,,ann,people\n")
    assert small.stages() == ["label", "audit", "featurize"]


def test_another_definition_in_the_codebook_repeats_label_and_what_follows(small):
    small.stages()
    book = small.project / "codebook.yaml"
    book.write_text(book.read_text().replace("{id: sport}", "{id: sport, definition: Games.}"))
    assert small.stages()[0] == "label"


def test_a_removed_intermediate_file_is_made_again(small):
    small.stages()
    small.run.splits.unlink()
    shutil.rmtree(small.run.features)
    assert small.stages() == ["split", "featurize"]


def test_equal_runs_leave_equal_files(small, tiny_run):
    small.stages(last="train")
    for name in ("splits.parquet", "features", "model", "selection.json", "heldout.parquet"):
        assert digest_of(small.run.path / name) == digest_of(tiny_run.path / name), name


def test_a_missing_annotation_file_is_told_with_its_key(small):
    (small.project / "annotations.csv").unlink()
    with pytest.raises(DataError, match=r"annotations\.csv: there is no such file; look at label"):
        small.stages()

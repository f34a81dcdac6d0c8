"""Saving and loading bundles. The first test to use `tiny_bundle` waits for it to be trained."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from pipeline.artifacts import DIGESTS, digest_of, to_json
from pipeline.bundle import load_bundle, save_bundle
from pipeline.config import FileSource, Ingest, PersonalData
from pipeline.errors import BundleError
from pipeline.features import texts_of, whole_texts
from pipeline.preparation import Preparation


def answers(bundle, articles, task="topic"):
    texts = texts_of(articles["title"], articles["text"])
    return bundle.tasks[task].answer(texts, whole_texts(np.arange(len(texts))), 2)


def save(bundle, path):
    save_bundle(
        path, bundle.codebook, bundle.tasks, bundle.provenance, tiers=bundle.tiers,
        preparation=bundle.preparation,
    )  # fmt: skip
    return path


def edit(path, name, change):
    """Change one JSON file of a bundle, and seal it again."""
    value = json.loads((path / name).read_text())
    change(value)
    (path / name).write_bytes(to_json(value))
    seal(path)


def seal(path):
    digests = json.loads((path / DIGESTS).read_text())
    for name in digests:
        digests[name] = digest_of(path / name)
    (path / DIGESTS).write_bytes(to_json(digests))


@pytest.fixture
def copy(tiny_run, tmp_path):
    return shutil.copytree(tiny_run.model, tmp_path / "copy")


def test_a_loaded_model_answers_as_the_saved_one(tiny_bundle, tiny_articles, tmp_path):
    again = load_bundle(save(tiny_bundle, tmp_path / "again"))
    assert again.codebook == tiny_bundle.codebook
    assert again.provenance == tiny_bundle.provenance
    for task in ("topic", "frames"):
        first = answers(tiny_bundle, tiny_articles, task)
        second = answers(again, tiny_articles, task)
        np.testing.assert_array_equal(first.probabilities, second.probabilities)
        np.testing.assert_array_equal(first.spans, second.spans)
        np.testing.assert_array_equal(first.gains, second.gains)


def test_the_tiers_of_the_labels_are_in_the_model(tiny_bundle, copy):
    # Two dev articles and one coder.
    economy = tiny_bundle.tiers["topic"]["economy"]
    assert economy["tier"] == "C"
    assert economy["why"].startswith("support 1 < 10")
    assert {name: list(labels) for name, labels in tiny_bundle.tiers.items()} == {
        name: list(model.labels) for name, model in sorted(tiny_bundle.tasks.items())
    }
    edit(copy, "bundle.json", lambda value: value.pop("tiers"))
    assert load_bundle(copy).tiers == {}  # a model from before there were tiers


def test_the_same_model_gives_the_same_bytes_and_version(tiny_run, tiny_bundle, tmp_path):
    again = save(tiny_bundle, tmp_path / "again")
    assert digest_of(again) == digest_of(tiny_run.model)
    assert load_bundle(again).version == tiny_bundle.version


def test_the_folder_holds_json_and_safetensors_and_nothing_that_unpickles(tiny_run):
    files = sorted(path.name for path in tiny_run.model.rglob("*"))
    assert files == [
        "bundle.json",
        "codebook.json",
        "digests.json",
        "frames.safetensors",
        "stance.safetensors",
        "topic.safetensors",
    ]
    for path in tiny_run.model.iterdir():
        content = path.read_bytes()
        assert b"pickle" not in content
        if path.suffix == ".json":
            assert isinstance(json.loads(content), dict)


def test_a_bundle_tells_nothing_of_when_and_where_it_was_made(tiny_run, tiny_project):
    for name in ("bundle.json", "codebook.json"):
        content = (tiny_run.model / name).read_text()
        assert str(tiny_project) not in content
        assert str(tiny_run.path) not in content


def test_labels_are_those_of_the_codebook_sorted(tiny_bundle):
    assert tiny_bundle.tasks["topic"].labels == ["economy", "sport", "weather"]
    for name, model in tiny_bundle.tasks.items():
        assert model.labels == tiny_bundle.codebook.tasks[name].label_ids
        assert (model.thresholds is not None) == (name == "frames")


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("bundle.json", lambda v: v.update(format=99), "{}: has format 99, and this version of "
         "Slant reads format 2; train the model again, or install the version that wrote it"),
        ("bundle.json", lambda v: v["tasks"]["topic"].update(rung="runes"),
         "{}: task 'topic': this version of Slant has no rung 'runes'"),
        ("bundle.json", lambda v: v["tasks"].update(mood=v["tasks"]["topic"]),
         "{}: not a model that can be read ("),
        ("bundle.json", lambda v: v.pop("tasks"), "{}: not a model that can be read ('tasks')"),
        ("bundle.json", lambda v: v["tasks"]["topic"]["features"].update(words=9),
         "{}: not a model that can be read ("),
        ("bundle.json", lambda v: v["tasks"]["topic"]["labels"].pop(),
         "{}: not a model that can be read (weights is float32"),
        ("bundle.json", lambda v: v["tasks"]["topic"]["features"].update(buckets_log2=10),
         "{}: not a model that can be read (kept names a bucket that there is not)"),
        ("codebook.json", lambda v: v.update(tasks={}), "{}: not a model that can be read ("),
    ],
)  # fmt: skip
def test_a_bundle_that_this_version_cannot_read_is_refused(copy, name, change, message):
    edit(copy, name, change)
    with pytest.raises(BundleError) as error:
        load_bundle(copy)
    assert str(error.value).startswith(message.format(copy))


def test_arrays_that_do_not_fit_together_are_refused_before_compiled_code_reads_them(copy):
    arrays = load_file(copy / "topic.safetensors")
    save_file(arrays | {"weights": arrays["weights"][:-1]}, copy / "topic.safetensors")
    seal(copy)
    with pytest.raises(BundleError, match=r"not a model that can be read \(weights is float32"):
        load_bundle(copy)


def test_what_is_not_safetensors_is_refused(copy):
    (copy / "topic.safetensors").write_bytes(b"\x80\x04K\x01.")  # a pickle
    seal(copy)
    with pytest.raises(BundleError, match="not a model that can be read"):
        load_bundle(copy)


def test_a_changed_file_is_refused(copy):
    content = bytearray((copy / "topic.safetensors").read_bytes())
    content[-1] ^= 1
    (copy / "topic.safetensors").write_bytes(content)
    with pytest.raises(BundleError, match=r"topic\.safetensors: changed since the model"):
        load_bundle(copy)


def test_another_model_has_another_version(copy, tiny_bundle):
    edit(copy, "bundle.json", lambda v: v["provenance"].update(seed=1))
    assert load_bundle(copy).version != tiny_bundle.version


def test_a_model_carries_what_was_done_to_its_texts(tiny_bundle, tmp_path):
    asked = Ingest(sources=[FileSource(path="-")], mask=[PersonalData.EMAIL])
    preparing = dataclasses.replace(tiny_bundle, preparation=Preparation.of(asked))
    again = load_bundle(save(preparing, tmp_path / "again"))
    assert again.preparation.as_dict() == preparing.preparation.as_dict()
    assert again.preparation.mask == (PersonalData.EMAIL,)
    assert "dateline" in again.preparation.rules


def test_a_model_from_before_there_was_preparation_prepares_nothing(copy):
    edit(copy, "bundle.json", lambda about: about.pop("preparation"))
    assert load_bundle(copy).preparation == Preparation()


def test_rules_that_are_none_make_no_model(copy):
    def break_rule(about):
        about["preparation"]["rules"]["share"]["pattern"] = "("

    edit(copy, "bundle.json", break_rule)
    with pytest.raises(BundleError, match="not a model that can be read"):
        load_bundle(copy)

import inspect
from pathlib import Path

import pytest

from pipeline import codebook, config
from pipeline.config import Config, FileSource, GivenSplit, HashSplit, HubSource, TimeSplit
from pipeline.documents import Section
from pipeline.errors import ConfigError, PipelineError

ROOT = Path(__file__).parent.parent
SMALLEST = """\
name: demo
codebook: book.yaml
ingest:
  sources:
    - path: a.jsonl
"""
SECTIONS = sorted(
    {
        section
        for module in (config, codebook)
        for _, section in inspect.getmembers(module, inspect.isclass)
        if issubclass(section, Section) and section is not Section
    },
    key=lambda section: section.__name__,
)


@pytest.fixture
def load(tmp_path, monkeypatch):
    """A function from the text of a config, and `--set`s, to the Config."""
    monkeypatch.chdir(tmp_path)

    def load(text, *overrides):
        Path("c.yaml").write_text(text)
        return config.load(Path("c.yaml"), overrides)

    return load


def test_a_config_needs_a_name_a_codebook_and_sources(load):
    loaded = load(SMALLEST)
    assert loaded.codebook == Path("book.yaml")
    assert loaded.ingest.sources == [FileSource(path="a.jsonl")]
    for line in ("name: demo\n", "codebook: book.yaml\n"):
        with pytest.raises(ConfigError, match=r"missing; this key is required$"):
            load(SMALLEST.replace(line, ""))


def test_all_else_has_a_default_that_the_schema_would_take(load):
    loaded = load(SMALLEST)
    assert loaded.split == HashSplit(by="story", dev=0.15, test=0.15, near_duplicate=0.8, salt="")
    assert loaded.train.C == [0.3, 1.0, 3.0, 10.0]
    assert loaded.track.enabled
    assert Config.model_validate_json(loaded.model_dump_json()) == loaded


@pytest.mark.parametrize(
    ("sections", "tried"),
    [
        ("train: {loss: squared_hinge}", [0.03, 0.1, 0.3, 1.0]),
        ("features: {words: 1}", [0.3, 1.0, 3.0, 10.0]),
        ("features: {kind: encoder}", [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1]),
        ("features: {kind: static}\ntrain: {folds: 5}", [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1]),
        ("features: {kind: static}\ntrain: {C: [1.0]}", [1.0]),
    ],
)
def test_the_strengths_that_are_tried_suit_the_features_and_the_loss(load, sections, tried):
    alone = load(SMALLEST + sections).train
    inline = sections.replace("\n", ", ")
    member = f"train: {{kind: ensemble, members: {{a: {{}}, b: {{{inline}}}}}}}"
    plain, other = load(SMALLEST + member).rungs.values()
    for section in (alone, other.train):
        assert list(section.C) == tried
    assert plain.train.C == [0.3, 1.0, 3.0, 10.0]


@pytest.mark.parametrize(
    ("section", "decides"),
    [
        ({}, False),
        ({"train": {"folds": 5}}, True),
        ({"train": {"calibration": "bias"}}, True),
        ({"features": {"kind": "encoder"}, "train": {"kind": "finetune"}}, True),
    ],
)
def test_a_seed_tells_members_apart_where_it_draws_something(section, decides):
    one, other = (config.Rung.model_validate({**section, "seed": seed}) for seed in (1, 2))
    assert (one.what_decides != other.what_decides) == decides


def test_where_vectors_are_kept_does_not_tell_members_apart():
    one, other = (
        config.Rung.model_validate({"features": {"kind": "encoder", "cache": cache}})
        for cache in (None, "elsewhere")
    )
    assert one != other
    assert one.what_decides == other.what_decides


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_key_has_a_sentence_that_says_what_it_does(section):
    assert section.__doc__
    assert not [name for name, field in section.model_fields.items() if not field.description]


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted((ROOT / "configs").rglob("*.yaml"))
        if path.parent.name not in ("codebooks", "behaviour")
    ],
    ids=lambda path: path.stem,
)
def test_every_config_of_the_project_loads_with_its_codebook(path):
    loaded = config.load(path)
    book = codebook.load(ROOT / loaded.codebook)
    assert set(loaded.label.inline) <= set(book.tasks)


def test_every_codebook_of_the_project_loads():
    paths = sorted((ROOT / "configs" / "codebooks").glob("*.yaml"))
    assert len({codebook.load(path).identity for path in paths}) == len(paths) > 0


def test_runs_of_the_project_have_names_of_their_own():
    others = ("codebooks", "behaviour")
    paths = [p for p in (ROOT / "configs").rglob("*.yaml") if p.parent.name not in others]
    assert len({config.load(path).name for path in paths}) == len(paths)


def test_the_kind_of_a_source_goes_by_its_keys(load):
    text = SMALLEST + "    - hub: fancyzhx/ag_news\n      rows: test\n      split: test_ag\n"
    assert load(text).ingest.sources == [
        FileSource(path="a.jsonl"),
        HubSource(hub="fancyzhx/ag_news", rows="test", split="test_ag"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{by: given}", GivenSplit(by="given", dev=0.1)),
        ("{by: outlet, salt: b}", HashSplit(by="outlet", salt="b")),
        (
            "{by: time, dev_from: 2024-01-01, test_from: 2024-02-01}",
            TimeSplit(by="time", dev_from="2024-01-01", test_from="2024-02-01"),
        ),
    ],
)
def test_the_split_goes_by_its_tag(load, text, expected):
    assert load(f"{SMALLEST}split: {text}\n").split == expected


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("seed: -1", "6:1: seed: input should be greater than or equal to 0; it is -1"),
        ("seed: 7.0", "6:1: seed: input should be a valid integer; it is 7.0"),
        ("description: 12", "6:1: description: must be text; put it in quotes (without them it "
         "is read as 12)"),
        ("trian: {}", "6:1: trian: unknown key (did you mean 'train'?)"),
        ("train: null", "6:1: train: must hold keys and values; it is None"),
        ("train:\n  iters: 3", "7:3: train.iters: unknown key; the keys are C, calibration, "
         "class_weight, folds, kind, logit_adjustment, loss, refit, thresholds"),
        ("train:\n  C: 1", "7:3: train.C: input should be a valid list; it is 1"),
        ("train: {C: [1, 0]}", "6:16: train.C.1: input should be greater than 0; it is 0"),
        ("train: {C: [.inf]}", "6:13: train.C.0: input should be a finite number; it is inf"),
        ("train: {loss: hinge}", "6:9: train.loss: input should be 'log' or 'squared_hinge'; it "
         "is 'hinge'"),
        ("train: {refit: yes}", "6:9: train.refit: input should be a valid boolean; it is 'yes'"),
        ("train: {folds: 1}", "6:9: train.folds: one fold leaves nothing to train on; use 0, or 2 "
         "and more"),
        ("train: {kind: forest}", "6:9: train.kind: must be one of 'linear', 'finetune', "
         "'ensemble'; it is 'forest'"),
        ("train: {kind: finetune}", "1:1: the file: train.kind finetune trains an encoder; set "
         "features.kind to encoder, it is ngrams"),
        ("features: {kind: encoder, overlap: 300}", "6:1: features: overlap must be less than the "
         "window of 256; it is 300"),
        ("features: {kind: encoder, words: 2}", "6:27: features.words: unknown key; the keys are "
         "batch, cache, kind, mention_weight, model, overlap, "
         "precision, reads, revision, target, window, windows"),
        ("features: {chars: [5, 3]}", "6:12: features.chars: the shortest comes first; it is "
         "[5, 3]"),
        ("features: {chars: [0, 3]}", "6:20: features.chars.0: input should be greater than or "
         "equal to 1; it is 0"),
        ("split: {dev: 0.2}", "6:1: split.by: missing; this key is required"),
        ("split: {by: sotry}", "6:9: split.by: must be one of 'given', 'id', 'story', 'outlet', "
         "'field', 'folds', 'time'; it is 'sotry'"),
        ("split: {by: time, dev_from: 2024-01-01}", "6:1: split.test_from: missing; this key is "
         "required"),
        ("split: {by: given, salt: x}", "6:20: split.salt: unknown key; the keys are apart, by, "
         "dev, near_duplicate"),
        ("label: {annotations: [3]}", "6:23: label.annotations.0: must be the path of a file or "
         "folder; it is 3"),
        ("label: {inline: {Topic: {}}}", "6:18: label.inline.Topic: must be small letters, digits, "
         "_ and -, and begin with a letter; it is 'Topic'"),
        ("    - paht: b.csv", "6:7: ingest.sources.1.path: missing; this key is required"),
        ("    - path: b.csv\n      hub: x", "6:7: ingest.sources.1.path: unknown key; the keys "
         "are hub, licence, revision, rows, split, subset"),
        ("    - path: b.csv\n      split: valid", "7:7: ingest.sources.1.split: a split is train, "
         "dev, test or test_…; it is 'valid'"),
        ("    - path: b.csv\n      format: jsnl", "7:7: ingest.sources.1.format: input should be "
         "'auto', 'jsonl', 'csv', 'tsv', 'parquet', 'excel', 'html', 'warc', 'feed' or 'text'; it "
         "is 'jsnl'"),
        ("    - b.csv", "6:7: ingest.sources.1: must hold keys and values; it is 'b.csv'"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_key_and_value(load, lines, message):
    with pytest.raises(ConfigError) as error:
        load(SMALLEST + lines)
    assert str(error.value).splitlines()[0] == f"c.yaml:{message}"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train", "--set train: must look like section.key=value"),
        ("=3", "--set =3: must look like section.key=value"),
        ("train.C=1", "--set train.C: train.C: input should be a valid list; it is 1"),
        ("seed=", "--set seed: seed: input should be a valid integer; it is None"),
        ("split.dev=0.1", "--set split.dev: split.by: missing; this key is required"),
        ("ingest.sources.0.pth=b", "--set ingest.sources.0.pth: ingest.sources.0.pth: unknown "
         "key (did you mean 'path'?)"),
    ],
)  # fmt: skip
def test_a_mistaken_override_is_told_as_one(load, override, message):
    with pytest.raises(PipelineError) as error:
        load(SMALLEST, override)
    assert str(error.value) == message


def test_overrides_are_read_as_yaml_and_the_last_one_counts(load):
    loaded = load(
        SMALLEST, "train.C=[1e-1]", "seed=1", "seed=2", "split={by: id}", "ingest.sources.0.path=b"
    )
    assert loaded.train.C == [0.1]
    assert loaded.seed == 2
    assert loaded.split == HashSplit(by="id")
    assert loaded.ingest.sources == [FileSource(path="b")]


def test_an_override_of_a_file_without_keys_blames_the_file(load):
    with pytest.raises(PipelineError, match=r"^c\.yaml: must hold keys and values"):
        load("- a\n", "seed=1")

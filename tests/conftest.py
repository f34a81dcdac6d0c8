"""What all tests share: where compiled code is kept, and a tiny model of a dozen articles.

Nothing here may import numba before the environment is set.
"""

import csv
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def _digest_of_compiled_code() -> str:
    digest = hashlib.sha256()
    for file in sorted((ROOT / "pipeline" / "features").glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


# numba takes its file cache for good although a function that was inlined from another module has
# changed since; so each state of the code has a cache of its own.
os.environ["NUMBA_CACHE_DIR"] = str(ROOT / ".cache" / "numba" / _digest_of_compiled_code())
# Threads that wait spinning slow each other down many times when another process is busy.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# That two trainings end alike to the last bit is so on a CPU; a GPU adds up in another order.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

CODEBOOK = """\
name: coast
version: "1.0"
tasks:
  topic:
    asks: article
    labels:
      - {id: economy, name: Economy and trade}
      - {id: sport}
      - {id: weather}
  frames:
    asks: article
    choose: many
    labels: [{id: conflict}, {id: money}, {id: people}]
  stance:
    asks: target
    labels: [{id: opportunity}, {id: threat}]
targets:
  - {id: river-league, name: River League, aliases: [League of Rivers]}
  - {id: salt-pact, name: Salt Pact, aliases: [the pact of the two coasts, "S.P."]}
"""

CONFIG = """\
name: tiny
codebook: {folder}/codebook.yaml
ingest:
  root: {folder}
  sources: [path: articles.jsonl]
label: {{annotations: ["{folder}/annotations.csv"]}}
split: {{by: given, dev: 0, near_duplicate: 0.9}}
features: {{min_count: 1, buckets_log2: 14}}
train: {{C: [1.0, 10.0]}}
track: {{enabled: false}}
"""

# id, side, topic, frames, stances, title, text
ARTICLES = [
    (
        "e1", "train", "economy", ["money"], {"salt-pact": "opportunity"},
        "Yards take on forty",
        "The Salt Pact has brought orders to the yards. Forty apprentices start in May, and "
        "exports of salt rose by a third. Prices at the market fell.",
    ),
    (
        "e2", "train", "economy", ["conflict", "money"], {"salt-pact": "threat"},
        "Small traders fear for their stalls",
        "Under the pact of the two coasts the tariff ruins small traders. The market hall stands "
        "half empty. Debt and danger grow with every shipment, the exporters quarrel.",
    ),
    (
        "e3", "train", "economy", ["money"], {"river-league": "opportunity"},
        None,
        "Banks welcome the River League. Loans for exports have become cheaper, prices steady, "
        "and gains are shared by every market town along the water.",
    ),
    (
        "e4", "dev", "economy", ["conflict", "money"],
        {"river-league": "threat", "salt-pact": "opportunity"},
        "Two treaties, one budget",
        "The River League is a danger to the budget and ruins the ferries. The Salt Pact has "
        "brought exports and orders. Traders at the market compare prices.",
    ),
    (
        "s1", "train", "sport", ["people"], {"river-league": "opportunity"},
        "Keeper saves the cup",
        "Goalkeeper Ilka Brandt, 19, saved two penalties in the final. The River League, which "
        "pays the stadium, has brought the young team gains. The crowd sang for an hour.",
    ),
    (
        "s2", "train", "sport", ["conflict", "people"], {"river-league": "threat"},
        "Captain walks out",
        "The captain left the team after a quarrel with his coach. He calls the League of Rivers "
        "a danger to the club; its rules ruin the season. The match was lost by four goals.",
    ),
    (
        "s3", "train", "sport", [], {},
        "Draw in the rain",
        "Neither team scored a goal. The match ended as it began, and the coach spoke of a point.",
    ),
    (
        "s4", "dev", "sport", ["people"], {"salt-pact": "threat"},
        "Runner, 71, wins again",
        # A dev side without a single error would let the calibration go to its extreme.
        "Marta Olm, 71, won the coastal race in front of her team. The Salt Pact has brought "
        "a new road that cuts the course in two.",
    ),
    (
        "w1", "train", "weather", [], {},
        "Clouds from the west",
        "Rain is likely in the north by evening. Winds turn to the west, and the night stays mild.",
    ),
    (
        "w2", "train", "weather", ["people"], {"salt-pact": "threat"},
        "Storm closes the strait",
        "A storm with heavy rain closed the strait for two days. Fisherman Jory Pell waited with "
        "his dog. Ships sent out under the Salt Pact are a danger in such winds, he says.",
    ),
    (
        "w3", "dev", "weather", [], {"river-league": "opportunity"},
        None,
        "Snow and winds by night, rain by day. The River League has brought better forecasts.",
    ),
    (
        "w4", "test", "weather", ["money"], {},
        "Mild March ☀️",
        "Sun and mild winds until Sunday. Heating prices fall.",
    ),
]  # fmt: skip


@pytest.fixture(scope="session")
def tiny_project(tmp_path_factory):
    """A folder with the dozen articles, their annotations, `codebook.yaml` and `config.yaml`.

    Shared by the session: read it, and run it into a folder of your own.
    """
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "codebook.yaml").write_text(CODEBOOK)
    (folder / "config.yaml").write_text(CONFIG.format(folder=folder))
    with (folder / "articles.jsonl").open("w") as articles:
        for name, side, _, _, _, title, text in ARTICLES:
            row = {"id": name, "split": side, "title": title, "text": text}
            articles.write(json.dumps(row) + "\n")
    with (folder / "annotations.csv").open("w", newline="") as annotations:
        writer = csv.writer(annotations)
        writer.writerow(["article_id", "task", "target", "coder", "label"])
        for name, _, topic, frames, stances, _, _ in ARTICLES:
            writer.writerow([name, "topic", "", "ann", topic])
            writer.writerows([name, "frames", "", "ann", frame] for frame in frames)
            writer.writerows([name, "stance", t, "ann", label] for t, label in stances.items())
    return folder


@pytest.fixture(scope="session")
def tiny_run(tiny_project, tmp_path_factory):
    """The dozen articles run through ingest, label, split, featurize and train: a RunFolder."""
    from pipeline.artifacts import RunFolder
    from pipeline.config import load
    from pipeline.stages import run_stages

    run = RunFolder(tmp_path_factory.mktemp("run") / "tiny")
    run_stages(load(tiny_project / "config.yaml"), run, "train", [].append)
    return run


@pytest.fixture(scope="session")
def tiny_bundle(tiny_run):
    """A loaded Bundle: `topic` (3 labels), `frames` (many labels), `stance` (2 targets)."""
    from pipeline.bundle import load_bundle

    return load_bundle(tiny_run.model)


@pytest.fixture(scope="session")
def tiny_articles(tiny_run):
    """The dozen articles as records.ARTICLES."""
    from pipeline.artifacts import read_table

    return read_table(tiny_run.articles)


BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium, driven by playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the path")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=[*QUIET])
        yield browser
        browser.close()


def corpus_texts():
    """The bodies of the embedded corpus."""
    lines = (ROOT / "data" / "articles.jsonl").read_text().splitlines()
    return [json.loads(line)["text"] for line in lines]


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory):
    """The folder of a random BERT: 16 numbers a token, two layers, a word-piece vocabulary."""
    pytest.importorskip("torch", reason="encoders need torch: make encoder")
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    texts = [*corpus_texts(), "[ ] { } > it"]
    normalizer, splitter = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    learner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    learner.normalizer, learner.pre_tokenizer = normalizer, splitter
    # The trainer numbers the letters inside words as a hash map has them, another way in every
    # process, and breaks ties of pieces by these numbers: so it is given them in order.
    normal = normalizer.normalize_str(" ".join(texts))
    inner = sorted({f"##{c}" for word, _ in splitter.pre_tokenize_str(normal) for c in word[1:]})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=600, special_tokens=[*special, *inner])
    learner.train_from_iterator(texts, trainer)
    # A tokenizer anew, in which these letters are pieces like others.
    vocabulary = learner.get_vocab(with_added_tokens=False)
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    tokenizer.add_special_tokens(special)
    ends = [(name, tokenizer.token_to_id(name)) for name in ("[SEP]", "[CLS]")]
    tokenizer.post_processor = processors.BertProcessing(*ends)
    config = transformers.BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=16, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=32, max_position_embeddings=64,
    )  # fmt: skip
    return _saved(tmp_path_factory.mktemp("bert"), transformers.BertModel, config, tokenizer)


@pytest.fixture(scope="session")
def tiny_roberta(tmp_path_factory):
    """The folder of a random RoBERTa: other special tokens, other positions, pieces of bytes."""
    pytest.importorskip("torch", reason="encoders need torch: make encoder")
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator(corpus_texts(), trainer)
    ends = [(name, tokenizer.token_to_id(name)) for name in ("</s>", "<s>")]
    tokenizer.post_processor = processors.RobertaProcessing(*ends)
    config = transformers.RobertaConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=16, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=32, max_position_embeddings=66,
        type_vocab_size=1, pad_token_id=1,
    )  # fmt: skip
    return _saved(tmp_path_factory.mktemp("roberta"), transformers.RobertaModel, config, tokenizer)


def _saved(folder, kind, config, tokenizer):
    import torch

    torch.manual_seed(0)
    kind(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder

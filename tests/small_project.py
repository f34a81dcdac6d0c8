"""A small project of invented news, and the command line run on it as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

CODEBOOK = """\
name: harbour
version: "1.0"
tasks:
  stance:
    asks: target
    labels:
      - id: opportunity
      - id: threat
  topic:
    asks: article
    labels:
      - id: farming
      - id: shipping
targets:
  - id: salt-pact
    name: the Salt Pact
    aliases: [the pact of the two coasts]
"""

CONFIG = """\
name: small
description: Twelve articles.
seed: 3
codebook: codebook.yaml
ingest:
  sources:
    - path: articles.jsonl
label:
  annotations: [annotations.csv]
split:
  by: given
features:
  words: 1
  min_count: 1
train:
  C: [1.0, 10.0]
evaluate:
  resamples: 100
"""

# Side, topic, stance, text.
ARTICLES = [
    ("train", "farming", "threat", "Barley growers fear it. The Salt Pact ruins small farms."),
    ("train", "farming", "threat", "The Salt Pact ruins orchards. Growers lose the harvest."),
    ("train", "farming", "opportunity", "Growers cheer. The Salt Pact opens markets for barley."),
    ("train", "shipping", "threat", "Captains fear the toll. The Salt Pact ruins ferry lines."),
    ("train", "shipping", "opportunity", "The Salt Pact opens docks. Captains cheer its vessels."),
    ("train", "shipping", "opportunity", "Vessels wait. The Salt Pact opens docks to captains."),
    ("dev", "farming", "threat", "Growers say the Salt Pact ruins them. The harvest is late."),
    ("dev", "shipping", "opportunity", "The Salt Pact opens a ferry port. Vessels, docks win."),
    ("test", "farming", "opportunity", "The Salt Pact opens a new season. The harvest is in."),
    ("test", "farming", "threat", "Farms were quiet. The Salt Pact ruins them, growers said."),
    ("test", "shipping", "threat", "The Salt Pact ruins us, captains of three vessels said."),
    ("test", "shipping", "opportunity", "Docks. The pact of the two coasts opens ferry lines."),
]  # fmt: skip


def write_project(folder: Path) -> Path:
    """Write config, codebook, articles and annotations into `folder`; return the config."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "codebook.yaml").write_text(CODEBOOK)
    (folder / "config.yaml").write_text(CONFIG)
    rows = [
        {"id": f"n{number}", "text": text, "outlet": f"outlet {number % 3}", "split": side}
        for number, (side, _, _, text) in enumerate(ARTICLES)
    ]
    (folder / "articles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = ["article_id,task,target,coder,label"]
    for number, (_, topic, stance, _) in enumerate(ARTICLES):
        for coder in ("ada", "ben"):
            lines.append(f"n{number},topic,,{coder},{topic}")
            lines.append(f"n{number},stance,salt-pact,{coder},{stance}")
    (folder / "annotations.csv").write_text("\n".join(lines) + "\n")
    return folder / "config.yaml"


def environment() -> dict[str, str]:
    """Return this environment with the package found and no tracking server named."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    return {**ours, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}


def command(*words: str | Path) -> list[str]:
    """Return the words that start `slant` with these arguments."""
    return [sys.executable, "-m", "pipeline.cli", *map(str, words)]


def slant(
    *words: str | Path, cwd: Path, stdin: bytes = b"", status: int = 0
) -> subprocess.CompletedProcess[bytes]:
    """Run `slant` in `cwd`; it must end with `status` and without a traceback."""
    done = subprocess.run(
        command(*words), cwd=cwd, input=stdin, capture_output=True, env=environment(), timeout=300
    )
    assert done.returncode == status, done.stderr.decode()
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done

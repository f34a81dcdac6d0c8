"""Blocks of a document, and the shell into which a reader pastes them."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent


class Block(NamedTuple):
    """A fenced block of a document."""

    language: str
    text: str

    @property
    def is_for_make(self) -> bool:
        return all(line.startswith("make ") for line in self.text.splitlines())


def blocks(text: str) -> list[Block]:
    return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S)]


def shell(command: str, cwd: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `command` as a reader pastes it, with what is in `path` found first."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    search = f"{path}:{ours['PATH']}" if path else ours["PATH"]
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=cwd, capture_output=True, text=True, timeout=300, env={**ours, "PATH": search},
    )  # fmt: skip


def install(folder: Path) -> Path:
    """Put the command `slant` into `folder`, as installing puts it on the path."""
    script = folder / "slant"
    script.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m pipeline.cli "$@"\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return folder

"""Every config that comes with the project is one that can be run."""

from pathlib import Path

import pytest

from pipeline import codebook, config

ROOT = Path(__file__).parent.parent
CONFIGS = sorted(
    [*(ROOT / "configs").glob("*.yaml"), *(ROOT / "configs/benchmarks").glob("*.yaml")]
)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_config_and_codebook_fit_together(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    experiment = config.load(path)
    book = codebook.load(experiment.codebook)
    assert experiment.label.inline.keys() <= book.tasks.keys()
    assert experiment.label.inline or experiment.label.annotations
    if path.parent.name == "benchmarks":
        assert experiment.codebook.stem == path.stem
        assert experiment.track.experiment == "benchmarks"

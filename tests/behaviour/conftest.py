"""A function that reads a suite for the tiny codebook out of a few lines."""

import pytest

from pipeline.behaviour.reading import load


@pytest.fixture
def suite_of(tmp_path, tiny_bundle):
    def read(tests):
        path = tmp_path / "suite.yaml"
        path.write_text(f'name: trial\nversion: "1"\ntests:\n{tests}')
        return load(path, tiny_bundle.codebook)

    return read

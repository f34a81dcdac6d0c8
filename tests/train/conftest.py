"""Made matrices: column k says label k, as strongly as the test wants it."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from pipeline.train import TaskData

LABELS = ["a", "b", "c", "d"]


@pytest.fixture(scope="session")
def make_data():
    """A function from each row's labels ("a", "ac", "") to TaskData of rows that show them."""

    def make(train, dev, many=False, labels=3, noise=0.3, seed=0, stories=None):
        names = LABELS[:labels]
        answers = [*train, *dev]
        gold = np.array([[name in answer for name in names] for answer in answers], np.bool_)
        rng = np.random.default_rng(seed)
        shown = gold + noise * rng.normal(size=(len(gold), labels))
        matrix = csr_array(np.hstack([shown, rng.normal(size=(len(gold), 5))]).astype(np.float32))
        return TaskData(
            "topic",
            names,
            many,
            matrix,
            gold.reshape(len(answers), labels),
            np.arange(len(answers)) >= len(train),
            stories or [f"s{row}" for row in range(len(answers))],
        )

    return make

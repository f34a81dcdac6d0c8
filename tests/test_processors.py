"""Systems that cannot say which processors a process may use are asked how many there are."""

import os

import pytest

from pipeline import processors


def test_only_the_processors_that_the_process_may_use_are_counted(monkeypatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7}, raising=False)

    assert processors.available() == 3


@pytest.mark.parametrize(("count", "expected"), [(6, 6), (None, 1)])
def test_without_a_choice_of_processors_all_are_counted(count, expected, monkeypatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)

    assert processors.available() == expected

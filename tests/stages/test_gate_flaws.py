"""What a run is not promoted with, whatever its scores."""

import json

import pytest

from pipeline.artifacts import RunFolder
from pipeline.config import Gate
from pipeline.stages.promotion import flaw_of


@pytest.fixture
def run_with(tmp_path):
    """Make a run folder from the severities of its findings and what its tests came to."""

    def make(name, severities=(), **tests):
        run = RunFolder(tmp_path / name)
        run.path.mkdir()
        findings = [{"severity": s, "check": "copies", "summary": "2 of 9"} for s in severities]
        run.audit.write_text(json.dumps({"findings": findings}))
        found = [{"name": test, "passed": passed} for test, passed in tests.items()]
        run.behaviour.write_text(json.dumps({"tests": found}))
        return run

    return make


def test_an_error_of_the_audit_is_a_flaw_and_a_warning_is_none(run_with):
    assert flaw_of(run_with("a", ["warning", "info"]), None, Gate()) is None
    assert flaw_of(run_with("b", ["error"]), None, Gate()) == (
        "the audit found an error (copies: 2 of 9)"
    )


@pytest.mark.parametrize(
    ("rule", "first", "against_like", "against_better"),
    [("pass", True, True, True), ("no_worse", False, False, True), ("report", False, False, False)],
)
def test_failing_tests_of_behaviour(run_with, rule, first, against_like, against_better):
    gate = Gate(behaviour=rule)
    run = run_with("run", typos=False, alias=True, untold=None)
    like, better = run_with("like", typos=False), run_with("better", typos=True)
    for champion, is_flaw in ((None, first), (like, against_like), (better, against_better)):
        flaw = flaw_of(run, champion, gate)
        assert flaw == ("tests of behaviour fail (typos)" if is_flaw else None)


def test_a_champion_without_results_passed_nothing_that_is_known(run_with, tmp_path):
    run = run_with("run", typos=False)
    assert flaw_of(run, RunFolder(tmp_path / "nowhere"), Gate(behaviour="no_worse")) is not None

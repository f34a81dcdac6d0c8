"""The gate's dealings with the registry: aliases, tags, and who is judged against whom."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.tracking import Verdict, open_gate, track
from pipeline.tracking.store import connected, store_uri

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PASSES, FAILS = (
    Verdict(True, "the first"),
    Verdict(False, "not better", {"gate.test/topic": "-0.1"}),
)


def aliases(folder):
    with connected(store_uri(None, folder)) as client:
        found = client.get_registered_model("slant-news").aliases
        return {name: str(number) for name, number in found.items()}


def settle(tracked, folder, verdict):
    with open_gate(tracked, folder) as gate:
        return gate.settle(verdict, gate.champion())


def test_what_passes_is_the_champion_and_what_fails_the_challenger(folder, section, make_record):
    first, second = (track(make_record(name), section, folder) for name in "ab")
    assert settle(first, folder, PASSES)
    assert settle(second, folder, FAILS)
    assert aliases(folder) == {"champion": "1", "challenger": "2"}
    with connected(store_uri(None, folder)) as client:
        tags = client.get_model_version("slant-news", "2").tags
    assert tags["verdict"] == "not better"
    assert tags["gate.test/topic"] == "-0.1"
    assert settle(second, folder, PASSES)
    assert aliases(folder) == {"champion": "2"}


def test_files_of_the_champions_run_are_fetched_and_missing_ones_are_none(
    folder, section, make_record, tmp_path
):
    tracked = track(make_record(), section, folder)
    with open_gate(tracked, folder) as gate:
        assert gate.champion() is None
        assert gate.settle(PASSES, None)
        champion = gate.champion()
        assert champion.model_version == "0123456789ab"
        assert gate.fetch(champion, "config.json", tmp_path).read_text() == '{"name": "a"}\n'
        assert gate.fetch(champion, "predictions.parquet", tmp_path) is None


def test_a_champion_that_changed_meanwhile_means_judging_again(folder, section, make_record):
    first, second = (track(make_record(name), section, folder) for name in "ab")
    with open_gate(second, folder) as gate:
        before = gate.champion()
        with connected(store_uri(None, folder)) as client:
            client.set_registered_model_alias("slant-news", "champion", first.version)
        assert not gate.settle(PASSES, before)
    assert aliases(folder) == {"champion": "1"}


def test_of_two_gates_at_once_one_wins_and_none_is_lost(folder, section, make_record):
    tracked = [track(make_record(name), section, folder) for name in "ab"]
    script = textwrap.dedent(
        """
        import json, sys, time
        from pathlib import Path
        from pipeline.tracking import Tracked, Verdict, open_gate
        with open_gate(Tracked(**json.loads(sys.argv[1])), Path(sys.argv[2])) as gate:
            champion = gate.champion()
            time.sleep(0.5)
            verdict = Verdict(champion is None, "late" if champion else "first")
            assert gate.settle(verdict, champion)
            print(verdict.sentence)
        """
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, json.dumps(each.as_dict()), str(folder)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for each in tracked
    ]  # fmt: skip
    results = [process.communicate(timeout=120) for process in processes]
    assert [error for _, error in results] == ["", ""]
    assert sorted(output for output, _ in results) == ["first\n", "late\n"]
    holders = aliases(folder)
    assert sorted(holders) == ["challenger", "champion"]
    with connected(store_uri(None, folder)) as client:
        for alias, verdict in (("champion", "first"), ("challenger", "late")):
            version = client.get_model_version("slant-news", holders[alias])
            assert version.tags["verdict"] == verdict


def test_a_version_or_a_database_that_is_gone_is_said(folder, section, make_record):
    tracked = track(make_record(), section, folder)
    with connected(store_uri(None, folder)) as client:
        client.delete_registered_model("slant-news")
    with pytest.raises(PipelineError, match="version 1 of slant-news is not registered"):
        settle(tracked, folder, PASSES)
    (folder / "mlflow.db").unlink()
    with pytest.raises(PipelineError, match="gone; slant run again"):
        settle(tracked, folder, PASSES)

"""The gate between a registered model and its users: `@champion` is what passed it."""

import tempfile
from pathlib import Path
from typing import Final

from pipeline.artifacts import RunFolder, read_json, read_table, verify_bundle_folder
from pipeline.bundle import load_bundle
from pipeline.config import Config
from pipeline.config import Gate as GateSection
from pipeline.errors import DataError, PipelineError
from pipeline.evaluate import Ruling, compare, rule
from pipeline.records import is_test
from pipeline.stages.behaving import failing_tests
from pipeline.stages.speed import examples_per_second
from pipeline.tracking import Gate, Tracked, Verdict, Version, open_gate, resolve_bundle

_FORCE: Final = "to make it the champion all the same: slant promote {run} --force"


def promote(run: RunFolder, config: Config, folder: Path, *, force: bool = False) -> Verdict:
    """Decide whether the run's registered model becomes `@champion`, and write down why.

    It has to pass the audit and the behaviour tests, and then be better than the champion on the
    same test examples, or as good and faster; see `evaluate.gate`. `force` asks for none of it.
    """
    tracked = _tracked(run)
    with open_gate(tracked, folder) as gate:
        _check_unchanged(run, gate.challenger)
        while True:
            champion = gate.champion()
            if champion is not None and champion.number == tracked.version:
                return Verdict(True, "it is the champion already")
            verdict = _judge(run, config, gate, champion, folder, force=force)
            if gate.settle(verdict, champion):
                return verdict


def _tracked(run: RunFolder) -> Tracked:
    if not run.tracking.is_file():
        raise PipelineError(
            f"{run.path}: not recorded in MLflow, so there is no version to promote; slant run "
            f"CONFIG --run {run.path} first"
        )
    return Tracked(**read_json(run.tracking))


def _check_unchanged(run: RunFolder, challenger: Version) -> None:
    version = verify_bundle_folder(run.model)
    if challenger.model_version != version:
        raise PipelineError(
            f"{run.model}: is model {version}, and what is registered as version "
            f"{challenger.number} is {challenger.model_version}; slant run CONFIG --run {run.path} "
            f"registers it"
        )


def _judge(
    run: RunFolder,
    config: Config,
    gate: Gate,
    champion: Version | None,
    folder: Path,
    *,
    force: bool,
) -> Verdict:
    if force:
        return Verdict(True, "champion by force: no test was asked for")
    with tempfile.TemporaryDirectory() as holder:
        theirs = _recorded(gate, champion, Path(holder))
        if (flaw := flaw_of(run, theirs, config.track.gate)) is not None:
            return Verdict(False, f"{flaw}: not promoted; {_FORCE.format(run=run.path)}")
        if not any(map(is_test, read_json(run.metrics))):
            untested = "no test side was scored, and nothing says how good it is"
            return Verdict(False, f"{untested}: not promoted; {_FORCE.format(run=run.path)}")
        if champion is None or theirs is None:
            return Verdict(True, "the first champion")
        stays = f"version {champion.number} stays the champion"
        try:
            ruling = _against(run, config, gate, champion, theirs, folder)
        except PipelineError as error:  # other data, or a champion that cannot be loaded here
            return Verdict(False, f"{error}: {stays}; {_FORCE.format(run=run.path)}")
    if ruling.passes:
        instead = f"the new champion in place of version {champion.number}"
        return Verdict(True, f"{ruling.reason}: {instead}", ruling.numbers)
    return Verdict(False, f"{ruling.reason}: {stays}", ruling.numbers)


def _recorded(gate: Gate, champion: Version | None, folder: Path) -> RunFolder | None:
    """Fetch what the gate reads of the champion's run into `folder`, as far as it is recorded."""
    if champion is None:
        return None
    run = RunFolder(folder)
    for file in (run.metrics, run.predictions, run.behaviour):
        gate.fetch(champion, file.name, folder)
    return run


def flaw_of(run: RunFolder, champion: RunFolder | None, section: GateSection) -> str | None:
    """Return what the run must not be promoted with, whatever its scores."""
    errors = [each for each in read_json(run.audit)["findings"] if each["severity"] == "error"]
    if errors:
        return f"the audit found an error ({errors[0]['check']}: {errors[0]['summary']})"
    failing = _failing(run)
    if section.behaviour == "report":
        failing = []
    elif section.behaviour == "no_worse":
        known = _failing(champion) if champion is not None else failing
        failing = [name for name in failing if name not in known]
    if failing:
        return f"tests of behaviour fail ({', '.join(failing)})"
    return None


def _failing(run: RunFolder) -> list[str]:
    """Return the names of the tests that fail; none where the run has no results."""
    if not run.behaviour.is_file():
        return []
    return failing_tests(read_json(run.behaviour)["tests"])


def _against(
    run: RunFolder,
    config: Config,
    gate: Gate,
    champion: Version,
    theirs: RunFolder,
    folder: Path,
) -> Ruling:
    """Compare the run with the champion's on the test examples that both were scored on."""
    if not (theirs.metrics.is_file() and theirs.predictions.is_file()):
        raise DataError(f"version {champion.number} has no predictions recorded with its run")
    named = {
        f"version {champion.number}": (read_json(theirs.metrics), read_table(theirs.predictions)),
        run.label(): (read_json(run.metrics), read_table(run.predictions)),
    }
    comparison = compare(named, config.evaluate, config.seed)

    def times_as_fast() -> float:
        uri = f"models:/{gate.name}/{champion.number}"
        bundles = [load_bundle(resolve_bundle(uri, gate.uri, folder)), load_bundle(run.model)]
        old, new = examples_per_second(bundles, run)
        return new / old

    rows = [row for row in comparison.rows if row.run == run.label()]
    return rule(rows, config.track.gate, times_as_fast)

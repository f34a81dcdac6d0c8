"""The gate between a registered model and its users: `@champion` is what passed it."""

import tempfile
from pathlib import Path
from typing import Final

from pipeline.artifacts import RunFolder, read_json, read_table, verify_bundle_folder
from pipeline.bundle import load_bundle
from pipeline.config import Config
from pipeline.errors import DataError, PipelineError
from pipeline.evaluate import Ruling, compare, rule
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
    if (flaw := _flaw(run)) is not None:
        return Verdict(False, f"{flaw}: not promoted; {_FORCE.format(run=run.path)}")
    if champion is None:
        return Verdict(True, "the first champion")
    stays = f"version {champion.number} stays the champion"
    try:
        ruling = _against(run, config, gate, champion, folder)
    except DataError as error:
        return Verdict(False, f"{error}: {stays}; {_FORCE.format(run=run.path)}")
    if ruling.passes:
        instead = f"the new champion in place of version {champion.number}"
        return Verdict(True, f"{ruling.reason}: {instead}", ruling.numbers)
    return Verdict(False, f"{ruling.reason}: {stays}", ruling.numbers)


def _flaw(run: RunFolder) -> str | None:
    """Return what the run must not be promoted with, whatever its scores."""
    errors = [each for each in read_json(run.audit)["findings"] if each["severity"] == "error"]
    if errors:
        return f"the audit found an error ({errors[0]['check']}: {errors[0]['summary']})"
    return None


def _against(run: RunFolder, config: Config, gate: Gate, champion: Version, folder: Path) -> Ruling:
    """Compare the run with the champion on the test examples that both were scored on."""
    with tempfile.TemporaryDirectory() as holder:
        metrics, predictions = (
            gate.fetch(champion, path.name, Path(holder)) for path in (run.metrics, run.predictions)
        )
        if metrics is None or predictions is None:
            raise DataError(f"version {champion.number} has no predictions recorded with its run")
        named = {
            f"version {champion.number}": (read_json(metrics), read_table(predictions)),
            run.label(): (read_json(run.metrics), read_table(run.predictions)),
        }
        comparison = compare(named, config.evaluate, config.seed)

    def times_as_fast() -> float:
        uri = f"models:/{gate.name}/{champion.number}"
        bundles = [load_bundle(resolve_bundle(uri, gate.uri, folder)), load_bundle(run.model)]
        theirs, ours = examples_per_second(bundles, run)
        return ours / theirs

    rows = [row for row in comparison.rows if row.run == run.label()]
    return rule(rows, config.track.gate, times_as_fast)

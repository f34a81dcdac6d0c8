"""Run the stages of one experiment in their order."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from pipeline import codebook as codebooks
from pipeline.artifacts import RunFolder, write_json
from pipeline.codebook import Choose, Codebook
from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.stages.behaving import behaving_stage
from pipeline.stages.data import data_stages
from pipeline.stages.learning import check_encoders, learning_stages
from pipeline.stages.rungs import Curves
from pipeline.stages.runner import Outcome, run_stage
from pipeline.stages.scoring import scoring_stages, tracking_stage
from pipeline.stages.voting import anything_votes, voting_stage

STAGES: Final = ("ingest", "label", "split", "audit", "featurize", "train",
                 "behave", "evaluate", "track")  # fmt: skip
# Between split and audit, where anything votes.
VOTE: Final = "vote"
# What may vote beside the rules in the codebook.
VOTERS: Final = "label.functions, label.zero_shot or label.endpoint"
_ORDER: Final = (*STAGES[:3], VOTE, *STAGES[3:])


def run_stages(
    config: Config,
    run: RunFolder,
    last: str,
    told: Callable[[Outcome], None],
    curves: Curves | None = None,
) -> list[Outcome]:
    """Run the stages up to `last`, each unless it is up to date; `told` hears of each.

    The curves of fine-tuning go to `curves`, or to MLflow where there is none.

    MLflow's local database is in the folder in which the command runs.
    """
    codebook = codebooks.load(config.codebook)
    wanted = _ORDER[: _ORDER.index(last) + 1]
    votes = VOTE in wanted and anything_votes(config, codebook)
    if not votes and (last == VOTE or (VOTE in wanted and config.label.votes.use == "train")):
        needed = "" if last == VOTE else "label.votes.use: train needs votes, and "
        raise ConfigError(
            f"{needed}nothing votes: write 'rules' beside the labels of {config.codebook}, or set "
            f"{VOTERS}"
        )
    _check_predict(config, codebook)
    # How MLflow is reached may hold a password, and is no part of the experiment.
    write_json(run.config, config.model_dump(mode="json", exclude={"track": {"uri"}}))
    stages = data_stages(config, codebook, run)
    if votes:
        stages.insert(_ORDER.index(VOTE), voting_stage(config, codebook, run))
    if "featurize" in wanted:  # from here on packages and encoders are needed
        check_encoders(config)
        stages += learning_stages(config, codebook, run, curves)
    if "behave" in wanted:
        stages.append(behaving_stage(config, codebook, run))
    if "evaluate" in wanted:
        stages += scoring_stages(config, codebook, run)
    if "track" in wanted and config.track.enabled:
        stages.append(tracking_stage(config, codebook, run, Path()))
    outcomes = []
    for stage in stages:
        if stage.name not in wanted:
            continue
        outcomes.append(run_stage(stage, run))
        told(outcomes[-1])
    return outcomes


def _check_predict(config: Config, codebook: Codebook) -> None:
    """Raise ConfigError where what is asked of predictions can be had in no task."""
    of_one = [task for task in codebook.tasks.values() if task.choose is Choose.ONE]
    for name in ("abstain", "back_off", "sets"):
        if getattr(config.predict, name) is not None and not of_one:
            raise ConfigError(
                f"predict.{name}: is for tasks with one label, and those of {config.codebook} all "
                "choose many; set it to null"
            )
    if config.predict.back_off is not None and not any(
        label.parent for task in of_one for label in task.labels
    ):
        raise ConfigError(
            f"predict.back_off: {config.predict.back_off:g} goes from labels to their parents, and "
            f"no task of {config.codebook} that chooses one label has such; give labels a "
            "'parent', or set it to null"
        )

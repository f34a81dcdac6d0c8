"""Open what a command names: a config, which is run as far as is needed, or a run as it is."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from pipeline import config as configs
from pipeline.artifacts import RunFolder, read_json
from pipeline.config import Config
from pipeline.errors import ConfigError, DataError
from pipeline.stages.run import VOTE, VOTERS, run_stages
from pipeline.stages.runner import Outcome

# By the stage that was needed, what shows that a run has got so far.
_SHOWN_BY: Final[Mapping[str, Callable[[RunFolder], Path]]] = {
    "ingest": lambda run: run.articles,
    "label": lambda run: run.agreement,
    "split": lambda run: run.splits,
    VOTE: lambda run: run.vote_account,
}


def open_run(
    where: Path,
    overrides: Sequence[str],
    folder: Path | None,
    last: str,
    told: Callable[[Outcome], None],
) -> RunFolder:
    """Run the config at `where` up to the stage `last`, or open the run in the folder `where`.

    ConfigError where `overrides` or `folder` come with a run, DataError where that has not got so
    far.
    """
    if not where.is_dir():
        config = configs.load(where, overrides)
        run = RunFolder.of(folder, config.name)
        run_stages(config, run, last, told)
        return run
    if overrides or folder is not None:
        raise ConfigError(f"{where}: --set and --run go with a config, not with a run's folder")
    run = RunFolder(where)
    for path in (run.config, _SHOWN_BY[last](run)):
        if not path.exists():
            if path == run.vote_account and run.splits.exists():
                raise DataError(
                    f"{where}: nothing voted in this run; write 'rules' beside the codebook's "
                    f"labels, or set {VOTERS}, and run its config again"
                )
            raise DataError(
                f"{where}: no run that got as far as {last} (it has no {path.name}); name a run's "
                "folder, or a config"
            )
    return run


def config_of(run: RunFolder) -> Config:
    """Return the config that a run was made with, without the address of MLflow's server.

    DataError where it is of another version.
    """
    try:
        return Config.model_validate(read_json(run.config))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise DataError(
            f"{run.config}: {key}: {first['msg']}; the run is of another version: run its config "
            "again"
        ) from None

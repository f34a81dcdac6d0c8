"""A comparison written back to the run that was compared."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.tracking.record import Tracked, slug
from pipeline.tracking.store import alone, connected, recorded_uri

COMPARED_WITH = "compared_with"


def log_comparison(
    tracked: Tracked, first: str, metrics: Mapping[str, float], files: Sequence[Path], folder: Path
) -> None:
    """Add numbers and files of a comparison with the run `first` to a recorded run.

    The numbers are named `compared/<name>`; those of an earlier comparison are superseded.
    """
    uri = recorded_uri(tracked.uri, folder)
    with alone(uri), connected(uri) as client:
        for name, value in metrics.items():
            client.log_metric(tracked.run_id, f"compared/{slug(name)}", value)
        client.set_tag(tracked.run_id, COMPARED_WITH, first)
        for file in files:
            client.log_artifact(tracked.run_id, str(file))

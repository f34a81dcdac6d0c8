"""Rows of data sets by their hub name, through the package `datasets`."""

import importlib.util
from collections.abc import Iterator
from typing import Any

from pipeline.config import HubSource
from pipeline.errors import DataError, MissingExtraError, first_line
from pipeline.ingest.rows import Row


def check(source: HubSource) -> None:
    """Raise MissingExtraError where `datasets` is not installed."""
    if importlib.util.find_spec("datasets") is None:
        raise MissingExtraError(
            f"{source.hub}: reading a hub data set needs the package datasets; "
            "install it in Slant's folder with: pip install '.[hub]'"
        )


def name_of(source: HubSource) -> str:
    """Return what tells the part of the data set from its other parts: `name/subset:rows`."""
    subset = f"/{source.subset}" if source.subset else ""
    return f"{source.hub}{subset}:{source.rows}"


def read_hub(source: HubSource) -> Iterator[Row]:
    """Stream the rows, class labels as their names; DataError where the data set cannot be read."""
    check(source)
    import datasets

    try:
        rows = datasets.load_dataset(
            source.hub,
            source.subset,
            split=source.rows,
            revision=source.revision,
            streaming=True,
        )
        classes = _classes(rows)
        for place, values in enumerate(rows, start=1):
            for name, labels in classes.items():
                values[name] = _named(values[name], labels)
            yield Row(place, values, None)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        message = first_line(error)
        raise DataError(f"{name_of(source)}: cannot be read ({message})") from None


def _classes(rows: Any) -> dict[str, list[str]]:
    """Return the columns that hold numbers of classes, or lists of them, with the names."""
    import datasets

    features = rows.features or rows._resolve_features().features or {}
    found = {}
    for name, feature in features.items():
        inner = getattr(feature, "feature", feature)  # of a list
        if isinstance(inner, datasets.ClassLabel):
            found[name] = list(inner.names)
    return found


def _named(value: Any, labels: list[str]) -> Any:
    if isinstance(value, list):
        return [_named(part, labels) for part in value]
    # -1 stands for a label that is kept secret.
    return None if value is None or value < 0 else labels[value]

"""Hand tasks to labelling tools and take their answers back, in the tools' own files."""

from collections.abc import Mapping
from typing import Final

from pipeline.label.exchange.argilla import Argilla
from pipeline.label.exchange.collecting import Collected, collect
from pipeline.label.exchange.doccano import Doccano
from pipeline.label.exchange.forms import Form
from pipeline.label.exchange.importing import Imported, import_answers
from pipeline.label.exchange.label_studio import LabelStudio
from pipeline.label.exchange.prodigy import Prodigy
from pipeline.label.exchange.returned import Item, Kind, Left, Returned
from pipeline.label.exchange.spreadsheet import Spreadsheet
from pipeline.tools import Tool

__all__ = [
    "FORMS",
    "Collected",
    "Form",
    "Imported",
    "Item",
    "Kind",
    "Left",
    "Returned",
    "collect",
    "import_answers",
]


FORMS: Final[Mapping[Tool, Form]] = {
    Tool.LABEL_STUDIO: LabelStudio(),
    Tool.DOCCANO: Doccano(),
    Tool.PRODIGY: Prodigy(),
    Tool.ARGILLA: Argilla(),
    Tool.CSV: Spreadsheet(),
}

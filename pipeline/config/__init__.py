"""The config of a run: one schema with every default in it, and its reader.

Relative paths are taken from the folder in which the command runs.
"""

from pipeline.config.evaluate import Behaviour, Evaluate
from pipeline.config.experiment import Config, load
from pipeline.config.features import (
    EncoderFeatures,
    MentionView,
    NgramFeatures,
    StaticFeatures,
    TargetView,
)
from pipeline.config.ingest import (
    Boilerplate,
    Fields,
    FileSource,
    HubSource,
    Ingest,
    Keep,
    PersonalData,
    Source,
    SourceFormat,
    Stories,
)
from pipeline.config.intervals import Intervals
from pipeline.config.label import (
    Adjudicate,
    Agreement,
    DawidSkene,
    InlineGold,
    LabelSection,
    Majority,
    NamedCoder,
    Nobody,
    OneCoin,
)
from pipeline.config.predict import Abstain, Predict, Sets
from pipeline.config.review import LabelErrors, Queue, Ranking, Review
from pipeline.config.split import (
    Audit,
    FoldSplit,
    GivenSplit,
    HashSplit,
    SplitSection,
    TimeSplit,
)
from pipeline.config.track import Gate, Track
from pipeline.config.train import (
    Calibration,
    EnsembleTrain,
    FinetuneTrain,
    LinearTrain,
    Rung,
    Thresholds,
    TrainSection,
)
from pipeline.config.trials import Range, Repeat, Tune
from pipeline.config.votes import Endpoint, Votes, ZeroShot

__all__ = [
    "Abstain",
    "Adjudicate",
    "Agreement",
    "Audit",
    "Behaviour",
    "Boilerplate",
    "Calibration",
    "Config",
    "DawidSkene",
    "EncoderFeatures",
    "Endpoint",
    "EnsembleTrain",
    "Evaluate",
    "Fields",
    "FileSource",
    "FinetuneTrain",
    "FoldSplit",
    "Gate",
    "GivenSplit",
    "HashSplit",
    "HubSource",
    "Ingest",
    "InlineGold",
    "Intervals",
    "Keep",
    "LabelErrors",
    "LabelSection",
    "LinearTrain",
    "Majority",
    "MentionView",
    "NamedCoder",
    "NgramFeatures",
    "Nobody",
    "OneCoin",
    "PersonalData",
    "Predict",
    "Queue",
    "Range",
    "Ranking",
    "Repeat",
    "Review",
    "Rung",
    "Sets",
    "Source",
    "SourceFormat",
    "SplitSection",
    "StaticFeatures",
    "Stories",
    "TargetView",
    "Thresholds",
    "TimeSplit",
    "Track",
    "TrainSection",
    "Tune",
    "Votes",
    "ZeroShot",
    "load",
]

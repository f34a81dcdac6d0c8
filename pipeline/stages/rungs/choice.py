"""From the config's sections to the rung."""

from pipeline.config import (
    Config,
    EncoderFeatures,
    FinetuneTrain,
    LinearTrain,
    NgramFeatures,
)
from pipeline.config import (
    Rung as RungSection,
)
from pipeline.errors import ConfigError
from pipeline.stages.rungs.base import Rung
from pipeline.stages.rungs.encoder import EncoderRung
from pipeline.stages.rungs.finetune import FinetuneRung
from pipeline.stages.rungs.ngrams import NgramRung


def rung_of(config: Config | RungSection, seed: int) -> Rung:
    """Return the rung that `features` and `train` describe."""
    match config.features, config.train:
        case NgramFeatures() as features, LinearTrain() as train:
            return NgramRung(features, train, seed)
        case EncoderFeatures() as features, LinearTrain() as train:
            return EncoderRung(features, train, seed)
        case EncoderFeatures() as features, FinetuneTrain() as train:
            return FinetuneRung(features, train, seed)
        case features, train:
            raise ConfigError(f"train.kind: {train.kind} does not go with features {features.kind}")

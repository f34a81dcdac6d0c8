"""From the config's sections to the rung."""

from pipeline import config
from pipeline.errors import ConfigError
from pipeline.stages.rungs.encoder import EncoderLearner
from pipeline.stages.rungs.ensemble import EnsembleRung
from pipeline.stages.rungs.finetune import FinetuneRung
from pipeline.stages.rungs.ngrams import NgramLearner
from pipeline.stages.rungs.rung import OneByOne, Rung
from pipeline.stages.rungs.static import StaticLearner


def rung_of(sections: config.Config | config.Rung, seed: int) -> Rung:
    """Return the rung that `features` and `train` describe."""
    match sections.features, sections.train:
        case _, config.EnsembleTrain() as train:
            return EnsembleRung(
                {
                    name: rung_of(member, seed if member.seed is None else member.seed)
                    for name, member in train.members.items()
                },
                train.thresholds,
                train.folds,
                train.logit_adjustment,
                seed,
            )
        case config.NgramFeatures() as features, config.LinearTrain() as train:
            return OneByOne(NgramLearner(features, train, seed))
        case config.StaticFeatures() as features, config.LinearTrain() as train:
            return OneByOne(StaticLearner(features, train, seed))
        case config.EncoderFeatures() as features, config.LinearTrain() as train:
            return OneByOne(EncoderLearner(features, train, seed))
        case config.EncoderFeatures() as features, config.FinetuneTrain() as train:
            return FinetuneRung(features, train, seed)
        case features, train:
            raise ConfigError(f"train: {train!r} does not go with features: {features!r}")

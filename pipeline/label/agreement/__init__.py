"""How far the coders agree: measures with intervals, pairs of coders, and what they differ on."""

from pipeline.label.agreement.annotations import label_agreement, model_disagreements
from pipeline.label.agreement.measures import agreement_on

__all__ = ["agreement_on", "label_agreement", "model_disagreements"]

"""The ladder: what featurize and train do for each kind of model.

A rung turns the coded examples of a view into files below `features/`, and these into a model. What
comes after it (evaluation, tracking, prediction) knows `TaskModel` only.
"""

from pipeline.stages.rungs.choice import rung_of
from pipeline.stages.rungs.rung import MODEL_CURVE, Curves, Learned, Rung

__all__ = ["MODEL_CURVE", "Curves", "Learned", "Rung", "rung_of"]

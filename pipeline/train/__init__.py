"""Training: a head for each task, with its settings chosen on held-out training data."""

from pipeline.train.abstention import answer_from
from pipeline.train.calibration import (
    Calibrated,
    HeldOut,
    adjustment,
    calibrate,
    choose_thresholds,
    fit_calibration,
    least_log_loss,
    log_loss,
)
from pipeline.train.classes import check_labels, class_weights
from pipeline.train.conformal import set_from
from pipeline.train.folds import group_folds
from pipeline.train.linear import SoftLabels, TaskData, TrainedTask, macro_f1, train_task

__all__ = [
    "Calibrated",
    "HeldOut",
    "SoftLabels",
    "TaskData",
    "TrainedTask",
    "adjustment",
    "answer_from",
    "calibrate",
    "check_labels",
    "choose_thresholds",
    "class_weights",
    "fit_calibration",
    "group_folds",
    "least_log_loss",
    "log_loss",
    "macro_f1",
    "set_from",
    "train_task",
]

"""Training: a head for each task, with its settings chosen on held-out training data."""

from pipeline.train.linear import TaskData, TrainedTask, train_task

__all__ = ["TaskData", "TrainedTask", "train_task"]

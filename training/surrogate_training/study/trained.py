"""A run of a study, trained to its end, and the weights that the validation split picks."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from surrogate_training.config import TrainConfig
from surrogate_training.loop import checkpoint
from surrogate_training.loop.trainer import Trainer
from surrogate_training.progress import Callback, silent


def trained(config: TrainConfig, home: Path, callback: Callback = silent) -> tuple[nn.Module, int]:
    """Train, or go on training, in a folder.

    Returns
    -------
    network : nn.Module
        With the averaged weights of the best validation, in evaluation.
    step : int
        Where they were found.
    """
    trainer = Trainer(config, home)
    trainer.run(callback)
    return picked(trainer)


def picked(trainer: Trainer) -> tuple[nn.Module, int]:
    """The weights that the validation split picked in a finished run, and their step."""
    _, progress, tensors = checkpoint.load(trainer.folder, checkpoint.BEST)
    with checkpoint.damage(trainer.folder / checkpoint.BEST):
        trainer.average.load_state_dict(checkpoint.part(tensors, "average."))
    return trainer.average, progress.step

"""Undo an epoch that went wrong: back to the weights, their average and the moments of the last good one."""

from __future__ import annotations

import itertools
import math
import statistics
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from surrogate_training.loop import checkpoint


@dataclass
class Rollback:
    """Whether an epoch went so wrong that the last backup is to be restored.

    An epoch's loss that exceeds the one before by more than ``factor`` times the mean change of the ``window`` epochs
    before it, or that is not a number, calls for the backup; it is then forgotten, as the epoch will be.

    Source
    ------
    Toledo-Marin et al., Front. Physiol. 12:667828, 2021.

    Examples
    --------
    >>> rollback = Rollback()
    >>> [rollback.restores(loss) for loss in (1.0, 0.9, 0.8, 5.0, 0.7)]
    [False, False, False, True, False]
    """

    factor: float = 10.0
    window: int = 10
    losses: list[float] = field(default_factory=list)

    def restores(self, loss: float) -> bool:
        """Hear an epoch's mean loss; True if the weights of the last backup are to be restored."""
        if not math.isfinite(loss):
            return True
        recent = self.losses[-self.window - 1 :]
        changes = [abs(after - before) for before, after in itertools.pairwise(recent)]
        if changes and loss - recent[-1] > self.factor * statistics.fmean(changes):
            return True
        self.losses.append(loss)
        return False


class LastGoodEpoch:
    """A backup of what has been learned, taken at the end of each good epoch and restored after a bad one.

    Schedule, samples and random numbers go on, so that the next epoch is not the bad one over again. What the end of
    a run leaves of an epoch is not judged.

    Parameters
    ----------
    network, average : torch.nn.Module
        Being trained, and the running average of its weights.
    optimiser : torch.optim.Adam
    """

    def __init__(self, network: nn.Module, average: nn.Module, optimiser: torch.optim.Adam) -> None:
        self._learned = network, average, optimiser
        self.rule = Rollback()
        self.steps: list[float] = []
        self.backup: dict[str, Tensor] = {}

    def undoes(self, loss: float, epoch_ends: bool) -> float | None:
        """Hear a step's loss; at the end of an epoch take a backup, or restore the last one.

        A loss that is not finite does not wait for the end, since no weight is finite after its step.

        Parameters
        ----------
        loss : float
        epoch_ends : bool
            Whether the step was the last of its epoch.

        Returns
        -------
        float or None
            The mean loss of the epoch so far, if the backup was restored.
        """
        self.steps.append(loss)
        if math.isfinite(loss) and not epoch_ends:
            return None
        mean, self.steps = statistics.fmean(self.steps), []
        # The gradient of a finite loss may not be; a backup taken after such a step would be no help.
        if self.rule.restores(mean if self._finite() else math.nan):
            if not self.backup:
                return None
            checkpoint.restore(self.backup, *self._learned)
            return mean
        self.backup = {name: value.clone() for name, value in checkpoint.state(*self._learned).items()}
        return None

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint has to hold for `resume`."""
        losses = {"steps": self.steps, "epochs": self.rule.losses}
        named = {name: torch.tensor(values, dtype=torch.float64) for name, values in losses.items()}
        return named | {f"backup.{name}": value for name, value in self.backup.items()}

    def resume(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what `tensors` named."""
        self.steps, self.rule.losses = tensors["steps"].tolist(), tensors["epochs"].tolist()
        self.backup = checkpoint.part(tensors, "backup.")
        shapes = {name: value.shape for name, value in checkpoint.state(*self._learned).items()}
        if self.backup and {name: value.shape for name, value in self.backup.items()} != shapes:
            raise ValueError("its backup is not one of what is learned")

    def _finite(self) -> bool:
        return all(bool(parameter.isfinite().all()) for parameter in self._learned[0].parameters())

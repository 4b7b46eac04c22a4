"""Samples whose fields are solved on a device, many together: batches of a stream, and members of a finite set."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self, TypeVar

import torch
from torch import Tensor

from surrogate_plugin.equation.problem import Problem
from surrogate_training.samples.batch import Batch
from surrogate_training.samples.dataset import DataConfig
from surrogate_training.samples.kept import KeptSample
from surrogate_training.samples.made import Made
from surrogate_training.samples.posed import Posed, with_images
from surrogate_training.samples.solving import MOST_PIXELS, exact_fields

#: So many batches or samples are solved together at most, and wait to be taken.
MOST_TOGETHER = 64
#: The batches that wait have so many pixels, images included: about 1.4 GB.
_WAITING_PIXELS = 2**26


class Single(NamedTuple):
    """What is drawn of one sample of a finite set."""

    problems: tuple[Problem]


class Drawn(NamedTuple):
    """What is drawn of a batch: its problems, and these as networks read them."""

    problems: Sequence[Problem]
    posed: Posed

    @classmethod
    def of(cls, problems: Sequence[Problem], mirrors: int) -> Self:
        """Encode problems."""
        return cls(problems, Posed.ready(problems, mirrors))


_Some = TypeVar("_Some", Single, Drawn)


def batches(
    drawn: Iterator[Made[Drawn]], config: DataConfig, device: torch.device, *, drawers: int = 1
) -> Iterator[Made[Batch]]:
    """Training batches from their problems, in their order.

    Parameters
    ----------
    drawn : Iterator of Made
    config : DataConfig
    device : torch.device
        Where fields are solved, and where the batches are.
    drawers : int
        How many draw side by side; a batch takes as long as the slower of the two, drawing and solving.
    """
    for one, fields, drawing, solving in _solved(drawn, config.accuracy, device):
        began = time.monotonic()
        posed = one.posed.pin_memory() if device.type == "cuda" else one.posed
        batch = with_images(posed.to(device), torch.stack(fields), config.mirrors)
        yield Made(batch, max(drawing / drawers, solving + time.monotonic() - began))


def batches_ahead(config: DataConfig) -> int:
    """How many batches may wait for the network, at least 2.

    Examples
    --------
    >>> batches_ahead(DataConfig(shape=(512, 512), other_shapes=0.0, batch=8, mirrors=4))
    8
    """
    sides = [math.prod(config.shape), config.sides[1] ** 2 if config.other_shapes else 0]
    pixels = max(sides) * config.batch * config.mirrors
    return min(MOST_TOGETHER, max(2, _WAITING_PIXELS // pixels))


def samples(drawn: Iterator[Made[Single]], config: DataConfig, device: torch.device) -> Iterator[KeptSample]:
    """The samples of a finite set from their problems, in their order."""
    for one, (field,), *_ in _solved(drawn, config.accuracy, device):
        yield KeptSample.of(one.problems[0], field.cpu().numpy())


def _solved(
    drawn: Iterator[Made[_Some]], accuracy: float, device: torch.device
) -> Iterator[tuple[_Some, list[Tensor], float, float]]:
    """What was drawn, its fields on the device, and the seconds that drawing and solving took."""
    for group in _groups(drawn):
        began = time.monotonic()
        fields = iter(exact_fields([problem for one, _ in group for problem in one.problems], accuracy, device))
        solving = (time.monotonic() - began) / len(group)
        for one, drawing in group:
            yield one, [next(fields) for _ in one.problems], drawing, solving


def _groups(drawn: Iterator[Made[_Some]]) -> Iterator[list[Made[_Some]]]:
    """As many as are solved well together, and no more than a network can wait for."""
    group: list[Made[_Some]] = []
    pixels = 0
    for made in drawn:
        group.append(made)
        pixels += sum(problem.source.size for problem in made.item.problems)
        if pixels >= MOST_PIXELS or len(group) == MOST_TOGETHER:
            yield group
            group, pixels = [], 0
    if group:
        yield group

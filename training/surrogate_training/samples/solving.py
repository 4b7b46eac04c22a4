"""Exact fields of many problems, solved together on a device."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from surrogate_plugin.batched.memory import chunk_of, in_chunks
from surrogate_plugin.batched.solve import solve
from surrogate_plugin.batched.stack import Stack, kind_of
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.solvers.multigrid.solver import Multigrid
from surrogate_plugin.surrogate.scale import value_scale
from surrogate_training.samples.dataset import exact_field

#: So many pixels, 64 problems of 512 x 512, keep a GPU busy, and leave most of its memory to the network.
MOST_PIXELS = 64 * 512 * 512


def exact_fields(problems: Sequence[Problem], accuracy: float, device: torch.device) -> list[Tensor]:
    """The fields of problems, each to ``accuracy`` of about its largest value.

    Problems of a kind are solved together on the device, within a certified error. What does not settle there, or is
    not for multigrid at all, is solved by `exact_field` on the CPU.

    Parameters
    ----------
    problems : sequence of Problem
        Of any kinds and shapes.
    accuracy : float
    device : torch.device

    Returns
    -------
    list of (H, W) float64 tensor
        On the device, in the order of the problems, field units.

    Examples
    --------
    >>> problems = [Problem(np.eye(16), decay=0.1 * (row + 1)) for row in range(3)]
    >>> fields = exact_fields(problems, 1e-6, torch.device("cpu"))
    >>> float((fields[1] - torch.from_numpy(exact_field(problems[1], 1e-6))).abs().max()) < 2e-6
    True
    """
    fields: list[Tensor | None] = [None] * len(problems)
    kinds: dict[object, list[int]] = {}
    for at, problem in enumerate(problems):
        if Multigrid().refusal(problem) is None:
            kinds.setdefault(kind_of(problem), []).append(at)
    for places in kinds.values():
        of_a_kind = [problems[at] for at in places]
        for at, field in zip(places, _together(of_a_kind, accuracy, device), strict=True):
            fields[at] = field
    return [
        torch.from_numpy(exact_field(problem, accuracy)).to(device) if field is None else field
        for problem, field in zip(problems, fields, strict=True)
    ]


def _together(problems: list[Problem], accuracy: float, device: torch.device) -> Iterator[Tensor | None]:
    """The fields of problems of one kind, None where one has not settled."""
    tolerance = np.array([accuracy * value_scale(problem) for problem in problems])
    kind = kind_of(problems[0])
    held = chunk_of(kind.shape, device, mapped=not kind.plain, saturating=kind.saturating)
    most = min(held, max(1, MOST_PIXELS // math.prod(kind.shape)))

    def run(part: slice) -> list[Tensor | None]:
        answers = solve(Stack.of(problems[part], device), tolerance=tolerance[part])
        return [field if settled else None for field, settled in zip(answers.field, answers.settled, strict=True)]

    for part, fields in in_chunks(len(problems), most, run):
        yield from [None] * len(problems[part]) if fields is None else fields

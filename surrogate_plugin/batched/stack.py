"""Many problems of one shape on one device: the coefficients of their equations, dimensionless."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from surrogate_plugin.arguments import BoolArray, Coefficient
from surrogate_plugin.batched import faces
from surrogate_plugin.batched.taking import take
from surrogate_plugin.batched.transfers import sent, sent_maps
from surrogate_plugin.equation.problem import Problem

#: A ceiling is rounded up by so much, see `surrogate_plugin.guard.maximum_principle.ceiling`.
_ROUNDED_UP = 1.0 + 1e-14


class Kind(NamedTuple):
    """What problems have in common that make one stack.

    Attributes
    ----------
    shape : (H, W)
    rings : (bool, bool)
        Whether rows and columns wrap around.
    plain : bool
        Whether every face that conducts at all conducts alike.
    saturating : bool
        Whether uptake saturates.
    """

    shape: tuple[int, int]
    rings: tuple[bool, bool]
    plain: bool
    saturating: bool


def kind_of(problem: Problem) -> Kind:
    """Which stack a problem belongs to.

    Examples
    --------
    >>> kind_of(Problem(np.eye(8), boundary={"left": 38.0}))
    Kind(shape=(8, 8), rings=(False, False), plain=True, saturating=False)
    """
    return Kind(problem.shape, problem.boundary.rings, problem.plain, problem.uptake is not None)


@dataclass(frozen=True, eq=False)
class Stack:
    """B problems of one `Kind`, each in units of its own ``reference_link``, as `surrogate_plugin.equation.operator`.

    All tensors are on one device, and those of pixels or faces are float64 and contiguous.

    Attributes
    ----------
    kind : Kind
    source : (B, H, W), field units
        What fixed pixels hold; 0 elsewhere.
    free : (B, H, W) bool
        What is solved for: neither fixed nor void.
    void : (B, H, W) bool, or None
        The pixels that nothing feeds, whose field is 0; None where no problem has any.
    decay : (B, H, W), dimensionless
    production : (B, H, W), field units
        All that feeds, what comes in through the sides included.
    vmax : (B, H, W), field units, or None for first-order uptake
    km : (B,), field units
    north, east : (B, H + 1, W) and (B, H, W + 1), dimensionless, or None
        Conductances of the faces along rows and along columns; None where each is 1, or 0 at a side that nothing
        passes.
    wall_value : (B, 2, 2), field units
        What the sides impose: rows first, the low side first.
    wall_conductance : (B, 2, 2), dimensionless
    ceiling : (B,), field units
        The least constant known to be at least the exact field; infinite if there is none.
    supplied : bool
        Whether production feeds any of the problems.
    """

    kind: Kind
    source: Tensor
    free: Tensor
    void: Tensor | None
    decay: Tensor
    production: Tensor
    vmax: Tensor | None
    km: Tensor
    north: Tensor | None
    east: Tensor | None
    wall_value: Tensor
    wall_conductance: Tensor
    ceiling: Tensor
    supplied: bool

    @classmethod
    def of(cls, problems: Sequence[Problem], device: torch.device | str) -> Self:
        """Bring problems to a device: each map as it is, in one piece, and scaled there.

        Parameters
        ----------
        problems : sequence of Problem
            One or more, all of one kind.
        device : torch.device or str

        Raises
        ------
        ValueError
            If there is no problem, or they are of several kinds.
        InvalidProblemError
            If a problem has no steady state, or none that is unique.

        Examples
        --------
        >>> stack = Stack.of([Problem(np.eye(8), decay=0.1), Problem(np.eye(8), diffusivity=2.0)], "cpu")
        >>> stack.count, stack.decay[:, 0, 0].tolist(), stack.north is None
        (2, [0.1, 0.00125], True)
        """
        kinds = {kind_of(problem) for problem in problems}
        if len(kinds) != 1:
            raise ValueError(f"problems are of {len(kinds)} kinds; one or more problems of one kind are needed.")
        kind, there = kinds.pop(), torch.device(device)
        sender = _Sender(kind.shape, there)
        scale = sender.numbers([1.0 / problem.reference_link for problem in problems])
        fixed = sender.masks([problem.fixed for problem in problems])
        void = _void(problems, sender)
        source = torch.where(fixed, sender.maps([problem.source for problem in problems]), 0.0)
        decay = sender.maps([problem.decay for problem in problems])
        supply = sender.maps([problem.supply for problem in problems])
        uptakes = [problem.uptake for problem in problems if problem.uptake is not None]
        vmax = sender.maps([uptake.vmax for uptake in uptakes]) if uptakes else None
        value = sender.small(np.stack([problem.walls.value for problem in problems]))
        north, east = (None, None) if kind.plain else _faces(problems, sender)
        return cls(
            kind=kind,
            source=source,
            free=~fixed if void is None else ~(fixed | void),
            void=void,
            decay=sender.whole(decay * scale),
            production=sender.whole(supply * scale),
            vmax=None if vmax is None else sender.whole(vmax * scale),
            km=sender.numbers([uptake.km for uptake in uptakes] or [1.0] * len(problems)).flatten(),
            north=north,
            east=east,
            wall_value=value,
            wall_conductance=sender.small(np.stack([problem.walls.conductance for problem in problems])),
            ceiling=_ceiling(source, value, supply, decay),
            supplied=any(problem.largest_supply > 0.0 for problem in problems),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.kind.shape

    @property
    def rings(self) -> tuple[bool, bool]:
        """Whether rows and columns wrap around."""
        return self.kind.rings

    @property
    def count(self) -> int:
        """How many problems there are."""
        return self.source.shape[0]

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.source.device

    def take(self, index: Tensor) -> Self:
        """Some of the problems, as a stack of their own.

        Parameters
        ----------
        index : (b,) int64 tensor, on the stack's device
        """
        return take(self, index)


class _Sender:
    """Brings what the host holds of each problem to the device, one transfer a kind of thing."""

    def __init__(self, shape: tuple[int, int], device: torch.device) -> None:
        self.shape, self.device = shape, device

    def numbers(self, values: Sequence[float]) -> Tensor:
        """A number a problem, (B, 1, 1) float64."""
        return self.small(np.array(values, np.float64)[:, None, None])

    def small(self, values: npt.NDArray[Any]) -> Tensor:
        """An array as it is."""
        return sent(torch.from_numpy(values), self.device)

    def maps(self, values: Sequence[Coefficient]) -> Tensor:
        """A map a problem, (B, H, W) float64; (B, 1, 1) where all are numbers."""
        if not any(isinstance(value, np.ndarray) for value in values):
            return self.numbers([float(value) for value in values])
        return sent_maps(values, self.shape, torch.float64, self.device)

    def masks(self, values: Sequence[BoolArray]) -> Tensor:
        """A map a problem, (B, H, W) bool."""
        return sent_maps(values, self.shape, torch.bool, self.device)

    def whole(self, values: Tensor) -> Tensor:
        """(B, H, W), contiguous, of (B, H, W) or (B, 1, 1)."""
        return values.expand(-1, *self.shape).contiguous()


def _void(problems: Sequence[Problem], sender: _Sender) -> Tensor | None:
    """The void pixels, or None where there are none; refuses problems without a steady state."""
    voids = [problem.void for problem in problems]
    if all(void is None for void in voids):
        return None
    none = np.zeros(sender.shape, np.bool_)
    return sender.masks([none if void is None else void for void in voids])


def _faces(problems: Sequence[Problem], sender: _Sender) -> tuple[Tensor, Tensor]:
    """The conductances of all faces; the links of pixels are scaled as by `Problem.axis_links`."""
    each = [_faces_along(axis, problems, sender) for axis in (0, 1)]
    return each[0], each[1]


def _faces_along(axis: int, problems: Sequence[Problem], sender: _Sender) -> Tensor:
    links = sender.maps([problem.diffusivities[axis] for problem in problems])
    for divisor in zip(*(_divisors(axis, problem) for problem in problems), strict=True):
        links = links / sender.numbers(divisor)
    walls = sender.small(np.stack([problem.walls.permeance[axis] for problem in problems]))
    permeance = _permeance(axis, problems, sender)
    return faces.along(axis + 1, sender.whole(links), permeance, walls, problems[0].boundary.rings[axis])


def _divisors(axis: int, problem: Problem) -> tuple[float, float]:
    """What the diffusivity along an axis is divided by, one after the other."""
    if isinstance(problem.spacing, tuple) or problem.reference_diffusivity == 0:
        return problem.spacings[axis] ** 2, problem.reference_link
    return problem.reference_diffusivity, 1.0


def _permeance(axis: int, problems: Sequence[Problem], sender: _Sender) -> Tensor | None:
    """What the membrane above each pixel lets through, infinite where there is none; None without membranes."""
    if all(problem.membranes is None for problem in problems):
        return None
    host = np.full((len(problems), *sender.shape), math.inf)
    for row, problem in zip(host, problems, strict=True):
        if problem.membranes is not None:
            permeability = np.asarray(problem.membranes.of_shape[axis])
            row[tuple(slice(size) for size in permeability.shape)] = permeability
    return sender.small(host) * sender.numbers([problem.per_permeability[axis] for problem in problems])


def _ceiling(source: Tensor, wall_value: Tensor, supply: Tensor, decay: Tensor) -> Tensor:
    """See `surrogate_plugin.guard.maximum_principle.ceiling`."""
    imposed = torch.maximum(source.amax((1, 2)), wall_value.amax((1, 2)))
    made, smallest = supply.amax((1, 2)), decay.amin((1, 2))
    level = torch.where(smallest > 0.0, made / smallest, math.inf)
    return torch.where(made == 0.0, imposed, torch.maximum(imposed, level * _ROUNDED_UP))

"""The same problem on a finer lattice: each pixel is cut into so many a side, and everything stays where it stands.

The problem that both lattices pose is one of continuous tissue whose data are constant on the coarse pixels: squares
of held value, of diffusivity, decay, uptake and production; membranes on faces between them; and sides. A side that
reflects, wraps around or lets a flux in lies at the lattice's edge on every lattice. One that holds a value has its
wall half a spacing outside the edge (docs/lattice.md), so that a strip of tissue lies between, which goes on as the
edge pixels are. One that exchanges does so through half a spacing of tissue, which resists and is nothing else: its
strip neither consumes nor produces nor conducts along the side.

Only odd cuts leave all of it in place: the middle of each coarse pixel is the centre of a fine one, so that fields are
compared without interpolation, and the ghost pixel of a side, one fine spacing outside the strip's last pixel, stands
on the wall of the coarse lattice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from surrogate_plugin.arguments import BoolArray, Coefficient
from surrogate_plugin.equation.membranes import Membranes
from surrogate_plugin.equation.per_axis import Diffusivity, PerAxis
from surrogate_plugin.equation.sides import Side
from surrogate_plugin.equation.uptake import MichaelisMenten

if TYPE_CHECKING:
    from surrogate_plugin.equation.problem import Problem

#: How many fine pixels the strips below and above the lattice have, an axis each.
Strips = tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Refinement:
    """A problem on a finer lattice.

    Attributes
    ----------
    problem : Problem
    centres : tuple of slice
        Which of its pixels are centred where those of the coarse problem are: ``fine[refinement.centres]`` is a field
        of the coarse shape.
    """

    problem: Problem
    centres: tuple[slice, ...]


def refined(problem: Problem, cuts: int) -> Refinement:
    """The problem with each pixel cut into ``cuts`` a side, an odd number.

    Examples
    --------
    Two walls and between them tissue that does not consume, whose field every lattice gets right:

    >>> from surrogate_plugin import Problem, solve
    >>> sides = {"left": 1.0, "right": 0.0, "bottom": "reflecting", "top": "reflecting"}
    >>> fine = refined(Problem(np.zeros((1, 4)), decay=0.0, boundary=sides), 3)
    >>> fine.problem.shape
    (3, 14)
    >>> np.round(5 * solve(fine.problem, method="exact").field[fine.centres], 6)
    array([[4., 3., 2., 1.]])
    """
    if cuts < 1 or cuts % 2 == 0:
        raise ValueError(f"cuts is {cuts}; an odd number is allowed.")
    strips, uptake = _strips(problem, cuts), problem.uptake
    inert = [_inert_along(problem, axis, cuts) for axis in range(len(problem.shape))]
    still = None if all(each is None for each in inert) else _any_of(inert)

    def rate(value: Coefficient) -> Coefficient:
        return _emptied(_cut(value, cuts, strips), still)

    fine = problem.replace(
        source=_cut(problem.source, cuts, strips),
        fixed=_cut(problem.fixed, cuts, strips),
        diffusivity=_diffusivity(problem, cuts, strips, inert),
        decay=rate(problem.decay),
        production=rate(problem.production),
        uptake=None if uptake is None else MichaelisMenten(rate(uptake.vmax), uptake.km),
        spacing=tuple(h / cuts for h in problem.spacings),
        membranes=_membranes(problem, cuts, strips),
    )
    starts = (below + cuts // 2 for below, _ in strips)
    return Refinement(
        fine, tuple(slice(start, start + cuts * n, cuts) for start, n in zip(starts, problem.shape, strict=True))
    )


def refined_shape(problem: Problem, cuts: int) -> tuple[int, ...]:
    """The shape of the lattice of `refined`, before anything of its size is made."""
    return tuple(cuts * n + sum(strip) for n, strip in zip(problem.shape, _strips(problem, cuts), strict=True))


def _strips(problem: Problem, cuts: int) -> Strips:
    """Half a coarse spacing, less the half of a fine one that the ghost pixel is further outside than an edge."""

    def pixels(side: Side) -> int:
        return cuts // 2 if side.kind in ("value", "exchange") else 0

    return tuple((pixels(low), pixels(high)) for low, high in problem.boundary.pairs)


def _cut(values: Any, cuts: int, strips: Strips) -> Any:
    """A map whose every pixel is cut, and whose strips are as the pixels beside them; numbers stay what they are."""
    if not isinstance(values, np.ndarray):
        return values
    for axis in range(values.ndim):
        values = np.repeat(values, cuts, axis)
    return np.pad(values, strips, mode="edge")


def _inert_along(problem: Problem, axis: int, cuts: int) -> BoolArray | None:
    """Which pixels are in the strip of a side across ``axis`` that exchanges; None where there is no such side."""
    low, high = (side.kind == "exchange" for side in problem.boundary.pairs[axis])
    if not (low or high):
        return None
    strip, inert = cuts // 2, np.zeros(refined_shape(problem, cuts), np.bool_)
    along = np.moveaxis(inert, axis, 0)
    along[:strip] = low
    along[len(along) - strip :] = high
    return inert


def _any_of(masks: Sequence[BoolArray | None]) -> BoolArray:
    found: BoolArray = np.logical_or.reduce([mask for mask in masks if mask is not None])
    return found


def _emptied(value: Coefficient, where: BoolArray | None) -> Coefficient:
    """The coefficient, 0 there."""
    return value if where is None else np.where(where, 0.0, value)


def _diffusivity(problem: Problem, cuts: int, strips: Strips, inert: Sequence[BoolArray | None]) -> Diffusivity:
    """As of the coarse pixels; a strip that exchanges conducts across its side alone."""
    given = problem.diffusivities
    if all(each is None for each in inert):
        y, x = (_cut(each, cuts, strips) for each in given)
        return y if given[0] is given[1] else PerAxis(x=x, y=y)
    each = []
    for axis, value in enumerate(given):
        across = [mask for other, mask in enumerate(inert) if other != axis and mask is not None]
        each.append(_emptied(_cut(value, cuts, strips), _any_of(across) if across else None))
    return PerAxis(y=each[0], x=each[1])


def _membranes(problem: Problem, cuts: int, strips: Strips) -> Membranes | None:
    """On the fine faces that lie on coarse ones; those that part two edge pixels part their strips too."""
    if problem.membranes is None:
        return None
    found = []
    for axis, given in enumerate(problem.membranes.of_shape):
        coarse = np.moveaxis(np.asarray(given), axis, 0)
        beside = np.repeat(coarse, cuts, 1)
        ring = len(coarse) == problem.shape[axis]
        faces = np.full((cuts * problem.shape[axis] - (not ring), beside.shape[1]), math.inf)
        faces[cuts - 1 :: cuts] = beside
        own, other = strips[axis], strips[1 - axis]
        faces = np.pad(faces, ((0, 0), other), mode="edge")
        faces = np.pad(faces, (own, (0, 0)), constant_values=math.inf)
        found.append(np.moveaxis(faces, 0, axis))
    return Membranes(y=found[0], x=found[1])

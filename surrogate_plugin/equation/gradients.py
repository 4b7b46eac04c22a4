"""Differences over two spacings, with what the sides impose outside, and how far off they may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from surrogate_plugin.arguments import Coefficient, FloatArray
from surrogate_plugin.equation.per_axis import in_series

if TYPE_CHECKING:
    from surrogate_plugin.equation.problem import Problem

#: More than the roundings of a ghost value, a difference and a quotient together.
_ROUNDING = 8 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Ghost:
    """What lies one spacing outside a side: ``kept c + added``, where ``c`` is the edge pixels' field.

    A side that holds a value keeps nothing of it, and one that nothing passes all; a flux adds what makes the slope.
    """

    kept: Coefficient
    added: Coefficient


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The lattice as differences see it.

    Attributes
    ----------
    spacings : (axes,) floats, length
    rings : (axes,) bool
        Whether the pixel beyond the last is the first.
    ghosts : axis by axis, below the first pixel and above the last one
    """

    spacings: tuple[float, ...]
    rings: npt.NDArray[np.bool_]
    ghosts: tuple[tuple[Ghost, Ghost], ...]

    @classmethod
    def of(cls, problem: Problem) -> Surroundings:
        """Those of a problem's lattice."""
        axes = range(len(problem.shape))
        ghosts = tuple((_ghost_of(problem, axis, 0), _ghost_of(problem, axis, 1)) for axis in axes)
        return cls(problem.spacings, problem.walls.ring, ghosts)


def gradient_of(field: FloatArray, around: Surroundings) -> FloatArray:
    """``(c(i+1) - c(i-1)) / 2h`` along each axis, (axes, H, W), field units / length."""
    along = []
    for axis, h in enumerate(around.spacings):
        low, high = _neighbours(field, axis, around)
        along.append((high - low) / (2 * h))
    return np.stack(along)


def gradient_bound_of(error_map: FloatArray, field: FloatArray, around: Surroundings) -> FloatArray:
    """``(w(i-1) + w(i+1)) / 2h`` along each axis, (axes, H, W), where ``w`` bounds the field's error at each pixel.

    What ghost pixels add is exact, and so are the fixed ones' values. What is rounded on the way counts too.
    """
    bounds = []
    for axis, h in enumerate(around.spacings):
        one, other = _neighbours(error_map, axis, around, exact=True)
        low, high = _neighbours(field, axis, around)
        rounded = _ROUNDING * ((one + other) + (np.abs(low) + np.abs(high)))
        bounds.append(((one + other) + rounded) / (2 * h))
    return np.stack(bounds)


def _neighbours(
    field: FloatArray, axis: int, around: Surroundings, *, exact: bool = False
) -> tuple[FloatArray, FloatArray]:
    """What every pixel has below and above it along an axis; ``exact``: of errors, to which ghosts add nothing."""
    pixels = np.moveaxis(field, axis, 0)
    first, last = pixels[:1], pixels[-1:]
    if around.rings[axis]:
        before, after = last, first
    else:
        low_ghost, high_ghost = around.ghosts[axis]
        before = first * low_ghost.kept + (0.0 if exact else low_ghost.added)
        after = last * high_ghost.kept + (0.0 if exact else high_ghost.added)
    low, high = np.concatenate([before, pixels[:-1]]), np.concatenate([pixels[1:], after])
    return np.moveaxis(low, 0, axis), np.moveaxis(high, 0, axis)


def _ghost_of(problem: Problem, axis: int, end: int) -> Ghost:
    """See `Ghost`."""
    side = problem.boundary.pairs[axis][end]
    if side.kind == "value":
        return Ghost(0.0, side.value)
    if side.kind in ("reflecting", "periodic"):
        return Ghost(1.0, 0.0)
    own = np.moveaxis(np.broadcast_to(problem.axis_links[axis], problem.shape), axis, 0)[-end]
    conducts = own > 0
    if side.kind == "flux":
        # D (ghost - edge) / h = q, and the own link is D / h^2 over the reference link.
        per_link = np.divide(1.0, own, out=np.zeros_like(own), where=conducts)
        return Ghost(1.0, side.rate / problem.spacings[axis] / problem.reference_link * per_link)
    through = in_series(own, float(problem.walls.permeance[axis, end]))
    share = np.divide(through, own, out=np.zeros_like(own), where=conducts)
    return Ghost(1.0 - share, share * side.value)

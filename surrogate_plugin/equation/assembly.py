"""The discrete equation of `Problem`, assembled the readable way: a graph of pixels and the links between them.

With the signed incidence matrix ``B`` (one row a link, -1 at its first node and +1 at its second) and the link weights
``W``, diffusion is the graph Laplacian ``B^T W B``. The ghost pixels of the four sides are four more nodes whose values
are known, like those of the fixed pixels.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse

from surrogate_plugin.equation.faces import faces_of
from surrogate_plugin.equation.problem import BoolArray, FloatArray, Problem
from surrogate_plugin.equation.uptake import Saturation
from surrogate_plugin.errors import InvalidProblemError

IndexArray = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Graph:
    """The operator on the free pixels, dimensionless: divided by the problem's ``reference_link``.

    Attributes
    ----------
    free : (H, W) bool
        The pixels the equation is solved on.
    incidence : (links, H*W + 4) sparse
        ``B``; the last four columns are the ghost nodes left, right, bottom, top.
    weight : (links,) float64
        Conductance of a link, see `surrogate_plugin.equation.faces`.
    decay : (free,) float64
        Decay of the free pixels.
    """

    free: BoolArray
    incidence: scipy.sparse.csr_array
    weight: FloatArray
    decay: FloatArray

    def matrix(self, slope: FloatArray | float = 0.0) -> scipy.sparse.csc_array:
        """``B_f^T W B_f + diag(decay + slope)`` on the free pixels, symmetric positive definite."""
        gradient = self._free_gradient
        laplacian = gradient.T @ scipy.sparse.diags_array(self.weight) @ gradient
        return scipy.sparse.csc_array(laplacian + scipy.sparse.diags_array(self.decay + slope))

    def residual(self, nodes: FloatArray, supply: FloatArray) -> FloatArray:
        """``supply - decay c - B_f^T W B c`` on the free pixels, where ``nodes`` holds every pixel and ghost value.

        Differences come before sums: a difference of near neighbours is exact in floating point, so a weak decay
        is not lost beside the links, and iterative refinement reaches full accuracy at any condition number.
        """
        flux = self.weight * (self.incidence @ nodes)
        inside = nodes[: self.free.size][self.free.ravel()]
        return np.asarray(supply - self.decay * inside - self._free_gradient.T @ flux)

    @functools.cached_property
    def _free_gradient(self) -> scipy.sparse.csc_array:
        kept = np.flatnonzero(self.free.ravel())
        return scipy.sparse.csc_array(self.incidence)[:, kept]


def assemble(problem: Problem) -> Graph:
    """The graph of a problem's operator; production, imposed values and saturating uptake stay with the problem.

    The ghost nodes come after the pixels, axis by axis from the last, the low side first: left, right, bottom, top.
    """
    number = np.arange(problem.source.size).reshape(problem.shape)
    faces, walls = problem.faces or faces_of(problem), problem.walls
    axes = range(number.ndim)[::-1]
    links = [_across(number, faces[axis], axis) for axis in axes]
    links += [_around(number, faces[axis], axis) for axis in axes if walls.ring[axis]]
    ghosts = [(axis, end) for axis in axes for end in (0, 1)]
    for ghost, (axis, end) in enumerate(ghosts):
        if walls.conductance[axis, end] > 0:
            edge = _take(number, axis, -end)
            links.append((edge, np.full_like(edge, number.size + ghost), _take(faces[axis], axis, -end)))
    first, second, weight = (np.concatenate([part.ravel() for part in parts]) for parts in zip(*links, strict=True))
    decay = np.broadcast_to(problem.decay / problem.reference_link, problem.shape)
    free = problem.unknown
    return Graph(free, _incidence(first, second, number.size + len(ghosts)), weight, decay[free])


def known_values(problem: Problem, unit: float) -> FloatArray:
    """The fixed pixels' and ghost nodes' values over ``unit``, 0 at the free pixels; (H*W + 4,) float64."""
    inside = problem.known.ravel()
    ghosts = problem.walls.value[::-1].ravel()
    return np.concatenate([inside, ghosts]) / unit


def value_unit(problem: Problem) -> float:
    """A unit in which imposed values and production are of order 1; 0 where nothing feeds the field."""
    with np.errstate(over="ignore"):
        unit = max(problem.largest_imposed, float(np.max(problem.supply)) / problem.reference_link)
    return _representable(unit, "production")


def supply(problem: Problem, unit: float) -> FloatArray:
    """Production of the free pixels, dimensionless; (free,) float64."""
    everywhere = np.broadcast_to(problem.supply / problem.reference_link / unit, problem.shape)
    return np.asarray(everywhere[problem.unknown])


def saturating_uptake(problem: Problem, unit: float) -> Saturation:
    """The law with ``vmax`` of the free pixels, (free,) float64, and ``km``, both dimensionless."""
    if problem.uptake is None:
        return Saturation(np.zeros(int(problem.unknown.sum())), 1.0)
    km = problem.uptake.km / unit
    with np.errstate(over="ignore"):
        vmax = np.broadcast_to(problem.uptake.vmax / problem.reference_link / unit, problem.shape)
        _representable(float(np.max(vmax)) / km, "uptake.vmax")
    return Saturation(np.asarray(vmax[problem.unknown]), km)


def _representable(value: float, name: str) -> float:
    if value > 1e200:
        raise InvalidProblemError(
            f"{name} is so large beside diffusivity / spacing^2 that the field overflows; "
            "check its units and those of spacing."
        )
    return value


Links = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]


def _across(number: IndexArray, faces: FloatArray, axis: int) -> Links:
    """The links between neighbours along an axis: first and second pixels, and conductances."""
    return (
        _take(number, axis, slice(None, -1)),
        _take(number, axis, slice(1, None)),
        _take(faces, axis, slice(1, -1)),
    )


def _around(number: IndexArray, faces: FloatArray, axis: int) -> Links:
    """Those from the last pixels to the first ones, on a ring."""
    return _take(number, axis, -1), _take(number, axis, 0), _take(faces, axis, 0)


def _take(array: Any, axis: int, index: int | slice) -> Any:
    """``array`` at an index, or over a range, along one axis."""
    return array[(slice(None),) * axis + (index,)]


def _incidence(first: IndexArray, second: IndexArray, nodes: int) -> scipy.sparse.csr_array:
    links = np.arange(first.size)
    ones = np.ones(first.size)
    rows, columns = np.concatenate([links, links]), np.concatenate([first, second])
    return scipy.sparse.csr_array((np.concatenate([-ones, ones]), (rows, columns)), shape=(first.size, nodes))

"""The capacitance matrix ``G``: what charges on the rims of the fixed pixels do to one another, and its inverse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from surrogate_plugin import team
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.solvers.spectral.charge_kernels import (
    charge_pixels,
    factorise_blocks,
    gather,
    multiply_symmetric,
    solve_blocks,
)
from surrogate_plugin.solvers.spectral.greens import GreensTable, IndexArray
from surrogate_plugin.solvers.spectral.transforms import BoxInverse

#: Up to so many charges the matrix is kept (128 MB); beyond, the box's inverse applies it in less time and memory.
DENSE_LIMIT = 4000
#: So many charges are always taken; beyond, only while they are at most this part of the pixels: diagonal blocks
#: precondition dense masks badly, and multigrid is faster by far there.
TAKEN, DENSEST = 4000, 0.03
#: Numbers the diagonal blocks may hold together (64 MB).
_BLOCK_BUDGET = 8_000_000
_LARGEST_BLOCK = 256
#: From so many charges on, the other cores are worth waking: below, a busy one costs more than it gives.
_WORTH_ALL_CORES = 2000
MAX_ITERATIONS = 400


@dataclass(frozen=True, eq=False)
class Capacitance:
    """``G`` in an order that puts each source's rim into diagonal blocks of its own.

    Attributes
    ----------
    pixels : (M,) int64
        Flat indices of the charge pixels, rim by rim.
    multiply : callable
        ``q -> G q``.
    precondition : callable
        ``r -> B^-1 r`` with ``B`` the diagonal blocks of ``G``.
    nbytes : int
        What both occupy.
    """

    pixels: IndexArray
    multiply: Callable[[FloatArray], FloatArray]
    precondition: Callable[[FloatArray], FloatArray]
    nbytes: int = 0

    def solve(self, rhs: FloatArray, tolerance: float) -> tuple[FloatArray, int]:
        """``q`` with ``max |rhs - G q| <= tolerance``, by conjugate gradients, and the number of iterations.

        The residual is the error of the field on the rims, so by the maximum principle nowhere is the field off
        by more. After `MAX_ITERATIONS` the best there is comes back.
        """
        charge, residual = np.zeros_like(rhs), rhs.copy()
        direction, energy = np.zeros_like(rhs), 1.0
        for iteration in range(MAX_ITERATIONS):
            if float(np.max(np.abs(residual), initial=0.0)) <= tolerance:
                return charge, iteration
            smoothed = self.precondition(residual)
            previous, energy = energy, float(residual @ smoothed)
            if energy <= 0:
                break
            direction = smoothed + (energy / previous if iteration else 0.0) * direction
            image = self.multiply(direction)
            step = energy / float(direction @ image)
            charge += step * direction
            residual -= step * image
        return charge, MAX_ITERATIONS


def capacitance(
    problem: Problem, table: Callable[[], GreensTable], box: Callable[[], BoxInverse]
) -> Capacitance | None:
    """The capacitance matrix of a problem's fixed pixels; None where no fixed pixel touches a free one."""
    pixels, rims = charge_pixels(problem.fixed, problem.boundary.periodic_y, problem.boundary.periodic_x)
    if pixels.size == 0:
        return None
    order = np.argsort(rims, kind="stable")
    pixels, starts = pixels[order], _block_starts(rims[order])
    rows, columns = np.divmod(pixels, problem.shape[1])
    green = table()
    y, x = green.y.counted(rows), green.x.counted(columns)
    images = (green.table, y, x, green.y.images, green.x.images)
    offsets = np.concatenate([[0], np.cumsum(np.diff(starts) ** 2)])
    packed = np.empty(offsets[-1])
    factorise_blocks(starts, offsets, packed, *images)

    def precondition(residual: FloatArray) -> FloatArray:
        return np.asarray(solve_blocks(starts, offsets, packed, residual))

    if pixels.size <= DENSE_LIMIT:
        matrix = np.empty((pixels.size, pixels.size))
        run = team.run if pixels.size >= _WORTH_ALL_CORES else team.run_alone
        run(gather, matrix, *images)
        nbytes = matrix.nbytes + packed.nbytes
        return Capacitance(pixels, lambda charge: np.asarray(multiply_symmetric(matrix, charge)), precondition, nbytes)

    def multiply(charge: FloatArray) -> FloatArray:
        spread = np.zeros(problem.source.size)
        spread[pixels] = charge
        return np.asarray(box().apply(spread.reshape(problem.shape)).ravel()[pixels])

    return Capacitance(pixels, multiply, precondition, packed.nbytes)


def too_many_charges(problem: Problem) -> int:
    """The number of charges if conjugate gradients would take very long over them, else 0."""
    return charges_above(max(TAKEN, int(DENSEST * problem.source.size)), problem)


def charges_above(limit: float, problem: Problem) -> int:
    """The number of charges, which fixed pixels beside free ones hold, if there are more than so many, else 0."""
    if int(np.count_nonzero(problem.fixed)) <= limit:
        return 0
    count = int(charge_pixels(problem.fixed, problem.boundary.periodic_y, problem.boundary.periodic_x)[0].size)
    return count if count > limit else 0


def _block_starts(rims: IndexArray) -> IndexArray:
    """Where the diagonal blocks begin: one a rim, long rims cut into bands of nearly equal size."""
    cap = int(np.clip(_BLOCK_BUDGET // rims.size, 32, _LARGEST_BLOCK))
    edges = np.concatenate([[0], np.flatnonzero(np.diff(rims)) + 1, [rims.size]])
    starts = [0]
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        pieces = -(-(last - first) // cap)
        starts += [first + (last - first) * piece // pieces for piece in range(1, pieces + 1)]
    return np.asarray(starts, dtype=np.int64)

"""About how large a problem's field is, known before it is solved: what a network's values are over."""

from __future__ import annotations

import numpy as np

from surrogate_plugin.arguments import FloatArray
from surrogate_plugin.equation.problem import Problem

#: Side of the smallest patches that supply is looked at in, pixels.
PATCH = 4


def value_scale(problem: Problem) -> float:
    """About the largest value of the field, field units: the largest imposed one, more where supply brings more.

    Linear in all that is imposed and supplied where uptake does not saturate; 1 where there is nothing.
    """
    return max(problem.largest_imposed, _supplied(problem)) or 1.0


def _supplied(problem: Problem) -> float:
    """About the largest value that supply alone brings: at each scale what it makes beside what is taken and leaves.

    A patch of r pixels that supply ``s`` on the mean keeps about ``s / (k + 4 / r^2)``, links being 1.
    """
    if problem.largest_supply == 0:
        return 0.0
    free = ~problem.fixed
    vmax, km = (0.0, 1.0) if problem.uptake is None else (problem.uptake.vmax, problem.uptake.km)
    supply, decay, uptake = (
        _pooled(np.where(free, value / problem.reference_link, 0.0), PATCH)
        for value in (problem.supply, problem.decay, vmax)
    )
    most, side = 0.0, PATCH
    while True:
        lost = decay + 4.0 / side**2
        level = supply / lost
        for _ in range(4 if problem.uptake is not None else 0):
            level = supply / (lost + uptake / (km + level))
        most = max(most, float(level.max()))
        if level.size == 1:
            return most
        supply, decay, uptake = (_pooled(each, 2) for each in (supply, decay, uptake))
        side *= 2


def _pooled(image: FloatArray, side: int) -> FloatArray:
    """The means over squares of pixels; what is beyond the lattice counts as 0."""
    rows, columns = (np.arange(0, length, side) for length in image.shape)
    return np.asarray(np.add.reduceat(np.add.reduceat(image, rows, axis=0), columns, axis=1) / side**2)

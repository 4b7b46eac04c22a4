"""How far PhysiCell's diffusion step takes its field from the steady one: predicted, not measured.

A step sweeps along each axis implicitly, one after the other (LOD), and then lets cells act on their own voxels. All
of it is of first order in the step; where it ends up, once nothing changes any more, is not the steady field of the
equation. Two parts of this are known in closed form.

**Beside held sides.** Inside a sweep the voxels of a Dirichlet side are let go: what flows out of them in a step is
made up for only afterwards. Across a tissue that is the same all along the side, the field where the steps come to rest
is ``g / (a^n (1 + dt u))`` off the side, after ``n`` more sweeps along other axes, where

    (a + 2 r) g_i - r (g_(i-1) + g_(i+1)) = g_i / (a^(axes - 1) (1 + dt u))    where nothing is held,
    (a + r) g_0 - r g_1 = V                                                   at the side,

with ``r = dt D / h^2``, ``a = 1 + dt decay / axes`` and uptake ``u``: three diagonals, solved as they stand. Near the
side about ``dt sqrt(D (decay + u)) / h`` of the value is missing.

**A lone cell** reads its voxel right after it has acted on it. In Fourier modes one step multiplies by ``1 / (1 + w)``,
where ``1 + w`` is the product of ``1 + dt alpha`` over the axes, and the steady operator by ``sum alpha``. So what a
cell makes raises its own voxel by ``dt (1 + mean(1 / w))`` in the place of ``mean(1 / sum alpha)``: means over the
modes of the lattice as a cell in its middle meets them, cosines between sides that let nothing through, sines between
held ones. One that secretes towards a target sees what it has just made, and makes the less of it: what it
gives to others is off as what it takes up from a field is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_banded

from surrogate_adapters.physicell.state import FloatArray

__all__ = ["Diffusing", "beside_sides", "lone_cell", "packing", "step_within"]

#: Voxels of a line, and modes along an axis of 2 and of 3: more change nothing that is worth knowing.
_LONGEST, _MODES = 2000, {2: 200, 3: 40}


@dataclass(frozen=True)
class Diffusing:
    """A substrate on a lattice, as PhysiCell steps it.

    Attributes
    ----------
    diffusivity_um2_per_min : float, um^2 / min
        > 0.
    decay_per_min : float, 1 / min
    spacing_um : float, um
        Along x, which PhysiCell takes for that along all axes.
    nodes : tuple of int
        Voxels along each axis, two or three.
    held : tuple of bool
        Whether a side is held across each axis.
    """

    diffusivity_um2_per_min: float
    decay_per_min: float
    spacing_um: float
    nodes: tuple[int, ...]
    held: tuple[bool, ...]

    @property
    def link(self) -> float:
        """What a difference between neighbours flows by, 1 / min."""
        return self.diffusivity_um2_per_min / self.spacing_um**2


def beside_sides(
    of: Diffusing, axis: int, ends: tuple[float | None, float | None], step_min: float, uptake_per_min: float = 0.0
) -> float:
    """The largest error along a line from side to side, as a share of the largest value held.

    Parameters
    ----------
    of : Diffusing
    axis : int
        Of the line.
    ends : (float or None, float or None), field units
        What its sides hold, if they do; one of them at least holds more than 0.
    step_min : float, min
        The diffusion step.
    uptake_per_min : float, 1 / min
        Of a tissue that is the same everywhere.

    Returns
    -------
    float

    Examples
    --------
    >>> oxygen = Diffusing(1e5, 0.1, 20.0, (50, 50), (True, True))
    >>> round(beside_sides(oxygen, 0, (38.0, 38.0), 0.01, 5.0), 2)
    0.24
    """
    count = min(of.nodes[axis], _LONGEST)
    held, value = np.zeros(count, dtype=np.bool_), np.zeros(count)
    for at, end in zip((0, -1), ends, strict=True):
        if end is not None:
            held[at], value[at] = True, end
    axes = len(of.nodes)
    each = 1.0 + step_min * of.decay_per_min / axes
    rest = each ** (axes - 1) * (1.0 + step_min * uptake_per_min)
    swept = _line(count, each - np.where(held, 0.0, 1.0 / rest), step_min * of.link, value, None)
    since = each ** (axes - 1 - axis) * (1.0 + step_min * uptake_per_min)
    stepped = np.where(held, value, swept / since)
    steady = _line(count, np.full(count, of.decay_per_min + uptake_per_min), of.link, value, held)
    return float(np.abs(stepped - steady).max() / np.abs(value).max())


def lone_cell(of: Diffusing, step_min: float, *, uptake_per_min: float = 0.0, makes: bool = False) -> float:
    """The relative error of what a cell reads of its own voxel, with no other cell around.

    Parameters
    ----------
    of : Diffusing
        Which decays, or is held at a side: otherwise a lone cell comes to no rest.
    step_min : float, min
    uptake_per_min : float, 1 / min
        Uptake and secretion rate in its voxel: times ``V_cell / V_voxel``.
    makes : bool
        Whether it reads what it makes itself, and not a field that is there without it. Of a cell that secretes towards
        a target, the error of the latter is also that of what it makes.

    Returns
    -------
    float
        Above 0 where it reads too much.

    Examples
    --------
    >>> oxygen = Diffusing(1e5, 0.1, 20.0, (50, 50), (True, True))
    >>> round(lone_cell(oxygen, 0.01, uptake_per_min=3.1), 3), lone_cell(oxygen, 0.01, makes=True) > 1.0
    (-0.028, True)
    """
    stepped, steady = _own_voxel(of, step_min)
    drawn = (1.0 + uptake_per_min * steady) / (1.0 + uptake_per_min * stepped)
    return float((stepped / steady if makes else 1.0) * drawn - 1.0)


def packing(volume_um3: float, layer_um: float | None) -> float:
    """The share of space that touching spheres fill: in one layer of that depth, or in space.

    Examples
    --------
    >>> round(packing(2494.0, 20.0), 2), round(packing(2494.0, None), 2)
    (0.51, 0.74)
    """
    if layer_um is None:
        return math.pi / (3.0 * math.sqrt(2.0))
    radius = (0.75 * volume_um3 / math.pi) ** (1.0 / 3.0)
    return min(float(volume_um3 / (2.0 * math.sqrt(3.0) * radius**2 * layer_um)), 1.0)


def step_within(error_at: Callable[[float], float], share: float, step_min: float) -> float:
    """The largest step, min, to two digits, at which an error that grows with it is within a share.

    Parameters
    ----------
    error_at : callable
        The error at a step in min.
    share : float
    step_min : float, min
        One at which it is beyond.
    """
    low, high = step_min * 1e-6, step_min
    while high / low > 1.005:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if abs(error_at(middle)) <= share else (low, middle)
    digits = 1 - math.floor(math.log10(low))
    return float(math.floor(low * 10.0**digits) * 10.0**-digits)


def _line(
    count: int, diagonal: FloatArray, link: float, value: FloatArray, held: npt.NDArray[np.bool_] | None
) -> FloatArray:
    """What has neighbours along a line; where it is held it is the value itself."""
    bands = np.zeros((3, count))
    bands[0, 1:], bands[2, :-1] = -link, -link
    bands[1] = diagonal + link * np.where(np.isin(np.arange(count), (0, count - 1)), 1.0, 2.0)
    if held is not None:
        bands[1][held] = 1.0
        bands[0, 1:][held[:-1]] = 0.0
        bands[2, :-1][held[1:]] = 0.0
    return np.asarray(solve_banded((1, 1), bands, value))


def _own_voxel(of: Diffusing, step_min: float) -> tuple[float, float]:
    """How much a source of 1 / min raises its own voxel, min: where steps come to rest, and in the steady field."""
    axes = len(of.nodes)
    total, logarithm, share = np.zeros(()), np.zeros(()), np.ones(())
    for count, held in zip(of.nodes, of.held, strict=True):
        waves, weights = _modes(min(count, _MODES[axes]), held)
        rate = of.decay_per_min / axes + 4.0 * of.link * np.sin(0.5 * waves) ** 2
        total, share = np.add.outer(total, rate), np.multiply.outer(share, weights)
        logarithm = np.add.outer(logarithm, np.log1p(step_min * rate))
    return step_min * (1.0 + float((share / np.expm1(logarithm)).sum())), float((share / total).sum())


def _modes(count: int, held: bool) -> tuple[FloatArray, FloatArray]:
    """The waves of an axis that its middle is not a node of, and how much of each is there."""
    if held:
        waves = np.pi * np.arange(1, max(count - 1, 2), 2) / max(count - 1, 1)
        return waves, np.full(waves.shape, 1.0 / waves.size)
    even = np.arange(0, count, 2)
    weights = np.where(even == 0, 1.0, 2.0)
    return np.pi * even / count, weights / weights.sum()

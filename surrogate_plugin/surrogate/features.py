"""From a problem to what a network reads, and from what it writes back to a field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from surrogate_plugin import team
from surrogate_plugin.equation.problem import FloatArray, Problem
from surrogate_plugin.equation.sides import Walls
from surrogate_plugin.errors import UnsupportedProblemError

#: Raised whenever the meaning of a channel changes, so that old weights are refused instead of misread.
VERSION = 2
#: Side of the blocks that the network's coarse grid is made of.
BLOCK = 4
CHANNELS = 4

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class PaddedLattice:
    """Where the lattice lies inside the padded one: whole blocks, two or more, with a margin on every side."""

    shape: tuple[int, int]
    blocks: tuple[int, int]
    first: tuple[int, int]

    @classmethod
    def around(cls, shape: tuple[int, int]) -> PaddedLattice:
        """The smallest one of whole blocks, its margins even.

        Examples
        --------
        >>> PaddedLattice.around((512, 512))
        PaddedLattice(shape=(512, 512), blocks=(129, 129), first=(2, 2))
        """
        rows, columns = (max(2, -(-(side + 2) // BLOCK)) for side in shape)
        first = (BLOCK * rows - shape[0]) // 2, (BLOCK * columns - shape[1]) // 2
        return cls(shape, (rows, columns), first)

    @property
    def padded(self) -> tuple[int, int]:
        """Rows and columns of the padded lattice."""
        return BLOCK * self.blocks[0], BLOCK * self.blocks[1]


def encode(problem: Problem, out: Float32Array | None = None) -> Float32Array:
    """What the compact network reads: an image of four channels that depends on no unit.

    The margin makes the boundary visible: beyond a side that holds a value lie fixed pixels of this value, beyond a
    reflecting side the mirror image, beyond a periodic one the other end.

    Parameters
    ----------
    problem : Problem
        With a scalar diffusivity. Production is not represented.
    out : (4, H', W') float32, optional
        Written to instead of a new array.

    Returns
    -------
    (4, H', W') float32
        The fixed values over the largest imposed value, 0 on free pixels; 1 on fixed pixels; the first-order decay
        ``k h^2 / D`` of free pixels; and the initial rate of saturating uptake, ``vmax h^2 / (km D)``: the uptake is
        this times ``u / (1 + saturation u)``, with `saturation` of the problem.

    Raises
    ------
    UnsupportedProblemError
        If diffusivity varies.

    Examples
    --------
    >>> source = np.zeros((16, 16)); source[3, 3] = 38.0
    >>> image = encode(Problem(source))
    >>> image.shape, float(image[0].max()), int(image[1, 1:-1, 1:-1].sum()), float(image[2].max())
    ((4, 20, 20), 1.0, 69, 0.0024999999441206455)
    """
    from surrogate_plugin.surrogate.feature_kernels import encode_image

    if not problem.plain:
        raise UnsupportedProblemError("the surrogate needs a constant diffusivity; sparse-direct takes a map.")
    lattice, walls = PaddedLattice.around(problem.shape), problem.walls
    image = np.empty((CHANNELS, *lattice.padded), np.float32) if out is None else out
    rows, columns = (_indices(lattice, walls, axis) for axis in (0, 1))
    uptake = problem.uptake
    team.run(
        encode_image,
        image,
        rows,
        columns,
        lattice.first[1],
        problem.source,
        problem.fixed,
        np.broadcast_to(problem.decay, problem.shape),
        np.broadcast_to(0.0 if uptake is None else uptake.vmax / uptake.km, problem.shape),
        walls.value,
        1.0 / value_scale(problem),
        1.0 / problem.reference_link,
    )
    return image


def saturation(problem: Problem) -> float:
    """The largest imposed value over ``km``; 0 where uptake does not saturate."""
    return 0.0 if problem.uptake is None else value_scale(problem) / problem.uptake.km


def decode(image: Float32Array, problem: Problem) -> FloatArray:
    """The field from the network's image: fixed values imposed, the rest within [0, largest imposed value].

    Parameters
    ----------
    image : (H', W') float32
        Over the largest imposed value, on the padded lattice.
    problem : Problem

    Returns
    -------
    (H, W) float64, field units
        A NaN of the network stays one, for the guard to see.
    """
    from surrogate_plugin.surrogate.feature_kernels import decode_image

    lattice = PaddedLattice.around(problem.shape)
    field = np.empty(problem.shape)
    team.run(decode_image, field, image, problem.source, problem.fixed, *lattice.first, value_scale(problem))
    return field


def source_image(problem: Problem, multiple: int) -> Float32Array:
    """What the study's network reads: source over its largest value, padded to multiples, (1, H', W') float32."""
    rows, columns = (-(-side // multiple) * multiple for side in problem.shape)
    image = np.zeros((1, rows, columns), np.float32)
    height, width = problem.shape
    image[0, :height, :width] = problem.source / value_scale(problem) * problem.fixed
    return image


def impose(image: npt.NDArray[np.floating], problem: Problem) -> FloatArray:
    """The field from an image over the largest imposed value, (H, W) float64: as `decode`, pixel by pixel."""
    scale = value_scale(problem)
    field = np.clip(image.astype(np.float64) * scale, 0.0, scale)
    return np.where(problem.fixed, problem.source, field)


def value_scale(problem: Problem) -> float:
    """The largest imposed value, or 1 where none is imposed, field units."""
    return problem.largest_imposed or 1.0


def _indices(lattice: PaddedLattice, walls: Walls, axis: int) -> npt.NDArray[np.int64]:
    """Where each padded row (or column) is read: an inner index, or -1 / -2 beyond a low / high side that is held."""
    size = lattice.shape[axis]
    at = np.arange(lattice.padded[axis]) - lattice.first[axis]
    if walls.ring[axis]:
        return at % size
    low, high = walls.conductance[axis] > 0
    if not low and not high:
        at %= 2 * size
        return np.minimum(at, 2 * size - 1 - at)
    below, above = at < 0, at >= size
    at[below] = -1 if low else -1 - at[below]
    at[above] = -2 if high else 2 * size - 1 - at[above]
    # Where the margin is wider than the lattice, a mirror shows what lies beyond the other side.
    at[below & (at >= size)] = -2
    at[above & (at < 0)] = -2 if high else -1
    return at

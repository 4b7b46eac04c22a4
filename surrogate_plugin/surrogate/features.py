"""From a problem to what a network reads, and from what it writes back to a field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from surrogate_plugin import team
from surrogate_plugin.arguments import BoolArray, Coefficient, FloatArray
from surrogate_plugin.equation.faces import Faces, faces_of
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.equation.sides import Walls
from surrogate_plugin.surrogate.scale import value_scale as value_scale

#: Raised whenever the meaning of a channel changes, so that old weights are refused instead of misread.
VERSION = 3
#: Versions whose weights answer as they did: those of 2 were made before there were channels for the wider equation.
READABLE = (2, 3)
#: Side of the blocks that the network's coarse grid is made of.
BLOCK = 4
#: Channels of an image, and how many there are of a plain problem and of one of the wider equation.
VALUE, MASK, FIRST_ORDER, RATE, SUPPLY, NORTH, EAST = range(7)
CHANNELS, WIDER_CHANNELS = 4, 7

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


@dataclass(frozen=True, eq=False)
class Seen:
    """A problem as the compact network reads it.

    Attributes
    ----------
    image : (4, H', W') or (7, H', W') float32
        See `encode`.
    saturation : float
        ``scale`` over ``km``, see `saturation`.
    scale : float, field units
        What the image's values are over, see `value_scale`.
    alone : (H, W) bool or None
        The pixels that nothing joins to any other, if there are some: the network does not see them.
    """

    image: Float32Array
    saturation: float
    scale: float
    alone: BoolArray | None = None


def wider(problem: Problem) -> bool:
    """Whether a problem is one of the wider equation to the network: supplied, on a ring, or with faces of its own.

    Examples
    --------
    >>> wider(Problem(np.eye(8))), wider(Problem(np.eye(8), boundary="periodic"))
    (False, True)
    """
    return not problem.plain or bool(problem.walls.ring.any()) or problem.largest_supply > 0


def see(problem: Problem, out: Float32Array | None = None) -> Seen:
    """What the compact network is told of a problem.

    Parameters
    ----------
    problem : Problem
    out : (4 or 7, H', W') float32, optional
        Written to instead of a new array; with 7 channels a plain problem is told in those of the wider equation.

    Raises
    ------
    ValueError
        If ``out`` has 4 channels and the problem needs 7.
    """
    scale = value_scale(problem)
    lattice = PaddedLattice.around(problem.shape)
    if out is None:
        out = np.empty((WIDER_CHANNELS if wider(problem) else CHANNELS, *lattice.padded), np.float32)
    elif out.shape[0] == CHANNELS and wider(problem):
        raise ValueError(f"the image has {CHANNELS} channels; this problem needs {WIDER_CHANNELS}.")
    alone = None
    if out.shape[0] == CHANNELS:
        _encode_plain(problem, out, lattice, scale)
    else:
        alone = _encode_wider(problem, out, lattice, scale)
    return Seen(out, _saturation(problem, scale), scale, alone)


def encode(problem: Problem, out: Float32Array | None = None) -> Float32Array:
    """What the compact network reads: an image of four or seven channels that depends on no unit.

    The margin makes the boundary visible. Of a plain problem, fixed pixels of its value lie beyond a side that holds
    one, and the mirror image beyond a reflecting one. In the wider equation nothing lies beyond a side that nothing
    passes, and a ring is closed by pixels that hold nothing and conduct along it alone, as well as its one face did.

    Parameters
    ----------
    problem : Problem
    out : (4 or 7, H', W') float32, optional
        Written to instead of a new array.

    Returns
    -------
    (4, H', W') or (7, H', W') float32
        The fixed values over `value_scale`, 0 on free pixels; 1 on fixed pixels; the first-order decay of free pixels
        over the reference link ``D / h^2``; and the initial rate of saturating uptake, ``vmax / km`` over that link:
        the uptake is this times ``u / (1 + saturation u)``, with `saturation` of the problem. In the wider equation
        also the supply, over link and scale, and the conductances of the faces to the next row and the next column,
        those of the last to the first. A pixel that nothing joins to others has none of it.

    Examples
    --------
    >>> source = np.zeros((16, 16)); source[3, 3] = 38.0
    >>> image = encode(Problem(source))
    >>> image.shape, float(image[0].max()), int(image[1, 1:-1, 1:-1].sum()), float(image[2].max())
    ((4, 20, 20), 1.0, 69, 0.0024999999441206455)
    >>> encode(Problem(source, production=0.5)).shape
    (7, 20, 20)
    """
    return see(problem, out).image


def _encode_plain(problem: Problem, image: Float32Array, lattice: PaddedLattice, scale: float) -> None:
    from surrogate_plugin.surrogate.feature_kernels import encode_image

    walls = problem.walls
    rows, columns = (_indices(lattice, walls, axis) for axis in (0, 1))
    team.run(
        encode_image,
        image,
        rows,
        columns,
        lattice.first[1],
        problem.source,
        problem.fixed,
        np.broadcast_to(problem.decay, problem.shape),
        np.broadcast_to(_initial_rate(problem), problem.shape),
        walls.value,
        1.0 / scale,
        1.0 / problem.reference_link,
    )


def _encode_wider(problem: Problem, image: Float32Array, lattice: PaddedLattice, scale: float) -> BoolArray | None:
    """Fill the image; the pixels that nothing joins to any other, or None."""
    from surrogate_plugin.surrogate.wider_feature_kernels import encode_faces, encode_pixels

    walls = problem.walls
    north, east = _faces_outside(problem.void, problem.faces or faces_of(problem))
    alone = (north[:-1] + north[1:]) + (east[:, :-1] + east[:, 1:]) == 0.0
    held = walls.conductance > 0
    decay, rate, supply = (
        np.broadcast_to(value, problem.shape) for value in (problem.decay, _initial_rate(problem), problem.supply)
    )
    per_link = 1.0 / problem.reference_link
    team.run(
        encode_pixels, image, lattice.first, held, walls.value / scale, problem.source, problem.fixed, alone, decay,
        rate, supply, 1.0 / scale, per_link, per_link / scale,
    )  # fmt: skip
    team.run(encode_faces, image, lattice.first, held, walls.ring, north, east)
    return alone if alone.any() else None


def _faces_outside(void: BoolArray | None, faces: Faces) -> Faces:
    """The faces without those of void pixels, which the network does not see."""
    if void is None:
        return faces
    north, east = (each.copy() for each in faces)
    for each, low, high in ((north, np.s_[:-1], np.s_[1:]), (east, np.s_[:, :-1], np.s_[:, 1:])):
        each[low][void] = 0.0
        each[high][void] = 0.0
    return north, east


def faces_within(image: Float32Array, shape: tuple[int, int], rings: npt.ArrayLike) -> Faces:
    """The faces of a lattice from its image of seven channels, as `surrogate_plugin.equation.faces` has them.

    Parameters
    ----------
    image : (7, H', W') float32
    shape : (H, W)
    rings : (2,) bool
        Which axes are rings.
    """
    lattice = PaddedLattice.around(shape)
    found = []
    for axis, channel in enumerate((NORTH, EAST)):
        inner = np.moveaxis(image[channel], axis, 0)
        first, across = lattice.first[axis], lattice.first[1 - axis]
        faces = inner[first - 1 : first + shape[axis], across : across + shape[1 - axis]].astype(np.float64)
        if np.asarray(rings)[axis]:
            faces[[0, -1]] /= lattice.padded[axis] - shape[axis] + 1
        found.append(np.ascontiguousarray(np.moveaxis(faces, 0, axis)))
    return tuple(found)


def saturation(problem: Problem) -> float:
    """`value_scale` over ``km``; 0 where uptake does not saturate."""
    return _saturation(problem, 1.0 if problem.uptake is None else value_scale(problem))


def _saturation(problem: Problem, scale: float) -> float:
    return 0.0 if problem.uptake is None else scale / problem.uptake.km


def _initial_rate(problem: Problem) -> Coefficient:
    return 0.0 if problem.uptake is None else problem.uptake.vmax / problem.uptake.km


def decode(image: Float32Array, problem: Problem, seen: Seen | None = None) -> FloatArray:
    """The field from the network's image: fixed values imposed, the rest within what is possible at a glance.

    Parameters
    ----------
    image : (H', W') float32
        Over `value_scale`, on the padded lattice.
    problem : Problem
    seen : Seen, optional
        What the network was told, if that is at hand.

    Returns
    -------
    (H, W) float64, field units
        At least 0, and without supply at most the largest imposed value. Pixels that nothing joins to others are in
        balance with themselves, void ones at 0. A NaN of the network stays one, for the guard to see.
    """
    from surrogate_plugin.surrogate.feature_kernels import decode_image

    lattice = PaddedLattice.around(problem.shape)
    scale = value_scale(problem) if seen is None else seen.scale
    highest = np.inf if problem.largest_supply > 0 else scale
    field = np.empty(problem.shape)
    team.run(decode_image, field, image, problem.source, problem.fixed, *lattice.first, scale, highest)
    if wider(problem):
        seen = see(problem) if seen is None else seen
        if seen.alone is not None:
            field[seen.alone] = np.where(problem.fixed, problem.source, balance(problem))[seen.alone]
    return field


def balance(problem: Problem) -> FloatArray:
    """The field of pixels that nothing joins to others: supply is taken up where it is, (H, W); 0 where nothing is."""
    supply, decay = (np.broadcast_to(value, problem.shape) for value in (problem.supply, problem.decay))
    km = 1.0 if problem.uptake is None else problem.uptake.km
    vmax = 0.0 if problem.uptake is None else problem.uptake.vmax
    # k u + v u / (km + u) = s, a parabola; the root is written so that nothing cancels.
    slope = decay * km + vmax - supply
    root = np.sqrt(slope * slope + 4.0 * decay * supply * km)
    with np.errstate(divide="ignore", invalid="ignore"):
        field = np.where(slope >= 0, 2.0 * supply * km / (slope + root), (root - slope) / (2.0 * decay))
    return np.where(supply > 0, field, 0.0)


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


def _indices(lattice: PaddedLattice, walls: Walls, axis: int) -> npt.NDArray[np.int64]:
    """Where each padded row (or column) is read: an inner index, or -1 / -2 beyond a low / high side that is held."""
    size = lattice.shape[axis]
    at = np.arange(lattice.padded[axis]) - lattice.first[axis]
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

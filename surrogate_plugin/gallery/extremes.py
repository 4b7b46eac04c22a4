"""Problems from the whole range that `Problem` takes: coefficients over 24 decades, in every unit and every pattern."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from surrogate_plugin.equation.problem import BoolArray, Coefficient, FloatArray, MichaelisMenten, Problem
from surrogate_plugin.equation.sides import Boundary, BoundaryLike
from surrogate_plugin.errors import InvalidProblemError
from surrogate_plugin.gallery.coefficients import Rng, any_boundary, any_pixel, scaled
from surrogate_plugin.gallery.masks import Shape, disc, ring, segment, tree

#: The largest decay, and the least where nothing else anchors the field, over diffusivity / spacing^2.
STRONGEST, WEAKEST = 1e12, 1e-12
_TRIES = 50


def extreme_problems(
    seed: int,
    count: int,
    max_side: int = 40,
    *,
    start: int = 0,
    saturating: bool | None = None,
    min_side: int = 8,
) -> Iterator[Problem]:
    """``count`` problems of `extreme_problem`, the first of them number ``start`` of the seed.

    Parameters
    ----------
    seed : int
        Problem ``i`` of a seed is the same whatever ``count`` and ``start`` are.
    count : int
        How many problems.
    max_side : int
        The largest number of rows or columns. Most lattices are small.
    start : int
        The number of the first one.
    saturating : bool, optional
        With or without Michaelis-Menten uptake; drawn at random if None.
    min_side : int
        The smallest number of rows or columns, from 1.

    Examples
    --------
    >>> [third] = extreme_problems(seed=0, count=1, start=2)
    >>> third.fingerprint == list(extreme_problems(seed=0, count=3))[2].fingerprint
    True
    """
    for index in range(start, start + count):
        rng = np.random.default_rng([seed, index])
        yield extreme_problem(rng, max_side, saturating=saturating, min_side=min_side)


def extreme_problem(
    rng: Rng,
    max_side: int = 40,
    *,
    shape: Shape | None = None,
    saturating: bool | None = None,
    min_side: int = 8,
) -> Problem:
    """One problem, its every part drawn from the whole range of what is allowed.

    Decay from 1e-12 to 1e12 of diffusivity / spacing^2, in one value or with any contrast between regions of any
    share; spacing from 1e-2 to 1e2 and diffusivity from 1e-3 to 1e6, in some also from 1e-30 to 1e30; diffusivity maps
    up to the contrast allowed; uptake with ``km`` from 1e-12 to 1e3 of the largest value and ``vmax`` from 1e-8 to
    1e4 of it, times diffusivity / spacing^2; imposed values from 1e-6 to 1 of the largest, which is of any size.

    Parameters
    ----------
    rng : numpy.random.Generator
        The only source of randomness.
    max_side : int
        The largest number of rows or columns.
    shape : (int, int), optional
        Rows and columns; drawn at random if None, and small mostly.
    saturating : bool, optional
        With or without Michaelis-Menten uptake; drawn at random if None.
    min_side : int
        The smallest number of rows or columns, from 1.

    Examples
    --------
    >>> problem = extreme_problem(np.random.default_rng(0), saturating=True)
    >>> problem.uptake is not None
    True
    """
    for _ in range(_TRIES):
        try:
            problem = _posed(rng, shape or _small_shape(rng, min_side, max_side), saturating)
            problem.check_steady()
        except InvalidProblemError:  # outside what may be posed, if only just
            continue
        if not saturating or problem.uptake is not None:
            return problem
    raise RuntimeError("the gallery drew nothing that may be posed")


def _posed(rng: Rng, shape: Shape, saturating: bool | None) -> Problem:
    largest = 10.0 ** rng.uniform(-30, 30) if rng.random() < 0.1 else float(rng.choice([1.0, 38.0, 1e-6, 160.0]))
    spacing, diffusivity = _units(rng)
    link = diffusivity / spacing**2
    source, fixed = _imposed(rng, shape)
    varied = rng.random() < 0.15
    diffusivity_map = diffusivity * _contrasting(rng, shape, 10.0 ** rng.uniform(-8, 0)) if varied else diffusivity
    boundary = scaled(any_boundary(rng), largest)
    uptake = None
    if rng.random() < 0.45 if saturating is None else saturating:
        km = largest * 10.0 ** rng.uniform(-12, 3)
        vmax = largest * link * 10.0 ** rng.uniform(-8, 4)
        uptake = MichaelisMenten(_uniform_or_map(rng, shape, vmax), km)
    production: Coefficient = 0.0
    if rng.random() < 0.25 or not (fixed.any() or _feeds(boundary)):
        production = _uniform_or_map(rng, shape, largest * link * 10.0 ** rng.uniform(-8, 1))
    return Problem(
        source * largest,
        fixed=fixed,
        diffusivity=diffusivity_map,
        decay=_decay(rng, shape, link),
        production=production,
        uptake=uptake,
        spacing=spacing,
        boundary=boundary,
    )


def _small_shape(rng: Rng, min_side: int, max_side: int) -> Shape:
    """Mostly ``min_side`` to 4 more; some up to ``max_side``, some of them thin strips."""
    form = rng.random()
    if form < 0.7:
        rows, columns = rng.integers(min_side, min(min_side + 4, max_side) + 1, 2)
    elif form < 0.85:
        rows, columns = rng.integers(min_side, max_side + 1, 2)
    else:
        rows, columns = rng.permutation([min_side + int(rng.integers(2)) * (max_side > min_side), max_side])
    return int(rows), int(columns)


def _units(rng: Rng) -> tuple[float, float]:
    """Spacing and diffusivity: those of tissues mostly, else any, else 1."""
    form = rng.random()
    if form < 0.1:
        return 10.0 ** rng.uniform(-15, 15), 10.0 ** rng.uniform(-30, 30)
    if form < 0.3:
        return 1.0, 1.0
    return 10.0 ** rng.uniform(-2, 2), 10.0 ** rng.uniform(-3, 6)


def _imposed(rng: Rng, shape: Shape) -> tuple[FloatArray, BoolArray]:
    """A mask of any kind and its values: one for all, or from 1e-6 to 1, some of them 0."""
    fixed = _MASKS[int(rng.integers(len(_MASKS)))](rng, shape)
    if rng.random() < 0.4:
        return fixed.astype(np.float64), fixed
    values = 10.0 ** rng.uniform(-6, 0, shape)
    values[rng.random(shape) < 0.1] = 0.0
    if fixed.any():
        values[tuple(rng.choice(np.argwhere(fixed)))] = 1.0
    return np.where(fixed, values, 0.0), fixed


def _decay(rng: Rng, shape: Shape, link: float) -> Coefficient:
    """None, one value, two regions of any contrast, or every pixel for itself."""
    form = rng.random()
    if form < 0.1:
        return 0.0
    strongest = link * 10.0 ** rng.uniform(np.log10(WEAKEST), np.log10(STRONGEST) - 1e-6)
    if form < 0.35:
        return float(strongest)
    lowest = 0.0 if rng.random() < 0.15 else 10.0 ** rng.uniform(-12, 0)
    return np.asarray(strongest * _contrasting(rng, shape, lowest))


def _contrasting(rng: Rng, shape: Shape, lowest: float) -> FloatArray:
    """From ``lowest`` to 1: two values in a region and outside it, or any between them in every pixel."""
    if lowest > 0 and rng.random() < 0.2:
        return np.asarray(lowest ** rng.random(shape))
    return np.where(any_region(rng, shape), 1.0, lowest)


def _uniform_or_map(rng: Rng, shape: Shape, value: float) -> Coefficient:
    return float(value) if rng.random() < 0.4 else np.where(any_region(rng, shape), value, 0.0)


def _feeds(boundary: BoundaryLike) -> bool:
    """Whether a side imposes a value above 0."""
    return Boundary.parse(boundary).largest_value > 0


def any_region(rng: Rng, shape: Shape) -> BoolArray:
    """A part of the lattice of any share: a half, a blob, a pixel, a strip, a scatter, or all but one of these."""
    region = _REGIONS[int(rng.integers(len(_REGIONS)))](rng, shape)
    return ~region if rng.random() < 0.5 else region


def _half(rng: Rng, shape: Shape) -> BoolArray:
    rows, columns = np.indices(shape)
    angle, (row, column) = rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)]), any_pixel(rng, shape)
    return np.asarray((rows - row) * np.cos(angle) + (columns - column) * np.sin(angle) >= 0)


def _blob(rng: Rng, shape: Shape) -> BoolArray:
    return disc(shape, any_pixel(rng, shape), rng.uniform(0.6, 0.7 * max(shape)))


def _pixel(rng: Rng, shape: Shape) -> BoolArray:
    return disc(shape, any_pixel(rng, shape), 0.5)


def _strip(rng: Rng, shape: Shape) -> BoolArray:
    return segment(shape, any_pixel(rng, shape), any_pixel(rng, shape), rng.uniform(0.5, 1.5))


def _scatter(rng: Rng, shape: Shape) -> BoolArray:
    return np.asarray(rng.random(shape) < rng.uniform(0.02, 0.98))


def _checkerboard(rng: Rng, shape: Shape) -> BoolArray:
    rows, columns = np.indices(shape)
    return np.asarray((rows + columns) % 2 == rng.integers(2))


def _nothing(rng: Rng, shape: Shape) -> BoolArray:
    return np.zeros(shape, dtype=np.bool_)


def _ring(rng: Rng, shape: Shape) -> BoolArray:
    return ring(shape, any_pixel(rng, shape), rng.uniform(2.0, max(2.0, 0.6 * max(shape))), 1.5)


def _frame(rng: Rng, shape: Shape) -> BoolArray:
    mask = np.ones(shape, dtype=np.bool_)
    mask[1:-1, 1:-1] = False
    return mask


def _tree(rng: Rng, shape: Shape) -> BoolArray:
    return tree(rng, shape)


def _several(rng: Rng, shape: Shape) -> BoolArray:
    mask = _pixel(rng, shape)
    for _ in range(int(rng.integers(1, 6))):
        mask |= (_pixel, _strip, _blob)[int(rng.integers(3))](rng, shape)
    return mask


def _few(rng: Rng, shape: Shape) -> BoolArray:
    mask = _pixel(rng, shape)
    for _ in range(int(rng.integers(1, 5))):
        mask |= _pixel(rng, shape)
    return mask


_Region = Callable[[Rng, Shape], BoolArray]
_REGIONS: tuple[_Region, ...] = (_half, _half, _blob, _pixel, _strip, _scatter, _checkerboard)
_MASKS: tuple[_Region, ...] = (
    _pixel, _few, _few, _several, _several, _nothing, _ring, _frame, _tree, _strip, _checkerboard, any_region,
)  # fmt: skip

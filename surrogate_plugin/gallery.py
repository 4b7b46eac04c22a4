"""Named problems: the published study's, tissue-like ones, and nasty ones that break careless solvers.

Every generator takes a ``numpy.random.Generator`` and is a function of its state alone, so a seed names a problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypedDict, Unpack, cast

import numpy as np

from surrogate_plugin.boundary import BoundaryLike, SideLike
from surrogate_plugin.gallery_masks import Shape, disc, paint, ring, segment, tree, tumour
from surrogate_plugin.problem import BoolArray, Coefficient, FloatArray, MichaelisMenten, Problem

__all__ = [
    "Coefficients", "KINDS", "all_fixed", "checkerboard", "none_fixed", "nasty_problems", "one_free", "one_pixel",
    "overlapping", "paper_discs", "random_problem", "rings", "thin_walls", "touching_border", "tumour_and_vessels",
    "vessel_tree",
]  # fmt: skip

Rng = np.random.Generator


class Coefficients(TypedDict, total=False):
    """What every generator lets a caller pin; whatever is left out is drawn at random.

    ``boundary`` as in `Problem`, in units of ``scale``; ``variable_decay`` and ``michaelis_menten`` switch the
    tumour's uptake on or off; ``diffusion_length`` in pixels (infinite: no background decay); ``contrast``, the
    largest decay over the smallest; ``scale``, the largest value on a fixed pixel, field units.
    """

    boundary: BoundaryLike
    variable_decay: bool
    michaelis_menten: bool
    variable_diffusivity: bool
    diffusion_length: float
    contrast: float
    scale: float


def random_problem(
    rng: Rng,
    *,
    shape: Shape | None = None,
    boundary: BoundaryLike | None = None,
    variable_decay: bool | None = None,
    michaelis_menten: bool | None = None,
    variable_diffusivity: bool = False,
    diffusion_length: float | None = None,
    scale: float | None = None,
) -> Problem:
    """Random discs on a random lattice with random units, boundary, production and uptake.

    Parameters
    ----------
    rng : numpy.random.Generator
        The only source of randomness.
    shape : (int, int), optional
        Rows and columns; 8 to 64 each if not given.
    boundary, variable_decay, michaelis_menten, variable_diffusivity, diffusion_length, scale : optional
        As in `Coefficients`; drawn at random where None.

    Returns
    -------
    Problem

    Examples
    --------
    >>> random_problem(np.random.default_rng(1), shape=(16, 24)).shape
    (16, 24)
    """
    shape = _any_shape(rng, 64) if shape is None else shape
    choices = {
        "boundary": boundary,
        "variable_decay": variable_decay,
        "michaelis_menten": michaelis_menten,
        "variable_diffusivity": variable_diffusivity,
        "diffusion_length": diffusion_length,
        "scale": scale,
    }
    pinned = cast(Coefficients, {name: choice for name, choice in choices.items() if choice is not None})
    radii = rng.uniform(0.5, max(1.5, min(shape) / 8), int(rng.integers(1, 9)))
    masks = [disc(shape, _any_pixel(rng, shape), radius) for radius in radii]
    return _dress(rng, paint(rng, masks, shape), pinned)


def paper_discs(rng: Rng, n: int = 10, shape: Shape = (512, 512)) -> Problem:
    """The published study's problem: ``n`` discs of radius 5 to 20 inside the lattice, D = 1, decay = 1/400, absorbing.

    The largest radius shrinks with lattices too small for it.

    Source
    ------
    Toledo-Marin, Glazier, Fox (arXiv 2302.03786).

    Examples
    --------
    >>> problem = paper_discs(np.random.default_rng(0), n=3, shape=(64, 64))
    >>> problem.largest_imposed, problem.decay
    (1.0, 0.0025)
    """
    masks = []
    for radius in rng.uniform(min(5.0, min(shape) / 12), min(20.0, min(shape) / 6), n):
        low, high = np.array([radius, radius]), np.array(shape) - 1 - radius
        row, column = rng.uniform(low, high)
        masks.append(disc(shape, (row, column), radius))
    return Problem(paint(rng, masks, shape))


def vessel_tree(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """A forking vessel of one value that enters through the bottom side."""
    mask = tree(rng, shape)
    return _dress(rng, mask.astype(np.float64), pinned)


def tumour_and_vessels(
    rng: Rng, shape: Shape = (64, 64), vessels: int | None = None, **pinned: Unpack[Coefficients]
) -> Problem:
    """Vessel discs and segments around a tumour that consumes: the kind of problem a tissue simulator poses."""
    count = int(rng.integers(3, 12)) if vessels is None else vessels
    masks = []
    for _ in range(count):
        start, radius = _any_pixel(rng, shape), rng.uniform(0.6, max(1.0, min(shape) / 60))
        run = rng.normal(0.0, min(shape) / 6, 2) * (rng.random() < 0.5)
        masks.append(segment(shape, start, (start[0] + run[0], start[1] + run[1]), radius))
    defaults: Coefficients = {"variable_decay": True}
    if "michaelis_menten" not in pinned:
        defaults["michaelis_menten"] = bool(rng.random() < 0.3)
    return _dress(rng, paint(rng, masks, shape), defaults | pinned)


def rings(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """Closed rings, some one inside another, that cut the free pixels into separate regions."""
    centre, outer = (shape[0] / 2, shape[1] / 2), min(shape) / 2 - 1
    masks = [ring(shape, centre, outer, rng.uniform(1.5, 2.5)), ring(shape, centre, 0.6 * outer, 1.5)]
    masks.append(ring(shape, _any_pixel(rng, shape), 0.3 * outer, 1.5))
    return _dress(rng, paint(rng, masks, shape), pinned)


def one_pixel(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """A single fixed pixel."""
    source = np.zeros(shape)
    source[_any_pixel(rng, shape)] = 1.0
    return _dress(rng, source, pinned)


def one_free(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """A single free pixel in a fixed lattice of random values, some of them 0."""
    fixed = np.ones(shape, dtype=np.bool_)
    fixed[_any_pixel(rng, shape)] = False
    return _dress(rng, np.maximum(rng.uniform(-0.5, 1.0, shape), 0.0), pinned, fixed)


def touching_border(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """Discs centred on the four sides and in a corner, cut off by the lattice's edge."""
    height, width = shape
    row, column = _any_pixel(rng, shape)
    centres = [(0, column), (height - 1, width - 1 - column), (row, 0), (height - 1 - row, width - 1), (0, 0)]
    masks = [disc(shape, centre, rng.uniform(1.0, min(shape) / 8 + 1)) for centre in centres]
    return _dress(rng, paint(rng, masks, shape), pinned)


def overlapping(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """Many discs of different values on top of one another, so that neighbouring fixed pixels disagree."""
    near = rng.normal(0.5, 0.12, (12, 2)) * shape
    masks = [disc(shape, (row, column), rng.uniform(1.0, min(shape) / 6)) for row, column in near]
    return _dress(rng, paint(rng, masks, shape), pinned)


def all_fixed(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """No free pixel at all."""
    return _dress(rng, rng.uniform(0.1, 1.0, shape), pinned, np.ones(shape, dtype=np.bool_))


def none_fixed(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """No fixed pixel: production alone, or the sides, feed the field."""
    return _dress(rng, np.zeros(shape), pinned)


def checkerboard(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """Every other pixel fixed, at random values: as many fixed pixels beside free ones as there can be."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    fixed = np.asarray((rows + columns) % 2 == 0)
    return _dress(rng, np.where(fixed, rng.uniform(0.0, 1.0, shape), 0.0), pinned, fixed)


def thin_walls(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """Walls one pixel thick, straight and slanting, some of value 0, with rooms and passages between them."""
    source, fixed = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
    for _ in range(int(rng.integers(3, 8))):
        wall = segment(shape, _any_pixel(rng, shape), _any_pixel(rng, shape), 0.5)
        fixed |= wall
        source[wall] = max(0.0, rng.uniform(-0.5, 1.0))
    row = int(rng.integers(1, shape[0] - 1))
    fixed[row], source[row] = True, 1.0
    return _dress(rng, source, pinned, fixed)


#: The kinds `nasty_problems` goes through; each is called as ``kind(rng, shape, **pinned)``.
KINDS: tuple[Callable[..., Problem], ...] = (
    tumour_and_vessels, one_pixel, touching_border, rings, none_fixed, vessel_tree, overlapping, checkerboard,
    all_fixed, thin_walls, one_free, lambda rng, shape, **pinned: random_problem(rng, shape=shape, **pinned),
)  # fmt: skip


def nasty_problems(
    seed: int,
    count: int,
    max_side: int = 64,
    *,
    constant_coefficients: bool = False,
    variable_diffusivity: bool = False,
) -> Iterator[Problem]:
    """``count`` problems that go through all of `KINDS`, on small, odd, prime and very oblong lattices.

    Parameters
    ----------
    seed : int
        Problem ``i`` of a seed is the same whatever ``count`` is.
    count : int
        How many problems.
    max_side : int
        The largest number of rows or columns; at least 8.
    constant_coefficients : bool
        Scalar diffusivity and decay, and no Michaelis-Menten uptake.
    variable_diffusivity : bool
        A diffusivity map in every other problem.

    Examples
    --------
    >>> first, second = nasty_problems(seed=0, count=2)
    >>> [first.fingerprint] == [problem.fingerprint for problem in nasty_problems(seed=0, count=1)]
    True
    """
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        pinned: Coefficients = {}
        if constant_coefficients:
            pinned |= {"variable_decay": False, "michaelis_menten": False}
        if variable_diffusivity and index % 2:
            pinned["variable_diffusivity"] = True
        yield KINDS[index % len(KINDS)](rng, _any_shape(rng, max_side), **pinned)


def _any_shape(rng: Rng, max_side: int) -> Shape:
    sides = [side for side in (8, 9, 11, 13, 16, 17, 24, 31, 32, 37, 61, 64, 127, 128) if side <= max_side]
    form = rng.random()
    if form < 0.1:
        return (8, 8)
    if form < 0.2:
        return (8, max_side) if rng.random() < 0.5 else (max_side, 9 if max_side > 8 else 8)
    return int(rng.choice(sides)), int(rng.choice(sides))


def _any_pixel(rng: Rng, shape: Shape) -> tuple[int, int]:
    return int(rng.integers(shape[0])), int(rng.integers(shape[1]))


def _any_boundary(rng: Rng) -> BoundaryLike:
    """All sides alike half of the time, else each for itself, periodic in opposite pairs; values up to 1.2."""

    def side() -> SideLike:
        return ("absorbing", "reflecting", float(rng.uniform(0.0, 1.2)))[int(rng.integers(3))]

    if rng.random() < 0.5:
        return "periodic" if rng.random() < 0.25 else side()
    sides: dict[str, SideLike] = {}
    for pair in (("left", "right"), ("bottom", "top")):
        wraps = rng.random() < 0.25
        sides |= {name: "periodic" if wraps else side() for name in pair}
    return sides


def _scaled(boundary: BoundaryLike, scale: float) -> BoundaryLike:
    if isinstance(boundary, str):
        return boundary
    if isinstance(boundary, (int, float)):
        return boundary * scale
    return {name: side if isinstance(side, str) else side * scale for name, side in boundary.items()}


def _dress(rng: Rng, source: FloatArray, pinned: Coefficients, fixed: BoolArray | None = None) -> Problem:
    """Give painted sources (largest value 1) their units, boundary, decay, production and uptake."""
    shape = (source.shape[0], source.shape[1])
    mask = source > 0 if fixed is None else fixed
    scale = pinned.get("scale", float(rng.choice([1.0, 1.0, 38.0, 1e-12, 1e12])))
    spacing, diffusivity = float(10 ** rng.uniform(-1, 1.5)), float(10 ** rng.uniform(-3, 5))
    length = pinned.get("diffusion_length", float(10 ** rng.uniform(0, np.log10(500))))
    boundary = pinned.get("boundary", _any_boundary(rng))
    decay = diffusivity / (length * spacing) ** 2
    contrast = pinned.get("contrast", float(10 ** rng.uniform(0.3, 3)))
    cells = tumour(rng, shape)
    uptake = None
    if pinned.get("michaelis_menten", bool(rng.random() < 0.2)):
        km = scale * float(10 ** rng.uniform(-2, 0.5))
        # Half-saturated uptake stays within the same contrast over the background as a first-order map would.
        strongest = max(decay, diffusivity / (20 * spacing) ** 2) * min(contrast, 100.0)
        uptake = MichaelisMenten(vmax=cells * strongest * km, km=km)
    decay_map: Coefficient = decay
    if pinned.get("variable_decay", bool(rng.random() < 0.4)):
        floor = decay or diffusivity / (100 * spacing) ** 2
        decay_map = np.asarray(decay + floor * (contrast - 1) * cells, dtype=np.float64)
    production: Coefficient = 0.0
    if rng.random() < 0.3 or not mask.any():
        rate = scale * float(rng.uniform(0.1, 1.0)) * max(decay, diffusivity / (20 * spacing) ** 2)
        production = rate if rng.random() < 0.5 else np.where(rng.random(shape) < 0.1, rate, 0.0)
    varied = pinned.get("variable_diffusivity", False)
    return Problem(
        source * scale,
        fixed=mask,
        diffusivity=diffusivity * 10 ** rng.uniform(-1.5, 0.0, shape) if varied else diffusivity,
        decay=decay_map,
        production=production,
        uptake=uptake,
        spacing=spacing,
        boundary=_scaled(boundary, scale),
    )

"""Problems that break careless solvers: odd lattices, closed rings, lone pixels, no free pixel or no fixed one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Unpack

import numpy as np

from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.gallery.coefficients import Coefficients, Rng, any_pixel, any_shape, dress
from surrogate_plugin.gallery.masks import Shape, disc, paint, ring, segment
from surrogate_plugin.gallery.tissues import random_problem, tumour_and_vessels, vessel_tree


def rings(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """Closed rings, some one inside another, that cut the free pixels into separate regions."""
    centre, outer = (shape[0] / 2, shape[1] / 2), min(shape) / 2 - 1
    masks = [ring(shape, centre, outer, rng.uniform(1.5, 2.5)), ring(shape, centre, 0.6 * outer, 1.5)]
    masks.append(ring(shape, any_pixel(rng, shape), 0.3 * outer, 1.5))
    return dress(rng, paint(rng, masks, shape), pinned)


def one_pixel(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """A single fixed pixel."""
    source = np.zeros(shape)
    source[any_pixel(rng, shape)] = 1.0
    return dress(rng, source, pinned)


def one_free(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """A single free pixel in a fixed lattice of random values, some of them 0."""
    fixed = np.ones(shape, dtype=np.bool_)
    fixed[any_pixel(rng, shape)] = False
    return dress(rng, np.maximum(rng.uniform(-0.5, 1.0, shape), 0.0), pinned, fixed)


def touching_border(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """Discs centred on the four sides and in a corner, cut off by the lattice's edge."""
    height, width = shape
    row, column = any_pixel(rng, shape)
    centres = [(0, column), (height - 1, width - 1 - column), (row, 0), (height - 1 - row, width - 1), (0, 0)]
    masks = [disc(shape, centre, rng.uniform(1.0, min(shape) / 8 + 1)) for centre in centres]
    return dress(rng, paint(rng, masks, shape), pinned)


def overlapping(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """Many discs of different values on top of one another, so that neighbouring fixed pixels disagree."""
    near = rng.normal(0.5, 0.12, (12, 2)) * shape
    masks = [disc(shape, (row, column), rng.uniform(1.0, max(1.0, min(shape) / 6))) for row, column in near]
    return dress(rng, paint(rng, masks, shape), pinned)


def all_fixed(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """No free pixel at all."""
    return dress(rng, rng.uniform(0.1, 1.0, shape), pinned, np.ones(shape, dtype=np.bool_))


def none_fixed(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """No fixed pixel: production alone, or the sides, feed the field."""
    return dress(rng, np.zeros(shape), pinned)


def checkerboard(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """Every other pixel fixed, at random values: as many fixed pixels beside free ones as there can be."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    fixed = np.asarray((rows + columns) % 2 == 0)
    return dress(rng, np.where(fixed, rng.uniform(0.0, 1.0, shape), 0.0), pinned, fixed)


def thin_walls(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """Walls one pixel thick, straight and slanting, some of value 0, with rooms and passages between them."""
    source, fixed = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
    for _ in range(int(rng.integers(3, 8))):
        wall = segment(shape, any_pixel(rng, shape), any_pixel(rng, shape), 0.5)
        fixed |= wall
        source[wall] = max(0.0, rng.uniform(-0.5, 1.0))
    row = int(rng.integers(1, shape[0] - 1)) if shape[0] > 2 else 0
    fixed[row], source[row] = True, 1.0
    return dress(rng, source, pinned, fixed)


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
    min_side: int = 8,
) -> Iterator[Problem]:
    """``count`` problems that go through all of `KINDS`, on small, odd, prime and very oblong lattices.

    Parameters
    ----------
    seed : int
        Problem ``i`` of a seed is the same whatever ``count`` is.
    count : int
        How many problems.
    max_side : int
        The largest number of rows or columns.
    constant_coefficients : bool
        Scalar diffusivity and decay, and no Michaelis-Menten uptake.
    variable_diffusivity : bool
        A diffusivity map in every other problem.
    min_side : int
        The smallest number of rows or columns, from 1.

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
        yield KINDS[index % len(KINDS)](rng, any_shape(rng, max_side, min_side), **pinned)

"""Problems like those that users pose: discs, vessels and tumours, and the published study's own."""

from __future__ import annotations

from typing import Unpack, cast

import numpy as np

from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.equation.sides import BoundaryLike
from surrogate_plugin.gallery.coefficients import Coefficients, Rng, any_pixel, any_shape, dress
from surrogate_plugin.gallery.masks import Shape, disc, paint, segment, tree


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
    shape = any_shape(rng, 64) if shape is None else shape
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
    masks = [disc(shape, any_pixel(rng, shape), radius) for radius in radii]
    return dress(rng, paint(rng, masks, shape), pinned)


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
    return dress(rng, mask.astype(np.float64), pinned)


def tumour_and_vessels(
    rng: Rng, shape: Shape = (64, 64), vessels: int | None = None, **pinned: Unpack[Coefficients]
) -> Problem:
    """Vessel discs and segments around a tumour that consumes: the kind of problem a tissue simulator poses."""
    count = int(rng.integers(3, 12)) if vessels is None else vessels
    masks = []
    for _ in range(count):
        start, radius = any_pixel(rng, shape), rng.uniform(0.6, max(1.0, min(shape) / 60))
        run = rng.normal(0.0, min(shape) / 6, 2) * (rng.random() < 0.5)
        masks.append(segment(shape, start, (start[0] + run[0], start[1] + run[1]), radius))
    defaults: Coefficients = {"variable_decay": True}
    if "michaelis_menten" not in pinned:
        defaults["michaelis_menten"] = bool(rng.random() < 0.3)
    return dress(rng, paint(rng, masks, shape), defaults | pinned)

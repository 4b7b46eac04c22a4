"""Problems of the wider equation as tissues pose them: obstacles, tissues, membranes, leaky vessels, sides, fibres."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Unpack

import numpy as np

from surrogate_plugin.equation.membranes import Membranes
from surrogate_plugin.equation.per_axis import PerAxis
from surrogate_plugin.equation.problem import Problem
from surrogate_plugin.equation.sides import Exchange, Flux
from surrogate_plugin.gallery.coefficients import Coefficients, Rng, any_pixel, any_shape
from surrogate_plugin.gallery.masks import Shape, disc, tumour
from surrogate_plugin.gallery.tissues import tumour_and_vessels
from surrogate_plugin.tissue.domain import Domain
from surrogate_plugin.tissue.state import TissueState, Vessels

#: Of random discs, after so many of which a lattice is as full as it gets.
_MOST_DISCS = 4000


def obstacles(rng: Rng, shape: Shape = (64, 64), share: float = 0.3, **pinned: Unpack[Coefficients]) -> Problem:
    """A tumour among vessels, with round obstacles on a share of the lattice that nothing passes.

    Examples
    --------
    >>> problem = obstacles(np.random.default_rng(0))
    >>> bool(np.min(problem.diffusivity) == 0.0)
    True
    """
    problem, blocked = tumour_and_vessels(rng, shape, **pinned), np.zeros(shape, dtype=np.bool_)
    for _ in range(_MOST_DISCS):
        blocked |= disc(shape, any_pixel(rng, shape), rng.uniform(0.5, 1.5 + min(shape) / 24))
        if blocked.mean() >= share:
            break
    return problem.replace(diffusivity=np.where(blocked & ~problem.fixed, 0.0, problem.diffusivities[0]))


def two_tissues(rng: Rng, shape: Shape = (64, 64), times: float = 100.0, **pinned: Unpack[Coefficients]) -> Problem:
    """A tumour among vessels that conducts so many ``times`` less than what is around it."""
    problem = tumour_and_vessels(rng, shape, **pinned)
    return problem.replace(diffusivity=problem.diffusivities[0] * np.where(tumour(rng, shape) > 0, 1.0 / times, 1.0))


def cells_with_membranes(
    rng: Rng, shape: Shape = (64, 64), cells: int | None = None, ratio: float = 1e-2, **pinned: Unpack[Coefficients]
) -> Problem:
    """Round cells in membranes that let ``ratio`` times as much through as the tissue from one pixel to the next."""
    problem, ids = tumour_and_vessels(rng, shape, **pinned), np.zeros(shape, dtype=np.int64)
    for number in range(1, 1 + (max(1, ids.size // 300) if cells is None else cells)):
        ids[disc(shape, any_pixel(rng, shape), rng.uniform(1.0, 2.0 + min(shape) / 40))] = number
    permeability = ratio * problem.reference_diffusivity / min(problem.spacings)
    return problem.replace(membranes=Membranes.between(ids, permeability, around=0, rings=problem.boundary.rings))


def leaky_vessels(
    rng: Rng, shape: Shape = (64, 64), vessels: int | None = None, ratio: float = 0.3, **pinned: Unpack[Coefficients]
) -> Problem:
    """Vessels, thin and thick ones, that exchange with the tissue through walls of ``ratio`` times its own links."""
    problem = tumour_and_vessels(rng, shape, vessels=0, **pinned)
    count = int(rng.integers(3, 12)) if vessels is None else vessels
    start = np.array([any_pixel(rng, shape)[::-1] for _ in range(count)], dtype=np.float64).reshape(count, 2)
    run = rng.normal(0.0, min(shape) / 6, (count, 2)) * (rng.random((count, 1)) < 0.5)
    scale = pinned.get("scale", 1.0)
    tree = Vessels(
        start + 0.5, rng.uniform(0.2, 1.0 + min(shape) / 30, count), rng.uniform(0.3, 1.0, count) * scale,
        start + 0.5 + run, permeability_um_per_min=ratio,
    )  # fmt: skip
    # On a lattice of unit spacing, in units of the tissue's own link.
    raster = Domain.from_lattice(shape, 1.0).rasterise(TissueState(vessels=tree), outside="clamp")
    link = problem.reference_link
    return problem.replace(
        source=raster.source,
        fixed=raster.fixed,
        diffusivity=raster.diffusivity(problem.diffusivity),
        decay=problem.decay + link * raster.exchange_per_min,
        production=problem.production + link * raster.production_per_min,
    )


def open_sides(rng: Rng, shape: Shape = (64, 64), **pinned: Unpack[Coefficients]) -> Problem:
    """A tumour among vessels, with an inward flux on the left, and an exchange with what is outside on the right."""
    pinned = pinned.copy()
    pinned["boundary"] = "reflecting"
    problem = tumour_and_vessels(rng, shape, **pinned)
    conductance = problem.reference_diffusivity / min(problem.spacings)
    scale = problem.largest_imposed
    sides = {
        "left": Flux(scale * conductance * float(rng.uniform(0.0, 0.05))),
        "right": Exchange(conductance * float(10.0 ** rng.uniform(-2, 1)), scale * float(rng.uniform(0.0, 1.0))),
        "bottom": "reflecting",
        "top": Exchange(conductance * float(10.0 ** rng.uniform(-2, 1)), 0.0),
    }
    return problem.replace(boundary=sides)


def fibres(rng: Rng, shape: Shape = (64, 64), ratio: float = 10.0, **pinned: Unpack[Coefficients]) -> Problem:
    """A tumour among vessels where rows conduct ``ratio`` times as well as columns, on pixels half as high as wide."""
    problem = tumour_and_vessels(rng, shape, **pinned)
    along, h = problem.diffusivities[1], problem.spacings[1]
    return problem.replace(diffusivity=PerAxis(x=along, y=along / ratio), spacing=(0.5 * h, h))


#: The kinds `wider_problems` goes through; each is called as ``kind(rng, shape, **pinned)``.
WIDER_KINDS: tuple[Callable[..., Problem], ...] = (
    obstacles, two_tissues, cells_with_membranes, leaky_vessels, open_sides, fibres,
)  # fmt: skip


def wider_problem(rng: Rng, max_side: int = 64, min_side: int = 8) -> Problem:
    """Any of them, on any lattice."""
    kind = WIDER_KINDS[int(rng.integers(len(WIDER_KINDS)))]
    return kind(rng, any_shape(rng, max_side, min_side))


def wider_problems(seed: int, count: int, max_side: int = 64, *, min_side: int = 8) -> Iterator[Problem]:
    """``count`` problems that go through all of `WIDER_KINDS`; problem ``i`` is the same whatever ``count`` is.

    Examples
    --------
    >>> [problem.plain for problem in wider_problems(seed=0, count=3)]
    [False, False, False]
    """
    for index in range(count):
        rng = np.random.default_rng([seed, 13, index])
        yield WIDER_KINDS[index % len(WIDER_KINDS)](rng, any_shape(rng, max_side, min_side))

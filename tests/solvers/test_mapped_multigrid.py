"""Multigrid on faces that conduct differently: tissues, obstacles, membranes, rings of any length, uptake."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage

import surrogate_plugin as sp
from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import BoolArray, FloatArray
from surrogate_plugin.errors import UnsupportedProblemError
from surrogate_plugin.solvers.multigrid.difficulty import difficulty_of
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.solvers.multigrid.solver import Iteration, Multigrid
from tests.equation.wider import wide_problems
from tests.exact import exact_field

SIDE = 96


def region(seed: int, shape: tuple[int, int], width: float, share: float) -> BoolArray:
    """A share of the lattice, in pieces about four times so many pixels wide."""
    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = scipy.ndimage.gaussian_filter(noise, width, mode="wrap")
    return np.asarray(smooth < np.quantile(smooth, share))


def cells(shape: tuple[int, int], pitch: int, radius: float) -> np.ndarray:
    """Discs in rows, numbered from 1, in a medium of 0."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    inside = (y % pitch - pitch / 2) ** 2 + (x % pitch - pitch / 2) ** 2 < radius**2
    return np.where(inside, 1 + y // pitch * 1000 + x // pitch, 0)


def tissue(seed: int, length: float, shape: tuple[int, int] = (SIDE, SIDE), **changes: object) -> sp.Problem:
    """Vessels in a tissue that consumes, a diffusion length of so many pixels between cells."""
    rng = np.random.default_rng(seed)
    source = np.where(rng.random(shape) < 8 / (shape[0] * shape[1]), 38.0, 0.0)
    source[5, 7] = 38.0
    decay = np.where(region(seed + 1, shape, 6.0, 0.5), 1.0, 4.0) / length**2
    return sp.Problem(source, decay=decay, **{"boundary": "reflecting", **changes})


def cycles_to(problem: sp.Problem, share: float, most: int) -> tuple[int, FloatArray]:
    """How many cycles bring the true error below a share of the largest value."""
    exact = exact_field(problem)
    iteration = Iteration(Operator(problem), Hierarchy(problem.shape, problem.walls), None)
    while np.abs(iteration.solution() - exact).max() > share * exact.max() and iteration.cycles < most:
        iteration.advance()
    return iteration.cycles, exact


@pytest.mark.parametrize("length", [20.0, 300.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_two_tissues_of_contrast_100_cost_little_more_than_one(seed: int, length: float) -> None:
    diffusivity = np.where(region(seed, (SIDE, SIDE), 6.0, 0.5), 0.01, 1.0)
    assert cycles_to(tissue(seed, length, diffusivity=diffusivity), 1e-6, 40)[0] <= 15


@pytest.mark.parametrize("length", [10.0, 20.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_obstacles_cost_little_more_than_none(seed: int, length: float) -> None:
    diffusivity = np.where(region(seed, (SIDE, SIDE), 4.0, 0.3), 0.0, 1.0)
    assert cycles_to(tissue(seed, length, diffusivity=diffusivity), 1e-6, 40)[0] <= 14


@pytest.mark.parametrize(("permeability", "most"), [(0.1, 10), (0.01, 20)])
def test_membranes_around_cells_keep_their_two_sides_apart(permeability: float, most: int) -> None:
    membranes = sp.Membranes.between(cells((SIDE, SIDE), 24, 9.0), permeability)
    assert cycles_to(tissue(3, 20.0, membranes=membranes), 1e-6, 60)[0] <= most


@pytest.mark.parametrize("contrast", [1e3, 1e6])
def test_any_contrast_between_wide_regions_will_do(contrast: float) -> None:
    diffusivity = np.where(region(4, (SIDE, SIDE), 8.0, 0.5), 1.0 / contrast, 1.0)
    assert cycles_to(tissue(4, 30.0, diffusivity=diffusivity), 1e-6, 40)[0] <= 20


@pytest.mark.parametrize("shape", [(45, 37), (50, 48), (1, 60), (2, 41), (33, 3)])
@pytest.mark.parametrize("walled", [False, True])
def test_rings_of_any_length_close_on_all_levels(shape: tuple[int, int], walled: bool) -> None:
    """A seam between an odd number of pixels joins two coarse pixels that have no fine one between them."""
    wavy = 1.0 + 0.8 * np.sin(np.arange(shape[1]) * 2 * np.pi / shape[1])
    diffusivity = np.broadcast_to(wavy, shape).copy()
    membranes = sp.Membranes.between(cells(shape, 12, 4.0), 0.1) if walled else None
    source = np.zeros(shape)
    source[0, 2] = 1.0
    problem = sp.Problem(
        source, diffusivity=diffusivity, decay=1e-3, boundary="periodic", membranes=membranes, production=1e-4
    )
    assert cycles_to(problem, 1e-6, 40)[0] <= 16


def test_exchange_sides_and_uneven_spacing_are_maps_too() -> None:
    sides = {"left": sp.Exchange(0.05, 38.0), "right": sp.Exchange(3.0, 5.0), "bottom": sp.Flux(0.2), "top": 10.0}
    problem = sp.Problem(np.zeros((64, 80)), spacing=(2.0, 3.0), decay=1e-3, boundary=sides)
    assert cycles_to(problem, 1e-8, 40)[0] <= 14


@pytest.mark.parametrize("km", [10.0, 0.1])
def test_uptake_saturates_in_maps(km: float) -> None:
    shape = (64, 64)
    consuming = region(6, shape, 4.0, 0.5)
    diffusivity = np.where(region(5, shape, 4.0, 0.3), 0.02, 1.0)
    membranes = sp.Membranes.between(cells(shape, 16, 6.0), 0.1)
    uptake = sp.MichaelisMenten(np.where(consuming, 0.3, 0.0), km)
    problem = tissue(7, 60.0, shape, diffusivity=diffusivity, membranes=membranes, uptake=uptake)
    solution = sp.solve(problem, method="multigrid", tolerance=1e-6)
    assert solution.method == "multigrid"
    assert np.abs(solution.field - exact_field(problem)).max() <= solution.error_bound <= 1e-6


def test_wide_problems_agree_with_an_independent_solve_unless_refused() -> None:
    solver, taken = Multigrid(), 0
    for problem in wide_problems(41, 120, 20, hard=False):
        if problem.plain or solver.refusal(problem) is not None:
            continue
        taken += 1
        exact = exact_field(problem)
        field = solver.solve(solver.prepare(problem), problem, tolerance=1e-7 * max(float(exact.max()), 1e-100)).field
        assert np.abs(field - exact).max() <= 1e-6 * exact.max()
    assert taken >= 30


def test_a_level_of_tiny_decay_keeps_it_in_a_closed_box() -> None:
    """Decay of 1e-9 beside links of 1 is all that anchors the level, and float32 would lose it in a diagonal."""
    shape = (64, 64)
    diffusivity = np.where(region(8, shape, 4.0, 0.5), 0.1, 1.0)
    production = np.zeros(shape)
    production[10, 12] = 1e-7
    problem = sp.Problem(
        np.zeros(shape), diffusivity=diffusivity, decay=1e-9, production=production, boundary="reflecting"
    )
    assert cycles_to(problem, 1e-6, 40)[0] <= 16


@pytest.mark.parametrize(
    "changes",
    [
        {"diffusivity": 10.0 ** np.random.default_rng(1).uniform(-6.0, 0.0, (SIDE, SIDE))},
        {"diffusivity": np.where(np.random.default_rng(2).random((SIDE, SIDE)) < 0.3, 0.0, 1.0)},
        {"diffusivity": sp.PerAxis(x=1.0, y=1e-3)},
        {"membranes": sp.Membranes.between(cells((SIDE, SIDE), 12, 5.0), 1e-6)},
        {"membranes": sp.Membranes(x=np.full((SIDE, SIDE - 1), np.inf), y=np.zeros((SIDE - 1, SIDE)))},
    ],
    ids=["noise", "pixel-obstacles", "anisotropy", "tight-membranes", "one-axis"],
)
def test_what_would_take_too_many_cycles_is_refused(changes: dict[str, object]) -> None:
    problem = tissue(9, 20.0, **changes)
    with pytest.raises(UnsupportedProblemError, match="sparse-direct"):
        sp.solve(problem, method="multigrid")
    assert sp.solve(problem, method="exact", tolerance=1e-4).error_bound <= 1e-4


def test_a_look_tells_tissues_walls_and_noise_apart() -> None:
    shape = (SIDE, SIDE)
    blobs = tissue(1, 20.0, diffusivity=np.where(region(1, shape, 6.0, 0.5), 0.01, 1.0)).faces
    walls = tissue(1, 20.0, membranes=sp.Membranes.between(cells(shape, 24, 9.0), 0.01)).faces
    noise = tissue(1, 20.0, diffusivity=10.0 ** np.random.default_rng(0).uniform(-4.0, 0.0, shape)).faces
    assert blobs is not None
    assert walls is not None
    assert noise is not None
    assert not difficulty_of(blobs).thin_walls
    assert difficulty_of(walls).thin_walls
    assert difficulty_of(walls).weakness == pytest.approx(2.0, abs=0.05)
    assert difficulty_of(blobs).cycles(20.0) < difficulty_of(walls).cycles(20.0) < difficulty_of(noise).cycles(20.0)
    assert difficulty_of(blobs).cycles(20.0) < difficulty_of(blobs).cycles(500.0)


def test_a_map_costs_more_than_none_and_a_hard_one_more_than_that() -> None:
    solver, shape = Multigrid(), (SIDE, SIDE)
    plain = tissue(1, 20.0)
    mapped = plain.replace(diffusivity=np.where(region(1, shape, 6.0, 0.5), 0.01, 1.0))
    walled = plain.replace(membranes=sp.Membranes.between(cells(shape, 24, 9.0), 0.01))
    assert solver.cost(plain) < solver.cost(mapped) < solver.cost(walled)

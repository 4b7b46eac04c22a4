"""Saturating uptake towards zero order: multigrid and its certificate hold for any ``km``, at about the same price."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage

from surrogate_plugin.equation.operator import Operator
from surrogate_plugin.equation.problem import FloatArray, MichaelisMenten, Problem
from surrogate_plugin.equation.sides import BoundaryLike
from surrogate_plugin.reference import solve_extended
from surrogate_plugin.solvers.multigrid.hierarchy import Hierarchy
from surrogate_plugin.solvers.multigrid.solver import Iteration, run_to_estimate
from tests.gone import engine_without_network

BOUNDARIES: tuple[BoundaryLike, ...] = (
    "reflecting",
    "absorbing",
    "periodic",
    {"left": 38.0, "right": "reflecting", "bottom": "periodic", "top": "periodic"},
    {"left": 20.0, "right": "absorbing", "bottom": "reflecting", "top": 5.0},
)
_engine = engine_without_network()


def tissue(
    side: int,
    km: float,
    vmax: float,
    *,
    seed: int = 0,
    boundary: BoundaryLike = "reflecting",
    decay: float = 0.0,
    production: float = 0.0,
) -> Problem:
    """Vessels of 38 among cells; ``km`` in units of 38, ``vmax`` and ``production`` in those of 38 a link."""
    rng = np.random.default_rng(seed)
    source = np.zeros((side, side))
    for row, column in rng.integers(1, side - 3, (max(3, side * side // 8000), 2)):
        source[row : row + 2, column : column + 2] = 38.0
    noise = scipy.ndimage.gaussian_filter(rng.normal(size=(side, side)), side / 30, mode="wrap")
    cells = (noise > 0.0) if seed % 2 else np.ones_like(source)
    uptake = MichaelisMenten(38.0 * vmax * cells, 38.0 * km)
    return Problem(source, decay=decay, production=38.0 * production, uptake=uptake, boundary=boundary)


def cycles_and_bound(problem: Problem, share: float, previous: FloatArray | None = None) -> tuple[int, float]:
    """Of an exact solve at ``share`` of 38, by multigrid; the bound in units of the tolerance."""
    tolerance = share * 38.0
    solution = _engine.solve(problem, method="exact", tolerance=tolerance, previous=previous)
    assert solution.method == "multigrid", solution.method
    assert not solution.flags
    return solution.stats.counts["cycles"], solution.error_bound / tolerance


@pytest.mark.parametrize("share", [1e-2, 1e-3, 1e-8, 1e-10])
@pytest.mark.parametrize("vmax", [1e-4, 1e-3, 0.02, 1.0, 10.0])
def test_multigrid_certifies_any_km_at_about_the_same_price(vmax: float, share: float) -> None:
    for seed, boundary in enumerate(BOUNDARIES):
        posed = {"seed": seed, "boundary": boundary, "decay": 1e-5 * (seed % 3), "production": 1e-5 * (seed % 2)}
        usual, _ = cycles_and_bound(tissue(96, 0.3, vmax, **posed), share)
        for km in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
            cycles, bound = cycles_and_bound(tissue(96, km, vmax, **posed), share)
            assert bound <= 1.0
            assert cycles <= min(30, 5 * (usual + 1)), (seed, km)  # set-up and certificate are a cycle at least


def test_cycles_do_not_grow_with_the_lattice_nor_much_with_km() -> None:
    """A free boundary many pixels from where nothing would put it is reached at once."""
    taken = [cycles_and_bound(tissue(side, 1e-6, 0.02), 1e-6)[0] for side in (32, 64, 128, 256)]
    assert max(taken) <= 18
    assert max(taken) - min(taken) <= 4


@pytest.mark.parametrize("seed", range(40))
def test_bounds_hold_against_the_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    km, vmax = 10.0 ** rng.uniform(-8, -1), 10.0 ** rng.uniform(-3, 0.5)
    boundary = BOUNDARIES[seed % len(BOUNDARIES)]
    problem = tissue(int(rng.integers(12, 24)), km, vmax, seed=seed, boundary=boundary, decay=1e-3 * (seed % 2))
    reference = solve_extended(problem)
    assert reference.error <= 1e-12
    for share in (1e-2, 1e-4, 1e-10):
        solution = _engine.solve(problem, method="multigrid", tolerance=share * 38.0)
        assert reference.distance(solution.field) <= solution.error_bound + 1e-15 <= share * 38.0 + 1e-15


@pytest.mark.parametrize("km", [1e-2, 1e-4, 1e-6])
def test_a_start_saves_cycles_and_changes_nothing_else(km: float) -> None:
    """The same step again, cells that take up a little more, and vessels that moved by two pixels."""
    problem = tissue(96, km, 0.02, seed=1)
    before = _engine.solve(problem, method="exact", tolerance=1e-6).field
    same, _ = cycles_and_bound(problem, 1e-6, before)
    assert same <= 3
    for changed in (
        problem.replace(uptake=MichaelisMenten(1.01 * problem.uptake.vmax, 38.0 * km)),
        problem.replace(source=np.roll(problem.source, 2, axis=1), fixed=np.roll(problem.fixed, 2, axis=1)),
    ):
        cold, _ = cycles_and_bound(changed, 1e-6)
        warm, bound = cycles_and_bound(changed, 1e-6, before)
        assert warm <= cold
        assert bound <= 1.0


@pytest.mark.parametrize("start", [0.0, 1e-7, 1.0, 38.0, 1e5])
def test_any_start_leads_there(start: float) -> None:
    problem = tissue(64, 1e-6, 0.02, seed=1)
    cycles, bound = cycles_and_bound(problem, 1e-8, np.full(problem.shape, start))
    assert cycles <= 25
    assert bound <= 1.0


@pytest.mark.parametrize("factor", [0.35, 0.6, 1.5, 3.0])
def test_a_start_with_oxygen_in_the_wrong_places_leads_there_too(factor: float) -> None:
    """Nothing anchors this field but vessels and uptake, so that one step from a wrong start empties most of it."""
    problem = tissue(116, 1.6e-6, 3.3e-4, seed=385, production=2.2e-5)
    exact = _engine.solve(problem, method="exact", tolerance=1e-6).field
    for shift in range(4):
        cycles, bound = cycles_and_bound(problem, 1e-5, factor * np.roll(exact, shift, axis=0))
        assert cycles <= 32
        assert bound <= 1.0


def test_production_sets_the_size_that_accuracy_is_measured_by() -> None:
    """A field a thousand times what is imposed: 1e-10 of the largest value is within reach, of the imposed one not."""
    problem = tissue(64, 1e-3, 4.0, production=11.0)
    solution = _engine.solve(problem, method="multigrid")
    assert float(solution.field.max()) > 1e3 * problem.largest_imposed
    assert solution.error_bound <= 1e-10 * float(solution.field.max())
    assert not solution.flags


def test_production_alone_feeds_a_field_of_its_own_size() -> None:
    """Production that uptake all but balances, and more than it can take."""
    for production in (1e-3, 0.019, 0.021, 0.5):
        shape = (48, 40)
        uptake = MichaelisMenten(np.full(shape, 0.02), 1e-5)
        problem = Problem(np.zeros(shape), decay=1e-3, production=production, uptake=uptake, boundary="reflecting")
        solution = _engine.solve(problem, method="multigrid")
        reference = solve_extended(problem)
        assert reference.distance(solution.field) <= solution.error_bound + reference.error
        assert solution.error_bound <= 1e-9 * float(reference.field.max())


def test_a_path_that_ends_early_still_has_a_residual_of_its_own() -> None:
    problem = tissue(48, 1e-5, 0.1)
    for limit in range(1, 12):
        equation = Operator(problem)
        iteration = Iteration(equation, Hierarchy(problem.shape, problem.walls), None)
        run_to_estimate(iteration, 1e-12, limit)
        iteration.smooth()
        assert iteration.cycles <= limit
        assert np.isfinite(iteration.field).all()
        assert (iteration.field >= 0.0).all()

"""Lattices from one pixel up: strips, rings that close on themselves, and hosts' handful of voxels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.equation.solution import Reason
from surrogate_plugin.gallery import extreme_problems, nasty_problems
from surrogate_plugin.reference import solve_extended
from surrogate_plugin.surrogate.features import PaddedLattice, encode

METHODS = ("guarded", "exact", "multigrid", "spectral", "sparse-direct", "surrogate")
KINDS = ("absorbing", "reflecting", "periodic", 5.0)
PAIRS = [(a, b) for a, b in itertools.product(KINDS, KINDS) if (a == "periodic") == (b == "periodic")]


def dense(problem: sp.Problem) -> np.ndarray:
    """The field of a problem with constant coefficients, written out pixel by pixel and solved as one matrix."""
    (rows, columns), link = problem.shape, float(problem.diffusivity) / problem.spacing**2
    matrix, rhs = np.zeros((rows * columns, rows * columns)), np.zeros(rows * columns)
    sides = problem.boundary
    steps = ((0, -1, sides.left), (0, 1, sides.right), (-1, 0, sides.bottom), (1, 0, sides.top))
    for row, column in np.ndindex(rows, columns):
        here = row * columns + column
        if problem.fixed[row, column]:
            matrix[here, here], rhs[here] = 1.0, problem.source[row, column]
            continue
        matrix[here, here] += float(problem.decay)
        rhs[here] += float(problem.production)
        for down, across, side in steps:
            i, j = row + down, column + across
            inside = 0 <= i < rows and 0 <= j < columns
            if not inside and side.kind == "reflecting":
                continue
            matrix[here, here] += link
            if inside or side.kind == "periodic":
                matrix[here, (i % rows) * columns + j % columns] -= link
            else:
                rhs[here] += link * side.value
    return np.linalg.solve(matrix, rhs).reshape(rows, columns)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (2, 2), (1, 30), (30, 1), (3, 4), (5, 5), (7, 2)])
def test_every_method_solves_the_equation_of_a_few_pixels_between_any_sides(shape, method):
    for along, across in itertools.product(PAIRS, PAIRS):
        sides = dict(zip(("left", "right", "bottom", "top"), along + across, strict=True))
        source = np.zeros(shape)
        if source.size > 1:
            source[0, -1] = 38.0
        problem = sp.Problem(source, diffusivity=3.0, decay=0.4, production=2.0, spacing=1.5, boundary=sides)
        solution = sp.solve(problem, method=method)
        off = np.abs(solution.field - dense(problem)).max()
        assert off <= solution.error_bound + 1e-12
        assert method == "surrogate" or solution.error_bound <= 0.01 * solution.field.max()


@pytest.mark.parametrize("seed", range(4))
def test_what_is_extreme_or_nasty_on_a_few_pixels_is_bounded_or_refused_in_a_sentence(seed):
    problems = [
        *extreme_problems(seed, 60, 9, min_side=1),
        *nasty_problems(seed, 60, 9, min_side=1, variable_diffusivity=True),
    ]
    for problem, method in itertools.product(problems, METHODS):
        try:
            solution = sp.solve(problem, method=method)
        except sp.UnsupportedProblemError:
            assert method in ("multigrid", "spectral", "surrogate")
            continue
        reference = solve_extended(problem)
        assert reference.distance(solution.field) <= solution.error_bound + 2 * reference.error
        largest = max(problem.largest_imposed, float(reference.field.max()))
        wanted = (0.01 if method in ("guarded", "surrogate") else 1e-10) * largest
        flagged = any(flag.reason is Reason.TOLERANCE_NOT_REACHED for flag in solution.flags)
        assert solution.error_bound <= wanted * (1 + 1e-6) or flagged


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (5, 5)])
def test_a_backend_steps_on_a_few_voxels(shape):
    domain = sp.Domain.from_lattice(shape, 20.0)
    backend = sp.Backend(
        sp.BackendConfig(domain=domain, diffusivity_um2_per_min=1e5, decay_per_min=0.1, boundary=38.0, tolerance=0.01)
    )
    middle = [(10.0 * shape[1], 10.0 * shape[0])]
    result = backend.step(sp.TissueState(sp.Cells(middle, 8.4, uptake_per_min=10.0)))
    reference = solve_extended(backend.problem(sp.TissueState(sp.Cells(middle, 8.4, uptake_per_min=10.0))))
    assert reference.distance(result.field) <= result.solution.error_bound <= 0.01
    assert result.sample(middle)[0] < 38.0


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 2), (2, 30)])
@pytest.mark.parametrize(("boundary", "mode"), [("reflecting", "symmetric"), ("periodic", "constant")])
def test_a_network_sees_a_few_pixels_as_often_as_its_margin_is_wide(shape, boundary, mode):
    rng = np.random.default_rng(shape)
    fixed = rng.random(shape) < 0.5
    fixed[0, 0] = True
    problem = sp.Problem(np.where(fixed, rng.uniform(1, 5, shape), 0.0), fixed, boundary=boundary)
    lattice = PaddedLattice.around(shape)
    margin = [
        (first, whole - side - first) for first, whole, side in zip(lattice.first, lattice.padded, shape, strict=True)
    ]
    assert min(lattice.blocks) >= 2
    assert np.array_equal(encode(problem)[1], np.pad(fixed, margin, mode=mode))

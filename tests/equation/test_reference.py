"""The reference itself: manufactured solutions, mpmath at 50 digits, and an error estimate that holds."""

from __future__ import annotations

import itertools

import mpmath
import numpy as np
import pytest

from surrogate_plugin.equation.problem import FloatArray, MichaelisMenten, Problem
from surrogate_plugin.gallery import extreme_problems, nasty_problems
from surrogate_plugin.reference import Reference, solve_extended
from surrogate_plugin.solvers.direct.solver import SparseDirect


def neighbours(problem: Problem, row: int, column: int) -> list[tuple[tuple[int, int] | None, float]]:
    """The four neighbours of a pixel: where they are, or None and the value that the side imposes."""
    rows, columns = problem.shape
    sides = problem.boundary
    found: list[tuple[tuple[int, int] | None, float]] = []
    steps = ((0, -1, sides.left), (0, 1, sides.right), (-1, 0, sides.bottom), (1, 0, sides.top))
    for down, across, side in steps:
        there = (row + down, column + across)
        if 0 <= there[0] < rows and 0 <= there[1] < columns:
            found.append((there, 0.0))
        elif side.kind == "periodic":
            found.append(((there[0] % rows, there[1] % columns), 0.0))
        elif side.kind == "value":
            found.append((None, side.value))
    return found


def solved_by_mpmath(problem: Problem) -> dict[tuple[int, int], mpmath.mpf]:
    """The equation of `Problem`, pixel by pixel, by Newton's method and dense elimination at 50 digits."""
    rows, columns = problem.shape
    free = [place for place in itertools.product(range(rows), range(columns)) if not problem.fixed[place]]
    number = {place: index for index, place in enumerate(free)}
    value = {place: mpmath.mpf(float(problem.source[place])) for place in np.ndindex(problem.shape)}
    value |= dict.fromkeys(free, mpmath.mpf(0))
    maps = {
        name: np.broadcast_to(getattr(problem, name), problem.shape) for name in ("diffusivity", "decay", "production")
    }
    vmax = np.broadcast_to(0.0 if problem.uptake is None else problem.uptake.vmax, problem.shape)
    km = mpmath.mpf(1.0 if problem.uptake is None else problem.uptake.km)
    for _ in range(60):
        matrix, rhs = mpmath.zeros(len(free)), mpmath.zeros(len(free), 1)
        for place, i in number.items():
            own = mpmath.mpf(float(maps["diffusivity"][place]))
            c, v = value[place], mpmath.mpf(float(vmax[place]))
            decay = mpmath.mpf(float(maps["decay"][place]))
            rhs[i] = mpmath.mpf(float(maps["production"][place])) - decay * c - v * c / (km + c)
            matrix[i, i] += decay + v * km / (km + c) ** 2
            for there, ghost in neighbours(problem, *place):
                other = own if there is None else mpmath.mpf(float(maps["diffusivity"][there]))
                link = 2 * own * other / (own + other) / mpmath.mpf(problem.spacing) ** 2
                matrix[i, i] += link
                rhs[i] += link * ((mpmath.mpf(ghost) if there is None else value[there]) - c)
                if there in number:
                    matrix[i, number[there]] -= link
        moved = mpmath.lu_solve(matrix, rhs)
        for place, i in number.items():
            # From a subsolution Newton rises to the solution; rounding must not leave the domain of uptake.
            value[place] = max(value[place] + moved[i], mpmath.mpf(0))
        if mpmath.norm(moved, mpmath.inf) <= mpmath.mpf(10) ** -35 * (max(value.values()) + mpmath.mpf(10) ** -300):
            return value
    raise AssertionError("50 digits were not enough")


def long_from(number: mpmath.mpf) -> np.longdouble:
    return np.longdouble(mpmath.nstr(number, 25))


def mpmath_distance(problem: Problem, reference: Reference) -> float:
    exact = np.array([long_from(value) for _, value in sorted(solved_by_mpmath(problem).items())])
    return float(np.abs(exact.reshape(problem.shape) - reference.field).max())


# 915 and 986 of seed 1: a lone pixel's decay of 1e-12 is all that anchors the field.
@pytest.mark.parametrize(("seed", "number"), [(1, 3), (1, 7), (1, 12), (1, 915), (1, 986), (2, 5)])
def test_mpmath_finds_the_same_field_within_the_error_that_is_claimed(seed: int, number: int) -> None:
    [problem] = extreme_problems(seed, 1, max_side=8, start=number)
    reference = solve_extended(problem)
    with mpmath.workdps(50):
        apart = mpmath_distance(problem, reference)
    # Values arrive here rounded to longdouble, by half a unit in the last place.
    assert apart <= reference.error + float(np.finfo(np.longdouble).eps) * float(reference.field.max())


@pytest.mark.parametrize(("seed", "number"), [(3, 0), (3, 1), (3, 2)])
def test_mpmath_finds_the_same_field_with_saturating_uptake(seed: int, number: int) -> None:
    [problem] = extreme_problems(seed, 1, max_side=8, start=number, saturating=True)
    reference = solve_extended(problem)
    with mpmath.workdps(50):
        apart = mpmath_distance(problem, reference)
    assert apart <= reference.error + float(np.finfo(np.longdouble).eps) * float(reference.field.max())


@pytest.mark.parametrize("number", range(12))
def test_mpmath_finds_the_same_field_on_lattices_of_a_few_pixels(number: int) -> None:
    for saturating in (False, True):
        [problem] = extreme_problems(4, 1, max_side=4, start=number, saturating=saturating, min_side=1)
        if problem.fixed.all():
            continue
        reference = solve_extended(problem)
        with mpmath.workdps(50):
            apart = mpmath_distance(problem, reference)
        assert apart <= reference.error + float(np.finfo(np.longdouble).eps) * float(reference.field.max())


def manufactured(rng: np.random.Generator, shape: tuple[int, int], saturating: bool) -> tuple[Problem, FloatArray]:
    """A field of small whole numbers, and the production that makes it the exact solution without any rounding."""
    field = rng.integers(0, 2, shape) * 0.5 + 40.0 + rng.integers(0, 4, shape)
    kinds = ["absorbing", "reflecting", 5.0]
    sides = {side: kinds[rng.integers(3)] for side in ("left", "right", "bottom", "top")}
    if rng.random() < 0.3:
        sides |= {"left": "periodic", "right": "periodic"}
    if rng.random() < 0.3:
        sides |= {"bottom": "periodic", "top": "periodic"}
    km = 8.0
    if saturating:
        field = km * rng.choice([1.0, 3.0, 7.0], shape)
    decay, vmax = 32.0 + rng.integers(0, 3, shape), rng.integers(0, 5, shape) * 64.0
    fixed = rng.random(shape) < 0.1
    blank = Problem(np.where(fixed, field, 0.0), fixed, 1.0, decay, boundary=sides)
    production = decay * field + (vmax * (field / (km + field)) if saturating else 0.0)
    for place in np.ndindex(shape):
        for there, ghost in neighbours(blank, *place):
            production[place] -= (ghost if there is None else field[there]) - field[place]
    production = np.where(fixed, 0.0, production)
    assert production.min() >= 0
    uptake = MichaelisMenten(vmax, km) if saturating else None
    return Problem(blank.source, fixed, 1.0, decay, production, uptake, 1.0, sides), field


@pytest.mark.parametrize("saturating", [False, True])
def test_a_manufactured_field_is_found_to_the_last_bits(saturating: bool) -> None:
    rng = np.random.default_rng(int(saturating))
    for shape in [(8, 8), (8, 13), (13, 8), (9, 31), (24, 10)] * 8:
        problem, field = manufactured(rng, shape, saturating)
        reference = solve_extended(problem)
        assert reference.distance(field) <= reference.error <= 1e-17 * field.max()


def test_the_sparse_direct_solver_agrees_where_it_is_right() -> None:
    solver = SparseDirect()
    for problem in nasty_problems(21, 120, variable_diffusivity=True):
        reference, solution = solve_extended(problem), solver.solve(solver.prepare(problem), problem)
        assert reference.distance(solution.field) <= 1e-12 * float(reference.field.max()) + reference.error


def test_the_field_is_known_to_far_more_than_float64_shows() -> None:
    """In all but the problems that hang by a decay of 1e-12 on a few pixels."""
    references = [solve_extended(problem) for problem in extreme_problems(5, 400)]
    relative = [reference.error / max(float(reference.field.max()), 1e-300) for reference in references]
    assert np.percentile(relative, 95) <= 1e-16
    assert max(relative) <= 1e-3
    assert min(float(reference.field.min()) for reference in references) >= 0.0


def test_a_wrong_field_is_as_far_as_it_is() -> None:
    problem = Problem(np.eye(8), decay=0.25)
    reference = solve_extended(problem)
    field = reference.field.astype(np.float64)
    field[3, 4] += 0.5
    assert reference.distance(field) == pytest.approx(0.5)
    field[3, 4] = np.nan
    assert reference.distance(field) == np.inf

"""The gradient of a field, and how far it may be from that of the exact solution."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import surrogate_plugin as sp
from surrogate_plugin.gallery.extremes import extreme_problems
from surrogate_plugin.gallery.nasty import nasty_problems
from surrogate_plugin.solvers.direct.solver import SparseDirect


def by_hand(field: np.ndarray, problem: sp.Problem) -> np.ndarray:
    """Pixel by pixel, side by side."""
    rows, columns = field.shape
    sides, found = problem.boundary, np.empty((2, rows, columns))

    def at(row: int, column: int, inside: float) -> float:
        side = sides.bottom if row < 0 else sides.top if row >= rows else sides.left if column < 0 else sides.right
        if 0 <= row < rows and 0 <= column < columns:
            return float(field[row, column])
        if side.kind == "periodic":
            return float(field[row % rows, column % columns])
        return side.value if side.kind == "value" else inside

    for i, j in np.ndindex(rows, columns):
        here = float(field[i, j])
        found[0, i, j] = (at(i + 1, j, here) - at(i - 1, j, here)) / (2 * problem.spacing)
        found[1, i, j] = (at(i, j + 1, here) - at(i, j - 1, here)) / (2 * problem.spacing)
    return found


def test_it_is_the_difference_over_two_spacings_with_what_the_sides_impose() -> None:
    for problem in [*nasty_problems(2, 25, 12), *extreme_problems(2, 25, max_side=10)]:
        solution = sp.solve(problem, method="exact")
        expected = by_hand(solution.field, problem)
        tiny = 1e-15 * float(solution.field.max()) / problem.spacing
        np.testing.assert_allclose(solution.gradient(), expected, rtol=1e-14, atol=tiny)
        assert solution.gradient_bound is None


def test_a_slope_between_two_walls_is_found_up_to_the_walls() -> None:
    sides = {"left": 9.0, "right": "absorbing", "bottom": "reflecting", "top": "reflecting"}
    solution = sp.solve(sp.Problem(np.zeros((5, 8)), decay=0.0, spacing=2.0, boundary=sides), method="exact")
    up, along = solution.gradient()
    np.testing.assert_allclose(up, 0.0, atol=1e-12)
    np.testing.assert_allclose(along, -0.5, rtol=1e-12)


def test_the_gradients_image_is_the_gradient_of_the_image() -> None:
    problem = next(iter(nasty_problems(5, 1, 20)))
    up, along = sp.solve(problem, method="exact").gradient()
    turned_up, turned_along = sp.solve(problem.turn(), method="exact").gradient()
    size = 1e-8 * max(float(np.abs(up).max()), float(np.abs(along).max()), 1e-300)
    np.testing.assert_allclose(turned_up, along[::-1].T, rtol=0, atol=size)
    np.testing.assert_allclose(turned_along, -up[::-1].T, rtol=0, atol=size)


def test_the_bound_of_the_gradient_follows_from_that_of_the_field() -> None:
    """Errors that alternate from pixel to pixel are the worst: the bound is reached."""
    rng = np.random.default_rng(0)
    for problem in [*nasty_problems(3, 25, 12), *extreme_problems(3, 25, max_side=10)]:
        solution = sp.solve(problem, method="exact")
        largest = float(solution.field.max())
        worst = np.zeros(problem.shape)
        for size in (1.0, 1e-8, 1e-17):
            error = np.where(problem.fixed, 0.0, size * largest * rng.choice([-1.0, 0.5, 1.0], problem.shape))
            off = dataclasses.replace(solution, field=solution.field + error)
            error_map = np.abs(off.field - solution.field)
            bound = dataclasses.replace(off, error_map=error_map).gradient_bound
            apart = np.abs(off.gradient() - solution.gradient())
            assert (apart <= bound).all()
            worst = np.maximum(worst, (apart / np.maximum(bound, 1e-300)).max())
        if (~problem.fixed).sum() > 30:
            assert worst.max() > 0.99


def test_a_bare_solvers_solution_knows_no_lattice() -> None:
    problem, solver = sp.Problem(np.eye(8)), SparseDirect()
    with pytest.raises(ValueError, match="neither spacing nor sides") as caught:
        solver.solve(solver.prepare(problem), problem).gradient()
    assert str(caught.value).endswith(".")

"""The spectral solver against the reference, and against what every exact field must obey."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate_plugin.equation.problem import MichaelisMenten, Problem
from surrogate_plugin.errors import StaleStateError, UnsupportedProblemError
from surrogate_plugin.gallery import checkerboard, nasty_problems, paper_discs, random_problem
from surrogate_plugin.solvers.spectral import capacitance
from surrogate_plugin.solvers.spectral.solver import Spectral
from tests.exact import exact_field

SIDES = ("left", "right", "bottom", "top")


def solve(problem, tolerance=None):
    solver = Spectral()
    return solver.solve(solver.prepare(problem), problem, tolerance=tolerance).field


def written(problem):
    """The boundary as a caller would write it."""
    return {
        name: side.value if side.kind == "value" else side.kind
        for name, side in zip(SIDES, problem.boundary.sides, strict=True)
    }


def values_mapped(problem, change):
    """The boundary with ``change(name, value)`` in place of each value a side holds."""
    return {name: side if isinstance(side, str) else change(name, side) for name, side in written(problem).items()}


def constant_problems(seed, count, max_side=37):
    return nasty_problems(seed, count, max_side, constant_coefficients=True)


@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_the_reference(seed):
    for problem in constant_problems(seed, 60, max_side=64):
        expected, found = exact_field(problem), solve(problem)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * expected.max())
        np.testing.assert_array_equal(found[problem.fixed], problem.source[problem.fixed])
        assert (found >= 0).all()


def test_agrees_with_the_reference_on_the_study_lattice():
    problem = paper_discs(np.random.default_rng(0), n=10)
    np.testing.assert_allclose(solve(problem), exact_field(problem), rtol=0, atol=1e-10)


@pytest.mark.parametrize("fraction", [1e-1, 1e-3, 1e-6, 1e-9])
def test_tolerance_is_kept(fraction):
    for problem in constant_problems(20, 36):
        expected = exact_field(problem)
        tolerance = fraction * max(float(expected.max()), 1e-300)
        assert np.abs(solve(problem, tolerance) - expected).max() <= 1.001 * tolerance


def test_many_charges_do_without_the_matrix(monkeypatch):
    monkeypatch.setattr(capacitance, "DENSE_LIMIT", 0)
    for problem in constant_problems(9, 60):
        expected = exact_field(problem)
        np.testing.assert_allclose(solve(problem), expected, rtol=0, atol=1e-9 * expected.max())


def test_masks_too_dense_for_it_are_refused():
    problem = checkerboard(np.random.default_rng(0), (96, 96), variable_decay=False, michaelis_menten=False)
    assert problem.fixed.sum() > capacitance.TAKEN
    with pytest.raises(UnsupportedProblemError, match=r"4608 fixed pixels beside free ones; use 'multigrid'"):
        solve(problem)
    solid = np.zeros((96, 96))
    solid[8:88, 8:88] = 1.0
    assert Spectral().refusal(Problem(solid)) is None


@pytest.mark.parametrize("boundary", ["reflecting", "periodic"])
def test_decay_just_above_the_singular_is_still_exact(boundary):
    source = np.zeros((24, 32))
    source[5:8, 4:9], source[17, 20] = 1.0, 0.3
    problem = Problem(source, decay=1.1e-5 / source.size, production=1e-3, boundary=boundary)
    expected = exact_field(problem)
    np.testing.assert_allclose(solve(problem), expected, rtol=0, atol=1e-9 * expected.max())


def test_nothing_exceeds_the_largest_imposed_value():
    for problem in constant_problems(30, 120):
        plain = problem.replace(production=0.0)
        assert solve(plain).max() <= plain.largest_imposed * (1 + 1e-10)


def test_the_image_of_a_problem_has_the_image_of_its_field():
    for problem in constant_problems(31, 60):
        field = solve(problem)
        for image, expected in ((problem.mirror(0), field[::-1]), (problem.mirror(1), field[:, ::-1])):
            np.testing.assert_allclose(solve(image), expected, rtol=0, atol=1e-9 * field.max())
        np.testing.assert_allclose(solve(problem.turn()), field[::-1].T, rtol=0, atol=1e-9 * field.max())


def test_fields_add():
    for index, problem in enumerate(constant_problems(33, 60)):
        rng = np.random.default_rng(index)
        scale, link = problem.source.max() + 1e-90, problem.diffusivity / problem.spacing**2
        factor = rng.random()
        other = problem.replace(
            source=rng.random(problem.shape) * scale,
            production=rng.random(problem.shape) * scale * link,
            boundary=values_mapped(problem, lambda _, value, by=factor: value * by),
        )
        both = problem.replace(
            source=problem.source + other.source,
            production=problem.production + other.production,
            boundary=values_mapped(problem, lambda name, value, other=other: value + written(other)[name]),
        )
        expected = solve(problem) + solve(other)
        np.testing.assert_allclose(solve(both), expected, rtol=0, atol=1e-9 * expected.max())


def test_what_flows_in_is_consumed():
    for problem in constant_problems(34, 120):
        field, link = solve(problem), problem.diffusivity / problem.spacing**2
        ghosts = dict(zip(SIDES, problem.boundary.sides, strict=True))
        padded = np.pad(field, 1, mode="edge")
        places = {"left": np.s_[:, 0], "right": np.s_[:, -1], "bottom": np.s_[0, :], "top": np.s_[-1, :]}
        opposite = {"left": np.s_[:, -2], "right": np.s_[:, 1], "bottom": np.s_[-2, :], "top": np.s_[1, :]}
        wraps = {name: padded[opposite[name]].copy() for name in SIDES}
        for name, side in ghosts.items():
            if side.kind != "reflecting":
                padded[places[name]] = side.value if side.kind == "value" else wraps[name]
        neighbours = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
        inflow = link * np.sum(neighbours - 4 * field, where=~problem.fixed)
        produced = np.sum(np.broadcast_to(problem.production, problem.shape), where=~problem.fixed)
        consumed = problem.decay * np.sum(field, where=~problem.fixed)
        # The field is right to 1e-10 of its largest value at each pixel, so each of the many fluxes is to the same.
        assert abs(inflow + produced - consumed) <= 1e-9 * field.size * max(link, problem.decay) * field.max()


def test_units_do_not_matter():
    for problem in constant_problems(35, 36):
        field = solve(problem)
        time, length, value = 1e7, 1e-4, 1e30
        changed = problem.replace(
            source=problem.source * value,
            diffusivity=problem.diffusivity * length**2 / time,
            decay=problem.decay / time,
            production=problem.production * value / time,
            spacing=problem.spacing * length,
            boundary=values_mapped(problem, lambda _, side, by=value: side * by),
        )
        np.testing.assert_allclose(solve(changed) / value, field, rtol=0, atol=1e-9 * field.max())


def test_more_decay_never_raises_the_field():
    for problem in constant_problems(36, 60):
        field = solve(problem)
        less = solve(problem.replace(decay=3 * problem.decay))
        assert (less <= field + 1e-9 * field.max()).all()


def test_state_serves_other_values_of_the_same_operator_only():
    solver = Spectral()
    problem = random_problem(
        np.random.default_rng(3), shape=(16, 24), variable_decay=False, michaelis_menten=False, boundary="absorbing"
    )
    state = solver.prepare(problem)
    doubled = problem.replace(source=2 * problem.source, production=2 * problem.production)
    expected = 2 * solver.solve(state, problem).field
    np.testing.assert_allclose(solver.solve(state, doubled).field, expected, rtol=0, atol=1e-9 * expected.max())
    moved = problem.replace(source=np.roll(problem.source, 1, axis=0), fixed=np.roll(problem.fixed, 1, axis=0))
    for other in (moved, problem.replace(decay=2 * problem.decay), problem.replace(spacing=2 * problem.spacing)):
        with pytest.raises(StaleStateError):
            solver.solve(state, other)


def test_refusals_say_which_method_can():
    source = np.eye(8)
    for problem in (
        Problem(source, decay=0.1 + source),
        Problem(source, diffusivity=1.0 + source),
        Problem(source, uptake=MichaelisMenten(1.0, 1.0)),
        Problem(source, decay=0.0, boundary="reflecting"),
        Problem(source, decay=1e-20, boundary="periodic"),
    ):
        assert "multigrid" in (Spectral().refusal(problem) or "")
        with pytest.raises(UnsupportedProblemError, match="sparse-direct"):
            Spectral().prepare(problem)


def test_no_decay_is_fine_where_a_side_holds_a_value():
    sides = {"left": 0.5, "right": "reflecting", "bottom": "reflecting", "top": 0.0}
    problem = Problem(np.eye(9), decay=0.0, boundary=sides)
    np.testing.assert_allclose(solve(problem), exact_field(problem), rtol=0, atol=1e-10)
